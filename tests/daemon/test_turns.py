"""Where frames wait for the engine: oldest first, the newest frame of a stream wins, and nobody waits for ever."""

import threading
import time
from collections import Counter

import numpy as np
import pytest
from coloured_scenes import PATIENCE_S
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import Frame, StopReason
from movinet_edge.daemon import turns as turns_module
from movinet_edge.daemon.turns import Turns

IMAGE = np.zeros((2, 2, 3), np.uint8)


def frame(number=0):
    return Frame(IMAGE, float(number))


def in_thread(call, *arguments, **options):
    """A started thread and the list that will hold the call's answer."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(call(*arguments, **options)), daemon=True)
    thread.start()
    return thread, answers


def answer_of(thread, answers):
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "still waiting"
    return answers[0]


def still_waits(thread):
    thread.join(0.1)
    return thread.is_alive()


def test_the_newest_frame_wins_and_the_older_is_counted():
    turns = Turns(["a", "b"])
    for number in range(5):
        assert turns.offer("a", frame(number), wait=False)
    assert turns.take().frame.time_s == 4
    assert (turns.dropped("a"), turns.dropped("b")) == (4, 0)


def test_a_replaced_frame_keeps_its_place():
    turns = Turns(["a", "b"])
    turns.offer("a", frame(1), wait=False)
    turns.offer("b", frame(2), wait=False)
    turns.offer("a", frame(3), wait=False)
    assert [turns.take().stream, turns.take().stream] == ["a", "b"]


def test_whoever_waits_loses_nothing():
    turns = Turns(["a"])
    producer, _ = in_thread(lambda: [turns.offer("a", frame(number), wait=True) for number in range(500)])
    taken = [turns.take().frame.time_s for _ in range(500)]
    producer.join(PATIENCE_S)
    assert taken == list(range(500))
    assert turns.dropped("a") == 0


def test_the_end_comes_after_the_frame():
    turns = Turns(["a"])
    turns.offer("a", frame(), wait=True)
    turns.end("a", StopReason.SOURCE_LOST)
    first, second = turns.take(), turns.take()
    assert (first.frame is not None, first.end) == (True, None)
    assert (second.frame, second.end) == (None, StopReason.SOURCE_LOST)


@pytest.mark.parametrize("wait", [True, False])
def test_no_frame_overtakes_the_end_before_it(wait):
    turns = Turns(["a"])
    turns.end("a", StopReason.SOURCE_LOST)
    offer = in_thread(turns.offer, "a", frame(), wait=wait)
    assert still_waits(offer[0])
    assert turns.take().end is StopReason.SOURCE_LOST
    assert answer_of(*offer) is True
    assert turns.take().frame is not None


def test_take_waits_for_a_frame():
    turns = Turns(["a"])
    take = in_thread(turns.take)
    assert still_waits(take[0])
    turns.offer("a", frame(7), wait=False)
    assert answer_of(*take).frame.time_s == 7


def test_close_unblocks_everybody():
    taking, offering = Turns(["a"]), Turns(["a", "b"])
    offering.offer("a", frame(), wait=False)
    offering.end("b", StopReason.SOURCE_LOST)
    waiting = {
        "take": in_thread(taking.take),
        "offer": in_thread(offering.offer, "a", frame(), wait=True),
        "offer after an end": in_thread(offering.offer, "b", frame(), wait=False),
        "wait_empty": in_thread(offering.wait_empty, PATIENCE_S),
    }
    assert all(still_waits(thread) for thread, _ in waiting.values())
    taking.close()
    offering.close()
    assert {name: answer_of(*call) for name, call in waiting.items()} == {
        "take": None,
        "offer": False,
        "offer after an end": False,
        "wait_empty": True,
    }


def test_after_close_nothing_is_taken_in_and_what_waited_is_counted():
    turns = Turns(["a"])
    turns.offer("a", frame(), wait=False)
    turns.close()
    turns.close()
    assert turns.dropped("a") == 1
    assert turns.take() is None
    assert turns.offer("a", frame(), wait=False) is False
    assert turns.dropped("a") == 1


def test_wait_empty_waits_for_frames_and_ends():
    turns = Turns(["a"])
    assert turns.wait_empty(0.0)
    turns.offer("a", frame(), wait=False)
    turns.end("a", StopReason.SOURCE_LOST)
    assert not turns.wait_empty(0.05)
    emptied = in_thread(turns.wait_empty, PATIENCE_S)
    turns.take()
    assert still_waits(emptied[0])
    turns.take()
    assert answer_of(*emptied) is True


streams = st.sampled_from("abc")
actions = st.one_of(st.tuples(st.just("offer"), streams), st.tuples(st.just("take"), st.just("")))


@given(st.lists(actions, max_size=80))
def test_oldest_first_and_offered_is_taken_or_waiting_or_dropped(script):
    turns = Turns("abc")
    queue: list[str] = []
    offered, taken = Counter(), Counter()
    for action, stream in script:
        if action == "offer":
            offered[stream] += 1
            turns.offer(stream, frame(offered[stream]), wait=False)
            if stream not in queue:
                queue.append(stream)
        elif queue:
            turn = turns.take()
            assert turn.stream == queue.pop(0)
            assert turn.frame.time_s == offered[turn.stream], "not the newest frame"
            taken[turn.stream] += 1
    for stream in "abc":
        assert offered[stream] == taken[stream] + (stream in queue) + turns.dropped(stream)


def test_a_fast_stream_does_not_starve_the_others():
    turns = Turns(["fast", "slow", "slower"])
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            turns.offer("fast", frame(), wait=False)

    threading.Thread(target=flood, daemon=True).start()
    try:
        for stream in ("slow", "slower") * 20:
            turns.offer(stream, frame(), wait=False)
            # At most the fast stream's frame that was there before.
            assert stream in [turns.take().stream for _ in range(2)]
    finally:
        stop.set()
        turns.close()


def test_many_threads_lose_nothing():
    names = [f"stream {index}" for index in range(6)]
    turns, taken = Turns(names), Counter()

    def produce(name, wait):
        for number in range(200):
            turns.offer(name, frame(number), wait=wait)
        turns.end(name, StopReason.SOURCE_LOST)

    producers = [
        threading.Thread(target=produce, args=(name, index % 2 == 0), daemon=True) for index, name in enumerate(names)
    ]
    for producer in producers:
        producer.start()
    ended = set()
    while len(ended) < len(names):
        turn = turns.take()
        if turn.frame is None:
            ended.add(turn.stream)
        else:
            assert turn.stream not in ended
            taken[turn.stream] += 1
    for index, name in enumerate(names):
        assert taken[name] + turns.dropped(name) == 200
        assert index % 2 == 1 or turns.dropped(name) == 0


def test_a_cut_survives_the_frame_that_told_it():
    turns = Turns(["porch"])
    turns.offer("porch", Frame(IMAGE, 0.0, discontinuity=True), wait=False)
    turns.offer("porch", frame(0.2), wait=False)
    turn = turns.take()
    assert turn.frame.time_s == 0.2
    assert turn.frame.discontinuity


def test_a_live_stream_that_falls_silent_ends_once_with_a_gap():
    turns = Turns(["porch", "door"], silence_s={"porch": 0.05, "door": 0.05})
    turns.offer("porch", frame(), wait=False)
    turns.offer("door", frame(), wait=True)  # a file may take its time
    assert {turns.take().stream, turns.take().stream} == {"porch", "door"}
    silent = turns.take()
    assert (silent.stream, silent.frame, silent.end) == ("porch", None, StopReason.GAP)
    closer = threading.Timer(0.3, turns.close)
    closer.start()
    assert turns.take() is None
    closer.join()


def test_a_busy_engine_hears_the_silence_of_a_stream_too():
    turns = Turns(["busy", "silent"], silence_s={"busy": 60.0, "silent": 0.05})
    turns.offer("silent", frame(), wait=False)
    assert turns.take().stream == "silent"
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        assert time.monotonic() < give_up_s, "the silence was never told"
        turns.offer("busy", frame(), wait=False)  # so that there is always something else to do
        turn = turns.take()
        if turn.stream == "silent":
            break
    assert (turn.frame, turn.end) == (None, StopReason.GAP)


def test_a_frame_that_waits_for_a_slow_engine_is_no_silence():
    turns = Turns(["porch"], silence_s={"porch": 0.02})
    turns.offer("porch", frame(), wait=False)
    time.sleep(0.05)
    assert turns.take().frame is not None


@pytest.fixture
def quickly_stale(monkeypatch):
    monkeypatch.setattr(turns_module, "_STALE_S", 0.02)


def next_of(turns):
    """The next turn, in a thread of its own, since there may be none."""
    return in_thread(turns.take)


@pytest.mark.usefixtures("quickly_stale")
@pytest.mark.parametrize("discontinuity", [False, True])
def test_a_live_frame_that_waited_too_long_is_dropped_and_counted(discontinuity):
    turns = Turns(["porch"])
    turns.offer("porch", Frame(IMAGE, 1.0, discontinuity=discontinuity), wait=False)
    time.sleep(0.05)
    taking = next_of(turns)
    assert still_waits(taking[0])
    turns.offer("porch", frame(2.0), wait=False)
    turn = answer_of(*taking)
    assert (turn.frame.time_s, turn.frame.discontinuity, turns.dropped("porch")) == (2.0, discontinuity, 1)


@pytest.mark.usefixtures("quickly_stale")
def test_a_stale_frame_is_no_better_because_the_source_ended_after_it():
    turns = Turns(["porch"])
    turns.offer("porch", frame(), wait=False)
    turns.end("porch", StopReason.SOURCE_LOST)
    time.sleep(0.05)
    turn = turns.take()
    assert (turn.frame, turn.end, turns.dropped("porch")) == (None, StopReason.SOURCE_LOST, 1)


@pytest.mark.usefixtures("quickly_stale")
def test_a_frame_of_a_file_may_wait():
    turns = Turns(["film"])
    turns.offer("film", frame(7.0), wait=True)
    time.sleep(0.05)
    assert (turns.take().frame.time_s, turns.dropped("film")) == (7.0, 0)


def test_a_frame_within_the_second_is_scored():
    turns = Turns(["porch"])
    turns.offer("porch", frame(7.0), wait=False)
    time.sleep(0.05)
    assert turns.take().frame.time_s == 7.0


@pytest.mark.parametrize("how", ["shut", "remove", "close"])
def test_whoever_waits_goes_on_when_the_stream_is_taken_away(how):
    turns = Turns(["film"])
    assert turns.offer("film", frame(), wait=True)
    offer = in_thread(turns.offer, "film", frame(), wait=True)
    assert still_waits(offer[0])
    if how == "shut":
        turns.end("film", StopReason.DISABLED, shut=True)
    elif how == "remove":
        turns.remove("film")
    else:
        turns.close()
    assert answer_of(*offer) is False
    assert turns.offer("film", frame(), wait=False) is False


def test_a_stream_that_was_shut_ends_and_can_be_opened_again():
    turns = Turns(["porch"])
    turns.offer("porch", frame(1.0), wait=False)
    turns.end("porch", StopReason.DISABLED, shut=True)
    assert not turns.offer("porch", frame(2.0), wait=False)
    assert turns.take().frame.time_s == 1.0
    assert turns.take().end is StopReason.DISABLED
    turns.open("porch")
    assert turns.offer("porch", frame(3.0), wait=False)
    assert turns.take().frame.time_s == 3.0


def test_a_stream_may_come_and_go_while_another_waits_for_its_turn():
    turns = Turns([])
    taking = next_of(turns)
    assert still_waits(taking[0])
    turns.open("porch", 0.05)
    turns.offer("porch", frame(), wait=False)
    assert answer_of(*taking).stream == "porch"
    assert turns.take().end is StopReason.GAP, "the new stream's silence is known"
    turns.offer("porch", frame(), wait=False)
    turns.remove("porch")
    assert turns.dropped("porch") == 0
    turns.end("porch", StopReason.SOURCE_LOST)  # of a reader that has not noticed yet
    taking = next_of(turns)
    assert still_waits(taking[0])
    turns.close()
    assert answer_of(*taking) is None


def test_what_waits_for_a_stream_that_was_removed_is_not_given_to_its_successor():
    turns = Turns(["porch"])
    turns.end("porch", StopReason.SOURCE_LOST)  # so that nobody may offer yet
    offer = in_thread(turns.offer, "porch", frame(1.0), wait=False)
    assert still_waits(offer[0])
    turns.remove("porch")
    turns.open("porch")
    assert answer_of(*offer) is False
    turns.offer("porch", frame(2.0), wait=False)
    assert turns.take().frame.time_s == 2.0
