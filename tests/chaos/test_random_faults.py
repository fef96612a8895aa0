"""Eight streams and random faults. `faults.py` does the same with two hundred of them, and prints the figures."""

import findings
import pytest
from camera_trial import SERVERS, STREAMS, run
from fault_plan import SILENT, Fault, plan

SEED = 1


@pytest.mark.slow
def test_random_faults_leave_nothing_behind(needs_rtsp, tmp_path):
    trial = needs_rtsp(run, plan(25, SEED, relays=list(STREAMS), servers=SERVERS), tmp_path)
    assert findings.problems(trial) == []
    assert len(trial.episodes) == 25
    assert all(findings.of_stream(trial, stream).scored > 50 for stream in STREAMS)
    assert findings.stop_reasons(trial).total() > 8, "the trial was to be eventful"


@pytest.mark.slow
def test_a_frozen_server_and_silent_networks_are_noticed_in_time(needs_rtsp, tmp_path):
    silent_s = findings.NOTICED_WITHIN_S + 0.5
    faults = [
        Fault("frozen", "east", 0.0, silent_s),
        Fault("stalled", "barn", 0.0, silent_s),
        Fault("swallowed", "shed", 0.0, silent_s),
        Fault("stalled", "pond", 0.0, silent_s),
    ]
    assert {fault.kind for fault in faults} == SILENT
    trial = needs_rtsp(run, faults, tmp_path)
    assert findings.problems(trial) == []
    met = {stream for episode in trial.episodes for stream in episode.streams}
    assert met == set(STREAMS) - {"lane"}
    for stream in STREAMS:
        assert len(findings.of_stream(trial, stream).noticed_s) == (stream in met)
    assert findings.of_stream(trial, "lane").longest_outage_s < 1.0
