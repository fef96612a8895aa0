"""From a file to a checked configuration, or to everything that is wrong with it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from movinet_edge.config.document import Document, read_document, read_single
from movinet_edge.config.explain import problems_from
from movinet_edge.config.problems import ConfigurationProblems, KeyPath, Problem, nearest
from movinet_edge.config.settings import Configuration, default_state_dir
from movinet_edge.config.sinks import vain_filters
from movinet_edge.config.thresholds import ActionSettings, ActionsFile
from movinet_edge.config.web import WebSettings

_MODEL_SUFFIX = ".tflite"
_LABELS_SUFFIX = ".txt"
_HEAD_SUFFIX = ".json"


def load(file: Path, *, environ: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration of a file, the fragments beside it, the environment and the credentials.

    Raises:
        ConfigurationProblems: all that is wrong with it.
    """
    configuration, problems = validate(read_document(file, environ=environ))
    if configuration is None:
        raise ConfigurationProblems(problems)
    return configuration


def validate(document: Document) -> tuple[Configuration | None, list[Problem]]:
    """The configuration in a document, or None and all that is wrong with it.

    Settings of plugins are left as they are. Relative paths (`state_dir`, `plugin_dirs`, and models and labels that are
    paths) begin at the configuration file's folder, wherever they were written.
    """
    problems = [
        *_private_keys(document),
        *_repeated_names(document, "streams"),
        *_repeated_names(document, "sinks"),
        *vain_filters(document),
    ]
    # A key that was left empty (`sinks:` with every entry commented out) counts as not written. What begins with an
    # underscore would be taken by pydantic-settings for an argument of its own.
    tree = {key: value for key, value in document.tree.items() if value is not None and not key.startswith("_")}
    tree.setdefault("state_dir", default_state_dir(document.environ))
    try:
        configuration = Configuration(**tree)
    except ValidationError as error:
        problems += problems_from(error, document, model=Configuration)
    if problems:
        return None, sorted(problems, key=_reading_order)
    return _with_whole_paths(configuration, document.folder), []


def load_actions(file: Path) -> dict[str, ActionSettings]:
    """Actions by name from a YAML file which holds them under `actions:` or at its top level.

    Raises:
        ConfigurationProblems: all that is wrong with it.
    """
    document = read_single(file)
    tree = document.tree
    prefix: KeyPath = ("actions",) if "actions" in tree else ()
    problems = [
        document.origin((key,)).problem((key,), "unknown key beside 'actions'")
        for key in tree
        if prefix and key != "actions"
    ]
    section = tree["actions"] if prefix else tree
    if not section:
        problems.append(document.origin(prefix).problem(prefix, "holds no action; write name: {labels: [a label]}"))
    actions: dict[str, ActionSettings] = {}
    try:
        actions = ActionsFile.model_validate(section or {}).root
    except ValidationError as error:
        problems += problems_from(error, document, prefix, model=ActionsFile)
    if problems:
        raise ConfigurationProblems(sorted(problems, key=_reading_order))
    return actions


def json_schema() -> dict[str, Any]:
    """A JSON Schema of the configuration file, for editors."""
    schema = Configuration.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "movinet-edge configuration",
        "description": "The configuration file of movinet-edge.",
    }


def _reading_order(problem: Problem) -> tuple[str, int]:
    return problem.file or "", problem.line or 0


def _private_keys(document: Document) -> Iterator[Problem]:
    for key in document.tree:
        if key.startswith("_"):
            yield document.origin((key,)).problem((key,), "unknown key", nearest(key, Configuration.model_fields))


def _repeated_names(document: Document, section: str) -> Iterator[Problem]:
    """Names that two streams or two sinks share; case does not tell them apart, because files may not either.

    Checked on the raw tree, so that it is found together with the errors that keep the sections from being built.
    """
    entries = document.tree.get(section)
    first_with: dict[str, int] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name", entry.get("type") if section == "sinks" else None) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        first = first_with.setdefault(name.casefold(), index)
        if first != index:
            path = (section, index, "name")
            other = document.origin((section, first, "name"))
            place = f"{section}[{first}]" + (f" (line {other.line} of {other.source})" if other.line else "")
            yield document.origin(path).problem(
                path, f"the name {name!r} belongs to {place} already; give each a `name:` of its own"
            )


def _with_whole_paths(configuration: Configuration, folder: Path) -> Configuration:
    streams = tuple(
        stream.model_copy(
            update={
                "model": _whole_if_path(stream.model, _MODEL_SUFFIX, folder),
                "labels": _whole_if_path(stream.labels, _LABELS_SUFFIX, folder),
                "heads": stream.heads and _whole_heads(stream.heads, folder),
            }
        )
        for stream in configuration.streams
    )
    socket = configuration.control.socket
    return configuration.model_copy(
        update={
            **_chosen_model(configuration, folder),
            "labels": _whole_if_path(configuration.labels, _LABELS_SUFFIX, folder),
            "heads": _whole_heads(configuration.heads, folder),
            "state_dir": _whole(configuration.state_dir, folder),
            "control": configuration.control.model_copy(
                update={"socket": socket and _whole(socket, folder)},
            ),
            "plugin_dirs": tuple(_whole(path, folder) for path in configuration.plugin_dirs),
            "web": _with_whole_web_paths(configuration.web, folder),
            "streams": streams,
        }
    )


def _chosen_model(configuration: Configuration, folder: Path) -> dict[str, str | None]:
    """Left out where no model was chosen, so that this can still be told afterwards."""
    if "model" not in configuration.model_fields_set:
        return {}
    return {"model": _whole_if_path(configuration.model, _MODEL_SUFFIX, folder)}


def _whole_heads(heads: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    return tuple(str(_whole_if_path(head, _HEAD_SUFFIX, folder)) for head in heads)


def _with_whole_web_paths(web: WebSettings, folder: Path) -> WebSettings:
    files = {"certificate": web.certificate, "key": web.key}
    return web.model_copy(update={name: path and _whole(path, folder) for name, path in files.items()})


def _whole_if_path(text: str | None, suffix: str, folder: Path) -> str | None:
    """A catalogue's name stays as it is; what has a slash or the suffix is a path."""
    if text is None or not ("/" in text or text.lower().endswith(suffix)):
        return text
    return str(_whole(Path(text), folder))


def _whole(path: Path, folder: Path) -> Path:
    return folder / os.path.expanduser(path)  # noqa: PTH111 the method of Path raises for a user that does not exist
