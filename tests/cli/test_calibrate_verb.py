"""`calibrate`: thresholds from ordinary life, watched live or recorded, and what it says when that cannot be."""

import json

import pytest


@pytest.fixture
def config(toy, clip_of, tmp_path):
    """A stream whose ordinary life turns red now and then."""
    life = clip_of("life.mkv", *((colour, seconds) for _ in range(6) for colour, seconds in (("black", 6), ("red", 2))))
    file = tmp_path / "config.yaml"
    file.write_text(
        f"model: {toy}\nstate_dir: {tmp_path / 'state'}\nstreams:\n  - name: porch\n"
        f"    source: {{type: file, path: {life}, loop: true, pace: realtime}}\n"
        "    window: 3\n    actions:\n      reddening: {labels: [turning red], on: 0.5, cooldown: 0}  # of mine\n"
        "      greening: {labels: [turning green], on: 0.95, off: 0.5}\n"
    )
    return file, life


def test_recorded_life(cli, config):
    file, life = config
    before = file.read_text()
    ran = cli("calibrate", "porch", "--config", file, "--videos", life, "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    reddening, greening = told["actions"]
    assert told["watched_s"] == pytest.approx(48, abs=0.5)
    assert reddening["events_before"] >= 4
    assert reddening["on"] > 0.5
    assert (greening["on"], greening["events_before"]) == (0.95, 0)
    assert file.read_text() == before


def test_it_writes_what_changed_and_nothing_else(cli, config):
    file, life = config
    before = file.read_text().splitlines()
    ran = cli("calibrate", "--config", file, "--videos", life, "--write")
    assert ran.code == 0
    assert "this was short" in ran.out
    after = file.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert "reddening" in changed[0]
    assert changed[0].endswith("# of mine")
    assert cli("check", "--config", file).code == 0
    assert "nothing to write" in cli("calibrate", "--config", file, "--videos", life, "--write").err


def test_a_live_stream_for_too_short_a_time(cli, config):
    file, _ = config
    ran = cli("calibrate", "porch", "--config", file, "--for", "1s")
    assert ran.code == 78
    assert "were watched, and 30 s are the least" in ran.err


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["nowhere"], 78, "there is no stream 'nowhere'; there are: porch"),
        (["--for", "0s"], 64, "is not a time above 0"),
        (["--for", "soon"], 64, "soon"),
        (["--confidence", "1"], 64, "is not a number from 0.5 to 0.99"),
        (["--false-per-day", "0"], 64, "is not a number above 0"),
        (["--videos", "none.mkv"], 66, "none.mkv"),
    ],
)
def test_what_cannot_work_is_told(cli, config, more, code, told):
    ran = cli("calibrate", *more, "--config", config[0])
    assert ran.code == code
    assert told in ran.err
    assert "Traceback" not in ran.err
