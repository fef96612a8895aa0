"""`movinet-edge events label`: say what an event really was, so that heads can learn from it."""

import argparse
from pathlib import Path

from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_store_arguments

HELP = "say that an event was right, wrong, or what it was instead"
DESCRIPTION = """\
Note what an event really was. Its clip, where one was kept (`evidence: clip`), is copied to the examples in the state
folder, from which `movinet-edge teach NAME --from-events` learns. The daemon may be running."""
EPILOG = """\
examples:
  movinet-edge events label 019c1f0a-52c4 right
  movinet-edge events label 019c1f0a-52c4 wrong
  movinet-edge events label 019c1f0a-52c4 "carrying a parcel"

The beginning of an id is enough where only one event begins so. Of an event the last label counts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `label`."""
    add_store_arguments(parser, again=True)
    parser.add_argument("event_id", metavar="ID", help="of the event, as the list has it")
    parser.add_argument("said", metavar="right|wrong|ACTION", help="what it was")


def label(args: argparse.Namespace, state_dir: Path) -> int:
    """Keep a label."""
    from movinet_edge.config import load
    from movinet_edge.daemon.event_labels import EventLabels
    from movinet_edge.heads import BACKGROUND

    streams = () if args.state_dir is not None else load(args.config).streams
    pre_rolls_s = {stream.name: stream.clip.pre_roll_s for stream in streams}
    kept = EventLabels(state_dir).add(args.event_id, args.said, pre_roll_s=pre_rolls_s.get)
    what = "none of the actions" if kept.action == BACKGROUND else kept.action
    print(f"{kept.event_id}: reported as {kept.reported_as} on {kept.stream}, kept as {what}")
    if kept.clip is None:
        print(
            "There is no clip of it, at least not yet, and without one nothing can be learned from it; with "
            "`evidence: clip` in the stream's section there will be one of each later event."
        )
    return exit_codes.OK
