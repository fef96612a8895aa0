"""`movinet-edge plugins`: which sources and sinks there are, where they come from, and why one cannot be used."""

import argparse
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movinet_edge.cli import exit_codes
from movinet_edge.cli.consoles import stdout_console
from movinet_edge.daemon.plugins import Plugin, discover_plugins

HELP = "list sources and sinks, and why one cannot be used"
DESCRIPTION = """\
List every plugin that is installed or lies in a folder given with --dir. The name is the `type:` of a source or sink
in the configuration. A plugin that cannot be loaded is shown with the reason and costs the others nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `plugins`."""
    parser.add_argument("--dir", type=Path, action="append", default=[], metavar="DIR", help="as in `plugin_dirs:`")
    parser.add_argument("--settings", action="store_true", help="also what can be set for each")


def execute(args: argparse.Namespace) -> int:
    """List the plugins."""
    plugins = discover_plugins([folder.absolute() for folder in args.dir])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("kind", "type", "from"):
        table.add_column(column, no_wrap=True)
    table.add_column("what it is, or what is wrong", overflow="fold")
    for plugin in plugins.found.values():
        problem = plugin.problem()
        about = Text(problem, style="red") if problem else Text(_first_line(plugin.plugin_class()))
        table.add_row(plugin.kind, plugin.name, Text(plugin.origin), about)
    for what, reason in plugins.refused:
        table.add_row("?", "", Text(what), Text(f"refused: {reason}", style="red"))
    console = stdout_console(fold_in_pipes=False)
    console.print(table)
    if args.settings:
        for plugin in plugins.found.values():
            if plugin.problem() is None:
                _print_settings(console, plugin)
    return exit_codes.OK


def _first_line(plugin_class: type) -> str:
    return (plugin_class.__doc__ or "").strip().split("\n")[0]


def _print_settings(console: Console, plugin: Plugin) -> None:
    console.print(Text(f"{plugin.kind} {plugin.name}", style="bold"))
    fields = plugin.plugin_class().Settings.model_fields
    for name, field in fields.items():
        default = "required" if field.is_required() else f"default {field.get_default(call_default_factory=True)}"
        console.print(Text(f"  {field.alias or name} ({default}): {field.description or ''}"))
    if not fields:
        console.print("  nothing to set")
