"""Take the model out of a downloaded tar.gz without trusting anything in it."""

import gzip
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from movinet_edge.models.download import ContentRejected

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 16


def is_gzip(path: Path) -> bool:
    """True when the content starts as gzip does, whatever the file is called."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


class _CappedGzip(gzip.GzipFile):
    """Unpacks up to a bound. It lies under tarfile, so that a header cannot ask for more memory either."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(path, "rb")
        self._max_bytes = max_bytes
        self._left_bytes = max_bytes

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)  # tarfile asks for a block of some kB at a time
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise ContentRejected(f"the archive unpacks to more than {self._max_bytes} bytes; no model is that large")
        return data


def extract_model(archive: Path, target: Path, max_bytes: int) -> None:
    """Write the archive's single .tflite member to `target`; names in the archive are never used as paths.

    Other plain files beside it are passed over. An archive with a link, a device or a name that leads outside is
    refused as a whole: an honest publisher has no use for them.

    Raises:
        ContentRejected: no archive, a damaged or an unsafe one, or not exactly one .tflite in it.
        OSError: `target` cannot be written.
    """
    found: str | None = None
    try:
        with _CappedGzip(archive, max_bytes) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as members:
            for member in members:
                _refuse_unsafe(member)
                if not member.isfile() or PurePosixPath(member.name).suffix != ".tflite":
                    continue
                if found is not None:
                    raise ContentRejected(f"the archive holds several models, {found!r} and {member.name!r}")
                found = member.name
                _copy(members, member, target)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError) as error:
        raise ContentRejected(f"the archive is damaged ({error})") from error
    if found is None:
        raise ContentRejected("the archive holds no .tflite file")


def _refuse_unsafe(member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise ContentRejected(f"the archive is unsafe: {member.name!r} leads outside of it")
    if member.issparse() or not (member.isfile() or member.isdir()):
        raise ContentRejected(f"the archive is unsafe: {member.name!r} is neither a plain file nor a folder")


def _copy(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = members.extractfile(member)
    if content is None:
        raise ContentRejected(f"{member.name!r} in the archive has no content")
    with content, target.open("wb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
