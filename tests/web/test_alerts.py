"""The alert rules, played by Prometheus' own tool: each fires when it should, and at nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from peers.missing import is_missing

RULES = Path(__file__).resolve().parents[2] / "config" / "alerts.yml"
MINUTES = 30

WELL = {
    'up{job="movinet-edge"}': "1",
    'movinet_edge_stream_well{stream="porch"}': "1",
    'movinet_edge_frames_wanted_per_second{stream="porch"}': "5",
    'movinet_edge_frames_dropped_total{stream="porch",reason="engine busy"}': "0+6",  # one in ten seconds
    'movinet_edge_sink_pending_events{sink="mqtt"}': "100",
    'movinet_edge_sink_events_total{sink="mqtt",outcome="delivered"}': "0+100",
    'movinet_edge_sink_events_total{sink="mqtt",outcome="dropped"}': "7",
    "movinet_edge_lost_events_total": "0",
    "movinet_edge_throttled": "0",
}


@pytest.fixture(autouse=True)
def _promtool():
    if shutil.which("promtool") is None:
        is_missing("needs promtool (Debian: prometheus)")


def fired(tmp_path, changed):
    """The names of the alerts that fire in the end; `changed` are series in the tool's own notation, per minute."""
    series = []
    for name, values in (WELL | changed).items():
        steps = values if " " in values else f"{values}{'' if '+' in values else '+0'}x{MINUTES}"
        inside = name.rstrip("}").partition("{")[2]
        labels = ",".join(filter(None, [inside, 'instance="pi"', 'job="movinet-edge"' if "job=" not in inside else ""]))
        series.append({"series": f"{name.partition('{')[0]}{{{labels}}}", "values": steps})
    names = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    found = []
    for name in names:
        # The tool tells whether exactly these alerts fire, so it is asked whether none does.
        test = {
            "interval": "1m",
            "input_series": series,
            "alert_rule_test": [{"alertname": name, "eval_time": f"{MINUTES}m", "exp_alerts": []}],
        }
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}), encoding="utf-8")
        done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "got:" in done.stderr, done.stderr
        if done.returncode:
            found.append(name.removeprefix("MovinetEdge"))
    return found


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, []),
        ({'up{job="movinet-edge"}': "0"}, ["Down"]),
        ({'movinet_edge_stream_well{stream="porch"}': "0"}, ["SilentCamera"]),
        ({'movinet_edge_stream_well{stream="porch"}': "1 " + "0 0 0 1 " * 8}, ["SilentCamera"]),
        ({'movinet_edge_stream_well{stream="porch"}': "1 " + "1 1 1 0 " * 8}, []),
        ({'movinet_edge_frames_dropped_total{stream="porch",reason="engine busy"}': "0+90"}, ["SlowEngine"]),
        ({'movinet_edge_sink_pending_events{sink="mqtt"}': "60000"}, ["OutboxFills"]),
        ({'movinet_edge_sink_events_total{sink="mqtt",outcome="dropped"}': "0+1"}, ["EventsDropped"]),
        ({"movinet_edge_lost_events_total": "0+1"}, ["EventsLost"]),
        ({"movinet_edge_throttled": "1"}, ["Throttled"]),
    ],
)
def test_which_alerts_fire(tmp_path, changed, names):
    assert fired(tmp_path, changed) == names
