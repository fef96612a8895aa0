"""Eight streams, real servers and networks, and random faults: what the daemon makes of it, in figures.

    python tests/chaos/faults.py --faults 200 --seed 1

Needs GStreamer's RTSP server, see tests/peers/rtsp_server.py. Two hundred faults take about three minutes. The same
seed gives the same faults at the same times. Ends with 1 when something was not as it should be.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

import structlog
from camera_trial import BACK_WITHIN_S, SERVERS, STREAMS, Trial, run
from fault_plan import plan
from findings import NOTICED_WITHIN_S, median_and_worst, of_stream, problems, stop_reasons


def report(trial: Trial) -> Iterable[str]:
    """The figures, line by line; times in seconds."""
    kinds = Counter(episode.fault.kind for episode in trial.episodes)
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    yield f"{len(trial.episodes)} faults in {trial.end_s - trial.begin_s:.0f} s: {told}"
    yield ""
    yield from _streams(trial)
    yield ""
    moments = ("before", trial.before), ("live", trial.at_first), ("live again", trial.at_last), ("after", trial.after)
    for when, held in moments:
        yield (
            f"{when:<11} threads {held.threads.total():>3}   descriptors {held.descriptors:>3}"
            f"   resident {held.resident_bytes / 2**20:6.1f} MiB"
        )
    yield f"readers inside FFmpeg: at most {trial.notes.most_readers}"
    reasons = ", ".join(f"{reason} {count}" for reason, count in stop_reasons(trial).most_common())
    yield f"events: {len(trial.events)}; occurrences ended by: {reasons}"


def _streams(trial: Trial) -> Iterable[str]:
    columns = "{:<8}{:>8}{:>12}{:>16}{:>20}{:>18}{:>16}"
    yield columns.format(
        "", "scored", "reconnects", "longest outage", "back after a fault", "silence noticed", "oldest picture"
    )
    back_s, noticed_s = [], []
    for stream in trial.status.streams:
        finding = of_stream(trial, stream.name)
        back_s += finding.back_s
        noticed_s += finding.noticed_s
        yield columns.format(
            stream.name,
            finding.scored,
            stream.health.reconnects,
            f"{finding.longest_outage_s:.1f}",
            median_and_worst(finding.back_s),
            median_and_worst(finding.noticed_s),
            f"{finding.oldest.age_s:.1f}",
        )
    yield columns.format("all", "", "", "", median_and_worst(back_s), median_and_worst(noticed_s), "")
    yield columns.format("limit", "", "", "", f"{BACK_WITHIN_S:.1f}", f"{NOTICED_WITHIN_S:.1f}", "")
    yield f"(median / worst; {len(back_s)} times without faults that were long enough, {len(noticed_s)} silences)"


def main() -> int:
    """Let it happen and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--quiet", action="store_true", help="do not tell of faults as they happen")
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    print(f"seed {arguments.seed}", flush=True)
    faults = plan(arguments.faults, arguments.seed, relays=list(STREAMS), servers=SERVERS)
    with tempfile.TemporaryDirectory() as folder:
        trial = run(faults, Path(folder), tell=(lambda _: None) if arguments.quiet else print)
    print("\n".join(["", *report(trial), ""]))
    found = problems(trial)
    print("\n".join(f"WRONG: {problem}" for problem in found) or "all is well")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
