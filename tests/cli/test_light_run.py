"""What the daemon does not load: a Raspberry Pi has little memory, and each of these takes megabytes of it."""

import json
import subprocess
import sys

from movinet_edge.cli import exit_codes

HEAVY = {"cv2", "matplotlib", "rich.console", "pandas", "scipy", "PIL", "torch", "onnxruntime"}


def test_a_video_is_watched_without_what_that_does_not_need(folder, toy, red_clip):
    stream = {
        "name": "hall",
        "source": {"type": "file", "path": str(red_clip), "pace": "fast"},
        "actions": {"reddening": {"labels": ["turning red"]}},
    }
    sinks = [{"type": "jsonl", "path": "events.jsonl"}]
    tree = {"model": str(toy), "state_dir": "state", "streams": [stream], "sinks": sinks}
    (folder / "config.yaml").write_text(json.dumps(tree))  # JSON is YAML
    told = [sys.executable, "-X", "importtime", "-m", "movinet_edge.cli", "run", "--config", "config.yaml"]
    done = subprocess.run(told, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exit_codes.OK, done.stderr[-2000:]
    assert len((folder / "events.jsonl").read_text().splitlines()) == 2
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "av" in imported
    assert imported & HEAVY == set()
