"""`movinet-edge schema`: JSON Schemas of the event and of the configuration, for other programs and for editors."""

import argparse
import json
from typing import Any

from movinet_edge.cli import exit_codes

HELP = "print the JSON Schema of events or of the configuration"
DESCRIPTION = """\
Print a JSON Schema. `event` is what every sink sends and every log holds. `config` lets an editor complete and check
a configuration: save it as schema.json and begin the file with `# yaml-language-server: $schema=schema.json`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The argument of `schema`."""
    parser.add_argument("what", choices=("event", "config"))


def execute(args: argparse.Namespace) -> int:
    """Print one schema."""
    print(json.dumps(_schema(args.what), indent=2))
    return exit_codes.OK


def _schema(what: str) -> dict[str, Any]:
    if what == "config":
        from movinet_edge.config import json_schema

        return json_schema()
    from movinet_edge.api import ActionEvent

    schema = ActionEvent.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
