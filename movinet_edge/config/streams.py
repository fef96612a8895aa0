"""A stream: one source, how its frames are looked at, and the actions to watch for in it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from movinet_edge.api import Duration
from movinet_edge.config.evidence import ClipSettings, Keep, Polygon, QuietHours
from movinet_edge.config.section import ActionName, Count, Name, PositiveDuration, Section, Text, not_boolean
from movinet_edge.config.thresholds import ActionSettings, Thresholds

# x + width of fractions such as 0.7 + 0.3 may exceed 1 by rounding.
_ROUNDING = 1e-9


def _fps(value: Any) -> Any:
    if value == "native":
        return None
    try:
        float(not_boolean(value))
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is neither a number of frames per second nor 'native' (every frame)") from None
    return value


Fps = Annotated[
    Annotated[float, Field(gt=0.0)] | None,
    BeforeValidator(_fps),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "native"}]}),
]
"""Frames per second, or None for every frame (`native`)."""


def _four_numbers(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise ValueError("must be four fractions [x, y, width, height] of the picture, for example [0.25, 0, 0.5, 1]")
    return value


def _within_picture(region: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x, y, width, height = region
    if min(x, y) < 0 or min(width, height) <= 0 or max(x + width, y + height) > 1 + _ROUNDING:
        raise ValueError(
            f"{list(region)} reaches outside the picture; x, y, width and height are fractions of it, "
            "so x + width and y + height are at most 1"
        )
    return region


Region = Annotated[tuple[float, float, float, float], BeforeValidator(_four_numbers), AfterValidator(_within_picture)]
"""`(x, y, width, height)` as fractions 0 to 1 of the picture's width and height."""


class PluginSection(Section):
    """The settings of a plugin: `type` names it, `options` are its own and are judged by its own model."""

    model_config = ConfigDict(extra="allow")

    type: Text = Field(description="name of the plugin")

    @property
    def options(self) -> dict[str, Any]:
        """What belongs to the plugin, as it was written."""
        return dict(self.model_extra or {})

    def __repr_args__(self) -> Any:
        # The options may hold a password.
        return [(name, getattr(self, name)) for name in type(self).model_fields]


class SourceSection(PluginSection):
    """Where the frames come from; further keys belong to the plugin."""


class EmaSmoothing(Section):
    """An exponential moving average."""

    type: Literal["ema"]
    half_life_s: Duration = Field(default=0.1, alias="half_life", description="when half of a past score is forgotten")


class MeanSmoothing(Section):
    """The mean of the last scores."""

    type: Literal["mean"]
    over_s: PositiveDuration = Field(default=1.0, alias="over", description="how far back")


class MedianSmoothing(Section):
    """The median of the last scores."""

    type: Literal["median"]
    over_s: PositiveDuration = Field(default=1.0, alias="over", description="how far back")


class NoSmoothing(Section):
    """Scores as the model gives them."""

    type: Literal["none"]


Smoothing = Annotated[EmaSmoothing | MeanSmoothing | MedianSmoothing | NoSmoothing, Field(discriminator="type")]


class MotionGateSettings(Section):
    """When a still scene is scored less often."""

    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.02, description="by how much of its brightness range a 32nd of the picture must change to be motion"
    )
    still_after_s: Duration = Field(
        default=5.0, alias="still_after", description="how long nothing must move; at least as long as the window"
    )
    every_s: PositiveDuration = Field(
        default=1.0, alias="every", le=2.0, description="how often the still scene is scored all the same, at most 2s"
    )


class SnapshotSettings(Section):
    """Pictures of what was seen."""

    width: Annotated[int, Field(ge=16, le=7680)] = Field(default=640, description="pixels; smaller pictures stay so")
    quality: Annotated[int, Field(ge=1, le=100)] = Field(default=80, description="of the JPEG, 1 to 100")


def _section_or_switch(value: Any, otherwise: str) -> Any:
    written = str(value).lower() if isinstance(value, bool | str) else ""
    if written == "true":
        return {}
    if value is None or written == "false":
        return None
    if not isinstance(value, dict | Section):
        raise ValueError(f"{value!r} is neither true, false nor {otherwise}")
    return value


def _or_boolean(schema: dict[str, Any]) -> None:
    schema["anyOf"].insert(0, {"type": "boolean"})


class StreamSettings(Section):
    """One stream."""

    name: Name = Field(description="unique; appears in every event")
    source: SourceSection
    model: Text | None = Field(default=None, description="another model than the one for all streams")
    labels: Text | None = Field(default=None, description="another label list than the one for all streams")
    heads: tuple[Text, ...] | None = Field(default=None, description="other taught heads than those for all streams")
    fps: Fps = Field(default=5.0, description="frames per second to look at; native: every frame")
    memory: Literal["window", "cumulative"] = Field(
        default="window", description="window: only the last frames count; cumulative: everything since the beginning"
    )
    window: Count = Field(default=25, description="frames remembered, with memory: window")
    fit: Literal["stretch", "crop", "letterbox"] = Field(
        default="stretch", description="how a picture is made square: distorted, cut or with bars"
    )
    roi: Region | None = Field(
        default=None, description="part of the picture to look at: [x, y, width, height], fractions 0 to 1"
    )
    stall_after_s: PositiveDuration = Field(
        default=10.0, alias="stall_after", description="a live source without a frame for so long is opened anew"
    )
    enabled: bool = Field(default=True, description="false: the stream waits until somebody switches it on")
    warm_up_s: Duration = Field(default=1.0, alias="warm_up", description="nothing starts this long after a reset")
    smoothing: Smoothing = Field(
        default=EmaSmoothing(type="ema"), description="how scores are smoothed before they are compared"
    )
    motion_gate: MotionGateSettings | None = Field(
        default=None,
        description="score a still scene less often: true, or how; off by default",
        json_schema_extra=_or_boolean,
    )
    snapshot: SnapshotSettings | None = Field(
        default=None,
        description="pictures of starts and peaks, as JPEG: true, or their size; off by default",
        json_schema_extra=_or_boolean,
    )
    evidence: Keep | None = Field(
        default=None,
        description="none, snapshot or clip: what is kept of actions; null: snapshot if `snapshot` is set, else none",
    )
    clip: ClipSettings = Field(default=ClipSettings(), description="of evidence: clip")
    mask: tuple[Polygon, ...] = Field(
        default=(), description="polygons that are painted black before anything is scored, stored or shown"
    )
    quiet_hours: tuple[QuietHours, ...] = Field(
        default=(), description="parts of the day of which no evidence is kept; events go on"
    )
    actions: dict[ActionName, ActionSettings] = Field(default={}, description="what to watch for, by name")
    all_labels: Thresholds | None = Field(
        default=None,
        validate_default=True,
        description="watch for every label of the model instead of actions: true, or thresholds for all of them",
        json_schema_extra=_or_boolean,
    )

    @field_validator("motion_gate", mode="before")
    @classmethod
    def _true_means_usual_gate(cls, value: Any) -> Any:
        return _section_or_switch(value, "settings such as {threshold: 0.02}")

    @field_validator("snapshot", mode="before")
    @classmethod
    def _true_means_usual_snapshots(cls, value: Any) -> Any:
        return _section_or_switch(value, "a size such as {width: 640}")

    @property
    def keep(self) -> Keep:
        """What is kept of an action that says nothing of its own."""
        return self.evidence or ("none" if self.snapshot is None else "snapshot")

    @field_validator("all_labels", mode="before")
    @classmethod
    def _true_means_defaults(cls, value: Any) -> Any:
        return _section_or_switch(value, "thresholds such as {on: 0.6}")

    @field_validator("all_labels")
    @classmethod
    def _actions_or_all_labels(cls, value: Thresholds | None, info: ValidationInfo) -> Thresholds | None:
        actions = info.data.get("actions")
        if actions is not None and not actions and value is None:
            raise ValueError("nothing to watch for; add actions (or all_labels: true for every label of the model)")
        if actions and value is not None:
            raise ValueError("all_labels and actions exclude each other; remove one of them")
        return value
