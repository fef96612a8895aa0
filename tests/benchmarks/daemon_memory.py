"""Peak memory of `movinet-edge run` with RTSP cameras of 1080p25, all of which it decodes and scores.

    python tests/benchmarks/daemon_memory.py [--streams 8] [--model NAME|PATH] [--film FILE.h264.mp4]

A real RTSP server plays one film to all (see tests/peers/rtsp_server.py; it reads the film once, so this machine has
its processor for the daemon). The film is encoded first, which takes about its own length, or given with --film.
The daemon gets the environment of its systemd unit, whose settings for malloc matter here.
Prints the peaks of resident memory (RSS) and of the proportional share (PSS), and of which mappings it is made.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.rtsp_server import RtspServer
from rtsp_cpu import STREAMS as FILMS
from rtsp_cpu import record

LIMIT_MB = 220
FILM = "main.h264"
SAMPLE_S = 0.5
TROUBLE_LINES = 10  # of the daemon's log, where it does not do its work
# Of the five that are asked for. A busy machine decodes and scores less, but with all the memory that it takes.
LEAST_FPS = 0.3
# To load the model and to connect; and what the film lasts longer, so that nothing has ended when we look last.
STARTING_S, SPARE_S = 15.0, 15.0


def main() -> None:
    """Start the server and the daemon, watch, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=40.0, help="watched after it has started (%(default)s)")
    parser.add_argument("--model", default="movinet-a0-int8")
    parser.add_argument("--film", type=Path, help="an MP4 called main.h264.mp4 of more than the whole time")
    parser.add_argument("--json", action="store_true", help="the peaks alone")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="in the daemon's environment")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        length_s = round(STARTING_S + args.seconds + SPARE_S)
        film = args.film or record(folder / f"{FILM}.mp4", length_s, **FILMS[FILM])
        with RtspServer(files=[film]) as server:
            config = configure(folder, server.url(film.stem), args.model, args.streams)
            command = [sys.executable, "-m", "movinet_edge.cli", "run", "--config", str(config)]
            environ = {**os.environ, **unit_environment(), **dict(pair.split("=", 1) for pair in args.set)}
            with subprocess.Popen(command, env=environ, stderr=(folder / "log").open("wb")) as daemon:
                try:
                    peaks, mapped = watch(daemon, STARTING_S + args.seconds)
                    rates = check_streams(config, args.streams)
                except SystemExit:
                    log = (folder / "log").read_text(encoding="utf-8").splitlines()
                    print("\n".join(log[-TROUBLE_LINES:]), file=sys.stderr)
                    raise
                finally:
                    daemon.terminate()
    if args.json:
        print(json.dumps({"rss_mb": peaks["VmHWM"] / 1e6, "pss_mb": peaks["Pss"] / 1e6}))
        return
    print(f"{len(rates)} streams, frames scored per second: {', '.join(f'{rate:.1f}' for rate in rates)}")
    print(f"peak RSS {peaks['VmHWM'] / 1e6:.0f} MB, peak PSS {peaks['Pss'] / 1e6:.0f} MB (needed: {LIMIT_MB} MB)")
    for name, size in mapped.most_common(10):
        print(f"  {name:<40}{size / 1e6:8.1f} MB")


def unit_environment() -> dict[str, str]:
    """What the service's unit sets."""
    unit = Path(__file__).resolve().parents[2] / "systemd" / "movinet-edge.service"
    lines = re.findall(r"^Environment=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split() if "%" not in pair)


def configure(folder: Path, url: str, model: str, streams: int) -> Path:
    """A configuration such as somebody with so many cameras has."""
    # A machine that is busy with others may take longer to connect than a camera is given.
    source = {"type": "rtsp", "url": url, "open_timeout": "30s"}
    actions = {"waving": {"labels": ["waving hand"]}, "falling": {"labels": ["faceplanting"]}}
    config = folder / "config.yaml"
    config.write_text(
        json.dumps(
            {
                "model": model,
                "state_dir": str(folder / "state"),
                "streams": [{"name": f"camera-{i}", "source": source, "actions": actions} for i in range(streams)],
                "sinks": [{"type": "jsonl", "path": str(folder / "events.jsonl")}],
            }
        )
    )
    return config


def watch(daemon: subprocess.Popen[bytes], seconds: float) -> tuple[Counter[str], Counter[str]]:
    """The largest sums that were seen, in bytes, by field; and the PSS of each kind of mapping at the end."""
    peaks: Counter[str] = Counter()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        if daemon.poll() is not None:
            raise SystemExit(f"the daemon ended with code {daemon.returncode}")
        with suppress(FileNotFoundError):
            peaks |= fields(Path(f"/proc/{daemon.pid}/smaps_rollup").read_text(encoding="utf-8"))
            peaks |= fields(Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8"))
        time.sleep(SAMPLE_S)
    return peaks, parts(Path(f"/proc/{daemon.pid}/smaps").read_text(encoding="utf-8"))


def fields(text: str) -> Counter[str]:
    """`Name: 123 kB` lines, in bytes."""
    return Counter({name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)})


def parts(smaps: str) -> Counter[str]:
    """PSS in bytes by what is mapped: libraries by package, other threads' heaps and large blocks as one."""
    found: Counter[str] = Counter()
    for block in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE)[1:]:
        head, _, rest = block.partition("\n")
        columns = head.split(maxsplit=5)
        path = columns[5] if len(columns) > 5 else "anonymous"
        package = re.search(r"site-packages/([^/]+)", path)
        name = package[1] if package else ("python and system libraries" if path.startswith("/") else path)
        found[name] += fields(rest)["Pss"]
    return found


def check_streams(config: Path, wanted: int) -> list[float]:
    """Frames per second that are scored of each stream; a daemon that did not do its work has no figures."""
    command = [sys.executable, "-m", "movinet_edge.cli", "status", "--json", "--config", str(config)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    rates = [stream["health"]["fps_scored"] or 0.0 for stream in json.loads(done.stdout)["streams"]]
    if len(rates) != wanted or min(rates) < LEAST_FPS:
        raise SystemExit(f"not all streams are scored, so this would say nothing; frames per second: {rates}")
    return rates


if __name__ == "__main__":
    main()
