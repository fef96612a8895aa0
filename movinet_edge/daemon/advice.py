"""What would help a stream, in sentences for the person who looks at its figures. Pure."""

from movinet_edge.api import StreamHealth

# Cameras that promise 5 fps often give 4.8; a fifth less is no longer that.
ENOUGH = 0.8

# 640 × 360 at 15 frames per second costs a tenth of 1080p at 25; what is below it is not worth a change.
_CHEAP_PX_PER_S = 640 * 360 * 15
_SMALL_PX = 640 * 360


def advice(health: StreamHealth) -> list[str]:
    """What to change, most important first; empty when all is well."""
    return [*_pace(health), *_cost(health)]


def _pace(health: StreamHealth) -> list[str]:
    wanted, scored = health.fps_wanted, health.fps_scored
    if wanted is None or scored is None or scored >= ENOUGH * wanted:
        return []
    found = f"only {scored:.1f} of {wanted:g} frames per second are scored"
    if health.fps_in is not None and health.fps_in < ENOUGH * wanted:
        return [f"{found}, because the source gives {health.fps_in:.1f}: set the camera to {wanted:g} or more"]
    if health.fps_given is not None and health.fps_given < ENOUGH * wanted:
        help_ = "leave `keyframes_only:` out if it is set; if not, they come late or damaged, so look at the network"
        return [f"{found}, because the source can use only {health.fps_given:.1f} of those that come: {help_}"]
    help_ = "watch fewer streams, set a lower `fps:`, use a smaller model, or raise `threads:`"
    return [f"{found}, because the engine cannot keep up: {help_}"]


def _cost(health: StreamHealth) -> list[str]:
    source = health.source
    if source is None or source.width_px is None or source.height_px is None:
        return []
    size_px = source.width_px * source.height_px
    fps = health.fps_in or source.fps or 0.0
    if size_px <= _SMALL_PX or size_px * fps <= _CHEAP_PX_PER_S:
        return []
    takes = "" if health.source_cpu is None else f" takes {100 * health.source_cpu:.0f} % of a core, and"
    share = max(0.01, _SMALL_PX * 5 / (size_px * fps))
    found = f"decoding {source.width_px}×{source.height_px} at {fps:.0f} frames per second{takes}"
    cheaper = f"a sub-stream of 640×360 at 5 would cost about {100 * share:.0f} % of that"
    return [f"{found} is far more than the model looks at; {cheaper}"]
