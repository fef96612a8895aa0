"""The catalogue and the label lists that come with the package."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_server import make_card
from pydantic import ValidationError

from movinet_edge.api import ModelError
from movinet_edge.models import ModelCard, bundled_labels, catalogue, recommended
from movinet_edge.models.catalogue import nearest

NAMES = [f"movinet-{size}-{kind}" for kind in ("int8", "float16") for size in ("a0", "a1", "a2")]


def test_catalogue_has_the_six_official_files_in_order_and_our_own():
    assert list(catalogue()) == [*NAMES, "builtin"]


def test_a_caller_cannot_change_the_catalogue():
    catalogue().clear()
    assert list(catalogue()) == [*NAMES, "builtin"]


@pytest.mark.parametrize("name", NAMES)
def test_each_card_agrees_with_its_name(name):
    card = catalogue()[name]
    _, size, kind = name.split("-")
    assert card.family == f"MoViNet-{size.upper()}-Stream"
    assert card.quantisation == kind
    assert card.version == (2 if kind == "float16" else 1)
    assert card.input_px == (224 if size == "a2" else 172)
    assert card.fps == 5
    assert len(bundled_labels(card.labels)) == 600
    assert card.urls
    for url in card.urls:
        assert url.startswith("https://")
        assert re.search(rf"/{size}\b.*\b{kind}/{card.version}\b", url)


def test_a0_int8_is_known_by_checksum():
    card = catalogue()["movinet-a0-int8"]
    assert card.sha256 == "6125b36e2485eeb5cc1fd6206cf5e5d70235593fbc84610d1dce97fe3aa9c2ac"
    assert card.size_bytes == 3276048


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../evil"),
        ("name", ".hidden"),
        ("urls", ["file:///etc/passwd"]),
        ("urls", ["ftp://host/model"]),
        ("sha256", "abc"),
        ("git_blob", "A" * 40),
        ("size_bytes", 0),
        ("top1_percent", 101),
        ("surprise", 1),
    ],
)
def test_a_card_refuses(field, value):
    with pytest.raises(ValidationError, match=field):
        ModelCard.model_validate(make_card().model_dump() | {field: value})


def test_labels_are_the_600_of_kinetics():
    labels = bundled_labels()
    assert len(set(labels)) == 600
    assert labels == tuple(sorted(labels))
    assert (labels[0], labels[-1]) == ("abseiling", "zumba")
    assert {"jumping jacks", "push up", "waving hand"} <= set(labels)


@pytest.mark.parametrize(
    ("wrong", "said"), [("kinetics600", "did you mean kinetics-600"), ("imagenet", "known: builtin, kinetics-600")]
)
def test_an_unknown_label_list_is_an_error_with_the_right_name(wrong, said):
    with pytest.raises(ModelError, match=said):
        bundled_labels(wrong)


@given(st.text(), st.lists(st.text(min_size=1), max_size=5))
def test_nearest_always_says_something(name, known):
    assert nearest(name, known).startswith(("did you mean ", "known: "))


@pytest.mark.parametrize(
    ("machine", "name"),
    [("x86_64", "movinet-a0-float16"), ("aarch64", "movinet-a0-float16"), ("armv7l", "movinet-a0-int8")],
)
def test_what_is_recommended_is_in_the_catalogue(machine, name):
    assert recommended(machine) == name
    assert name in catalogue()
