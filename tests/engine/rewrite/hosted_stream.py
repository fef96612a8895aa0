"""A stream of a rewritten file, for tests that run it beside the untouched one."""

import numpy as np

from movinet_edge.engine.rewrite import HostedSession, read_signature, rewrite


class Hosted:
    """`rewritten` in a session, with the states of one stream."""

    def __init__(self, rewritten, interface):
        self.rewritten = rewritten
        self.session = HostedSession(rewritten, interface)
        self.tensors = self.session.new_tensors()
        self.size_px = self.session.interface.size_px

    def reset(self):
        self.tensors.clear()

    def logits(self, image):
        np.copyto(self.session.image[0, 0], image)
        return self.session.run(self.tensors)


def hosted(content, kind=Hosted, **options):
    """The rewritten form of a file."""
    return kind(rewrite(content, **options), read_signature(content))
