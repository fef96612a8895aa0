"""Exit codes, from sysexits.h, so that a service manager can tell what restarting would help."""

OK = 0
FAILURE = 1
USAGE = 64
NO_INPUT = 66
UNAVAILABLE = 69
SOFTWARE = 70
CONFIGURATION = 78
INTERRUPTED = 130
