"""What can be set for an `mqtt` sink."""

import re
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from movinet_edge.api import Duration, PluginSettings
from movinet_edge_plugins._mqtt_broker import Broker, Tls
from movinet_edge_plugins._mqtt_topics import Topics, slug

_PORTS = {("tcp", False): 1883, ("tcp", True): 8883, ("websockets", False): 80, ("websockets", True): 443}


class TlsSettings(BaseModel):
    """Whom to trust, and how to prove who this is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: Path | None = Field(default=None, description="PEM file with the only authorities to trust; null: the system's")
    certificate: Path | None = Field(default=None, description="PEM file with this client's certificate")
    key: Path | None = Field(default=None, description="PEM file with its key; null: it is in the certificate's file")

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key is not None and info.data.get("certificate") is None:
            raise ValueError("a key needs the `certificate` that it belongs to")
        return key


class MqttSettings(PluginSettings):
    """Where the broker is, how to log in, and what things are called there."""

    model_config = ConfigDict(hide_input_in_errors=True)  # it may be a password

    host: str = Field(description="name or address of the broker")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="null: 1883, with tls 8883; over websockets 80, with tls 443"
    )
    transport: Literal["tcp", "websockets"] = Field(default="tcp", description="how MQTT is carried")
    path: str = Field(default="/mqtt", pattern=r"^/[!-~]*$", description="path of the address, for websockets")
    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(str)] = Field(
        default="5", description="version of MQTT: 5 or 3.1.1, which cannot say why a broker refuses a message"
    )
    tls: bool | TlsSettings = Field(
        default=False, description="true: encrypted, trusting the system's authorities; or ca, certificate and key"
    )
    user: str | None = Field(default=None, min_length=1, description="name to log in with")
    password: SecretStr | None = Field(default=None, description="better given as a credential")
    base_topic: str = Field(default="movinet-edge", description="first part of all topics")
    node: str | None = Field(
        default=None, description="name of this daemon, unique on the broker; null: the name of the machine"
    )
    discovery: bool = Field(default=True, description="let Home Assistant find all of this by itself")
    discovery_prefix: str = Field(default="homeassistant", description="as it is set in Home Assistant")
    keepalive: Duration = Field(default=30.0, ge=1, le=65535, description="sign of life; twice this finds a dead link")
    timeout: Duration = Field(default=10.0, gt=0, description="longest wait for an answer of the broker")

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        if not re.fullmatch(r"[^\s/@:]+|[0-9A-Fa-f:.%\w]+", host):
            raise ValueError("is no name or address of a host; leave out mqtt:// and give the port as `port`")
        return host

    @field_validator("password")
    @classmethod
    def _check_password(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if password is not None and "user" in info.data and info.data["user"] is None:
            raise ValueError("a password needs a `user`")
        return password

    @field_validator("base_topic", "discovery_prefix")
    @classmethod
    def _check_topic(cls, topic: str) -> str:
        if not topic.isprintable() or re.search(r"[+#\s]|^\$|^/|/$|//", topic) or not topic:
            raise ValueError("is no topic to begin with; write for example movinet-edge or home/movinet-edge")
        return topic

    @field_validator("node")
    @classmethod
    def _check_node(cls, node: str | None) -> str | None:
        if node is not None and slug(node) != node:
            raise ValueError("use letters, digits and - (or single _ within), at most 60, as in porch-pi")
        return node

    def topics(self) -> Topics:
        """What is where."""
        return Topics(self.base_topic, self.node or slug(socket.gethostname()), self.discovery_prefix)

    def broker(self) -> Broker:
        """Where to connect."""
        settings = self.tls if isinstance(self.tls, TlsSettings) else TlsSettings()
        return Broker(
            host=self.host,
            port=self.port or _PORTS[self.transport, bool(self.tls)],
            is_v5=self.protocol == "5",
            websocket_path=self.path if self.transport == "websockets" else None,
            tls=Tls(settings.ca, settings.certificate, settings.key) if self.tls else None,
            user=self.user,
            password=None if self.password is None else self.password.get_secret_value(),
            keepalive_s=self.keepalive,
            timeout_s=self.timeout,
        )
