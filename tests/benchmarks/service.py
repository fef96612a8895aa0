"""Figures of the service on a machine that boots: `sudo bash tests/system/run.sh --figures`.

Per release: the time from `systemctl start` to READY with the model at hand, the memory with one 1080p25 stream after a
minute, and what a frame takes in the unit's sandbox against the same command outside of it, in turns.
"""

import json
import os
import shutil
import statistics
import time
from pathlib import Path

import av
import numpy as np
from appliance import CONFIG, PROJECT, RELEASES, configure, new_machine

ROUNDS = 7
NOT_IN_A_BENCH = ("Type=", "Exec", "Watchdog", "Restart", "[Install]", "WantedBy", "Condition", "StateDirectory=")


def write_hd(path, seconds=20):
    """A 1080p25 H.264 clip of noise that moves."""
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920 + 25 * seconds, 3), np.uint8)
    noise[::2] //= 4
    with av.open(str(path), "w") as video:
        stream = video.add_stream("libx264", rate=25, options={"preset": "ultrafast", "b": "4M"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(25 * seconds):
            picture = np.ascontiguousarray(noise[:, number : number + 1920])
            video.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        video.mux(stream.encode())


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
    write_hd(stage / "hd.mp4")
    for suite in os.environ["MOVINET_EDGE_SUITES"].split():
        (package,) = (stage / "debs").glob(f"*+deb{RELEASES[suite]}_*.deb")
        with new_machine(stage, suite, "figures") as machine:
            shutil.copy(package, machine.root / "srv/movinet-edge.deb")
            machine.run("dpkg --install /srv/movinet-edge.deb")
            inside_ms, outside_ms = frame_ms(machine)
            print(f"{suite}: a frame {inside_ms:.2f} ms in the sandbox, {outside_ms:.2f} ms outside", end="")
            print(f", {inside_ms / outside_ms:.3f} times")
            configure(machine)
            print(f"{suite}: READY after {statistics.median(start_s(machine) for _ in range(ROUNDS)):.2f} s")
            shutil.copy(stage / "hd.mp4", machine.root / "srv/hd.mp4")
            text = json.loads((machine.root / CONFIG.lstrip("/")).read_text())
            text["streams"][0]["source"]["path"] = "/srv/hd.mp4"
            (machine.root / CONFIG.lstrip("/")).write_text(json.dumps(text))
            machine.run("systemctl restart movinet-edge")
            time.sleep(60)
            resident, own = memory_mib(machine)
            print(f"{suite}: {resident} MiB resident with a 1080p25 stream, {own} MiB of them its own", flush=True)


if __name__ == "__main__":
    main()
