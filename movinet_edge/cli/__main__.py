"""`python -m movinet_edge.cli`: the same as the `movinet-edge` command."""

from movinet_edge.cli.main import console_main

console_main()
