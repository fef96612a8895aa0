"""What plugin authors are promised: the API is documented, and the first-party plugins keep the rules they show."""

import ast
import inspect
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import movinet_edge.api as plugin_api
from movinet_edge.api import SINK_GROUP, SOURCE_GROUP, PluginSettings, parse_duration
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.testing.sinks import SinkContract

PROJECT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
README = (PROJECT / "plugins" / "README.md").read_text(encoding="utf-8")
OWN = PROJECT / "plugins" / "movinet_edge_plugins"
TEMPLATE = PROJECT / "plugins" / "template" / "src" / "movinet_edge_template"

FIRST_PARTY = [
    pytest.param(kind, name, target, id=f"{kind} {name}")
    for kind, group in (("source", SOURCE_GROUP), ("sink", SINK_GROUP))
    for name, target in PYPROJECT["project"]["entry-points"][group].items()
]


def plugin_class(target):
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def api_classes():
    return [name for name in plugin_api.__all__ if inspect.isclass(getattr(plugin_api, name))]


def own_methods():
    """Public methods and properties that the API's classes define themselves."""
    for name in api_classes():
        for method, value in vars(getattr(plugin_api, name)).items():
            inside = value.__func__ if isinstance(value, classmethod) else value
            if not method.startswith("_") and (inspect.isfunction(inside) or isinstance(inside, property)):
                yield pytest.param(inside, id=f"{name}.{method}")


# The API is documented


@pytest.mark.parametrize("name", plugin_api.__all__)
def test_the_readme_tells_what_a_name_of_the_api_is(name):
    section = README.partition("## What `movinet_edge.api` holds")[2]
    assert re.search(rf"^\|.*`{name}`.*\|.+\|$", section, re.MULTILINE)


def test_the_readme_names_nothing_that_the_api_does_not_hold():
    rows = re.findall(r"^\|(.+?)\|", README.partition("## What `movinet_edge.api` holds")[2], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == set(plugin_api.__all__)


@pytest.mark.parametrize("name", api_classes())
def test_a_class_of_the_api_has_a_docstring(name):
    # A dataclass without one gets its signature instead.
    assert not (getattr(plugin_api, name).__doc__ or f"{name}(").startswith(f"{name}(")


@pytest.mark.parametrize("method", [*own_methods()])
def test_a_method_of_the_api_has_a_docstring(method):
    assert method.__doc__


# The first-party plugins keep the rules


@pytest.mark.parametrize(("kind", "name", "target"), FIRST_PARTY)
def test_every_setting_is_described(kind, name, target):
    settings = plugin_class(target).Settings
    assert issubclass(settings, PluginSettings)  # which refuses unknown keys
    assert settings.__doc__
    undescribed = [field for field, info in settings.model_fields.items() if not info.description]
    assert not undescribed


@pytest.mark.parametrize(("kind", "name", "target"), FIRST_PARTY)
def test_the_readme_has_every_setting_with_its_default(kind, name, target):
    title = f"### {kind.capitalize()} `{name}`\n"
    assert README.count(title) == 1
    section = re.split(r"^##", README.partition(title)[2], flags=re.MULTILINE)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| `?(.+?)`? \|", section, re.MULTILINE))
    fields = {info.alias or field: info for field, info in plugin_class(target).Settings.model_fields.items()}
    assert rows.keys() == fields.keys()
    assert {field: rows[field] for field in rows if not _says_default(rows[field], fields[field])} == {}


def _says_default(written, field):
    if field.is_required():
        return written == "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, float):
        return parse_duration(written) == default  # takes 10 as well as 10s
    return yaml.safe_load(written) == default


@pytest.mark.parametrize(("kind", "name", "target"), FIRST_PARTY)
def test_the_class_says_in_one_line_what_it_is(kind, name, target):
    assert re.match(r"[A-Z].{10,}\.$", (plugin_class(target).__doc__ or "").split("\n")[0])


def imports(file):
    """Every module that a file imports, at the top or within a function."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("file", sorted(OWN.glob("*.py")), ids=lambda file: file.stem)
def test_a_plugin_imports_the_api_alone(file):
    public = {f"{OWN.name}.{other.stem}" for other in OWN.glob("[!_]*.py")}
    for module in imports(file):
        assert not module.startswith("."), "write imports out, so that the import contracts see them"
        assert module == "movinet_edge.api" or module.partition(".")[0] != "movinet_edge"
        assert module not in public, "plugins never import each other"


@pytest.mark.parametrize("file", sorted(TEMPLATE.glob("*.py")), ids=lambda file: file.stem)
def test_the_template_needs_the_api_alone(file):
    allowed = {*sys.stdlib_module_names, "numpy", "pydantic", TEMPLATE.name}  # what the API itself brings
    for module in imports(file):
        assert module == "movinet_edge.api" or module.partition(".")[0] in allowed


def test_the_import_contracts_know_every_plugin_and_every_package():
    contracts = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    plugins = {target.partition(":")[0] for param in FIRST_PARTY for target in param.values[2:]}
    assert set(contracts["Plugins never import each other"]["modules"]) == plugins
    parts = {path.stem for path in (PROJECT / "movinet_edge").iterdir() if (path / "__init__.py").is_file()}
    forbidden = {module.partition(".")[2] for module in contracts["Plugins see the API alone"]["forbidden_modules"]}
    assert forbidden >= parts - {"api", "testing"}


# The single file in the README works


@pytest.fixture
def drop_in(tmp_path):
    """The README's example in a folder of its own."""
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    (folder / "flag.py").write_text(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0], encoding="utf-8")
    (folder / "flag.py").chmod(0o644)
    return folder


def test_the_single_file_of_the_readme_is_found(drop_in):
    plugins = discover_plugins([drop_in])
    assert not plugins.refused
    plugin = plugins.find("sink", "flag")
    assert plugin.problem() is None
    assert plugin.origin == str(drop_in / "flag.py")


class TestSingleFileContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _find(self, drop_in):
        type(self).sink_type = discover_plugins([drop_in]).find("sink", "flag").plugin_class()

    def settings(self):
        return {"path": self.folder / "flag"}

    def check_accepted(self, events):
        # The flag is there when the last event was a start.
        assert (self.folder / "flag").exists() == (events[-1].event_type == "start")


@pytest.mark.parametrize(
    "name", ["plugins", "plugins/template", "movinet_edge/testing", "movinet_edge", "systemd", "tests"]
)
def test_a_folder_explains_itself_and_its_links_lead_somewhere(name):
    folder = PROJECT / name
    text = (folder / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (folder / link).exists(), link
    # The first column of a table names what is in the folder, where it looks like a path.
    for entry in re.findall(r"^\| `([\w./]+(?:/|\.py|\.sh|\.yaml|\.md))` \|", text, re.MULTILINE):
        assert (folder / entry).exists(), entry
