"""Plugins: found by entry point or as files in a folder, and refused with a reason that helps."""

import sys
import textwrap
from pathlib import Path

import pytest

from movinet_edge.daemon.plugins import PluginBroken, Plugins, PluginUnknown, discover_plugins
from movinet_edge_plugins.file import FileSource

GOOD = """
    from movinet_edge.api import PluginSettings

    class Settings(PluginSettings):
        speed: int = 1

    class Lamp:
        Settings = Settings
        def __init__(self, settings): self.settings = settings
        def open(self): pass
        def deliver(self, event): pass
        def close(self): pass

    class Cam:
        Settings = Settings
        live = True
        frames_read = 0
        def __init__(self, settings): self.settings = settings
        def frames(self, request): return iter(())
        def close(self): pass
"""
BOTH = GOOD + "\n    SOURCES = {'cam': Cam}\n    SINKS = {'lamp': Lamp}\n"


@pytest.fixture
def folder(tmp_path):
    plugins = tmp_path / "drop-in"
    plugins.mkdir(mode=0o755)
    return plugins


@pytest.fixture(autouse=True)
def imports_are_forgotten():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("movinet_edge_drop_in_", "outside_")):
            del sys.modules[name]


def drop_in(folder: Path, text: str, name: str = "mine.py", mode: int = 0o644) -> Path:
    file = folder / name
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution on the path, as pip would: its module, its metadata and its entry points."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def _install(dist, module_text, entry_points):
        module = f"outside_{dist}"
        (site / f"{module}.py").write_text(textwrap.dedent(module_text), encoding="utf-8")
        info = site / f"{dist}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points), encoding="utf-8")

    return _install


def reasons(plugins: Plugins, path: Path) -> str:
    return dict(plugins.refused)[str(path)]


def test_our_own_plugins_come_through_the_same_door():
    plugins = discover_plugins()
    assert {("source", "file"), ("sink", "log"), ("sink", "jsonl")} <= set(plugins.found)
    assert plugins.find("source", "file").plugin_class() is FileSource
    assert all(plugin.problem() is None for plugin in plugins.found.values())
    assert plugins.refused == []


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [
        ("sink", "jsnl", "did you mean 'jsonl'?"),
        ("source", "fiel", "did you mean 'file'?"),
        ("sink", "pigeon", "there are: "),
        ("source", "jsonl", "there are: "),
        ("sink", "file", "there are: "),
    ],
)
def test_an_unknown_name_gets_the_nearest(kind, name, hint):
    with pytest.raises(PluginUnknown) as caught:
        discover_plugins().find(kind, name)
    assert f"no {kind} plugin is called {name!r}; {hint}" in str(caught.value)


def test_an_outside_plugin_is_found_and_imported_only_when_wanted(install):
    install(
        "lamps",
        BOTH,
        "[movinet_edge.sinks]\nlamp = outside_lamps:Lamp\n[movinet_edge.sources]\ncam = outside_lamps:Cam\n",
    )
    plugins = discover_plugins()
    assert "outside_lamps" not in sys.modules
    assert plugins.find("sink", "lamp").plugin_class().__name__ == "Lamp"
    assert plugins.find("source", "cam").plugin_class().__name__ == "Cam"
    assert str(plugins.find("sink", "lamp")) == "sink 'lamp' of lamps"


@pytest.mark.parametrize(
    ("text", "attribute", "reason"),
    [
        ("import no_such_library", "Lamp", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise RuntimeError('no GPIO here')", "Lamp", "RuntimeError: no GPIO here"),
        ("import sys; sys.exit(3)", "Lamp", "SystemExit: 3"),
        ("def broken(:", "Lamp", "SyntaxError"),
        ("", "Lamp", "AttributeError"),
        ("Lamp = 5", "Lamp", "is not a class but int"),
        ("class Lamp: pass", "Lamp", "has no `Settings`, a pydantic model"),
        ("class Lamp:\n    Settings = dict", "Lamp", "has no `Settings`, a pydantic model"),
        (GOOD, "Settings", "has no `Settings`, a pydantic model"),
        (GOOD, "Cam", "lacks the method(s) open, deliver"),
    ],
    ids=[
        "import",
        "raises",
        "exits",
        "syntax",
        "missing",
        "no class",
        "no settings",
        "dict",
        "model",
        "source as sink",
    ],
)
def test_a_broken_plugin_is_a_status_and_harms_no_other(install, text, attribute, reason):
    install("lamps", text, f"[movinet_edge.sinks]\nlamp = outside_lamps:{attribute}\n")
    plugins = discover_plugins()
    lamp = plugins.find("sink", "lamp")
    assert reason in (lamp.problem() or "")
    with pytest.raises(PluginBroken):
        lamp.plugin_class()
    assert plugins.find("sink", "jsonl").problem() is None


def test_nobody_takes_the_place_of_our_own(install):
    install("impostor", BOTH, "[movinet_edge.sinks]\njsonl = outside_impostor:Lamp\n")
    plugins = discover_plugins()
    assert plugins.find("sink", "jsonl").origin == "movinet-edge"
    assert plugins.refused == [("sink 'jsonl' of impostor", "movinet-edge has a sink of that name already")]


def test_a_file_in_a_folder_gives_plugins(folder):
    drop_in(folder, BOTH)
    plugins = discover_plugins([folder])
    assert plugins.refused == []
    cam = plugins.find("source", "cam").plugin_class()
    assert cam.Settings.model_validate({"speed": 3}).speed == 3
    assert plugins.find("sink", "lamp").problem() is None


def test_only_python_files_are_looked_at(folder):
    drop_in(folder, "this is no code", name="README.md")
    (folder / "__pycache__").mkdir()
    assert discover_plugins([folder]).refused == []


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666], ids=oct)
def test_a_file_that_others_can_write_is_refused(folder, mode):
    file = drop_in(folder, BOTH, mode=mode)
    plugins = discover_plugins([folder])
    assert f"chmod go-w {file}" in reasons(plugins, file)
    assert ("source", "cam") not in plugins.found


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777], ids=oct)
def test_a_folder_that_others_can_write_is_refused(folder, mode):
    drop_in(folder, "raise AssertionError('was run')")
    folder.chmod(mode)
    plugins = discover_plugins([folder])
    assert [origin for origin, _ in plugins.refused] == [str(folder)]
    assert f"chmod go-w {folder}" in reasons(plugins, folder)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("absent", "cannot be read: No such file or directory"), ("mine.py", "cannot be read: Not a directory")],
)
def test_a_folder_that_is_none_is_told(folder, name, reason):
    drop_in(folder, BOTH)
    path = folder / name
    assert reasons(discover_plugins([path]), path) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "names no plugin; end the file with SOURCES"),
        (GOOD + "\n    SINKS = [Lamp]\n", "names no plugin"),
        (GOOD + "\n    SOURCES = {'cam': Cam}\n    SINKS = [Lamp]\n", "names no plugin"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("import no_such_library", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
    ],
    ids=["no tables", "list", "one list", "raises", "exits", "import", "syntax"],
)
def test_a_broken_file_is_refused_and_the_next_one_works(folder, text, reason):
    file = drop_in(folder, text, name="a_broken.py")
    drop_in(folder, BOTH, name="b_good.py")
    plugins = discover_plugins([folder])
    assert reason in reasons(plugins, file)
    assert plugins.find("source", "cam").problem() is None


def test_a_file_that_raises_leaves_no_half_module_behind(folder):
    drop_in(folder, "x = 1\n1 / 0", name="half.py")
    discover_plugins([folder])
    assert not [name for name in sys.modules if "half" in name and "drop_in" in name]


def test_what_a_refused_file_might_have_given_is_told(folder):
    drop_in(folder, "1 / 0")
    with pytest.raises(PluginUnknown, match=r"refused: .*mine.py \(ZeroDivisionError: division by zero\)"):
        discover_plugins([folder]).find("source", "cam")


def test_the_same_name_in_two_files_stays_with_the_first(folder):
    first, second = drop_in(folder, BOTH, name="a.py"), drop_in(folder, BOTH, name="b.py")
    plugins = discover_plugins([folder])
    assert plugins.find("sink", "lamp").origin == str(first)
    assert [origin for origin, _ in plugins.refused] == [f"source 'cam' of {second}", f"sink 'lamp' of {second}"]


def test_a_wrong_class_in_a_file_is_a_status(folder):
    drop_in(folder, "SINKS = {'lamp': 5}")
    assert "is not a class but int" in (discover_plugins([folder]).find("sink", "lamp").problem() or "")
