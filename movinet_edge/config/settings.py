"""The settings tree's top: what holds for the whole daemon, its streams and its sinks."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from movinet_edge.config.section import Count, Name, PositiveDuration, Section, Text, without_default
from movinet_edge.config.streams import PluginSection, StreamSettings

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


class SinkSection(PluginSection):
    """Where events go; further keys belong to the plugin."""

    name: Name = Field(
        default=None,  # filled in below
        validate_default=True,
        description="unique; the place in the outbox is kept under it; by default the type",
        json_schema_extra=without_default,
    )

    @field_validator("name", mode="before")
    @classmethod
    def _named_after_type(cls, name: Any, info: ValidationInfo) -> Any:
        return info.data.get("type", "unnamed") if name is None else name


class Configuration(BaseSettings):
    """The whole configuration. Made by `load` or `validate`, which read the file and what stands above it."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, case_sensitive=True)

    model: Text = Field(default=DEFAULT_MODEL, description="catalogue name, or path of a TFLite file")
    labels: Text | None = Field(default=None, description="name or path of a label list; null: the model's own")
    runtime: Literal["auto", "litert", "tflite"] = Field(default="auto", description="what runs the model")
    threads: Count = Field(default=1, description="threads of the model; two were not faster for A0")
    state_dir: Path = Field(default_factory=default_state_dir, description="folder of the daemon's own data")
    plugin_dirs: tuple[Path, ...] = Field(default=(), description="folders with plugins in single files")
    log: LogSettings = LogSettings()
    outbox: OutboxSettings = OutboxSettings()
    streams: tuple[StreamSettings, ...] = Field(min_length=1)
    sinks: tuple[SinkSection, ...] = Field(default=(), description="none: events are only kept in the outbox")

    def model_for(self, stream: StreamSettings) -> tuple[str, str | None]:
        """Model and label list of a stream; a stream with a model of its own does not take over the common labels."""
        if stream.model is not None:
            return stream.model, stream.labels
        return self.model, stream.labels if stream.labels is not None else self.labels

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
