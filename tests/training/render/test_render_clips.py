"""Whole clips, shards and the command line, on toy assets."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from movinet_edge.training.clips import CLIP_FPS, FRAMES_PER_CLIP, read_shard, write_shard
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.render import demo, shards
from movinet_edge.training.render.__main__ import main
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import CATALOGUE, MESHES, PLACES
from movinet_edge.training.render.clip import ClipMaker
from movinet_edge.training.render.rotation import matrices
from movinet_edge.training.render.script import Scripts
from movinet_edge.training.render.shards import label_of
from movinet_edge.training.render.surroundings import INDOORS
from movinet_edge.training.render.timeline import compose


@pytest.fixture(scope="module")
def maker(assets_folder):
    return ClipMaker(Assets(assets_folder), "train", 7)


@pytest.fixture(scope="module")
def clips(maker):
    """A clip of each class."""
    return {label: maker.make(number, label) for number, label in enumerate(LABELS)}


@pytest.mark.parametrize("label", LABELS)
def test_a_clip_has_a_picture_and_a_class_for_each_frame(clips, label):
    clip = clips[label]
    assert len(clip.pictures) == len(clip.labels) == FRAMES_PER_CLIP
    assert clip.pictures[0].shape == (192, 192, 3)
    assert clip.labels.dtype == np.int16
    assert UNLABELLED <= clip.labels.min() <= clip.labels.max() < len(LABELS)


def test_most_clips_show_their_class_and_something_before_or_after(clips):
    shown = [LABELS.index(label) in clip.labels for label, clip in clips.items()]
    assert np.mean(shown) > 0.8
    assert np.mean([len(set(clip.labels.tolist())) > 1 for clip in clips.values()]) > 0.3


def test_where_nobody_is_nobody_is_seen(clips):
    assert set(clips["nobody"].labels.tolist()) == {LABELS.index("nobody")}
    assert clips["nobody"].motions == ()


def test_a_clip_is_the_same_whenever_it_is_made(maker, assets_folder):
    first = maker.make(3, "walk")
    maker.make(4, "jump")
    again = ClipMaker(Assets(assets_folder), "train", 7).make(3, "walk")
    other = ClipMaker(Assets(assets_folder), "train", 8).make(3, "walk")
    assert np.array_equal(first.pictures, again.pictures)
    assert not np.array_equal(first.pictures, other.pictures)


@pytest.mark.parametrize("split", ["train", "held"])
def test_a_clip_holds_only_motions_people_and_places_of_its_split(assets_folder, split):
    maker = ClipMaker(Assets(assets_folder), split, 1)
    allowed = {entry.source for entry in CATALOGUE if entry.split == split}
    places = set()
    for number, label in enumerate(("fall", "lie", "sit down", "stand up", "idle", "walk")):
        clip = maker.make(number, label)
        assert set(clip.motions) <= allowed
        assert clip.meta["bodies"]
        assert set(clip.meta["bodies"]) <= set(MESHES[split])
        places.add(clip.meta["place"])
    for number in range(6, 30):
        _, _, meta = maker.staged(number, "walk")
        places.add(meta["place"])
        assert meta["place"] is None or (meta["place"] in INDOORS) == meta["indoors"]
    assert places <= {None, *PLACES[split]}
    assert len(places) > 2


def test_classes_take_turns_and_nobody_fewer():
    count = Counter(map(label_of, range(18 * 70)))
    assert count["walk"] == 70
    assert count["nobody"] == 30
    assert count["idle"] == 90
    assert sum(count.values()) == 18 * 70


def test_shards_are_written_whole_and_taken_up_again(assets_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "CLIPS_PER_SHARD", 2)
    command = ["--assets", str(assets_folder), "--out", str(tmp_path), "--split", "held", "--seed", "5", "--jobs", "1"]
    main([*command, "--clips", "3"])
    folder = tmp_path / "held"
    assert sorted(path.name for path in folder.iterdir()) == ["shard_00000.npz", "shard_00001.npz"]
    first, second = (read_shard(folder / f"shard_0000{i}.npz") for i in range(2))
    assert first.labels.shape == (2, FRAMES_PER_CLIP)
    assert second.labels.shape == (1, FRAMES_PER_CLIP)
    assert first.frame(1, 23).shape == (192, 192, 3)
    assert [clip["number"] for clip in (*first.meta, *second.meta)] == [0, 1, 2]
    content = (folder / "shard_00000.npz").read_bytes()
    stamps = [(folder / f"shard_0000{i}.npz").stat().st_mtime_ns for i in range(2)]
    (folder / "shard_00000.npz").unlink()
    main([*command, "--clips", "3", "--resume"])
    assert (folder / "shard_00000.npz").read_bytes() == content
    assert (folder / "shard_00000.npz").stat().st_mtime_ns > stamps[0]
    assert (folder / "shard_00001.npz").stat().st_mtime_ns == stamps[1]


def _write_shard(path, numbers, **meta):
    """A shard that is whole, of clips that were never drawn."""
    labels = np.zeros((len(numbers), FRAMES_PER_CLIP), np.int16)
    write_shard(path, [b"jpeg"] * labels.size, labels, [{"number": number, **meta} for number in numbers])


def test_only_a_shard_of_just_the_same_clips_is_kept(assets_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "CLIPS_PER_SHARD", 1)
    folder = tmp_path / "held"
    folder.mkdir()
    paths = [folder / f"shard_{number:05d}.npz" for number in range(9)]
    for number, path in enumerate(paths):
        _write_shard(path, [number], split="held", seed=5)
    kept = {path: path.stat().st_mtime_ns for path in (paths[0], paths[8])}
    _write_shard(paths[1], [1], split="held", seed=6)
    _write_shard(paths[2], [2], split="train", seed=5)
    _write_shard(paths[3], [4], split="held", seed=5)
    _write_shard(paths[4], [4, 5], split="held", seed=5)  # of a run with larger shards
    _write_shard(paths[5], [5], split="held")  # as they were once
    content = paths[6].read_bytes()
    paths[6].write_bytes(content[: len(content) // 2])
    paths[7].write_bytes(paths[7].read_bytes().replace(b"jpegjpeg", b"jpegJPEG", 1))
    command = ["--assets", str(assets_folder), "--out", str(tmp_path), "--split", "held", "--seed", "5", "--jobs", "1"]
    main([*command, "--clips", "9", "--resume"])
    assert [path for path in paths if path.stat().st_mtime_ns == kept.get(path)] == list(kept)
    for number, path in enumerate(paths):
        (meta,) = read_shard(path).meta
        assert (meta["number"], meta["seed"], meta["split"]) == (number, 5, "held")
        assert ("label" in meta) == (path not in kept)


def test_a_last_shard_is_filled_up(assets_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "CLIPS_PER_SHARD", 2)
    (tmp_path / "train").mkdir()
    first, second = (tmp_path / "train" / f"shard_0000{number}.npz" for number in range(2))
    _write_shard(first, [0, 1], split="train", seed=1)
    _write_shard(second, [2], split="train", seed=1)
    found = shards.render(assets_folder, tmp_path, "train", 4, 1, jobs=1, resume=True)
    assert dict(found) == {first: 2, second: 2}
    assert [clip["number"] for clip in read_shard(second).meta] == [2, 3]


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_shards_of_another_run_are_not_mixed_with_those_to_write(assets_folder, tmp_path, monkeypatch, resume):
    monkeypatch.setattr(shards, "CLIPS_PER_SHARD", 2)
    folder = tmp_path / "train"
    folder.mkdir()
    for number in (1, 3, 4):
        _write_shard(folder / f"shard_{number:05d}.npz", [0], split="train", seed=1)
    before = sorted(folder.iterdir())
    with pytest.raises(SystemExit, match=r"shard_00003\.npz is none of the 2 shards .* remove .* or .* --out"):
        main(["--assets", str(assets_folder), "--out", str(tmp_path), "--clips", "3", *resume])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("sent", "to_all", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGINT, False, 130), (signal.SIGKILL, False, -signal.SIGKILL)],
)
def test_who_stops_rendering_stops_all_of_it(sent, to_all, code, assets_folder, tmp_path):
    command = [sys.executable, "-m", "movinet_edge.training.render", "--assets", assets_folder, "--out", tmp_path]
    rendering = subprocess.Popen(
        [*command, "--clips", "4000"], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    try:
        children = Path(f"/proc/{rendering.pid}/task/{rendering.pid}/children")
        _eventually(lambda: len(_workers(children)) == 2 and all(map(_has_begun, _workers(children))))
        workers = _workers(children)
        os.killpg(rendering.pid, sent) if to_all else rendering.send_signal(sent)
        _, said = rendering.communicate(timeout=20)
        assert rendering.returncode == code
        assert "Traceback" not in said
        if code == 130:
            assert "--resume" in said
        _eventually(lambda: not any(_runs(worker) for worker in workers))
        assert list((tmp_path / "train").iterdir()) == []
    finally:
        with suppress(ProcessLookupError):
            os.killpg(rendering.pid, signal.SIGKILL)


def _workers(children):
    """The processes that render; Python has another one that looks after what they share."""
    pids = [int(pid) for pid in children.read_text().split()]
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _has_begun(pid):
    """Whether a worker has its thread and leaves Ctrl-C to the system; before, Python itself has taken that."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    caught = bool(int(status["SigCgt"], 16) >> (signal.SIGINT - 1) & 1)
    return int(status["Threads"]) > 1 and not caught


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_sheet_to_look_at(assets_folder, tmp_path):
    main(["--assets", str(assets_folder), "--preview", str(tmp_path / "a.png"), "--classes", "walk,nobody"])
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_the_demo_clip(assets_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_PLAYED", tuple((*row[:2], 0.5, row[3]) for row in demo._PLAYED))
    main(["--assets", str(assets_folder), "--demo", str(tmp_path / "a.mp4"), "--seed", "2"])
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 25
    assert (frames[0].width, frames[0].height) == (320, 240)


def test_both_actions_of_the_demo_are_held_out():
    held = {entry.source for entry in CATALOGUE if entry.split == "held"}
    assert {source for source, label, *_ in demo._PLAYED if label != "idle"} <= held


# Frames of the bundled clip that idle, jump and push up, and other moments of the same.
SHOWN, OTHERS = (45, 143, 340), (97, 130, 305)


def _coarse(picture):
    """Its brightness in fields of 4×4 pixels: of what compression changes little is left."""
    luma = picture.reformat(format="yuv420p").to_ndarray()[: picture.height].astype(np.float32)
    return luma.reshape(60, 4, 80, 4).mean(axis=(1, 3))


def test_the_bundled_demo_clip_is_what_the_renderer_makes(real_assets, demo_clip):
    with av.open(str(demo_clip)) as container:
        bundled = {number: _coarse(frame) for number, frame in enumerate(container.decode(video=0))}
    assert len(bundled) == sum(seconds for _, _, seconds, _ in demo._PLAYED) * demo.FPS
    drawn = [
        _coarse(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        for picture in demo.pictures(real_assets, np.array(SHOWN) / demo.FPS, seed=1)
    ]
    for number, picture in zip(SHOWN, drawn, strict=True):
        apart = {at: np.abs(bundled[at] - picture).mean() for at in (*SHOWN, *OTHERS)}
        assert apart.pop(number) < 0.6
        assert min(apart.values()) > 1.2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to make"),
        (["--preview", "a.png", "--classes", "wolk"], "there is no class 'wolk'"),
        (["--out", "x", "--jobs", "0"], "--jobs"),
        (["--out", "x", "--clips", "0"], "--clips"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(assets_folder, arguments, said, capsys):
    with pytest.raises(SystemExit) as raised:
        main(["--assets", str(assets_folder), *arguments])
    assert said in f"{raised.value} {capsys.readouterr().err}"


def test_nobody_lies_before_being_down(assets_folder):
    assets, moments_s, lying = Assets(assets_folder), np.arange(FRAMES_PER_CLIP) / CLIP_FPS, 0
    for seed in range(200):
        segments = Scripts(assets, "train", np.random.default_rng(seed)).of("lie")
        if segments[0].source != "composed/lie down":
            continue
        track = compose(segments, moments_s, np.zeros(3), 0.0, 1.0)
        upright = matrices(track.motion.turns[:, 0])[:, 1, 1] > np.cos(np.radians(45))
        shown = track.labels == LABELS.index("lie")
        assert upright[0]
        assert not (upright & shown).any()
        lying += int(shown.any())
    assert lying > 5
