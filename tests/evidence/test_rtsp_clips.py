"""Clips of a real camera over RTSP: what the server sent, from the key frame before the pre-roll on, untouched."""

import hashlib
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest
from peers.rtsp_server import FPS, KEY_FRAME_S
from video_packets import event, packets_of, picture_units

from movinet_edge.api import FrameRequest
from movinet_edge.daemon.stream_clips import StreamClips
from movinet_edge.evidence import as_mp4
from movinet_edge_plugins.rtsp import RtspSource

PRE_ROLL_S, ACTION_S, POST_ROLL_S = 1.0, 0.5, 0.5
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def server(start_rtsp):
    return start_rtsp()


def hashes(codec, packets):
    """One for each NAL unit that holds a picture; how units are framed and led in differs between stream and file."""
    return [hashlib.sha256(unit).hexdigest() for one in packets for unit in picture_units(codec, one.data)]


@pytest.mark.parametrize(("path", "codec"), [("h264", "h264"), ("sound", "h264"), ("h265", "hevc")])
def test_a_clip_holds_the_very_packets_that_were_sent(server, tmp_path, path, codec):
    finished, sent = [], []
    clips = StreamClips(keep_s=PRE_ROLL_S + 2, longest_s=60, finished=lambda _, packets: finished.extend(packets))
    source = RtspSource(RtspSource.Settings(url=server.url(path)))
    take = clips.tap()
    source.tap(lambda packet: (sent.append(packet), take(packet)))
    action = event()
    began_s = None
    give_up_s = time.monotonic() + PATIENCE_S
    for frame in source.frames(FrameRequest(fps=5)):
        assert time.monotonic() < give_up_s
        assert frame.time_s < 1.0 or not clips.needs_pictures(frame.time_s)
        if began_s is None and frame.time_s > PRE_ROLL_S + 2 * KEY_FRAME_S:
            began_s = frame.time_s
            clips.begin(action, began_s - PRE_ROLL_S)
        if began_s is not None and frame.time_s > began_s + ACTION_S:
            clips.end(action.id, began_s + ACTION_S + POST_ROLL_S)
        if finished:
            break
    source.close()

    # Within one group of pictures of what was asked, at both ends and without a hole.
    assert began_s - PRE_ROLL_S - KEY_FRAME_S - 1 / FPS <= finished[0].time_s <= began_s - PRE_ROLL_S
    assert finished[-1].time_s == pytest.approx(began_s + ACTION_S + POST_ROLL_S, abs=2 / FPS)
    first = next(index for index, one in enumerate(sent) if one is finished[0])
    assert finished == sent[first : first + len(finished)]
    assert all(0 < later.time_s - earlier.time_s < 0.5 for earlier, later in pairwise(finished))

    # No transcoding: the hashes are equal, and it plays.
    clip = Path(tmp_path / "clip.mp4")
    clip.write_bytes(as_mp4(finished))
    assert hashes(codec, packets_of(clip)) == hashes(codec, finished)
    with av.open(str(clip)) as container:
        pictures = [frame.time for frame in container.decode(video=0)]
    assert len(pictures) == len(finished)
    assert pictures[0] == 0.0
    assert pictures[-1] == pytest.approx(finished[-1].time_s - finished[0].time_s, abs=0.01)
