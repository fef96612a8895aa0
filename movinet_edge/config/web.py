"""The `web:` section: where the page is to be had, and who may see it."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from movinet_edge.config.section import Section, Text

DEFAULT_PORT = 8470  # not registered for anything


def is_loopback(host: str) -> bool:
    """True when nobody outside of this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hash(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith("$argon2id$"):
        raise ValueError("is no hash of a password; `movinet-edge web password` makes one, beginning with $argon2id$")
    return value


PasswordHash = Annotated[SecretStr | None, AfterValidator(_hash)]
"""An argon2 hash, in the text form that begins with `$argon2id$`."""


class WebSettings(Section):
    """The live page, the phone as a camera, and the figures for Prometheus."""

    model_config = ConfigDict(hide_input_in_errors=True, validate_default=True)

    enabled: bool = Field(default=False, description="true: the page is served")
    # Passwords and certificate stand before the host, so that its check sees them.
    control_password: PasswordHash = Field(
        default=None, description="hash of the password for all that the page can do; null: none is asked on loopback"
    )
    view_password: PasswordHash = Field(
        default=None, description="hash of a second password, for looking only; null: there is none"
    )
    certificate: Path | None = Field(default=None, description="PEM file of the TLS certificate; null: plain HTTP")
    key: Path | None = Field(default=None, description="PEM file of the certificate's key")
    host: Text = Field(
        default="127.0.0.1", description="address to listen at; 0.0.0.0: reachable from everywhere, with a password"
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=DEFAULT_PORT, description="0: any that is free")
    names: tuple[Text, ...] = Field(
        default=(), description="further names by which browsers reach it, such as that of a reverse proxy"
    )

    @field_validator("view_password")
    @classmethod
    def _view_needs_control(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("control_password", value) is None:
            raise ValueError("without a control_password everybody may do everything; set that as well")
        return value

    @field_validator("key")
    @classmethod
    def _both_or_none(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "certificate" in info.data and (key is None) != (info.data["certificate"] is None):
            raise ValueError("certificate and key belong together; `movinet-edge web cert` makes both")
        return key

    @field_validator("host")
    @classmethod
    def _others_need_a_password(cls, host: str, info: ValidationInfo) -> str:
        if not is_loopback(host) and info.data.get("control_password", host) is None:
            raise ValueError(
                f"{host} can be reached from other machines, so a control_password is needed;"
                " `movinet-edge web password` makes its hash"
            )
        return host

    @property
    def has_password(self) -> bool:
        """Somebody has to log in."""
        return self.control_password is not None

    @property
    def scheme(self) -> str:
        """http or https."""
        return "https" if self.certificate is not None else "http"
