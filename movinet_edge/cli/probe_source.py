"""The source that the command line of `probe` names: an address, a file, a device, or a stream of a configuration."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from movinet_edge.api import ConfigurationError, Source
from movinet_edge.config import ConfigurationProblems, Document, read_document, validate
from movinet_edge.config.tree import Node, Origin

if TYPE_CHECKING:
    from movinet_edge.daemon.plugin_parts import PluginParts

# What a stream of a configuration has when nothing else is set.
_FPS = 5.0


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source whose settings are right.

    Attributes:
        name: to be shown; it holds no login.
        type: the plugin's name.
        make: makes the source.
        fps: frames to look at per second; None: every one.
        document: where its settings are from, which knows their secrets.
    """

    name: str
    type: str
    make: Callable[[], Source]
    fps: float | None
    document: Document


def named_source(args: argparse.Namespace) -> NamedSource:
    """The source that the arguments name.

    Raises:
        ConfigurationError: it cannot work; the text says why.
    """
    return _from_command_line(args) if args.config is None else _from_configuration(args)


def type_and_settings(source: str) -> tuple[str, dict[str, Any]]:
    """Type and settings of the source that a word on the command line means."""
    if "://" in source:
        return "rtsp", {"url": source}
    if source == "picamera2":
        return "picamera2", {}
    if source.isdecimal():
        return "camera", {"device": int(source)}
    if source.startswith("/dev/"):
        return "camera", {"device": source}
    return "file", {"path": source}


def _from_configuration(args: argparse.Namespace) -> NamedSource:
    _refuse_options_of_addresses(args, "the stream of a configuration has its own settings")
    return stream_source(args.config, args.source)


def stream_source(file: Path, name: str) -> NamedSource:
    """The source of a configuration's stream.

    Raises:
        ConfigurationError: there is no such stream, or it cannot work.
    """
    document = read_document(file)
    configuration, problems = validate(document)
    if configuration is None:
        raise ConfigurationProblems(problems)
    names = [stream.name for stream in configuration.streams]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        # What was typed is not repeated: it may be an address with a password in it.
        raise ConfigurationError(f"{file}: there is no stream of this name; {hint}")
    index = names.index(name)
    stream = configuration.streams[index]
    if stream.source.type == "file" and stream.source.options.get("follow") is not None:
        raise ConfigurationError(
            f"stream {stream.name} follows a folder, and what is looked at there counts as done; probe one of the clips"
            " in it instead, by its path"
        )
    parts = _parts(document, configuration.plugin_dirs)
    make = parts.maker("source", stream.source.type, stream.source.options, ("streams", index, "source"))
    if make is None:
        raise ConfigurationProblems(parts.problems)
    if stream.mask:
        from movinet_edge.daemon.masked_source import masked
        from movinet_edge.evidence import Mask

        make = masked(make, Mask(stream.mask))
    return NamedSource(f"stream {stream.name}", stream.source.type, make, stream.fps, document)


def _from_command_line(args: argparse.Namespace) -> NamedSource:
    kind, options = type_and_settings(args.source)
    if kind == "rtsp":
        given = {"user": args.user, "password": _password(args.password_file), "transport": args.transport}
        options |= {key: value for key, value in given.items() if value is not None}
    else:
        _refuse_options_of_addresses(args, f"{args.source} is none")
    origin = Origin("command line")
    document = Document(
        Path("command line"), Node(origin, {key: Node(origin, value) for key, value in options.items()})
    )
    parts = _parts(document)
    make = parts.maker("source", kind, options, ())
    if make is None:
        raise ConfigurationProblems(parts.problems)
    if kind == "rtsp" and urlsplit(args.source).password:
        print(
            "movinet-edge: other users of this machine can see the password in the address while this runs, and the"
            " shell remembers it; --user and --password-file keep it to yourself",
            file=sys.stderr,
        )
    return NamedSource(_server(args.source) if kind == "rtsp" else args.source, kind, make, _FPS, document)


def _parts(document: Document, folders: tuple[Path, ...] = ()) -> "PluginParts":
    from movinet_edge.daemon.plugin_parts import PluginParts
    from movinet_edge.daemon.plugins import discover_plugins

    return PluginParts(document, discover_plugins(folders))


def _server(url: str) -> str:
    """Whose address it is. The login is left out, and the path, since some cameras want the login there."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}" + ("" if parts.port is None else f":{parts.port}")


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        # `echo secret > file` and editors end the line; the line's end is no part of the secret.
        return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigurationError(f"--password-file {file}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigurationError(f"--password-file {file}: cannot be read: {error.strerror}") from None


def _refuse_options_of_addresses(args: argparse.Namespace, reason: str) -> None:
    if args.user is not None or args.password_file is not None or args.transport is not None:
        raise ConfigurationError(
            f"--user, --password-file and --transport belong to an address such as rtsp://…; {reason}"
        )
