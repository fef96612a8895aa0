"""A page that takes nothing: what waits for it has a bound, and it is sent away when it lags too far behind."""

import asyncio
import json

import pytest

from movinet_edge.web.viewer import Viewer


class Stalled:
    """A socket whose browser reads nothing until it is allowed to."""

    closed = False

    def __init__(self):
        self.goes_on = asyncio.Event()
        self.sent = []

    async def send_str(self, text):
        await self.goes_on.wait()
        self.sent.append(text)

    send_bytes = send_str


async def stalled_viewer():
    socket = Stalled()
    viewer = Viewer(socket)
    viewer.watch({"watch": {"hall": 640}})
    running = asyncio.create_task(viewer.run())
    await asyncio.sleep(0)
    return socket, viewer, running


def test_of_scores_and_pictures_only_the_newest_waits():
    async def told():
        socket, viewer, running = await stalled_viewer()
        for number in range(1000):
            viewer.send_newest("scores hall", f"scores {number}")
            if viewer.wants_picture("hall"):
                viewer.send_picture("hall", b"picture %d" % number)
            await asyncio.sleep(0)
        socket.goes_on.set()
        await asyncio.sleep(0.01)
        viewer.close()
        await asyncio.wait_for(running, 5)
        return socket.sent

    assert asyncio.run(told()) == ["scores 0", "scores 999", b"\x04hallpicture 0"]


@pytest.mark.parametrize(("count", "ended"), [(500, False), (600, True)])
def test_a_page_that_lags_too_far_behind_is_told_to_begin_anew(count, ended):
    async def is_over():
        socket, viewer, running = await stalled_viewer()
        for number in range(count):
            viewer.send({"event": number})
        socket.goes_on.set()
        await asyncio.wait([running], timeout=0.2)
        over = running.done()
        running.cancel()
        return over, socket.sent

    over, sent = asyncio.run(is_over())
    assert over is ended
    assert ended or [json.loads(text)["event"] for text in sent] == list(range(count))
