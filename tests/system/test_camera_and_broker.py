"""A real camera and broker for the package on machines that boot: what is seen is told, whatever happens to either."""

import json

import pytest
from appliance import CONFIG, live, started, stored
from peers.missing import is_missing
from peers.mosquitto import Mosquitto, Subscriber

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def film(start_rtsp, demo_clip, tmp_path):
    """A camera before which the demo is performed to everyone who comes."""
    (tmp_path / "demo.h264.mp4").symlink_to(demo_clip)
    return start_rtsp(files=[tmp_path / "demo.h264.mp4"]).url("demo.h264")


@pytest.fixture
def broker(tmp_path):
    try:
        broker = Mosquitto(tmp_path, persistence=True)
    except OSError as error:
        is_missing(error)
    with broker:
        yield broker


def told(subscriber):
    """The events that were heard: occurrence, type and whether it is said to be a repetition."""
    heard = [json.loads(one.text) for one in list(subscriber.heard) if one.topic.endswith("/event") and not one.again]
    return [(event["id"], event["event_type"], event["repeated"]) for event in heard]


def test_a_broker_that_goes_and_comes_hears_everything(machine, film, broker):
    sink = {"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "node": "appliance"}
    with Subscriber(broker.port, session="counter") as subscriber:
        pid = started(machine, source={"type": "rtsp", "url": film}, sink=sink)
        machine.wait(lambda: told(subscriber), "no event", 120.0)
        broker.stop()
        before = len(stored(machine))
        machine.wait(lambda: len(stored(machine)) > before, "detection waits for the broker", 120.0)
        # The daemon too may go before the broker is back: what waits is in the outbox.
        machine.run("systemctl kill --signal=KILL movinet-edge")
        machine.wait(lambda: machine.unit("movinet-edge", "MainPID") not in (pid, "0"), "no restart")
        broker.start()
        machine.wait(lambda: "0 events in the outbox" in machine.unit("movinet-edge", "StatusText"), "it waits")
        machine.run("systemctl stop movinet-edge")
        committed = {(event["id"], event["event_type"]) for event in stored(machine)}
        # The confirmation of the last event is known to the daemon before the subscriber hears it.
        subscriber.until(lambda _: {one[:2] for one in told(subscriber)} >= committed, "everything")
        once = [one[:2] for one in told(subscriber) if not one[2]]
        assert len(once) == len(set(once)), "doubled, and it does not say so"
        assert {one[:2] for one in told(subscriber)} == committed


def test_init_makes_a_service_that_works(machine, start_rtsp, broker):
    camera = start_rtsp(auth="basic", user="viewer", password="s3cret")  # noqa: S106 of a test
    (machine.root / "srv/password").write_text("s3cret\n")
    said = machine.run(
        f"movinet-edge init --source {camera.url()} --user viewer --password-file /srv/password"
        f" --broker 127.0.0.1:{broker.port} --label 'jumping jacks' --out {CONFIG} --yes </dev/null"
    )
    assert "it works: 160×120" in said
    mode, owner, group = machine.run(f"stat -c '%a %U %G' {CONFIG}").split()
    assert (int(mode, 8) & 0o7, owner, group) == (0, "root", "movinet")
    assert "s3cret" not in (machine.root / CONFIG.lstrip("/")).read_text()
    # What it says to do next, as it says it.
    (install,) = [line for line in said.splitlines() if "sudo install" in line]
    machine.run(install.partition("#")[0].replace("sudo", "echo s3cret |"))
    (start,) = [line for line in said.splitlines() if "sudo systemctl" in line]
    machine.run(start.partition("#")[0].replace("sudo ", ""))
    live(machine)
    doctor = machine.run(f"movinet-edge doctor --config {CONFIG} --online", check=False)
    assert "s3cret" not in doctor
    assert "Traceback" not in doctor
    assert "1 stream live" in machine.unit("movinet-edge", "StatusText"), doctor
