"""Examples from folders, tables and addresses, and what is said when something is wrong with them."""

import pytest

from movinet_edge.api import ConfigurationError
from movinet_edge.teaching.examples import Example, Span, read_examples, source_of, without_repeats


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Make empty files below a folder that is the working folder too."""
    monkeypatch.chdir(tmp_path)

    def make(*names, **texts):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        for name, text in texts.items():
            (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return tmp_path

    return make


def read(*given):
    return read_examples(given, "waving", stream_s=60.0)


def test_a_folder_of_clips(files):
    files("clips/b.mp4", "clips/a.MKV", "clips/notes.txt", "clips/.hidden.mp4")
    assert read("clips") == [
        Example("clips/a.MKV", (Span("waving"),), "a.MKV"),
        Example("clips/b.mp4", (Span("waving"),), "b.mp4"),
    ]


def test_a_folder_with_a_folder_for_each_action(files):
    files("gym/squat/1.mp4", "gym/lunge/deep/2.mp4", "gym/Background/3.mp4")
    found = {(example.path, example.spans[0].label) for example in read("gym")}
    assert found == {
        ("gym/squat/1.mp4", "squat"),
        ("gym/lunge/deep/2.mp4", "lunge"),
        ("gym/Background/3.mp4", "background"),
    }


def test_a_table(files):
    files(
        "one.mp4",
        "two.mp4",
        labels_csv="file,label,start_s,end_s,source\none.mp4,squat,1,2.5,monday\none.mp4,background,4,,monday\ntwo.mp4,,,,\n",
    )
    assert read("labels.csv") == [
        Example("one.mp4", (Span("squat", 1.0, 2.5), Span("background", 4.0, None)), "monday"),
        Example("two.mp4", (Span("waving"),), "two.mp4"),
    ]


def test_a_table_with_tabs_beside_its_videos(files):
    folder = files("videos/one.mp4")
    (folder / "videos" / "labels.tsv").write_text("file\tlabel\none.mp4\tsquat\n", encoding="utf-8")
    assert read("videos/labels.tsv") == [Example("videos/one.mp4", (Span("squat"),), "one.mp4")]


def test_an_address_is_looked_at_for_a_while():
    (example,) = read("rtsp://me:secret@camera:554/live?key=secret")
    assert (example.seconds, example.source) == (60.0, "stream camera")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("porch_2026-01-31_18-03.mp4", "day 2026-01-31"),
        ("20260131T180312.mp4", "day 2026-01-31"),
        ("2026_02_30.mp4", "day 2026-02-30"),
        ("clip12345678.mp4", "clip12345678.mp4"),
        ("20261331.mp4", "20261331.mp4"),
        ("wave 7.mp4", "wave 7.mp4"),
    ],
)
def test_the_source_is_the_day_or_the_file(tmp_path, name, source):
    assert source_of(tmp_path / name) == source


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("label\nx\n", "there is no column 'file'"),
        ("file,lable\na.mp4,x\n", "the column 'lable' means nothing here"),
        ("file,label\nnone.mp4,x\n", r"labels\.csv:2: there is no video none\.mp4"),
        ("file,label,start_s\na.mp4,x,soon\n", r"labels\.csv:2: 'soon' is no number of seconds"),
        ("file,label,start_s\na.mp4,x,-1\n", "'-1' is no number of seconds"),
        ("file,label,start_s\na.mp4,x,nan\n", "'nan' is no number of seconds"),
        ("file,label,start_s,end_s\na.mp4,x,3,2\n", r"it ends \(2 s\) before it starts \(3 s\)"),
        ("file,label\n", "the table is empty"),
        ("", "there is no column 'file'"),
    ],
)
def test_a_wrong_table(files, table, says):
    files("a.mp4", labels_csv=table)
    with pytest.raises(ConfigurationError, match=says):
        read("labels.csv")


def test_a_table_that_is_no_text(files):
    (files() / "labels.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot read the table"):
        read("labels.csv")


@pytest.mark.parametrize(("given", "says"), [("none", "no such folder, table or video"), ("empty", "no videos are in")])
def test_nothing_there(files, given, says):
    files("empty/notes.txt")
    with pytest.raises(ConfigurationError, match=says):
        read(given)


@pytest.mark.parametrize(("time_s", "holds"), [(0.9, False), (1.0, True), (2.0, True), (2.1, False)])
def test_a_span_holds_its_ends(time_s, holds):
    assert Span("x", 1.0, 2.0).holds(time_s) is holds
    assert Span("x", 1.0).holds(time_s) is (time_s >= 1.0)


def of(path, *spans, seconds=None):
    return Example(path, spans, "x", seconds)


@pytest.mark.parametrize(
    "given",
    [
        [of("a.mp4", Span("yes")), of("b.mp4", Span("no"))],
        [of("a.mp4", Span("yes", 0, 3)), of("a.mp4", Span("no", 3))],
        [of("a.mp4", Span("yes", 5)), of("a.mp4", Span("no", 0, 2), Span("no", 3, 5))],
        [of("rtsp://a", Span("yes"), seconds=5), of("rtsp://a", Span("no"), seconds=5)],
    ],
)
def test_what_does_not_contradict_itself_stays(given):
    assert without_repeats(given) == given


def test_what_is_given_twice_counts_once(files):
    folder = files("clips/a.mp4")
    once, again = of("clips/a.mp4", Span("yes")), of(str(folder / "clips" / "a.mp4"), Span("yes"))
    assert without_repeats([once, again, once]) == [once]


@pytest.mark.parametrize("spans", [(Span("yes"), Span("no")), (Span("yes", 2), Span("no", 0, 3))])
def test_one_thing_is_not_two(files, spans):
    folder = files("a.mp4")
    given = [of(path, span) for path, span in zip(("a.mp4", str(folder / "a.mp4")), spans, strict=True)]
    with pytest.raises(ConfigurationError, match=r"a\.mp4: is given as 'yes' and as 'no' at once"):
        without_repeats(given)
