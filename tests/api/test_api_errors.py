"""The errors that cross the plugin seam: the daemon acts on their types alone."""

import inspect

import pytest

from movinet_edge.api import (
    ConfigurationError,
    DeliveryError,
    DeliveryRejected,
    ModelError,
    MovinetEdgeError,
    SinkError,
    SourceEnded,
    SourceError,
    SourceRejected,
    SourceUnavailable,
    errors,
)

FAMILY = {
    ConfigurationError: MovinetEdgeError,
    ModelError: MovinetEdgeError,
    SourceError: MovinetEdgeError,
    SinkError: MovinetEdgeError,
    SourceEnded: SourceError,
    SourceUnavailable: SourceError,
    SourceRejected: SourceError,
    DeliveryError: SinkError,
    DeliveryRejected: SinkError,
}


@pytest.mark.parametrize(("error", "kind"), FAMILY.items())
def test_an_error_has_one_parent_so_that_one_answer_fits(error, kind):
    assert error.__bases__ == (kind,)


def test_every_error_is_listed_here():
    assert {value for value in vars(errors).values() if inspect.isclass(value)} == {MovinetEdgeError, *FAMILY}


@pytest.mark.parametrize("error", [MovinetEdgeError, *FAMILY])
def test_the_text_is_what_was_said(error):
    assert str(error("the camera is asleep; wake it")) == "the camera is asleep; wake it"


@pytest.mark.parametrize("retry_after_s", [None, 30.0])
def test_a_sink_may_pass_on_how_long_to_wait(retry_after_s):
    error = DeliveryError("too many requests", retry_after_s=retry_after_s)
    assert (str(error), error.retry_after_s) == ("too many requests", retry_after_s)
