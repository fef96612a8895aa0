"""Evidence: pictures, clips and scores that show what an event was, and how much of them is kept."""

from movinet_edge.evidence.clip import PICTURES, PLAYABLE, ClipImpossible, as_mp4
from movinet_edge.evidence.mask import Mask
from movinet_edge.evidence.packet_ring import PacketRing, Recording
from movinet_edge.evidence.retention import Quota
from movinet_edge.evidence.score_curve import ScoreCurve
from movinet_edge.evidence.store import EVIDENCE_FOLDER, EvidenceItem, EvidenceRefused, EvidenceStore, Kind, Part

__all__ = [
    "EVIDENCE_FOLDER",
    "PICTURES",
    "PLAYABLE",
    "ClipImpossible",
    "EvidenceItem",
    "EvidenceRefused",
    "EvidenceStore",
    "Kind",
    "Mask",
    "PacketRing",
    "Part",
    "Quota",
    "Recording",
    "ScoreCurve",
    "as_mp4",
]
