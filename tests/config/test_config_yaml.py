"""Files that are not the YAML they should be, and the rules of YAML 1.2."""

import json
import string
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.config import ConfigurationProblems, load_actions, read_document
from movinet_edge.config.yaml_reader import MAX_BYTES, parse_yaml


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb:\n\tc: 1\n", "config.yaml:3: a tab is used for indentation; YAML wants spaces"),
        ("a: 1\nb: 2\na: 3\n", "config.yaml:3: the key 'a' is already in line 1; keep one of them"),
        (
            "a: [1,\nb: 2\n",
            (
                "config.yaml:3: is not valid YAML: expected ',' or ']', but got '<stream end>' (while parsing a "
                "flow sequence)"
            ),
        ),
        ("a: b: c\n", "config.yaml:1: is not valid YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "config.yaml:2: a second document (---) begins here; one file holds one configuration"),
        ("a: *nobody\n", "config.yaml:1: is not valid YAML: found undefined alias 'nobody'"),
        ("- a\n- b\n", "config.yaml: must hold keys with values (key: value) at its top level"),
        ("word\n", "config.yaml: must hold keys with values (key: value) at its top level"),
        ("a: 1\nb: \x07\n", "config.yaml:2: holds a character that YAML does not allow (U+0007)"),
        ("a: !secret name\n", "config.yaml:1: the tag !secret is not supported here; leave it out"),
        (
            "a: !!python/name:os.system\n",
            "config.yaml:1: the tag !!python/name:os.system is not supported here; leave it out",
        ),
        ("a: !!int one\n", "config.yaml:1: the value cannot be read as int"),
        ("a: &x [*x]\n", "config.yaml:1: nested more than 32 levels deep"),
        ("a: " + "[" * 5000, "config.yaml: nested more than 32 levels deep"),
        ("? [a, b]\n: 1\n", "config.yaml:1: a list or a mapping cannot be a key"),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "config.yaml:3: merge keys (<<) are not supported; give the whole value an alias (key: *name)",
        ),
    ],
)
def test_bad_yaml_is_told_with_its_line(complaints, text, complaint):
    assert complaints(text) == [complaint]


def test_aliases_that_multiply_are_refused(complaints):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (complaint,) = complaints("\n".join(lines))
    assert "more than 20000 values once its aliases (*name) are written out" in complaint


def test_a_huge_file_is_refused(complaints):
    assert complaints("# " + "x" * MAX_BYTES) == ["config.yaml: is larger than 256 KiB; this is no configuration file"]


def test_text_in_another_encoding_is_told_with_its_line(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_bytes("a: 1\nb: Tür\n".encode("latin-1"))
    with pytest.raises(ConfigurationProblems, match=r"config\.yaml:2: is not UTF-8 text"):
        read_document(file, environ={})


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(file, environ={}).tree == {"a": 1}


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigurationProblems, match=r"nowhere\.yaml: there is no such file"):
        read_document(tmp_path / "nowhere.yaml", environ={})


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(ConfigurationProblems, match="is a folder; name the YAML file in it"):
        read_document(tmp_path, environ={})


def test_a_file_that_cannot_be_opened(write):
    file = write("a: 1") / "config.yaml"
    with pytest.raises(ConfigurationProblems, match="cannot be read: Not a directory"):
        read_document(file, environ={})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("1_000", "1_000"),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("5s", "5s"),
        ("'5'", "5"),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(write, written, value):
    read = read_document(write(f"a: {written}\non: 1"), environ={}).tree
    assert read == {"a": value, "on": 1}
    assert type(read["a"]) is type(value)


keys = st.text(string.ascii_letters + string.digits + " -_.äöü", min_size=1, max_size=8)
trees = st.dictionaries(
    keys,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(string.printable, max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@given(trees)
def test_json_is_read_as_the_yaml_it_is(tree):
    node, problems = parse_yaml(json.dumps(tree).encode(), "any")
    assert problems == []
    assert node.plain() == tree


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_the_reader_fail(data):
    node, problems = parse_yaml(data, "any")
    assert problems or node is not None


@pytest.mark.parametrize(
    "text", ["waving: {labels: [waving hand], on: 0.2}", "actions: {waving: {labels: [waving hand], on: 0.2}}"]
)
def test_actions_alone_are_read_from_both_shapes(write, text):
    actions = load_actions(write(text))
    assert list(actions) == ["waving"]
    assert actions["waving"].labels == ("waving hand",)
    assert actions["waving"].off == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "config.yaml: holds no action; write name: {labels: [a label]}"),
        ("actions:\n", "config.yaml:1: actions: holds no action; write name: {labels: [a label]}"),
        (
            "waving:\n  labls: [x]\n  on: 2\n",
            (
                "config.yaml:1: waving.labels: is missing\n"
                "config.yaml:2: waving.labls: unknown key; did you mean 'labels'?\n"
                "config.yaml:3: waving.on: 2 is not at most 1"
            ),
        ),
        (
            "sinks: []\nactions:\n  waving:\n    onn: 1\n    labels: [x]\n",
            (
                "config.yaml:1: sinks: unknown key beside 'actions'\n"
                "config.yaml:4: actions.waving.onn: unknown key; did you mean 'on'?"
            ),
        ),
        ("actions: [waving]", "config.yaml:1: actions: a list is not a section of keys (key: value)"),
    ],
)
def test_mistakes_in_a_file_of_actions(write, tmp_path, text, complaint):
    with pytest.raises(ConfigurationProblems) as caught:
        load_actions(write(textwrap.dedent(text)))
    assert str(caught.value).replace(f"{tmp_path}/", "") == complaint
