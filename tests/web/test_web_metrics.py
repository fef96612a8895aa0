"""The figures for Prometheus, read by its own parser, and the two questions of a service manager."""

import json
import re
import time
from base64 import b64encode
from pathlib import Path

import pytest
import yaml
from page import CONTROL, PATIENCE_S, VIEW, Visitor
from prometheus_client.parser import text_string_to_metric_families

CONFIG = Path(__file__).resolve().parents[2] / "config"


def families(answer):
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def value(family, suffix="", **labels):
    found = [
        sample.value
        for sample in family.samples
        if sample.name == family.name + suffix and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (family, labels)
    return found[0]


@pytest.fixture
def figures(visitor):
    """The figures once there was an event."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        found = families(visitor.get("/metrics"))
        if found["movinet_edge_event_latency_seconds"].samples:
            return found
        assert time.monotonic() < give_up_s
        time.sleep(0.1)


def test_the_figures_of_status(figures):
    states = figures["movinet_edge_stream_state"]
    assert value(states, stream="yard", state="disabled") == 1
    assert value(states, stream="hall", state="live") == 1
    assert value(states, stream="hall", state="stalled") == 0
    assert [value(figures["movinet_edge_stream_well"], stream=name) for name in ("hall", "yard", "phone")] == [1, 1, 1]
    assert (
        value(figures["movinet_edge_events"], "_total", stream="hall", action="reddening", type="start", reason="") > 0
    )
    assert value(figures["movinet_edge_frames_scored"], "_total", stream="hall") > 0
    assert value(figures["movinet_edge_frames_dropped"], "_total", stream="hall", reason="unusable") == 0
    assert value(figures["movinet_edge_action_threshold"], stream="hall", action="reddening") > 0
    assert value(figures["movinet_edge_sink_events"], "_total", sink="jsonl", outcome="delivered") > 0
    assert value(figures["movinet_edge_lost_events"], "_total") == 0


def test_the_histograms(figures):
    scored = value(figures["movinet_edge_frames_scored"], "_total", stream="hall")
    inference = figures["movinet_edge_inference_seconds"]
    # Counted from the moment that the page was there; the figures are read one after the other.
    assert 0 < value(inference, "_count", stream="hall") <= scored + 5
    assert value(inference, "_bucket", stream="hall", le="+Inf") == value(inference, "_count", stream="hall")
    latency = figures["movinet_edge_event_latency_seconds"]
    assert value(latency, "_sum", stream="hall") / value(latency, "_count", stream="hall") < 1


@pytest.mark.parametrize(("password", "status"), [(None, 401), ("", 401), ("wrong", 401), (VIEW, 200), (CONTROL, 200)])
def test_where_there_is_a_password_the_figures_need_it(locked_daemon, password, status):
    credentials = b64encode(f"prometheus:{password}".encode()).decode()
    headers = {} if password is None else {"Authorization": f"Basic {credentials}"}
    with Visitor(locked_daemon.url, address="127.0.0.77") as machine:
        answers = [machine.get("/metrics", headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [status] * 2
    assert ("WWW-Authenticate" in answers[0].headers) == (status == 401)


def test_anybody_may_ask_whether_it_lives_and_learns_no_more(stranger):
    alive, ready = stranger.get("/healthz"), stranger.get("/readyz")
    assert (alive.status, alive.body) == (200, b"ok\n")
    assert (ready.status, ready.body) == (200, b"3 of 3 streams are well\n")


def known_names(figures):
    return {sample.name for family in figures.values() for sample in family.samples} | {
        "movinet_edge_throttled",
        "movinet_edge_temperature_celsius",
        "movinet_edge_source_cpu_cores",
    }  # not on every machine, not at once


def names_in(text):
    return set(re.findall(r"movinet_edge_\w+", text))


def test_the_dashboard_asks_for_figures_that_there_are(figures):
    board = json.loads((CONFIG / "grafana-dashboard.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(expressions) >= 8
    assert names_in(" ".join(expressions)) <= known_names(figures)


def test_the_alerts_ask_for_figures_that_there_are(figures):
    groups = yaml.safe_load((CONFIG / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {"MovinetEdgeSilentCamera", "MovinetEdgeOutboxFills", "MovinetEdgeThrottled"} <= {r["alert"] for r in rules}
    for rule in rules:
        assert names_in(rule["expr"]) <= known_names(figures)
        assert rule["annotations"].keys() == {"summary", "description"}
