"""What Home Assistant is told: every entity, what removes one, and what stands in the topics it reads."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtt_parts import action, status, stream

from movinet_edge.api import StreamState
from movinet_edge_plugins._mqtt_announcer import Announcer, Message
from movinet_edge_plugins._mqtt_discovery import device_payload, parse_announced, removal_payload
from movinet_edge_plugins._mqtt_states import changes, state_payloads, stats_payload
from movinet_edge_plugins._mqtt_topics import Topics

TOPICS = Topics("movinet-edge", "pi", "homeassistant")
ROOT = "movinet-edge/pi"
PORCH = status(stream("porch", action("waving"), action("手を振る")))


def device(*streams, controllable=True):
    return device_payload(TOPICS, status(*streams), controllable=controllable)


def test_the_device_says_who_it_is_and_when_it_is_there():
    payload = device()
    assert payload["dev"]["ids"] == ["movinet-edge_pi"]
    assert payload["dev"]["sw"] == payload["o"]["sw"] == "1.2.3"
    assert payload["o"]["name"] == "movinet-edge"
    assert [entry["t"] for entry in payload["avty"]] == [f"{ROOT}/status"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "porch__action__waving",
            {
                "p": "binary_sensor",
                "uniq_id": "movinet-edge__pi__porch__action__waving",
                "def_ent_id": "binary_sensor.porch_waving",
                "name": "porch waving",
                "stat_t": f"{ROOT}/porch/action/waving/state",
                "val_tpl": "{{ value_json.state }}",
                "avty_mode": "all",
            },
        ),
        (
            "porch__event",
            {"p": "event", "stat_t": f"{ROOT}/porch/event", "evt_typ": ["start", "update", "stop"], "avty": None},
        ),
        (
            "porch__current_action",
            {"p": "sensor", "dev_cla": "enum", "ops": ["none", "waving"], "stat_t": f"{ROOT}/porch/label"},
        ),
        (
            "porch__connection",
            {
                "p": "binary_sensor",
                "dev_cla": "connectivity",
                "ent_cat": "diagnostic",
                "stat_t": f"{ROOT}/porch/status",
            },
        ),
        ("porch__fps_scored", {"p": "sensor", "ent_cat": "diagnostic", "stat_t": f"{ROOT}/stats"}),
        ("porch__frame_age_s", {"p": "sensor", "dev_cla": "duration", "unit_of_meas": "s"}),
        ("porch__dropped", {"p": "sensor", "stat_cla": "total_increasing"}),
        (
            "porch__enabled",
            {
                "p": "switch",
                "ent_cat": "config",
                "cmd_t": f"{ROOT}/porch/enabled/set",
                "stat_t": f"{ROOT}/porch/enabled/state",
            },
        ),
        (
            "porch__threshold__waving",
            {
                "p": "number",
                "ent_cat": "config",
                "cmd_t": f"{ROOT}/porch/action/waving/threshold/set",
                "stat_t": f"{ROOT}/porch/action/waving/threshold/state",
                "min": 0.01,
                "max": 1,
            },
        ),
    ],
)
def test_each_entity_is_there(key, expected):
    components = device()["cmps"]
    assert len(components) == 9
    assert {field: components[key].get(field) for field in expected} == expected


def test_without_control_there_is_nothing_to_switch():
    assert {component["p"] for component in device(controllable=False)["cmps"].values()} == {
        "binary_sensor",
        "event",
        "sensor",
    }


def test_a_picture_is_announced_where_there_are_some():
    assert "porch__snapshot" not in device()["cmps"]
    image = device(stream("porch", snapshots=True))["cmps"]["porch__snapshot"]
    assert (image["p"], image["img_t"], image["cont_type"]) == ("image", f"{ROOT}/porch/snapshot", "image/jpeg")


def test_an_availability_of_a_component_repeats_that_of_the_device():
    for component in device()["cmps"].values():
        if "avty" in component:
            assert [entry["t"] for entry in component["avty"]] == [f"{ROOT}/status", f"{ROOT}/porch/status"]


NAMES = st.text(min_size=1, max_size=20)


@given(st.dictionaries(NAMES, st.sets(NAMES, max_size=4), min_size=1, max_size=4), st.booleans())
def test_any_names_make_a_legal_device(names, controllable):
    streams = [stream(name, *(action(each) for each in actions)) for name, actions in names.items()]
    payload = device(*streams, controllable=controllable)
    actions = sum(len(actions) for actions in names.values())
    assert len(payload["cmps"]) == len(names) * (7 if controllable else 6) + actions * (2 if controllable else 1)
    assert len({component["uniq_id"] for component in payload["cmps"].values()}) == len(payload["cmps"])
    for key, component in payload["cmps"].items():
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", key)
        assert re.fullmatch(rf"{component['p']}\.[a-z0-9_]+", component["def_ent_id"])
        assert not component["name"].startswith(payload["dev"]["name"])
        assert "object_id" not in component
        assert "exp_aft" not in component
        assert not (component["p"] == "binary_sensor" and component.get("ent_cat") == "config")
    json.dumps(payload)


# Removal


def test_what_is_gone_is_reduced_to_its_platform_and_the_rest_stays():
    before, after = device(stream("porch", action("a"), action("b"))), device(stream("porch", action("a")))
    removal = removal_payload(before, after)
    gone = removal["cmps"].keys() - after["cmps"].keys()
    assert {key: removal["cmps"][key] for key in gone} == {
        "porch__action__b": {"p": "binary_sensor"},
        "porch__threshold__b": {"p": "number"},
    }
    assert {key: component for key, component in removal["cmps"].items() if key not in gone} == after["cmps"]
    assert {key: value for key, value in removal.items() if key != "cmps"} == {
        key: value for key, value in after.items() if key != "cmps"
    }


def test_nothing_is_removed_where_nothing_is_gone():
    assert removal_payload(device(stream("a")), device(stream("a"), stream("b"))) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"nonsense",
        b"[]",
        b"null",
        b'{"cmps": {}}',
        b'{"o": {"name": "another"}, "cmps": {"a": {"p": "sensor"}}}',
        b'{"o": {"name": "movinet-edge"}, "cmps": []}',
        b'{"o": {"name": "movinet-edge"}, "cmps": {"a": {}}}',
        b"[" * 100_000,
    ],
    ids=lambda payload: payload[:40].decode("ascii", "replace"),
)
def test_what_is_none_of_ours_is_not_remembered(payload):
    assert parse_announced(payload) is None


def test_what_is_ours_is_remembered():
    before = device(stream("porch", action()))
    assert removal_payload(parse_announced(json.dumps(before).encode()), device(stream("porch"))) == removal_payload(
        before, device(stream("porch"))
    )


# States


@pytest.mark.parametrize(
    ("state", "said", "enabled"),
    [
        (StreamState.LIVE, "online", "ON"),
        (StreamState.CONNECTING, "offline", "ON"),
        (StreamState.STALLED, "offline", "ON"),
        (StreamState.BACKING_OFF, "offline", "ON"),
        (StreamState.ENDED, "offline", "ON"),
        (StreamState.DISABLED, "disabled", "OFF"),
    ],
)
def test_the_state_of_a_stream(state, said, enabled):
    states = state_payloads(TOPICS, status(stream("porch", state=state)), controllable=True)
    assert (states[f"{ROOT}/porch/status"], states[f"{ROOT}/porch/enabled/state"]) == (said, enabled)


@pytest.mark.parametrize(
    ("actions", "label"),
    [
        ((), "none"),
        ((action("a"), action("b")), "none"),
        ((action("a", active=True, score=0.7), action("b", score=0.9)), "a"),
        ((action("a", active=True, score=0.7), action("b", active=True, score=0.9)), "b"),
    ],
)
def test_the_current_action_is_the_strongest_that_goes_on(actions, label):
    assert state_payloads(TOPICS, status(stream("porch", *actions)), controllable=False)[f"{ROOT}/porch/label"] == label


def test_the_states_of_actions_and_their_thresholds():
    porch = status(stream("porch", action("a", active=True, on=0.35), action("b")))
    states = state_payloads(TOPICS, porch, controllable=True)
    assert json.loads(states[f"{ROOT}/porch/action/a/state"])["state"] == "ON"
    assert json.loads(states[f"{ROOT}/porch/action/b/state"])["state"] == "OFF"
    assert states[f"{ROOT}/porch/action/a/threshold/state"] == "0.35"


def test_every_topic_that_is_announced_is_one_that_is_published():
    published = {*state_payloads(TOPICS, PORCH, controllable=True), TOPICS.status, TOPICS.stats, TOPICS.event("porch")}
    payload = device_payload(TOPICS, PORCH, controllable=True)
    named = {component["stat_t"] for component in payload["cmps"].values()}
    named |= {entry["t"] for component in payload["cmps"].values() for entry in component.get("avty", [])}
    assert named == published


def test_figures_are_found_by_the_announced_templates():
    figures = json.loads(stats_payload(status(stream("Küche", fps_scored=4.987, dropped={"late": 2, "slow": 3}))))
    [(key, kitchen)] = figures["streams"].items()
    assert (kitchen["name"], kitchen["fps_scored"], kitchen["frame_age_s"], kitchen["dropped"]) == (
        "Küche",
        4.99,
        None,
        5,
    )
    templates = [component.get("val_tpl", "") for component in device(stream("Küche"))["cmps"].values()]
    for field in ("fps_scored", "frame_age_s", "dropped"):
        assert f"{{{{ value_json.streams.get('{key}', {{}}).get('{field}') }}}}" in templates


@given(*[st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"))] * 2)
def test_changes_lead_from_what_stands_to_what_is_wanted(standing, wanted):
    result = dict(standing)
    for topic, payload in changes(standing, wanted).items():
        assert standing.get(topic) != payload  # nothing is said twice
        if payload:
            result[topic] = payload
        else:
            del result[topic]
    assert result == wanted


# Plans


def test_a_plan_has_all_once_and_then_what_changes():
    announcer = Announcer(TOPICS, discovery=True, controllable=True)
    plan = announcer.plan(PORCH, everything=True, now_s=0.0)
    assert plan.messages[0].topic == TOPICS.discovery
    assert plan.messages[-1] == Message(TOPICS.status, "online")
    assert [message.topic for message in plan.messages if not message.retain] == [TOPICS.stats]
    announcer.done(plan)
    assert announcer.plan(PORCH, everything=False, now_s=1.0).messages == ()
    begun = status(stream("porch", action("waving", active=True), action("手を振る")))
    assert [message.topic for message in announcer.plan(begun, everything=False, now_s=1.0).messages] == [
        f"{ROOT}/porch/label",
        f"{ROOT}/porch/action/waving/state",
    ]
    assert [message.topic for message in announcer.plan(PORCH, everything=False, now_s=60.0).messages] == [TOPICS.stats]


def test_what_was_not_confirmed_is_planned_again():
    announcer = Announcer(TOPICS, discovery=True, controllable=True)
    first = announcer.plan(PORCH, everything=True, now_s=0.0)
    assert announcer.plan(PORCH, everything=True, now_s=0.0) == first


def test_a_renamed_stream_leaves_nothing_behind_while_the_daemon_runs():
    announcer = Announcer(TOPICS, discovery=True, controllable=True)
    announcer.done(announcer.plan(PORCH, everything=True, now_s=0.0))
    messages = announcer.plan(status(stream("gate")), everything=False, now_s=1.0).messages
    removal, announced = (json.loads(each.payload)["cmps"] for each in messages if each.topic == TOPICS.discovery)
    assert removal["porch__event"] == {"p": "event"}
    assert not [key for key in announced if key.startswith("porch")]
    cleared = {message.topic for message in messages if not message.payload}
    assert cleared == set(state_payloads(TOPICS, PORCH, controllable=True))


def test_discovery_that_is_switched_off_is_taken_back():
    announcer = Announcer(TOPICS, discovery=False, controllable=True)
    assert TOPICS.discovery not in {each.topic for each in announcer.plan(PORCH, everything=True, now_s=0.0).messages}
    announcer.learn({TOPICS.discovery: json.dumps(device()).encode()})
    assert Message(TOPICS.discovery, "") in announcer.plan(PORCH, everything=True, now_s=0.0).messages
