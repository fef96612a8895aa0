"""Instructions per frame on the processors of a Raspberry Pi: LiteRT's own loop on the untouched file ÷ ours.

    python tests/benchmarks/instructions.py MODEL.tflite … --root FOLDER [--cpu cortex-a72 cortex-a76] [--json]

Runs an aarch64 Python under qemu-user (`--qemu`, 7.2 or later, built with plugins) and counts with a plugin that gcc
compiles here. ROOT is an aarch64 system with Python and this project's dependencies; PYTHONPATH may add to them. What
loading takes is not counted: it is the difference between two runs of different length. Instructions are not time,
but the same every time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHORT, LONG = 3, 23
WAYS = ("plain", "ours")

# The declarations are those of qemu-plugin.h, which Debian does not package.
PLUGIN = """
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
typedef uint64_t plugin;
struct qemu_plugin_tb;
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin, void (*)(plugin, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
extern void qemu_plugin_register_atexit_cb(plugin, void (*)(plugin, void *), void *);
int qemu_plugin_version = 1;
static uint64_t count;
static void block(plugin id, struct qemu_plugin_tb *tb) {
    qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &count, qemu_plugin_tb_n_insns(tb));
}
static void end(plugin id, void *unused) { fprintf(stderr, "\\nINSTRUCTIONS %" PRIu64 "\\n", count); }
int qemu_plugin_install(plugin id, const void *info, int argc, char **argv) {
    qemu_plugin_register_vcpu_tb_trans_cb(id, block);
    qemu_plugin_register_atexit_cb(id, end, NULL);
    return 0;
}
"""


def main() -> None:
    """Print a line for each file and processor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--python", default="usr/bin/python3.11", help="in ROOT (%(default)s)")
    parser.add_argument("--qemu", default="qemu-aarch64")
    parser.add_argument("--cpu", nargs="+", default=["cortex-a72", "cortex-a76"])
    parser.add_argument("--json", action="store_true", help="one line for all")
    parser.add_argument("--guest", nargs=2, metavar=("WAY", "FRAMES"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.guest:
        run_frames(args.models[0], args.guest[0], int(args.guest[1]))
        return
    if args.root is None:
        parser.error("--root is needed")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder) / "count.so"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O2", "-x", "c", "-o", plugin, "-"], input=PLUGIN.encode(), check=True
        )
        for cpu in args.cpu:
            emulator = [args.qemu, "-plugin", str(plugin), "-cpu", cpu, "-L", str(args.root)]
            command = [*emulator, str(args.root / args.python), __file__]
            for path in args.models:
                plain, ours = (per_frame(command, path, way) for way in WAYS)
                found.append({"cpu": cpu, "model": path.name, "plain": plain, "ours": ours, "ratio": plain / ours})
                if not args.json:
                    print(
                        f"{cpu}  {path.name}: {plain / 1e6:.1f} M ÷ {ours / 1e6:.1f} M = {plain / ours:.2f}", flush=True
                    )
    if args.json:
        print(json.dumps(found))


def per_frame(command: list[str], path: Path, way: str) -> float:
    """Instructions that one frame more takes."""
    counts = []
    for frames in (SHORT, LONG):
        done = subprocess.run(
            [*command, str(path), "--guest", way, str(frames)],
            env=os.environ | {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        told = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("INSTRUCTIONS ")]
        if done.returncode or not told:
            raise SystemExit(f"{way} on {path.name} failed under qemu: {done.stderr.strip()[-500:]}")
        counts.append(int(told[0]))
    return (counts[1] - counts[0]) / (LONG - SHORT)


def run_frames(path: Path, way: str, frames: int) -> None:
    """What is counted; runs on the emulated processor."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import numpy as np
    from rewrite import Runner

    from movinet_edge.engine.rewrite import hosted_session, read_signature, rewrite
    from movinet_edge.engine.session import SessionStream

    content = path.read_bytes()
    stream = (
        Runner(content) if way == "plain" else SessionStream(hosted_session(rewrite(content), read_signature(content)))
    )
    image = np.full((*stream.size_px[::-1], 3), 0.5, np.float32)
    for _ in range(frames):
        stream.logits(image)


if __name__ == "__main__":
    main()
