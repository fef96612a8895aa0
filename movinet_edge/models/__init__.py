"""Model files: which ones there are, where each one is on this machine, and how to fetch it."""

from movinet_edge.models.catalogue import ModelCard, bundled_labels, catalogue, recommended
from movinet_edge.models.download import DownloadError
from movinet_edge.models.store import FoundModel, ModelStore, VerifyResult

__all__ = [
    "DownloadError",
    "FoundModel",
    "ModelCard",
    "ModelStore",
    "VerifyResult",
    "bundled_labels",
    "catalogue",
    "recommended",
]
