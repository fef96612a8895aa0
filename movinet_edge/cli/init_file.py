"""The commented configuration that `init` writes. Pure; no secret goes into it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from movinet_edge.api import ConfigurationError
from movinet_edge.cli.configured import DEFAULT_PATH
from movinet_edge.library import BUILTIN_MODEL, BUILTIN_WINDOW, DEFAULT_MODEL

SERVICE_FOLDER = DEFAULT_PATH.parent
_SERVICE_STATE = Path("/var/lib/movinet-edge")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where an MQTT broker listens; `port` None: the usual one."""

    host: str
    port: int | None
    tls: bool


def broker_from(text: str) -> Broker:
    """Read `host`, `host:port`, `mqtt://host` or `mqtts://host:port`.

    Raises:
        ConfigurationError: it is none of these.
    """
    scheme, _, rest = text.rpartition("://")
    try:
        address = urlsplit(f"//{rest}")
        host, port = address.hostname, address.port
    except ValueError:
        host = port = None
    if not host or scheme not in ("", "mqtt", "mqtts") or "@" in rest or address.path.strip("/"):
        # What was typed is not repeated: it may hold a password.
        raise ConfigurationError("the broker must be a host, host:port, mqtt://host or mqtts://host, without a login")
    return Broker(host, port, scheme == "mqtts")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the configuration is to say.

    Attributes:
        source: the settings of the stream's source, `type` among them.
        label: what to watch for.
        broker: None for none.
        broker_user: to log in with there.
        place: the file that it is for.
        model: a name of the catalogue, or the path of a file.
    """

    source: Mapping[str, Any]
    label: str
    broker: Broker | None
    broker_user: str | None
    place: Path
    model: str = DEFAULT_MODEL

    @property
    def is_for_service(self) -> bool:
        """Whether systemd's service reads it."""
        return self.place.absolute().parent == SERVICE_FOLDER

    @property
    def state_dir(self) -> Path:
        """Where the service for this file, plain or made from the template unit, may write."""
        if self.is_for_service and self.place.name != DEFAULT_PATH.name:
            return _SERVICE_STATE.with_name(f"{_SERVICE_STATE.name}@{self.place.stem}")
        return _SERVICE_STATE


def configuration_text(wishes: Wishes) -> str:
    """YAML that `check` finds right."""
    state = f"{'' if wishes.is_for_service else '# '}state_dir: {wishes.state_dir}"
    source = "\n".join(f"      {key}: {_scalar(value)}" for key, value in wishes.source.items())
    # An action's name appears in topics and in Home Assistant, where a pattern would look odd.
    action = wishes.label if re.fullmatch(r"[A-Za-z][A-Za-z -]*", wishes.label) else "watched"
    # A catalogue's name is told bare, as everywhere else.
    model = wishes.model if re.fullmatch(r"[a-z][a-z0-9-]*", wishes.model) else _scalar(wishes.model)
    return _TEMPLATE.format(
        model_note=_MODEL_NOTES.get(wishes.model, _OTHER_MODEL_NOTE),
        model=model,
        window=_WINDOW if wishes.model == BUILTIN_MODEL else "",
        model_option="" if wishes.model == DEFAULT_MODEL else f" --model {model}",
        action=_scalar(action),
        state=state,
        source=source,
        label=_scalar(wishes.label),
        mqtt=_mqtt(wishes),
        source_secret=_source_secret(wishes),
    )


def _source_secret(wishes: Wishes) -> str:
    if wishes.source["type"] != "rtsp":
        return ""
    return "      # The password is given as a credential, never here: streams__0__source__password\n"


def _mqtt(wishes: Wishes) -> str:
    broker = wishes.broker
    if broker is None:
        return _WITHOUT_BROKER
    lines = ["  - type: mqtt", f"    host: {_scalar(broker.host)}"]
    if broker.port is not None:
        lines.append(f"    port: {broker.port}")
    if broker.tls:
        lines.append("    tls: true")
    if wishes.broker_user is not None:
        lines.append(f"    user: {_scalar(wishes.broker_user)}")
        lines.append("    # The password is given as a credential, never here: sinks__0__password")
    lines.append("    # node: porch-pi   # what Home Assistant calls this device; by default the name of the machine")
    return "\n".join(lines)


def _scalar(value: object) -> str:
    """JSON is YAML, and its quotes keep `no` and `1e3` the texts that they are."""
    return json.dumps(value, ensure_ascii=False)


_TEMPLATE = """\
# Written by `movinet-edge init`. After a change: `movinet-edge check`, then `movinet-edge reload`.
# Every other setting is explained in config/all-options.yaml, and by `movinet-edge schema config`.

{model_note}
model: {model}

# Where events are kept until every sink has them.
{state}

streams:
  - name: camera   # appears in every event
{window}    source:
{source}
{source_secret}    actions:
      # What to watch for: a name of your own, and the model's labels that mean it. What the model gives for a video of
      # yours: `movinet-edge classify VIDEO{model_option}`. An action begins at the score `on` and ends below `off`.
      {action}: {{labels: [{label}], on: 0.5, off: 0.3}}

# Where events go.
sinks:
{mqtt}
  - type: log
"""

_MODEL_NOTES = {
    DEFAULT_MODEL: """\
# Which model looks, from `movinet-edge models list`. This is the smallest and fastest. Where it cannot be downloaded:
# builtin, which comes with the package and knows 18 labels (`movinet-edge models show builtin`).""",
    BUILTIN_MODEL: """\
# Which model looks, from `movinet-edge models list`. This one comes with the package and knows 18 labels (`movinet-edge
# models show builtin`). Where it can be downloaded: movinet-a0-int8, which knows 600, learnt from real video.""",
}
_OTHER_MODEL_NOTE = "# Which model looks: a name from `movinet-edge models list`, or the path of a .tflite file."

_WINDOW = f"""\
    window: {BUILTIN_WINDOW}   # frames that count; what the figures of this model's card were measured with
"""

_WITHOUT_BROKER = """\
  # - type: mqtt   # Home Assistant finds everything by itself
  #   host: homeassistant.local
  #   user: movinet-edge"""
