"""When an action begins and ends: the settings of one watched action, or of every label."""

from typing import Any

from pydantic import Field, RootModel, ValidationInfo, field_validator

from movinet_edge.api import Duration
from movinet_edge.config.evidence import Keep
from movinet_edge.config.section import ActionName, Fraction, PositiveDuration, Section, Text, without_default

DEFAULT_ON = 0.5
DEFAULT_OFF = 0.3
# Keeps `off` as far below a lower `on`, in proportion, as it is by default.
OFF_TO_ON = 0.6


class Thresholds(Section):
    """When an action starts and stops. Scores are 0 to 1."""

    on: Fraction = Field(default=DEFAULT_ON, gt=0.0, description="the action starts at this score")
    off: Fraction = Field(
        default=None,  # filled in below, because it depends on `on`
        validate_default=True,
        description="the action stops below this score; by default 0.3, or 0.6 of `on` where that is less",
        json_schema_extra=without_default,
    )
    min_duration_s: Duration = Field(
        default=0.2, alias="min_duration", description="how long the score must reach `on` before a start is reported"
    )
    max_gap_s: Duration = Field(
        default=0.6, alias="max_gap", description="how long the score may be below `off` without ending the action"
    )
    cooldown_s: Duration = Field(
        default=5.0, alias="cooldown", description="how long after a stop, spent below `off`, nothing starts again"
    )
    max_duration_s: PositiveDuration | None = Field(
        default=3600.0, alias="max_duration", description="an action that lasts this long is stopped; null: never"
    )
    update_every_s: PositiveDuration | None = Field(
        default=None, alias="update_every", description="how often an action that goes on is reported; null: never"
    )

    @field_validator("off", mode="before")
    @classmethod
    def _off_follows_on(cls, off: Any, info: ValidationInfo) -> Any:
        return min(DEFAULT_OFF, OFF_TO_ON * info.data.get("on", DEFAULT_ON)) if off is None else off

    @field_validator("off")
    @classmethod
    def _off_not_above_on(cls, off: float, info: ValidationInfo) -> float:
        on = info.data.get("on")
        if on is not None and off > on:
            raise ValueError(f"off ({off:g}) is above on ({on:g}); an action stops at a lower score than it starts at")
        return off


class ActionSettings(Thresholds):
    """One action to watch for."""

    labels: tuple[Text, ...] = Field(
        min_length=1, description="labels of the model, or patterns such as 'playing *'; their scores are added up"
    )
    evidence: Keep | None = Field(
        default=None, description="none, snapshot or clip: what is kept of this action; null: as the stream says"
    )


class ActionsFile(RootModel[dict[ActionName, ActionSettings]]):
    """Actions by name, as in a file for `classify --actions`."""
