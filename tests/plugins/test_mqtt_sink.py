"""Sink `mqtt` against a real broker: events arrive once, whole, in order, and wait while the broker is away."""

import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing

import pytest
from mqtt_parts import NODE, ROOT, brokers, opened, settings, status
from peers.mosquitto import PATIENCE_S, Subscriber, retained

from movinet_edge.api import ActionEvent, DeliveryError, DeliveryRejected, EventType
from movinet_edge.delivery import Backoff, DeliveryWorker, Outbox
from movinet_edge.testing.sinks import SinkContract, example_event
from movinet_edge_plugins.mqtt import MqttSink

EVENTS = f"{ROOT}/porch/event"


@pytest.fixture
def start_broker(tmp_path):
    with brokers(tmp_path) as start:
        yield start


@pytest.fixture
def broker(start_broker):
    return start_broker()


class TestMqttSinkContract(SinkContract):
    sink_type = MqttSink

    @pytest.fixture(autouse=True)
    def _with_broker(self, broker):
        self.port = broker.port
        with Subscriber(broker.port) as self.subscriber:
            yield

    def settings(self):
        return {"host": "127.0.0.1", "port": self.port, "node": NODE}

    def check_accepted(self, events: Sequence[ActionEvent]):
        def arrived(heard):
            return [one for one in heard if one.topic.endswith("/event")]

        heard = self.subscriber.until(lambda heard: len(arrived(heard)) >= len(events), "the events")
        assert [ActionEvent.from_json(one.text) for one in arrived(heard)] == list(events)


def test_an_event_says_what_it_is_and_is_not_retained(broker):
    event = example_event(seq=1)
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.deliver(event)
        [heard] = subscriber.until(lambda heard: heard)
        assert (heard.topic, heard.text, heard.retained) == (EVENTS, event.to_json(), False)
        assert heard.properties.ContentType == "application/json"
        assert heard.properties.UserProperty == [("schema", "movinet-edge/event/1")]
        assert 0 < heard.properties.MessageExpiryInterval <= 86_400
    with Subscriber(broker.port) as later:
        later.publish("end", "")
        assert [one.topic for one in later.until(lambda heard: heard)] == ["end"]


def test_a_picture_comes_before_its_event_and_is_not_waited_for(start_broker, tmp_path):
    broker = start_broker("max_packet_size 2000")
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(b"a small picture")
    large.write_bytes(b"a large picture" * 1000)
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        for seq, picture in enumerate([small, large, tmp_path / "deleted.jpg"], start=1):
            sink.deliver(example_event(seq=seq, snapshot=str(picture), clip=str(tmp_path / "clip.mp4")))
        subscriber_texts(subscriber, 3)
    assert [heard.topic for heard in subscriber.heard] == [f"{ROOT}/porch/snapshot", EVENTS, EVENTS, EVENTS]
    assert (subscriber.heard[0].text, subscriber.heard[0].retained) == ("a small picture", False)
    assert str(tmp_path) not in subscriber.heard[1].text
    assert not retained(broker.port)


@pytest.mark.parametrize("changes", [{"protocol": "3.1.1"}, {"base_topic": "home/cameras"}], ids=str)
def test_other_settings_deliver_too(broker, changes):
    with Subscriber(broker.port) as subscriber, opened(broker, **changes) as sink:
        sink.report(status())
        sink.deliver(example_event(seq=1))
        subscriber.until_last(
            f"{changes.get('base_topic', 'movinet-edge')}/{NODE}/porch/event", example_event(seq=1).to_json()
        )


def test_over_websockets(start_broker):
    broker = start_broker(websockets=True)
    with opened(broker, transport="websockets", port=broker.websocket_port) as sink:
        sink.report(status())
        sink.deliver(example_event(seq=1))


def test_a_closed_sink_takes_nothing(broker):
    with opened(broker) as sink:
        pass
    with pytest.raises(DeliveryError, match="not open"):
        sink.deliver(example_event(seq=1))
    with pytest.raises(DeliveryError, match="not open"):
        sink.report(status())


# While the broker is away


def test_a_frozen_broker_gets_an_event_once(broker):
    with Subscriber(broker.port) as subscriber, opened(broker, timeout=0.3) as sink:
        broker.freeze()
        for _ in range(3):
            with pytest.raises(DeliveryError, match="does not confirm"):
                sink.deliver(example_event(seq=1))
        broker.thaw()
        deliver_at_last(sink, example_event(seq=1))
        deliver_at_last(sink, example_event(EventType.STOP, seq=2))
        assert [json.loads(text)["seq"] for text in subscriber_texts(subscriber, 2)] == [1, 2]


def test_a_lost_connection_is_said_and_comes_back(broker):
    with opened(broker, timeout=5.0) as sink:  # longer than a busy machine takes to notice that the connection ended
        broker.kill()
        with pytest.raises(DeliveryError, match=r"lost|nothing listens"):
            deliver_until_it_fails(sink)
        broker.start()
        with Subscriber(broker.port) as subscriber:
            deliver_at_last(sink, example_event(seq=100))
            assert [json.loads(text)["seq"] for text in subscriber_texts(subscriber, 1)] == [100]


def test_a_frozen_broker_does_not_hold_up_the_end(broker):
    with opened(broker, timeout=0.2) as sink:
        sink.report(status())
        broker.freeze()
        begun_s = time.monotonic()
        sink.close()
        assert time.monotonic() - begun_s < 10.0
    assert not [thread.name for thread in threading.enumerate() if "mqtt" in thread.name]


def test_what_came_while_the_broker_was_away_follows_once_in_order_and_marked_late(start_broker, tmp_path):
    broker = start_broker(persistence=True)  # so that it remembers what it owes the subscriber
    outbox = Outbox(tmp_path / "outbox.db")
    with closing(outbox), Subscriber(broker.port, session="watcher") as subscriber:
        outbox.register_sinks(["mqtt"])
        worker = DeliveryWorker(
            "mqtt",
            lambda: MqttSink(settings(broker, timeout=0.2)),
            outbox,
            backoff=Backoff(first_s=0.01, cap_s=0.1),
            late_after_s=0.5,
        )
        outbox.append([example_event(number=1)])
        worker.start()
        subscriber_texts(subscriber, 1)
        broker.stop()
        for number in range(2, 12):
            outbox.append([example_event(number=number)])
        time.sleep(1.0)  # so that they are late
        broker.start()
        events = [ActionEvent.from_json(text) for text in subscriber_texts(subscriber, 11)]
        outbox.append([example_event(number=12)])
        events.append(ActionEvent.from_json(subscriber_texts(subscriber, 12)[-1]))
        assert worker.stop(PATIENCE_S)
    assert [event.seq for event in events] == list(range(1, 13))
    assert [event.late for event in events] == [False] + 10 * [True] + [False]


# What a broker does not take


def test_an_event_over_the_announced_limit_is_rejected_and_the_next_one_goes(start_broker):
    broker = start_broker("max_packet_size 1500")
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        with pytest.raises(DeliveryRejected, match="1500 bytes at most"):
            sink.deliver(example_event(seq=1, labels=("long label",) * 100))
        sink.deliver(example_event(seq=2))
        assert [json.loads(text)["seq"] for text in subscriber_texts(subscriber, 1)] == [2]


def test_an_event_that_makes_the_broker_cut_the_connection_does_not_hold_up_the_rest(start_broker):
    broker = start_broker("message_size_limit 1500")  # not announced; its refusal is no valid MQTT
    with opened(broker) as sink:
        with pytest.raises(DeliveryRejected, match="each time that this event is sent"):
            deliver_at_last(sink, example_event(seq=1, labels=("long label",) * 100))
        deliver_at_last(sink, example_event(seq=2))


def test_a_picture_over_a_limit_that_nobody_told_costs_the_picture_alone(start_broker, tmp_path):
    broker = start_broker("max_packet_size 2000")  # which MQTT 3.1.1 cannot announce; the broker just hangs up
    picture = tmp_path / "large.jpg"
    picture.write_bytes(b"a large picture" * 1000)
    with Subscriber(broker.port) as subscriber, opened(broker, protocol="3.1.1") as sink:
        deliver_at_last(sink, example_event(seq=1, snapshot=str(picture)))
        deliver_at_last(sink, example_event(seq=2))
        assert [json.loads(text)["seq"] for text in subscriber_texts(subscriber, 2)] == [1, 2]


def test_an_event_on_which_the_broker_hangs_up_without_a_word_does_not_hold_up_the_rest(start_broker):
    broker = start_broker("max_packet_size 2000")
    with opened(broker, protocol="3.1.1", discovery=False) as sink:
        sink.report(status())
        with pytest.raises(DeliveryRejected, match="each time that this event is sent"):
            deliver_at_last(sink, example_event(seq=1, labels=("long label",) * 200))
        deliver_at_last(sink, example_event(seq=2))


def test_a_topic_without_permission_is_said_and_tried_again(start_broker, tmp_path):
    rules = tmp_path / "acl"
    rules.write_text(f"topic read #\ntopic readwrite {ROOT}/status\n", encoding="utf-8")
    broker = start_broker(f"acl_file {rules}")
    with opened(broker) as sink, pytest.raises(DeliveryError, match=f"{EVENTS}.*Not authorized"):
        sink.deliver(example_event(seq=1))


def deliver_until_it_fails(sink):
    for seq in range(1, 100):
        sink.deliver(example_event(seq=seq))
        time.sleep(0.01)


def deliver_at_last(sink, event):
    """As the daemon does it."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return sink.deliver(event)
        except DeliveryError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.05)


def subscriber_texts(subscriber, count):
    """The first `count` events, which must be all."""
    subscriber.until(lambda _: len(subscriber.texts(EVENTS)) >= count, f"{count} events")
    texts = subscriber.texts(EVENTS)
    assert len(texts) == count
    return texts
