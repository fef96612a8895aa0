"""Which device the `camera` source takes, and what it says when it cannot."""

import errno
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from fake_v4l2 import JPEG, METADATA, STREAMING, FakeCamera, FakeDevices, failure

from movinet_edge.api import SourceRejected, SourceUnavailable
from movinet_edge_plugins._camera_nodes import explain


@pytest.fixture
def devices(tmp_path):
    return FakeDevices(tmp_path)


@pytest.fixture
def camera(devices):
    """The only camera there is."""
    camera = FakeCamera(JPEG)
    devices.plug(camera)
    return camera


def two_cameras(devices):
    """A camera with its metadata node, one without a lasting name, and the Pi's own."""
    devices.plug(FakeCamera(card="C920"), 0, "usb-C920-video-index0")
    devices.plug(FakeCamera(card="C920", caps=METADATA | STREAMING), 1, "usb-C920-video-index1")
    devices.plug(FakeCamera(card="Capture"), 10)
    devices.plug(FakeCamera(card="unicam", driver="unicam"), 2)
    dev = devices.folder
    return f"cameras that are there: {dev}/v4l/by-id/usb-C920-video-index0 (C920), {dev}/video10 (Capture)"


def test_several_cameras_are_listed_by_their_lasting_names(devices):
    listed = two_cameras(devices)
    assert failure(SourceRejected, devices) == f"`device` must say which camera; {listed}"


def test_a_number_that_is_not_there_lists_those_that_are(devices):
    listed = two_cameras(devices)
    assert failure(SourceUnavailable, devices, device=7) == f"{devices.folder}/video7 is not there; {listed}"


def test_a_node_without_pictures_is_explained(devices):
    listed = two_cameras(devices)
    text = failure(SourceRejected, devices, device=1)
    assert "video1 (C920) gives no pictures; one camera has several devices" in text
    assert text.endswith(listed)


@pytest.mark.parametrize("driver", ["unicam", "rp1-cfe", "bcm2835-isp", "pispbe"])
def test_a_camera_of_the_pi_itself_needs_the_other_source(devices, driver):
    devices.plug(FakeCamera(driver=driver))
    assert "use `type: picamera2`" in failure(SourceRejected, devices, device=0)
    assert "needs `type: picamera2`" in failure(SourceUnavailable, devices)


def test_what_is_no_camera_at_all(devices, camera, tmp_path):
    (tmp_path / "notes.txt").write_text("no camera")
    text = failure(SourceRejected, devices, device=tmp_path / "notes.txt")
    assert text == f"{tmp_path}/notes.txt is no camera; cameras that are there: {tmp_path}/video0 (Cam)"


def test_nothing_is_plugged_in(devices):
    assert failure(SourceUnavailable, devices) == "no camera is plugged in"


def test_a_busy_camera_names_who_has_it(devices, camera, start_holder):
    camera.fails[5] = errno.EBUSY
    holder = start_holder(devices.folder / "video0")
    assert f"is in use by {Path('/proc', str(holder), 'comm').read_text().strip()} (process {holder})" in failure(
        SourceUnavailable, devices
    )
    assert not camera.is_on


@pytest.fixture
def start_holder():
    """Starts processes that have a file open."""
    held = []

    def start(path):
        command = "import sys; f = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
        process = subprocess.Popen(
            [sys.executable, "-c", command, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        held.append(process)
        assert process.stdout.readline() == "open\n"
        return process.pid

    yield start
    for process in held:
        process.communicate(timeout=20)


def test_a_camera_that_nobody_to_be_seen_has(devices, camera):
    camera.fails[18] = errno.EBUSY
    assert "is in use by another program or another stream" in failure(SourceUnavailable, devices)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EPERM, SourceUnavailable, "DeviceAllow="),
        (errno.ENOSPC, SourceUnavailable, "no more bandwidth on its USB bus"),
        (errno.EINVAL, SourceUnavailable, "cannot be used (Invalid argument)"),
    ],
)
def test_other_failures_are_explained(devices, camera, number, kind, words):
    camera.fails[18] = number
    assert words in failure(kind, devices)


def test_a_missing_permission_names_the_group_and_the_user(devices, camera):
    node = devices.folder / "video0"
    error = explain(PermissionError(errno.EACCES, "Permission denied"), node, devices.kernel)
    assert isinstance(error, SourceUnavailable)
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert f"it belongs to the group {node.group()}: `sudo usermod -aG {node.group()} {user}`" in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_cameras_that_cannot_be_opened_are_not_called_absent(devices, camera):
    (devices.folder / "video0").chmod(0)
    assert "sudo usermod -aG" in failure(SourceUnavailable, devices)
