"""`movinet-edge init`: from a camera and a broker to a commented configuration, both tried on the way."""

import argparse
import getpass
import os
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from movinet_edge.api import CheckedSink, ConfigurationError, SinkError, Source
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import DEFAULT_PATH
from movinet_edge.cli.init_file import SERVICE_FOLDER, Wishes, broker_from, configuration_text
from movinet_edge.cli.model_labels import SHORT_LIST, labels_of
from movinet_edge.cli.probe_source import type_and_settings
from movinet_edge.config import ConfigurationProblems, Document, KeyPath, validate
from movinet_edge.config.tree import Node, Origin
from movinet_edge.config.yaml_reader import parse_yaml
from movinet_edge.library import BUILTIN_MODEL, DEFAULT_MODEL
from movinet_edge.models import ModelStore
from movinet_edge.models.catalogue import full_name

HELP = "write a first configuration, with your camera and broker tried"
DESCRIPTION = """\
Ask for a camera and an MQTT broker (or take them from the options), try both, write a commented configuration, and say
what to do next. No file is ever overwritten, and no password is written: it says where to put it instead. Where no
model can be downloaded, --model builtin takes the one that comes with the package."""
EPILOG = """\
SOURCE is rtsp://192.168.1.20/stream2 or any other address of a live stream, /dev/video0, picamera2, or a video file.

exit codes: 0 written, 1 camera or broker did not answer and nothing was written, 78 what was asked for cannot work."""

_LABEL = "waving hand"
_CAMERA_PASSWORD: KeyPath = ("streams", 0, "source", "password")
_BROKER_PASSWORD: KeyPath = ("sinks", 0, "password")

# Some cameras want their login as user=…&password=… in the query or the path.
_SECRET_IN_ADDRESS = re.compile(r"(?:auth|key|pas|pw|secret|token)\w*=", re.IGNORECASE)

_IN_A_CLOSED_NETWORK = f"where it cannot be downloaded: init --model {BUILTIN_MODEL}"

_TIMEOUT_S = 15.0
_LOOK_S = 2.0  # long enough to tell frames per second, short enough to wait for

_MODE = 0o640  # the service's group may read it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `init`."""
    parser.allow_abbrev = False  # or `--password` would be taken for the name of a file
    parser.add_argument("--source", metavar="SOURCE", help="the camera, see below")
    parser.add_argument("--user", metavar="NAME", help="to log in to the camera with")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="holds the camera's password")
    parser.add_argument("--broker", metavar="HOST[:PORT]", help="the MQTT broker; mqtts://HOST: encrypted")
    parser.add_argument("--broker-user", metavar="NAME", help="to log in to the broker with")
    parser.add_argument("--broker-password-file", type=Path, metavar="FILE", help="holds the broker's password")
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help=f"catalogue name, such as {BUILTIN_MODEL}, or .tflite file ({DEFAULT_MODEL})",
    )
    parser.add_argument(
        "--label",
        metavar="LABEL",
        help=f"what to watch for ({_LABEL}, or the first label of a model without it); * stands for any text",
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_PATH, metavar="FILE", help="the configuration to write (%(default)s)"
    )
    parser.add_argument(
        "--yes", action="store_true", help="ask nothing, and write although camera or broker do not answer"
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    wishes: Wishes
    secrets: dict[KeyPath, str]


def execute(args: argparse.Namespace) -> int:
    """Ask, try, write."""
    _check_place(args.out)
    asks = sys.stdin.isatty() and not args.yes
    answers = _answers(args, _ask if asks else lambda _question: "", _ask_secret if asks else lambda _question: "")
    text = configuration_text(answers.wishes)
    document = _document(args.out, text, answers.secrets)
    if not _all_answer(document) and not args.yes and not (asks and _ask("Write it all the same? [y/N] ") == "y"):
        print(f"movinet-edge: {args.out} is not written; --yes writes it all the same", file=sys.stderr)
        return exit_codes.FAILURE
    _write(args.out, text)
    print(f"\n{args.out} is written. Next:")
    for line in _next_steps(answers.wishes):
        print(f"  {line}")
    return exit_codes.OK


def _check_place(place: Path) -> None:
    """Say what cannot work before anything is asked."""
    if os.path.lexists(place):
        raise ConfigurationError(f"{place} is there already and is not overwritten; name another file with --out")
    if os.path.isdir(place.parent) and not os.access(place.parent, os.W_OK | os.X_OK):  # noqa: PTH112 never raises
        raise ConfigurationError(
            f"{place.parent} cannot be written by this user; with sudo, or elsewhere by --out FILE"
        )


def _answers(args: argparse.Namespace, ask: Callable[[str], str], ask_secret: Callable[[str], str]) -> _Answers:
    """From the options; what is not there is asked for, unless options say enough to do without."""
    secrets: dict[KeyPath, str] = {}
    word = args.source or ask("Camera (rtsp://…, /dev/video0, picamera2, or a video file): ")
    if not word:
        raise ConfigurationError("--source is needed where nobody can be asked; see movinet-edge init --help")
    source = _source(args, word, secrets, ask, ask_secret)
    name = args.broker or ("" if args.source else ask("MQTT broker (host or host:port; empty: none): "))
    broker = broker_from(name) if name else None
    user, file = args.broker_user, args.broker_password_file
    if broker is None and (user or file):
        raise ConfigurationError("--broker-user and --broker-password-file need a --broker")
    if broker is not None and user is None and not args.broker:
        user = ask("User for the broker (empty: none): ") or None
    if user is not None and (password := _read(file) if file else ask_secret("The broker's password: ")):
        secrets[_BROKER_PASSWORD] = password
    model, labels = _model(args.model or ("" if args.source else _ask_model(ask)) or DEFAULT_MODEL)
    usual = _LABEL if _LABEL in labels else labels[0]
    choice = f" ({', '.join(labels)})" if len(labels) <= SHORT_LIST else ""
    label = args.label or ("" if args.source else ask(f"What to watch for{choice} [{usual}]: ")) or usual
    _check_label(label, labels)
    return _Answers(Wishes(source, label, broker, user, args.out, model), secrets)


def _source(
    args: argparse.Namespace,
    word: str,
    secrets: dict[KeyPath, str],
    ask: Callable[[str], str],
    ask_secret: Callable[[str], str],
) -> dict[str, Any]:
    kind, options = type_and_settings(word)
    if kind == "file":
        return {"type": kind, "path": str(Path(word).expanduser().absolute())}
    if kind != "rtsp":
        return {"type": kind, **options}
    parts = urlsplit(word)
    user, password = args.user, _read(args.password_file) if args.password_file else ""
    if "@" in parts.netloc:
        user = user or unquote(parts.username or "") or None
        password = password or unquote(parts.password or "")
    elif user is None and not args.source:
        user = ask("User for the camera (empty: none): ") or None
    if user is not None:
        password = password or ask_secret("The camera's password: ")
    if password:
        secrets[_CAMERA_PASSWORD] = password
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if _SECRET_IN_ADDRESS.search(f"{parts.path}?{parts.query}"):
        raise ConfigurationError(
            "this camera wants its password in the path or the query of the address, where init cannot leave it out;"
            " write the configuration as in config/rtsp.yaml, and give the whole address as the credential"
            " streams__0__source__url"
        )
    return {"type": kind, "url": url, **({} if user is None else {"user": user})}


def _ask_model(ask: Callable[[str], str]) -> str:
    if ModelStore().find(DEFAULT_MODEL):  # whoever has it wants it
        return ""
    return ask(
        f"Model ({DEFAULT_MODEL} must be downloaded, {BUILTIN_MODEL} comes with the package) [{DEFAULT_MODEL}]: "
    )


def _model(name: str) -> tuple[str, tuple[str, ...]]:
    """The model as the configuration names it, and its labels.

    Raises:
        ModelError: no model has this name, or the file cannot be used.
    """
    store = ModelStore()
    found = store.find(name)
    card = found.card if found else store.cards.get(full_name(name))
    if found is None and (card is None or card.bundled):
        found = store.get(name, pull=False)  # raises, with what is wrong and the nearest names
    labels = labels_of(card, found)
    # The configuration may lie in another folder than the one that a path begins at.
    return str(found.path.absolute()) if found and found.origin == "path" else full_name(name), labels


def _check_label(label: str, labels: tuple[str, ...]) -> None:
    from movinet_edge.config import ActionSettings
    from movinet_edge.daemon.stream_parts import watch_list

    try:
        watch_list({"watched": ActionSettings(labels=(label,))}, None, labels)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _document(place: Path, text: str, secrets: dict[KeyPath, str]) -> Document:
    """What the daemon would read from the file and the credentials."""
    root, problems = parse_yaml(text.encode(), str(place))
    if problems:
        raise ConfigurationProblems(problems)
    document = Document(place, root)
    for path, secret in secrets.items():
        section = document.node(path[:-1])
        if section is not None and isinstance(section.value, dict):
            section.value[str(path[-1])] = Node(Origin("the password", secret=True), secret)
    return document


def _all_answer(document: Document) -> bool:
    """Try the camera and the sinks.

    Raises:
        ConfigurationProblems: what was asked for cannot work.
    """
    from movinet_edge.daemon.assembly import make_sinks
    from movinet_edge.daemon.plugin_parts import PluginParts
    from movinet_edge.daemon.plugins import discover_plugins

    configuration, problems = validate(document)
    if configuration is None:
        raise ConfigurationProblems(problems)
    section = configuration.streams[0].source
    parts = PluginParts(document, discover_plugins(()))
    make_source = parts.maker("source", section.type, section.options, ("streams", 0, "source"))
    if make_source is None:
        raise ConfigurationProblems(parts.problems)
    _, sinks = make_sinks(document)
    complaints = [_camera_fault(make_source)]
    for sink_parts in sinks.values():
        sink = sink_parts.make_sink()
        if isinstance(sink, CheckedSink):
            complaints.append(_sink_fault(sink))
    faults = [document.redact(complaint) for complaint in complaints if complaint]
    for fault in faults:
        print(f"movinet-edge: {fault}", file=sys.stderr)
    return not faults


def _camera_fault(make_source: Callable[[], Source]) -> str | None:
    from movinet_edge.daemon.probe import probe

    print("Trying the camera …", flush=True)
    findings = probe("camera", make_source, fps=5.0, timeout_s=_TIMEOUT_S, seconds_s=_LOOK_S)
    if findings.fault is None and findings.picture is not None:
        rate = "" if findings.health.fps_in is None else f", {findings.health.fps_in:.3g} frames per second"
        print(f"  it works: {'×'.join(map(str, findings.picture.size_px))}{rate}")
    for advice in findings.advice:
        print(f"  {advice}")
    return findings.fault


def _sink_fault(sink: CheckedSink) -> str | None:
    print("Trying the broker …", flush=True)
    try:
        print(f"  {sink.check()}")
    except SinkError as error:
        return str(error)
    return None


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive: whoever made it meanwhile keeps what is his.
        with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
    except OSError as error:
        hint = "; with sudo, or elsewhere by --out FILE" if isinstance(error, PermissionError) else ""
        raise ConfigurationError(f"{place} cannot be written: {error.strerror}{hint}") from error


def _next_steps(wishes: Wishes) -> list[str]:
    """Commands, in their order."""
    model = ModelStore().find(wishes.model)
    logins = [(_CAMERA_PASSWORD, wishes.source.get("user")), (_BROKER_PASSWORD, wishes.broker_user)]
    names = ["__".join(map(str, path)) for path, user in logins if user is not None]
    if wishes.is_for_service:
        unit = "movinet-edge" if wishes.place.name == DEFAULT_PATH.name else f"movinet-edge@{wishes.place.stem}"
        folder = SERVICE_FOLDER / "credentials"
        # What this user has in a cache or a search folder is not the service's.
        is_there = model is not None and model.origin in {"package", "path"}
        note = "" if is_there else f"    # the first start downloads the model; {_IN_A_CLOSED_NETWORK}"
        return [
            *(
                f"sudo install -m 600 /dev/stdin {folder / name}    # type the password, Enter, Ctrl-D"
                for name in names
            ),
            f"sudo systemctl enable --now {unit}{note}",
            f"sudo movinet-edge doctor --config {wishes.place}",
        ]
    variables = [f"MOVINET_EDGE__{name.upper()}" for name in names]
    config = f"--config {shlex.quote(str(wishes.place))}"
    return [
        *(f"read -rs {name} && export {name}    # type the password, Enter" for name in variables),
        *([] if model else [f"movinet-edge models pull {wishes.model}    # {_IN_A_CLOSED_NETWORK}"]),
        f"movinet-edge check {config}",
        f"movinet-edge run {config}",
    ]


def _read(file: Path) -> str:
    try:
        # `echo secret > file` and editors end the line; the line's end is no part of the secret.
        return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _ask_secret(question: str) -> str:
    try:
        return getpass.getpass(question)
    except EOFError:
        return ""
