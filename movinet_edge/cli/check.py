"""`movinet-edge check`: is the configuration right, are its plugins, models and labels there, do its sinks answer?"""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from movinet_edge.api import CheckedSink, SinkError
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_config_argument, read_config

if TYPE_CHECKING:
    from movinet_edge.daemon.supervisor import SinkParts

HELP = "check a configuration without running it"
DESCRIPTION = """\
Read the configuration with everything it names (fragments, environment, credentials, plugins, models, labels) and
report all that is wrong with file, line and key. Nothing is downloaded, opened or sent, unless --online asks for it:
then sinks that can are tried, without an event. `movinet-edge probe` tries a source."""
EPILOG = "exit codes: 0 right, 1 a sink did not answer as it should, 78 wrong."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    add_config_argument(parser)
    parser.add_argument("--online", action="store_true", help="also connect to where the events go")


def execute(args: argparse.Namespace) -> int:
    """Check one configuration."""
    document = read_config(args)
    from movinet_edge.daemon.assembly import assemble
    from movinet_edge.web.start import check_page

    assembly = assemble(document, pull=False)
    print(f"{args.config}: right")
    for name, parts in assembly.streams.items():
        pipeline = parts.pipeline
        model = pipeline.model
        actions = len(pipeline.detector.watched)
        print(f"  stream {name}: {actions} action{'s' if actions != 1 else ''}, {model.name} on {model.runtime}")
        if pipeline.evidence is not None:
            print(f"    {pipeline.evidence.summary}")
    all_well = True
    if args.online:
        all_well = _try_sinks(assembly.sinks)
    else:
        for name in assembly.sinks:
            print(f"  sink {name}")
    if not assembly.sinks:
        print("  no sinks: events are only kept in the outbox, see `movinet-edge events`")
    web = assembly.configuration.web
    check_page(web)
    if web.enabled:
        print(f"  page at {web.scheme}://{web.host}:{web.port}/{'' if web.has_password else ', without a password'}")
    print(f"  state in {assembly.configuration.state_dir}")
    return exit_codes.OK if all_well else exit_codes.FAILURE


def _try_sinks(sinks: "Mapping[str, SinkParts]") -> bool:
    all_well = True
    for name, parts in sinks.items():
        try:
            sink = parts.make_sink()
            found = (
                sink.check() if isinstance(sink, CheckedSink) else "not tried: it has no way to do so without an event"
            )
            print(f"  sink {name}: {found}", flush=True)
        except SinkError as error:
            all_well = False
            print(f"  sink {name}: FAILED: {error}", flush=True)
    return all_well
