"""`movinet-edge probe`: does a source work, what does it give, and what does it cost?"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movinet_edge.api import ConfigurationError, Frame, parse_duration
from movinet_edge.cli import exit_codes
from movinet_edge.cli.probe_source import NamedSource, named_source, type_and_settings

HELP = "does a camera or video work, and what does it cost?"
DESCRIPTION = """\
Open a source, look at it for some seconds, and tell its codec, size and frames per second, how long the first frame
took, what reading it costs, and save the first picture; or tell why it cannot be read."""
EPILOG = """\
SOURCE is one of
  rtsp://192.168.1.20/stream1     or any other address of a live stream
  clip.mp4                        a video file, or a folder of them
  /dev/video0, or 0               a camera on USB; better /dev/v4l/by-id/…
  picamera2                       the Pi's own camera
  porch --config config.yaml      a stream of a configuration, with all that is set for it

exit codes: 0 it works, 64 wrong arguments, 66 it cannot be read, 78 what was asked for cannot work."""

if TYPE_CHECKING:
    from movinet_edge.daemon.probe import Findings

_SNAPSHOT = Path("movinet-edge-probe.jpg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The argument and the options of `probe`."""
    parser.allow_abbrev = False  # or `--password` would be taken for the name of a file
    parser.add_argument("source", metavar="SOURCE", help="an address, file, folder, device or stream, see below")
    parser.add_argument("--config", type=Path, metavar="FILE", help="SOURCE is the name of a stream in this file")
    group = parser.add_argument_group("of an address")
    group.add_argument("--user", metavar="NAME", help="to log in with")
    group.add_argument(
        "--password-file", type=Path, metavar="FILE", help="holds the password (other users can see what is typed here)"
    )
    group.add_argument("--transport", choices=("tcp", "udp"), help="how RTSP carries its data (tcp)")
    group = parser.add_argument_group("what to do")
    group.add_argument("--seconds", type=_seconds, default=3.0, metavar="S", help="how long to measure (%(default)g)")
    group.add_argument(
        "--timeout", type=_seconds, default=15.0, metavar="S", help="longest wait for the first frame (%(default)g)"
    )
    snapshot = group.add_mutually_exclusive_group()
    snapshot.add_argument(
        "--snapshot", type=Path, default=_SNAPSHOT, metavar="FILE.jpg", help="where the picture goes (%(default)s)"
    )
    snapshot.add_argument("--no-snapshot", dest="snapshot", action="store_const", const=None, help="save no picture")
    group.add_argument("--json", action="store_true", help="print the findings for programs")


def _seconds(text: str) -> float:
    try:
        seconds_s = parse_duration(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds_s == 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time at all")
    return seconds_s


def execute(args: argparse.Namespace) -> int:
    """Probe one source."""
    _check_snapshot(args.snapshot)
    source = named_source(args)
    from movinet_edge.daemon.probe import probe

    findings = probe(source.name, source.make, fps=source.fps, timeout_s=args.timeout, seconds_s=args.seconds)
    fault = findings.fault and source.document.redact(findings.fault) + _hint(args)
    picture, saved, unsaved = findings.picture, None, None
    if picture is not None and args.snapshot is not None:
        unsaved = _save(picture, args.snapshot)
        saved = None if unsaved else args.snapshot.absolute()
    if args.json:
        print(json.dumps(_as_json(source, findings, fault, saved), indent=2, ensure_ascii=False))
    elif picture is not None:
        _print_list(source, findings, picture, saved)
    for complaint in (fault, unsaved):
        if complaint:
            print(f"movinet-edge: {complaint}", file=sys.stderr)
    return exit_codes.NO_INPUT if fault else exit_codes.FAILURE if unsaved else exit_codes.OK


def _hint(args: argparse.Namespace) -> str:
    """For a word that is no file: what else might have been meant."""
    is_word = args.config is None and type_and_settings(args.source)[0] == "file" and "/" not in args.source
    if not is_word or Path(args.source).exists():
        return ""
    return " (an address begins with rtsp:// or the like; the name of a stream needs --config FILE)"


def _check_snapshot(path: Path | None) -> None:
    """Say what cannot work before a camera is opened for it."""
    import cv2

    if path is not None and not cv2.haveImageWriter(path.name):
        raise ConfigurationError(f"--snapshot {path}: the name must end as pictures do, for example in .jpg or .png")


def _save(picture: Frame, path: Path) -> str | None:
    """Write a picture; what went wrong, or None."""
    from movinet_edge.daemon.snapshots import encoded

    try:
        path.write_bytes(encoded(picture, path.suffix))
    except OSError as error:
        return f"the picture is not saved: {path}: {error.strerror} (see --snapshot and --no-snapshot)"
    return None


def _as_json(source: NamedSource, findings: "Findings", fault: str | None, saved: Path | None) -> dict[str, Any]:
    health, info = findings.health, findings.health.source
    width_px, height_px = findings.picture.size_px if findings.picture else (None, None)
    return {
        "source": source.name,
        "type": source.type,
        "works": fault is None,
        "fault": fault,
        "codec": info and info.codec,
        "width_px": width_px,
        "height_px": height_px,
        "fps_announced": info and info.fps,
        "fps_measured": health.fps_in,
        "first_frame_s": findings.first_frame_s and round(findings.first_frame_s, 3),
        "cpu": health.source_cpu,
        "frames_read": health.read,
        "snapshot": saved and str(saved),
        "advice": findings.advice,
    }


def _print_list(source: NamedSource, findings: "Findings", picture: Frame, saved: Path | None) -> None:
    health, info = findings.health, findings.health.source
    rates = ((info and info.fps, "announced"), (health.fps_in, "measured"))
    rows = {
        "codec": info and info.codec,
        "size": "×".join(map(str, picture.size_px)),
        "fps": ", ".join(f"{fps:.3g} {how}" for fps, how in rates if fps is not None),
        "first frame": f"after {findings.first_frame_s:.2f} s",
        "CPU": _cpu(health.source_cpu, live=findings.live),
        "snapshot": saved,
    }
    print(f"{source.name}: {'gave pictures, but broke off' if findings.fault else 'works'}")
    for what, value in rows.items():
        if value:
            print(f"  {what:<13}{value}")
    for advice in findings.advice:
        print(f"  {advice}")


def _cpu(share: float | None, *, live: bool) -> str:
    if share is None:
        return ""
    return f"{100 * share:.1f} % of one core" + ("" if live else ", at the pace of the recording")
