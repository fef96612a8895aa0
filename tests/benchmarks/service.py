"""Figures of the service on a machine that boots: `sudo bash tests/system/run.sh --figures`.

Per release: what a frame takes in the unit's sandbox against the same command outside of it, in turns; the time from
`systemctl start` to READY with the model at hand; what an event writes to the disk; and with one 1080p25 RTSP stream
without events the memory after a minute, and what is written to the disk in the minutes after that.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "system")]

from appliance import PROJECT, RELEASES, STATE, configure, events, live, new_machine  # noqa: E402 no packages
from peers.rtsp_server import RtspServer  # noqa: E402

ROUNDS = 7
WARM_S = 60
IDLE_S = 300
EVENTS = 8
NOT_IN_A_BENCH = ("Type=", "Exec", "Watchdog", "Restart", "[Install]", "WantedBy", "Condition", "StateDirectory=")


def write_hd(path, seconds=WARM_S + IDLE_S + 30):
    """A 1080p25 H.264 clip of noise that moves, the same 20 seconds again and again."""
    frames = 25 * 20
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920 + frames, 3), np.uint8)
    noise[::2] //= 4
    with av.open(str(path), "w") as video:
        stream = video.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency", "b": "4M"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        packets = []
        for number in range(frames):
            picture = np.ascontiguousarray(noise[:, number : number + 1920])
            packets += stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        packets += stream.encode()
        for number in range(25 * seconds):
            packet = packets[number % frames]
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 25), stream
            video.mux(packet)


def start_s(machine):
    """From the command to READY, with cold Python but warm files."""
    machine.run("systemctl stop movinet-edge")
    began_s = time.monotonic()
    machine.run("systemctl start movinet-edge")
    return time.monotonic() - began_s


def memory_mib(machine):
    """Resident memory, and the part of it that is its own and not files that were mapped."""
    pid = machine.unit("movinet-edge", "MainPID")
    fields = dict(line.split(":", 1) for line in machine.run(f"cat /proc/{pid}/status").splitlines())
    kib = [int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")]
    return [round(size / 1024) for size in kib]


def written_bytes(machine):
    """What the daemon has had written to the disk so far, and the journal about it."""
    pid = machine.unit("movinet-edge", "MainPID")
    fields = dict(line.split(": ") for line in machine.run(f"cat /proc/{pid}/io").splitlines())
    journal = machine.run("journalctl --unit=movinet-edge --output=export --no-pager | wc -c")
    return int(fields["write_bytes"]), int(journal)


def print_written_by_an_event(machine, suite):
    """Watch the demo for a while."""
    configure(machine)
    machine.run("systemctl restart movinet-edge")
    live(machine)
    before = written_bytes(machine)[0]
    machine.wait(lambda: len(events(machine)) >= EVENTS, "too few events", 300.0)
    each = (written_bytes(machine)[0] - before) / len(events(machine))
    print(f"{suite}: an event writes {each / 1000:.0f} kB, with the jsonl sink")


def print_one_stream(machine, suite, camera):
    """Memory, and what is written while nothing happens."""
    configure(machine, source={"type": "rtsp", "url": camera})
    machine.run(f"systemctl stop movinet-edge; rm -f {STATE}/events.jsonl; systemctl start movinet-edge")
    live(machine)
    time.sleep(WARM_S)
    resident, own = memory_mib(machine)
    print(f"{suite}: {resident} MiB resident with a 1080p25 stream, {own} MiB of them its own", flush=True)
    before = written_bytes(machine)
    time.sleep(IDLE_S)
    disk, journal = (after - old for after, old in zip(written_bytes(machine), before, strict=True))
    assert not events(machine), "noise is taken for an action"
    an_hour = 3600 / IDLE_S / 1000
    print(f"{suite}: {disk * an_hour:.1f} kB an hour without events, the journal {journal * an_hour:.1f} kB", end="")
    print(f"; {memory_mib(machine)[0]} MiB resident in the end", flush=True)


def write_bench_unit(machine):
    """The unit with all its sandbox, but another command."""
    lines = (PROJECT / "systemd/movinet-edge.service").read_text().splitlines()
    kept = [line for line in lines if line and not line.startswith(("#", *NOT_IN_A_BENCH))]
    end = ["Type=oneshot", "ExecStart=movinet-edge bench --json", "StandardOutput=truncate:/srv/bench.json"]
    end.append("Environment=MOVINET_EDGE_MODEL_PATH=/srv/models")
    (machine.root / "etc/systemd/system/bench.service").write_text("\n".join([*kept, *end]) + "\n")
    machine.run("systemctl daemon-reload")


def frame_ms(machine):
    """Medians of the frame's time in the sandbox and outside."""
    write_bench_unit(machine)
    inside, outside = [], []
    for _ in range(ROUNDS):
        machine.run("systemctl start bench")
        inside.append(json.loads((machine.root / "srv/bench.json").read_text()))
        outside.append(json.loads(machine.run("MOVINET_EDGE_MODEL_PATH=/srv/models movinet-edge bench --json")))
    return [statistics.median(bench["timings"][0]["p50_ms"] for bench in benches) for benches in (inside, outside)]


def main():
    """Print a line per figure."""
    stage = Path(os.environ["MOVINET_EDGE_STAGE"])
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "hd.h264.mp4")
        write_hd(film)
        for suite in os.environ["MOVINET_EDGE_SUITES"].split():
            (package,) = (stage / "debs").glob(f"*+deb{RELEASES[suite]}_*.deb")
            with new_machine(stage, suite, "figures", online=True) as machine:
                shutil.copy(package, machine.root / "srv/movinet-edge.deb")
                machine.run("dpkg --install /srv/movinet-edge.deb")
                inside_ms, outside_ms = frame_ms(machine)
                print(f"{suite}: a frame {inside_ms:.2f} ms in the sandbox, {outside_ms:.2f} ms outside", end="")
                print(f", {inside_ms / outside_ms:.3f} times")
                configure(machine)
                print(f"{suite}: READY after {statistics.median(start_s(machine) for _ in range(ROUNDS)):.2f} s")
                print_written_by_an_event(machine, suite)
                with RtspServer(files=[film]) as camera:
                    print_one_stream(machine, suite, camera.url("hd.h264"))


if __name__ == "__main__":
    main()
