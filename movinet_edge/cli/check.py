"""`movinet-edge check`: is the configuration right, are its plugins, models and labels there?"""

import argparse

from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_config_argument, read_config

HELP = "check a configuration without running it"
DESCRIPTION = """\
Read the configuration with everything it names (fragments, environment, credentials, plugins, models, labels) and
report all that is wrong with file, line and key. Nothing is downloaded, opened or sent."""
EPILOG = "exit codes: 0 right, 78 wrong."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    add_config_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Check one configuration."""
    document = read_config(args)
    from movinet_edge.daemon.assembly import assemble

    assembly = assemble(document, pull=False)
    print(f"{args.config}: right")
    for name, parts in assembly.streams.items():
        pipeline = parts.pipeline
        model = pipeline.model
        actions = len(pipeline.detector.watched)
        print(f"  stream {name}: {actions} action{'s' if actions != 1 else ''}, {model.name} on {model.runtime}")
    for name in assembly.sinks:
        print(f"  sink {name}")
    if not assembly.sinks:
        print("  no sinks: events are only kept in the outbox, see `movinet-edge events`")
    print(f"  state in {assembly.configuration.state_dir}")
    return exit_codes.OK
