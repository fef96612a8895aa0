"""What happens where a peer that a test needs cannot be had: outside CI the test is skipped, in CI it fails."""

import os
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """True where nothing may be skipped unnoticed."""
    return os.environ.get("CI", "").lower() in ("true", "1")


def is_missing(reason: object) -> NoReturn:
    """Skip the test, or fail it, with the reason."""
    (pytest.fail if in_ci() else pytest.skip)(str(reason))
