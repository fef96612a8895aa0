"""All that can be wrong with files, each told by name and reason, and what is left of them."""

import os

import av
import numpy as np
import pytest
from clips import flat, truncated, write_clip, write_sound
from file_reading import indices, read
from structlog.testing import capture_logs

from movinet_edge.api import SourceRejected


def bad_files(folder):
    """Each bad file with a part of the reason that must be given."""
    (folder / "empty.mp4").touch()
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    (folder / "text.txt").write_text("no video at all\n" * 50)
    (folder / "subdir").mkdir()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "circle.mp4").symlink_to(folder / "circle.mp4")
    unknown = write_clip(folder / "unknown.mkv")
    unknown.write_bytes(unknown.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    return {
        folder / "empty.mp4": "is empty",
        folder / "noise.mp4": "is not a video",
        folder / "text.txt": "text file",
        folder / "subdir": "no video files",
        folder / "pipe.mp4": "not a regular file",
        folder / "circle.mp4": "cannot be read",
        folder / "missing.mp4": "no such file",
        folder / "*.webm": "matches no file",
        write_sound(folder / "sound.wav"): "no video",
        write_sound(folder / "song.flac", codec="flac", cover=True): "no video",
        truncated(write_clip(folder / "no_index.mp4"), 0.8): "is not a video, or its beginning or index is damaged",
        truncated(write_clip(folder / "stub.mkv"), 0.4): "no picture",
        unknown: "cannot decode",
    }


def test_every_bad_file_is_rejected_by_name_and_reason(tmp_path, capfd):
    for path, reason in bad_files(tmp_path).items():
        with capture_logs() as logs, pytest.raises(SourceRejected, match=reason) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert logs == []  # the error says it; once is enough
    assert capfd.readouterr() == ("", "")  # FFmpeg keeps quiet


def test_bad_files_among_good_ones_are_reported_and_left_out(tmp_path):
    bad = bad_files(tmp_path)
    good = write_clip(tmp_path / "good.mp4", frames=3)
    with capture_logs() as logs:
        frames = read([*bad, good], loop=2)
    assert indices(frames) == [0, 1, 2] * 2
    assert {entry["path"] for entry in logs} == {str(path) for path in bad}
    assert len(logs) == len(bad)  # once each, not once a round
    assert not frames[0].discontinuity


def test_all_bad_names_them_all(tmp_path):
    bad = bad_files(tmp_path)
    with pytest.raises(SourceRejected) as caught:
        read(list(bad), loop=True)
    for path, reason in bad.items():
        assert str(path) in str(caught.value)
        assert reason in str(caught.value)


def test_a_misspelt_name_gets_the_nearest(tmp_path):
    write_clip(tmp_path / "porch.mp4", frames=1)
    with pytest.raises(SourceRejected, match=r"did you mean porch\.mp4\?"):
        read(tmp_path / "proch.mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=1)
    clip.chmod(0)
    with pytest.raises(SourceRejected, match=r"clip\.mp4: cannot be read \(Permission denied\)"):
        read(clip)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_cut_off_file_gives_what_is_there_and_a_warning(tmp_path, suffix):
    options = {"g": "5"}
    clip = write_clip(tmp_path / f"clip.{suffix}", frames=60, options=options, paint=noisy)
    if suffix == "mp4":
        clip = index_first(clip)
    truncated(clip, 0.5)
    with capture_logs() as logs:
        frames = read(clip)
    assert 10 < len(frames) < 50
    assert [entry["path"] for entry in logs] == [str(clip)]
    assert "seems cut off" in logs[0]["reason"]


def test_damaged_frames_are_left_out_with_a_warning(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=20, options={"g": "1"})
    with av.open(str(clip)) as container:
        packet = list(container.demux(video=0))[10]
        position, size = packet.pos, packet.size
    data = bytearray(clip.read_bytes())
    data[position : position + size] = b"\xff" * size
    clip.write_bytes(data)
    with capture_logs() as logs:
        frames = read(clip)
    assert indices(frames) == [*range(10), *range(11, 20)]
    assert [entry["reason"] for entry in logs] == ["damaged frames left out: 1"]


def noisy(index, width_px, height_px):
    """A picture that does not compress, so that a part of the file is a part of the frames."""
    return np.random.default_rng(index).integers(0, 256, flat(index, width_px, height_px).shape, np.uint8)


def index_first(clip):
    """Rewrite an MP4 with its index at the beginning, as files for the web have it."""
    moved = clip.with_name("web.mp4")
    with av.open(str(clip)) as source, av.open(str(moved), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return moved
