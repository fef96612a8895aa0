"""The one error of this package: a file is not rewritten, and the caller goes on with the untouched one."""


class RewriteRefused(Exception):
    """The file was not rewritten; the text says why. Nothing was written and the original runs as it did."""
