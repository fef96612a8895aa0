"""The settings tree's top: what holds for the whole daemon, its streams and its sinks."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from movinet_edge.config.evidence import EvidenceSettings
from movinet_edge.config.section import Count, PositiveDuration, Section, Text
from movinet_edge.config.sinks import SinkSection
from movinet_edge.config.streams import StreamSettings
from movinet_edge.config.web import WebSettings

DEFAULT_MODEL = "movinet-a0-int8"


def default_state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """systemd's `$STATE_DIRECTORY`, else `movinet-edge` in the user's folder for state (XDG)."""
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    xdg = Path(environ.get("XDG_STATE_HOME", ""))
    if xdg.is_absolute():  # the XDG specification: a relative one is ignored
        return xdg / "movinet-edge"
    home = environ.get("HOME")
    return Path(home, ".local/state/movinet-edge") if home else Path("/var/lib/movinet-edge")


class LogSettings(Section):
    """What the daemon says about itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, json elsewhere"
    )


class OutboxSettings(Section):
    """How many events are kept for sinks that cannot be reached; beyond it the oldest are dropped, and counted."""

    max_events: Count = 100_000
    max_age_s: PositiveDuration = Field(default=30 * 86_400.0, alias="max_age")


def _mode(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3}", value):
        return int(value, 8)
    raise ValueError(f'{value!r} is not a file mode; write for example "0660", in quotes')


FileMode = Annotated[int, BeforeValidator(_mode), WithJsonSchema({"type": "string", "pattern": r"^0?[0-7]{3}$"})]


class ControlSettings(Section):
    """The socket by which `status`, `reload`, `enable`, `disable` and `set` reach the daemon."""

    enabled: bool = True
    socket: Path | None = Field(
        default=None, description="null: control.sock in systemd's runtime directory, else in the state folder"
    )
    mode: FileMode = Field(default=0o660, description="who may use it; 0660: its owner and its group")


class Configuration(BaseSettings):
    """The whole configuration. Made by `load` or `validate`, which read the file and what stands above it."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, case_sensitive=True)

    model: Text = Field(default=DEFAULT_MODEL, description="catalogue name, builtin, or path of a TFLite file")
    labels: Text | None = Field(default=None, description="name or path of a label list; null: the model's own")
    heads: tuple[Text, ...] = Field(default=(), description="taught heads, by name or path: their actions are labels")
    runtime: Literal["auto", "litert", "tflite"] = Field(default="auto", description="what runs the model")
    threads: Count = Field(default=1, description="threads of the model; two were not faster for A0")
    fast: bool = Field(default=True, description="rewrite model files for speed; false: run them as they are")
    state_dir: Path = Field(default_factory=default_state_dir, description="folder of the daemon's own data")
    plugin_dirs: tuple[Path, ...] = Field(default=(), description="folders with plugins in single files")
    log: LogSettings = LogSettings()
    outbox: OutboxSettings = OutboxSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    control: ControlSettings = ControlSettings()
    web: WebSettings = WebSettings()
    streams: tuple[StreamSettings, ...] = Field(min_length=1)
    sinks: tuple[SinkSection, ...] = Field(default=(), description="none: events are only kept in the outbox")

    def model_for(self, stream: StreamSettings) -> tuple[str, str | None]:
        """Model and label list of a stream; a stream with a model of its own does not take over the common labels."""
        if stream.model is not None:
            return stream.model, stream.labels
        return self.model, stream.labels if stream.labels is not None else self.labels

    def heads_for(self, stream: StreamSettings) -> tuple[str, ...]:
        """The taught heads of a stream: its own, else those for all streams where it uses the model of all."""
        if stream.heads is not None:
            return stream.heads
        return self.heads if stream.model is None else ()

    @property
    def control_sockets(self) -> tuple[Path, ...]:
        """Where the control socket may be, the daemon's own choice first."""
        if self.control.socket is not None:
            return (self.control.socket,)
        runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
        folders = [Path(runtime)] if runtime else []
        return tuple(folder / "control.sock" for folder in (*folders, self.state_dir))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 the signature is that of pydantic-settings
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The document alone: environment and credentials are in it already, with their origins (see overrides)."""
        return (init_settings,)
