"""`evaluate`: figures against a known truth, better thresholds, what it writes, and what it says when it cannot."""

import json

import pytest

TRUTH = "video,action,start,end\nred.mkv,reddening,2,6\n"


@pytest.fixture
def truth(tmp_path):
    """What happens in `red_clip`."""
    file = tmp_path / "truth.csv"
    file.write_text(TRUTH)
    return file


@pytest.fixture
def actions(tmp_path):
    """Actions for the toy, one of which never happens."""
    file = tmp_path / "actions.yaml"
    file.write_text(
        "# mine\nreddening: {labels: [turning red], on: 0.9}  # high\ngreening: {labels: [turning green]}\n"
    )
    return file


@pytest.fixture
def evaluate(cli, toy, truth, actions):
    """`evaluate` with the toy."""

    def run(*videos_and_more):
        return cli("evaluate", *videos_and_more, "--truth", truth, "--actions", actions, "--model", toy)

    return run


def test_the_table(evaluate, red_clip):
    ran = evaluate(red_clip)
    assert ran.code == 0
    assert "reddening" in ran.out
    assert "1 of 1" in ran.out
    assert "100%" in ran.out


def test_json_and_delays(evaluate, red_clip):
    told = json.loads(evaluate(red_clip, "--json").out)
    reddening, greening = told["actions"]
    assert (reddening["occurrences"], reddening["false_per_hour"]) == (1, 0.0)
    assert [at["overlap"] for at in reddening["at"]] == [0.3, 0.5]
    assert reddening["at"][0]["f1"] == 1.0
    assert 0.0 <= reddening["report_delay_s"] < 4.0
    assert abs(reddening["end_error_s"]) < 4.0
    assert (greening["occurrences"], greening["at"][0]["recall"]) == (0, None)
    assert told["hours"] == pytest.approx(10 / 3600, abs=1e-4)


def test_a_video_without_truth_is_one_in_which_nothing_happens(evaluate, red_clip, clip_of):
    told = json.loads(evaluate(red_clip, clip_of("also.mkv", ("black", 1), ("red", 4)), "--json").out)
    assert told["actions"][0]["at"][0]["false"] == 1
    assert told["actions"][0]["false_per_hour"] == pytest.approx(3600 / 15, rel=0.1)


def test_a_sweep_writes_what_it_finds_and_nothing_else(evaluate, red_clip, actions):
    before = actions.read_text()
    ran = evaluate(red_clip, "--sweep", "--write")
    assert ran.code == 0
    assert "what would have been best" in ran.out
    changed = actions.read_text().splitlines()
    assert changed[0] == "# mine"
    assert changed[1].endswith("# high")
    assert "off: " in changed[1]
    assert changed[2] == before.splitlines()[2]  # of what never happens nothing can be learnt
    assert evaluate(red_clip).code == 0


def test_the_actions_may_stand_under_a_key(evaluate, red_clip, actions):
    lines = actions.read_text().splitlines()
    actions.write_text("actions:\n" + "".join(f"  {line}\n" for line in lines))
    assert evaluate(red_clip, "--sweep", "--write").code == 0
    assert "min_duration" in actions.read_text()


@pytest.mark.parametrize("ending", [".html", ".png"])
def test_a_report(evaluate, red_clip, tmp_path, ending):
    file = tmp_path / f"report{ending}"
    ran = evaluate(red_clip, "--sweep", "--report", file)
    assert ran.code == 0
    content = file.read_bytes()
    if ending == ".png":
        assert content.startswith(b"\x89PNG")
        return
    page = content.decode()
    assert "red.mkv" in page
    assert page.count("<polyline") == 1
    assert "happened 2.0 to 6.0 s" in page
    assert "src=" not in page  # it needs nothing but itself
    assert "http" not in page


def test_names_in_the_page_are_no_markup(cli, toy, clip_of, tmp_path):
    clip = clip_of("<b>red&.mkv", ("black", 2), ("red", 4))
    (tmp_path / "t.csv").write_text("video\taction\tstart\tend\n<b>red&.mkv\tturning red\t2\t6\n")
    (tmp_path / "a.yaml").write_text("'<i>': {labels: [turning red]}\n")
    ran = cli(
        "evaluate", clip, "--truth", tmp_path / "t.csv", "--actions", tmp_path / "a.yaml", "--model", toy,
        "--report", tmp_path / "r.html",
    )  # fmt: skip
    if ran.code == 0:
        page = (tmp_path / "r.html").read_text()
        assert "<b>" not in page
        assert "<i>" not in page
    else:
        assert "<i>" in ran.err  # such a name of an action is refused, and the message shows it


def test_truth_with_other_names(evaluate, red_clip, truth):
    truth.write_text(
        "video,action,start,end\nred,Turning Red,2,6\nred.mkv,RED!,7,8\nred.mkv,eating,1,2\nx.mkv,eating,1,2\n"
    )
    ran = evaluate(red_clip, "--json", "--map", "RED!=reddening")
    assert json.loads(ran.out)["actions"][0]["occurrences"] == 2
    assert "no action is called so, and --map says nothing: eating (1)" in ran.err
    assert "also tells of videos that were not given: x.mkv" in ran.err


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--map", "x"], 64, "is not of the form LABEL=ACTION"),
        (["--map", "x=y"], 78, "there is no action 'y'; there are: reddening, greening"),
        (["--overlap", "2"], 64, "is not a number over 0"),
        (["--write"], 78, "give both"),
        (["--stream", "x"], 78, "--stream names a stream of --config"),
        (["--head", "fal"], 78, "no head is called 'fal'; did you mean 'fall'?"),
        (["--head", "fall"], 78, "head fall was taught with movinet-a0-int8"),
        (["--report", "none/x.html"], 78, "there is no folder none"),
        (["--report", "x.doc"], 78, "a plot is saved as"),
    ],
)
def test_what_cannot_work_is_told(evaluate, red_clip, more, code, told):
    ran = evaluate(red_clip, *more)
    assert ran.code == code
    assert told in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_stream_of_a_configuration_is_judged_as_it_is_set(cli, toy, red_clip, truth, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(
        f"model: {toy}\nstreams:\n  - name: porch\n    source: {{type: file, path: {red_clip}}}\n"
        "    actions:\n      reddening: {labels: [turning red], on: 0.9}\n"
    )
    ran = cli("evaluate", red_clip, "--truth", truth, "--config", file, "--sweep", "--write")
    assert ran.code == 0
    assert "movinet-edge reload" in ran.err
    assert "min_duration: " in file.read_text()
    assert cli("check", "--config", file).code == 0
    ran = cli("evaluate", red_clip, "--truth", truth, "--config", file, "--stream", "porsch")
    assert (ran.code, "did you mean 'porch'?" in ran.err) == (78, True)


@pytest.mark.parametrize("more", [["--head", "fall"], ["--model", "x.tflite"], ["--threads", "2"], ["--plain"]])
def test_a_stream_has_its_own_model(cli, red_clip, truth, tmp_path, more):
    ran = cli("evaluate", red_clip, "--truth", truth, "--config", tmp_path / "config.yaml", *more)
    assert ran.code == 78
    assert f"{more[0]} goes with --actions" in ran.err
