"""Short visits of the `mqtt` sink to the broker: does everything work, and away with what stands there."""

import ssl

from movinet_edge.api import DeliveryError
from movinet_edge_plugins._mqtt_announcer import Survey
from movinet_edge_plugins._mqtt_broker import Broker, presented_certificate
from movinet_edge_plugins._mqtt_link import Link, Refusal
from movinet_edge_plugins._mqtt_topics import Topics


def check(broker: Broker, topics: Topics, *, discovery: bool) -> str:
    """Connect and try what the sink needs, without disturbing a daemon that runs; what works, in a sentence.

    Raises:
        DeliveryError: what does not work; with the certificate where it is about that.
    """
    link = Link(broker, name="check")
    try:
        link.open()
    except DeliveryError as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError) and (shown := presented_certificate(broker)):
            raise DeliveryError(f"{error}; {shown}") from error
        raise
    try:
        refused = link.subscribe([f"{topics.root}/#", *([topics.birth] if discovery else [])])
        if refused:
            raise DeliveryError(f"{broker} does not let this user subscribe to {' and '.join(refused)}")
        # Topics like those that are used, which nobody looks at.
        trials = [f"{topics.root}/check/event"]
        if discovery:
            trials.append(f"{topics.prefix}/device/{topics.node}/check")
        for trial in trials:
            if not link.settle(link.publish(trial, ""), broker.timeout_s):
                raise DeliveryError(f"{broker} does not confirm a message on {trial} within {broker.timeout_s:g} s")
    except Refusal as refusal:
        raise DeliveryError(str(refusal)) from refusal
    finally:
        link.close()
    return f"{broker} is reached and allows what is needed for node {topics.node}"


def cleanup(broker: Broker, topics: Topics) -> list[str]:
    """Clear every retained message of the node; their topics. For when its daemon does not run.

    Raises:
        DeliveryError: the broker is not reached, or does not allow it.
    """
    survey = Survey(topics)
    link = Link(broker, name="cleanup", on_message=survey.hear)
    link.open()
    try:
        survey.run(link)
        gone = sorted({*survey.found, topics.discovery, topics.status})
        for receipt in [link.publish(topic, "", retain=True) for topic in gone]:
            if not link.settle(receipt, broker.timeout_s):
                raise DeliveryError(f"{broker} does not confirm that {receipt.topic} is cleared")
    except Refusal as refusal:
        raise DeliveryError(str(refusal)) from refusal
    finally:
        link.close()
    return gone
