"""`teach`: from folders of clips to a head that `classify` and the daemon use; and `events label`."""

import json
import signal
import threading

import numpy as np
import pytest
from clips import write_clip

from movinet_edge.api import EventType
from movinet_edge.delivery import Outbox
from movinet_edge.testing.sinks import example_event

BLUE, GREY = (20, 30, 220), (90, 90, 90)


@pytest.fixture(scope="session")
def lessons(tmp_path_factory):
    """Folders `blue` and `grey` with four clips each, and one clip with both."""
    folder = tmp_path_factory.mktemp("lessons")

    def make(path, *colours):
        shade = len(path.stem) * 3

        def paint(index, width_px, height_px):
            colour = np.clip(np.array(colours[index // 20]) + shade, 0, 255).astype(np.uint8)
            return np.broadcast_to(colour, (height_px, width_px, 3)).copy()

        path.parent.mkdir(exist_ok=True)
        write_clip(path, frames=20 * len(colours), fps=10, codec="ffv1", paint=paint)

    for number in range(1, 5):
        make(folder / "blue" / f"{'b' * number}.mkv", BLUE)
        make(folder / "grey" / f"{'g' * number}.mkv", GREY)
    make(folder / "both.mkv", GREY, GREY, BLUE, BLUE, GREY, GREY)
    return folder


@pytest.fixture
def teach(cli, folder, toy, lessons):
    """Teach `azure` with the folders, in the working folder."""

    def run(*more):
        what = ("--examples", lessons / "blue", "--background", lessons / "grey")
        if "--from-record" in more:
            what = ()
        return cli("teach", "azure", *what, "--model", toy, *more)

    return run


def test_a_head_is_taught_and_used(teach, cli, folder, toy, lessons):
    ran = teach()
    assert (ran.code, ran.err) == (0, "")
    assert "azure: recognises 4 of 4" in ran.out
    assert "The head is azure.head.json" in ran.out
    assert "heads: [./azure.head.json]" in ran.out
    (folder / "actions.yaml").write_text("actions:\n  azure: {labels: [azure], on: 0.6}\n")
    ran = cli(
        "classify", lessons / "both.mkv", "--model", toy, "--head", "./azure.head.json", "--actions", "actions.yaml"
    )
    assert ran.code == 0
    (start,) = ran.of_type("start")
    assert start["labels"] == ["azure"]
    assert 4.0 <= start["t"] <= 6.0


def test_the_daemon_uses_it(teach, cli, folder, toy, lessons):
    teach()
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\nheads: [./azure.head.json]\nstreams:\n  - name: hall\n"
        f"    source: {{type: file, path: {lessons / 'both.mkv'}}}\n"
        "    actions:\n      azure: {labels: [azure]}\n      reddening: {labels: [turning red]}\n"
        "sinks:\n  - {type: jsonl, path: events.jsonl}\n"
    )
    assert cli("run", "--config", "config.yaml").code == 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [(event["event_type"], event["action"]) for event in events if event["action"] == "azure"] == [
        ("start", "azure"),
        ("stop", "azure"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ("heads: [fal]", "config.yaml:3: heads: no head is called 'fal'; did you mean 'fall'?"),
        ("heads: [fall]", "config.yaml:3: heads: head fall was taught with movinet-a0-int8"),
        ("heads: [./none.head.json]", "config.yaml:3: heads: "),
    ],
)
def test_a_head_that_cannot_be_used_is_a_problem_with_its_place(cli, folder, toy, red_clip, wrong):
    heads, says = wrong
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\n{heads}\nstreams:\n  - name: hall\n"
        f"    source: {{type: file, path: {red_clip}}}\n    actions: {{reddening: {{labels: [turning red]}}}}\n"
    )
    ran = cli("check", "--config", "config.yaml")
    assert ran.code == 78
    assert says in ran.err


def test_the_background_is_a_stream_of_the_configuration(cli, folder, toy, lessons):
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\nstreams:\n  - name: hall\n"
        f"    source: {{type: file, path: {lessons / 'grey'}, concat: true}}\n"
        "    actions: {reddening: {labels: [turning red]}}\n"
    )
    given = ("teach", "azure", "--examples", lessons / "blue", "--config", "config.yaml", "--model", toy)
    ran = cli(*given, "--background", "hall", lessons / "grey" / "g.mkv", "--background-for", "5s")
    assert ran.code == 0
    record = json.loads((folder / "azure.head.json").read_text())["card"]["record"]
    background = [example for example in record["examples"] if example["spans"][0]["label"] == "background"]
    assert [example["source"] for example in background] == ["g.mkv", "stream hall"]
    assert background[1]["sha256"] is None
    assert "taught again" not in ran.out
    ran = cli(*given, "--background", "hal")
    assert ran.code == 78
    assert "--background hal: no such folder, and as a stream: config.yaml: there is no stream" in ran.err
    assert "did you mean 'hall'?" in ran.err
    ran = cli("teach", "azure", "--from-record", "azure.head.json", "--model", toy)
    assert (ran.code, "a live stream cannot be seen again" in ran.err) == (78, True)


def test_a_clip_is_not_both(cli, folder, toy, lessons):
    ran = cli(
        "teach", "azure", "--examples", lessons / "blue", "--background", lessons / "blue" / "b.mkv", "--model", toy
    )
    assert ran.code == 78
    assert "is given as 'azure' and as 'background' at once" in ran.err


def test_an_interrupted_lesson_leaves_nothing(cli, folder, toy, lessons):
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\nstreams:\n  - name: hall\n"
        f"    source: {{type: file, path: {lessons / 'both.mkv'}, loop: true, pace: realtime}}\n"
        "    actions: {reddening: {labels: [turning red]}}\n"
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a daemon of another test may have its own
    timer = threading.Timer(2.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    ran = cli(
        "teach", "azure", "--examples", lessons / "blue", "--background", "hall", "--background-for", "30s",
        "--config", "config.yaml", "--model", toy,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    assert ran.code == 130
    assert not list(folder.glob("*head*"))


def test_taught_again_the_old_head_is_kept(teach, folder):
    teach()
    before = (folder / "azure.head.json").read_bytes()
    ran = teach("--seed", 1)
    assert "not compared with the old head" in ran.out
    assert "The old head is kept as azure-2.head.json" in ran.out
    assert (folder / "azure-2.head.json").read_bytes() == before


def test_the_record_makes_the_same_head(teach, folder):
    teach("--out", "first.head.json")
    ran = teach("--from-record", "first.head.json")
    assert ran.code == 0
    assert "It is the same head as the record's, number for number." in ran.out


@pytest.mark.parametrize(
    "wrong",
    [
        ((), 64, "give --examples, --from-events or --from-record"),
        (("--from-record", "a.json", "--examples", "b"), 64, "leave the others out"),
        (("--examples", "none"), 78, "none: no such folder, table or video"),
        (("--examples", ".", "--out", "no/such/x.head.json"), 78, "no/such: there is no such folder for the head"),
        (("--from-events", "--state-dir", "."), 78, "no event is labelled yet"),
        (("--examples", ".", "--seed", "-1"), 64, "is not a whole number from 0"),
        (("--examples", ".", "--background-for", "0s"), 64, "is not a time above 0"),
        (("--examples", ".", "--background", "none"), 78, "no videos are in this folder"),
    ],
)
def test_what_is_asked_for_wrongly(cli, folder, toy, wrong):
    arguments, code, says = wrong
    ran = cli("teach", "azure", "--model", toy, *arguments)
    assert ran.code == code
    assert says in ran.err


@pytest.fixture
def state(folder):
    """A state folder with one event."""
    outbox = Outbox(folder / "state" / "outbox.db")
    outbox.register_sinks(["log"])
    event = example_event(EventType.STOP, number=1)
    outbox.append([event])
    outbox.close()
    return event


def test_a_label_is_for_one_event(cli, state):
    ran = cli("events", "--state-dir", "state", "--since", "1h", "label", state.id, "right")
    assert (ran.code, "nothing that selects" in ran.err) == (64, True)


@pytest.mark.parametrize("before", [True, False])
def test_an_event_is_labelled(cli, state, before):
    options = ("--state-dir", "state")
    words = (*options, "label", state.id, "wrong") if before else ("label", *options, state.id, "wrong")
    ran = cli("events", *words)
    assert (ran.code, ran.err) == (0, "")
    assert f"{state.id}: reported as waving on {state.stream}, kept as none of the actions" in ran.out
    assert "There is no clip of it" in ran.out
    ran = cli("teach", "waving", "--from-events", "--state-dir", "state")
    assert ran.code == 78
    assert "1 labelled events have no clip" in ran.err


def test_a_labelled_action_begins_after_the_pre_roll_of_its_stream(cli, state, folder, toy, red_clip):
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\nstreams:\n  - name: {state.stream}\n    clip: {{pre_roll: 1500ms}}\n"
        f"    source: {{type: file, path: {red_clip}}}\n    actions: {{waving: {{labels: [turning red]}}}}\n"
    )
    assert cli("events", "--config", "config.yaml", "label", state.id, "right").code == 0
    (line,) = (folder / "state" / "examples" / "labels.jsonl").read_text().splitlines()
    assert json.loads(line)["start_s"] == 1.5


def test_an_event_that_is_not_there(cli, state):
    ran = cli("events", "--state-dir", "state", "label", "nothing", "right")
    assert ran.code == 78
    assert "no stored event has the id 'nothing'" in ran.err
