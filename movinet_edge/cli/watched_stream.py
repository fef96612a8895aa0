"""What `evaluate` and `calibrate` judge: a stream of a configuration, or actions from a file, with its model."""

import argparse
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from movinet_edge.actions import WatchList
from movinet_edge.api import ConfigurationError
from movinet_edge.cli.model_arguments import load_from_arguments
from movinet_edge.config import KeyPath, StreamSettings, load_actions, read_document
from movinet_edge.config.edit import Value, with_values
from movinet_edge.daemon.stream_parts import watch_list
from movinet_edge.engine import Model

RELOAD_HINT = "; a daemon takes them in with `movinet-edge reload`"


@dataclass(frozen=True, slots=True)
class WatchedStream:
    """Settings, model and watch list of one stream.

    Attributes:
        settings: the stream's.
        model: loaded.
        watch: what is watched for.
        file: where the actions are written.
        place: the path to them there.
        of_stream: whether that is a stream of a configuration, which may say more than actions.
    """

    settings: StreamSettings
    model: Model
    watch: WatchList
    file: Path
    place: KeyPath
    of_stream: bool


def from_configuration(file: Path, name: str | None) -> WatchedStream:
    """The stream of that name; without one the only stream.

    Raises:
        ConfigurationError: the configuration cannot be used, or has no such stream.
    """
    from movinet_edge.daemon.assembly import assemble

    document = read_document(file)
    assembly = assemble(document, pull=True)
    streams = assembly.configuration.streams
    names = [stream.name for stream in streams]
    if name is None and len(names) > 1:
        raise ConfigurationError(f"{file} has several streams; name one with --stream: {', '.join(names)}")
    if name is not None and name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        raise ConfigurationError(f"{file}: there is no stream {name!r}; {hint}")
    index = 0 if name is None else names.index(name)
    settings = streams[index]
    model = assembly.streams[settings.name].pipeline.model
    watch = watch_list(settings.actions, settings.all_labels, model.labels)
    return WatchedStream(settings, model, watch, file, ("streams", index, "actions"), True)


def from_actions(args: argparse.Namespace) -> WatchedStream:
    """The actions of `--actions`, with the model that the options name and the usual settings of a stream."""
    actions = load_actions(args.actions)
    settings = StreamSettings.model_validate({"name": "video", "source": {"type": "file"}, "actions": actions})
    model = load_from_arguments(args)
    try:
        watch = watch_list(settings.actions, None, model.labels)
    except ValueError as error:  # an unknown label, or times that exclude each other
        raise ConfigurationError(f"{args.actions}: {error}") from error
    # The actions may stand at the top level, and `actions` is then the name of one of them only by chance.
    place: KeyPath = () if set(actions) == set(read_document(args.actions, environ={}).tree) else ("actions",)
    return WatchedStream(settings, model, watch, args.actions, place, False)


def put_in(stream: WatchedStream, values: Mapping[KeyPath, Value]) -> None:
    """Write values into the file that the actions are from, by their whole path; all else stays as it is.

    Raises:
        ConfigurationError: they cannot be put in; the file is as before.
    """
    file = stream.file.resolve()  # what a link stands for, not the link
    try:
        changed = with_values(file.read_text(encoding="utf-8"), values)
        new = file.with_name(f".{file.name}.new")
        new.touch(mode=0o600)  # it may hold what others must not read
        new.write_text(changed, encoding="utf-8")
        shutil.copystat(file, new)
        _same_owner(file, new)
        new.replace(file)
    except OSError as error:
        raise ConfigurationError(f"{stream.file}: cannot be written: {error.strerror}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{stream.file}: {error}") from error


def _same_owner(file: Path, new: Path) -> None:
    status = file.stat()
    if (status.st_uid, status.st_gid) != (new.stat().st_uid, new.stat().st_gid):
        os.chown(new, status.st_uid, status.st_gid)
