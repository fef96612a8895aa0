"""`plugins`: every source and sink with where it is from, and why one cannot be used."""

import pytest

PLUGIN = '''\
"""A sink in a single file."""
from pydantic import BaseModel

class Bell:
    """Rings."""

    class Settings(BaseModel):
        loud: bool = False

    def __init__(self, settings): ...
    def open(self): ...
    def deliver(self, event): ...
    def close(self): ...

SINKS = {"bell": Bell}
'''


@pytest.fixture
def drop_ins(tmp_path):
    """A folder that nobody else may write."""
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    return folder


def row_of(out, word):
    return next(line.split() for line in out.splitlines() if word in line)


def test_our_own_are_there(cli):
    ran = cli("plugins")
    assert (ran.code, ran.err) == (0, "")
    rows = [tuple(line.split()[:3]) for line in ran.out.splitlines()]
    for kind, name in [("source", "file"), ("sink", "jsonl"), ("sink", "log")]:
        assert (kind, name, "movinet-edge") in rows


def test_settings_say_what_can_be_set(cli):
    ran = cli("plugins", "--settings")
    assert ran.code == 0
    text = " ".join(ran.out.split())
    assert "source file follow (default None): instead of path" in text
    assert "path (default None): a video file, a glob" in text
    assert "pace (default fast):" in text
    assert "sink log nothing to set" in text


def test_a_file_in_a_folder_of_ones_own(cli, drop_ins):
    (drop_ins / "bell.py").write_text(PLUGIN)
    ran = cli("plugins", "--dir", drop_ins, "--settings")
    assert ran.code == 0
    assert row_of(ran.out, "Rings.") == ["sink", "bell", str(drop_ins / "bell.py"), "Rings."]
    assert "loud (default False)" in ran.out


BROKEN = {
    "import no_such_module_anywhere\n": "No module named 'no_such_module_anywhere'",
    "raise SystemExit(3)\n": "SystemExit: 3",
    "def broken(:\n": "SyntaxError",
    "x = 1\n": "names no plugin",
    "SINKS = {'gong': 3}\n": "is not a class but int",
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.items(), ids=list(BROKEN.values()))
def test_a_broken_one_is_told_and_costs_the_others_nothing(cli, drop_ins, text, reason):
    (drop_ins / "broken.py").write_text(text)
    (drop_ins / "good.py").write_text(PLUGIN)
    ran = cli("plugins", "--dir", drop_ins, "--settings")
    assert (ran.code, ran.err) == (0, "")
    assert reason in ran.out
    assert str(drop_ins / "broken.py") in ran.out
    assert "Rings." in ran.out


def test_a_folder_that_others_can_write_is_refused_with_the_remedy(cli, drop_ins):
    (drop_ins / "bell.py").write_text(PLUGIN)
    drop_ins.chmod(0o777)
    ran = cli("plugins", "--dir", drop_ins)
    assert ran.code == 0
    assert f"chmod go-w {drop_ins}" in ran.out
    assert "Rings." not in ran.out


def test_a_missing_folder_is_told(cli, tmp_path):
    ran = cli("plugins", "--dir", tmp_path / "none")
    assert ran.code == 0
    assert "refused:" in row_of(ran.out, str(tmp_path / "none"))
    assert "No such file or directory" in ran.out
