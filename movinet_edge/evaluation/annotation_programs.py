"""Reads the files of annotation programs: ActivityNet's JSON, ELAN's documents and exports, VIA's projects and CSV."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from movinet_edge.evaluation.marks import Mark

_CLOCK = re.compile(r"\d+:\d\d:\d\d[.,]\d+")
_SECONDS = re.compile(r"\d+[.,]\d+")


def activitynet(content: Mapping[str, Any]) -> Iterator[Mark]:
    """`database: {id: {annotations: [{segment, label}]}}`, the form of the ActivityNet challenge's ground truth."""
    for video, entry in content["database"].items():
        for number, annotation in enumerate(entry["annotations"], 1):
            start, end = annotation["segment"]
            yield Mark(str(video), str(annotation["label"]), start, end, f"annotation {number} of {video}")


def elan(text: str) -> Iterator[Mark]:
    """ELAN's own document (.eaf): every annotation with times; its value is the action.

    Source: EAF 3.0, https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities could blow a small file up
        raise ValueError("has a document type of its own, which ELAN never writes")
    import xml.etree.ElementTree as ET

    try:
        root = ET.fromstring(text.encode())  # noqa: S314 without entities there is nothing to expand
    except ET.ParseError as error:
        raise ValueError(f"is not XML: {error}") from error
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    video = "" if media is None else _last_part(media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or "")
    times_ms = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iterfind("TIME_ORDER/TIME_SLOT")}
    for annotation in root.iterfind("TIER/ANNOTATION/ALIGNABLE_ANNOTATION"):
        place = f"annotation {annotation.get('ANNOTATION_ID')}"
        ends = [times_ms.get(annotation.get(key)) for key in ("TIME_SLOT_REF1", "TIME_SLOT_REF2")]
        if None in ends:
            raise ValueError(f"{place} has no times")
        start, end = (int(time or 0) / 1000 for time in ends)
        value = annotation.findtext("ANNOTATION_VALUE") or ""
        if value.strip():
            yield Mark(video, value, start, end, place)


def elan_table(text: str) -> Iterator[Mark]:
    """ELAN's tab-delimited export. Its columns are a matter of choice: the first two times are start and end.

    Files that hold times both as h:mm:ss and as seconds repeat them, so one kind is looked at. The last column that is
    no time and no path is the annotation.
    """
    video = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("#", '"#')):
            found = re.search(r"(?:file:/*|\s)([^\s\"]+\.\w{2,4})\s*(?:--|\"|$)", line)
            video = _last_part(found.group(1)) if found else video
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        times = [cell for cell in cells if _CLOCK.fullmatch(cell)] or [c for c in cells if _SECONDS.fullmatch(c)]
        if len(times) < 2:
            if number == 1 or not line.strip():
                continue  # a header
            raise ValueError(f"line {number} has no start and end")
        words = [cell for cell in cells[1:] if cell and not _CLOCK.fullmatch(cell) and not _SECONDS.fullmatch(cell)]
        if not words:
            raise ValueError(f"line {number} has no annotation")
        yield Mark(video, words[-1], times[0], times[1], f"line {number}")


def via_project(content: Mapping[str, Any]) -> Iterator[Mark]:
    """A project of the VGG Image Annotator for video, version 3.

    Source: https://gitlab.com/vgg/via/-/blob/master/via-3.x.y/CodeDoc.md
    """
    views = content.get("view", {})
    for key, entry in content["metadata"].items():
        files = views.get(str(entry["vid"]), {}).get("fid_list", [entry["vid"]])
        video = _last_part(str(content["file"][str(files[0])]["fname"]))
        yield from _via(video, entry["z"], entry["av"], content.get("attribute", {}), f"metadata {key}")


def via_table(text: str) -> Iterator[Mark]:
    """VIA's CSV export: comments with the attributes and the header, then rows with JSON in their cells."""
    attributes: Mapping[str, Any] = {}
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"#\s*ATTRIBUTES?\s*=\s*(\{.*\})", line):
            attributes = json.loads(match.group(1))
        elif match := re.match(r"#\s*CSV_HEADER\s*=\s*(.*)", line):
            header = [name.strip() for name in match.group(1).split(",")]
        elif line.strip() and not line.startswith("#"):
            row = dict(zip(header, next(csv.reader([line])), strict=False))
            span = row.get("temporal_coordinates") or f"[{row['temporal_segment_start']},{row['temporal_segment_end']}]"
            video = _last_part(json.loads(row["file_list"])[0])
            yield from _via(video, json.loads(span), json.loads(row["metadata"]), attributes, f"line {number}")


def _via(
    video: str, span: list[Any], values: Mapping[str, str], attributes: Mapping[str, Any], place: str
) -> Iterator[Mark]:
    if len(span) != 2:
        return  # a region in one picture, or of the whole video
    for key, value in values.items():
        attribute = attributes.get(key, {})
        options = attribute.get("options", {}) if isinstance(attribute, Mapping) else {}
        yield Mark(video, str(options.get(value, value)), span[0], span[1], place)


def _last_part(address: str) -> str:
    return PurePosixPath(unquote(urlsplit(address).path) or address).name
