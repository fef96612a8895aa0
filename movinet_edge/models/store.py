"""The model files of this machine: find one by name or path, fetch what is missing, verify what is there."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import structlog

from movinet_edge.api import ModelError
from movinet_edge.models.catalogue import BUNDLED_FOLDER, ModelCard, catalogue, full_name, nearest
from movinet_edge.models.checksum import fingerprint, is_content_of, is_model_file, mismatch
from movinet_edge.models.download import DownloadError, Limits, Progress
from movinet_edge.models.folders import CACHE_VARIABLE, SEARCH_VARIABLE, default_cache, default_search
from movinet_edge.models.pins import Pin, read_pins, write_pins
from movinet_edge.models.pull import Check, exclusive, fetch, install

_log = structlog.get_logger(__name__)

# `dpkg` and `--force-reinstall`, since apt and pip leave a version alone that is installed already.
_INSTALL_AGAIN = (
    "install movinet-edge again, as it was: `pip install --force-reinstall --no-deps WHEEL` (or a checkout's folder), "
    "`sudo sh systemd/install.sh`, or for the Debian package `sudo dpkg --install FILE.deb`"
)


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model file on this machine.

    Attributes:
        path: where it is.
        card: what the catalogue knows of it; None for a file that the catalogue does not know.
        origin: part of the package, given as a path, recognised in a search folder, kept in the cache, or downloaded
            just now.
        pinned_sha256: set when a download without a published checksum was trusted at first sight just now.
    """

    path: Path
    card: ModelCard | None
    origin: Literal["package", "path", "search", "cache", "download"]
    pinned_sha256: str | None = None

    @property
    def name(self) -> str:
        """The catalogue's name, or the file's name without its ending."""
        return self.path.stem if self.card is None else self.card.name


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What became of the check of one model.

    `ok`: as published. `pinned`: as first seen. `unpinned`: there, and nothing is known to compare it with.
    `corrupted`: there, but another content. `missing`: not on this machine.

    Attributes:
        path: where the file is, or should be if it is a missing one of the package; None for one never downloaded.
        remedy: what to do where something is wrong. A model that was never downloaded is no fault.
    """

    name: str
    status: Literal["ok", "pinned", "unpinned", "corrupted", "missing"]
    path: Path | None = None
    detail: str = ""
    remedy: str | None = None

    @property
    def expected(self) -> bool:
        """Whether the file is there or should be: a model that was never downloaded concerns nobody."""
        return self.status != "missing" or self.remedy is not None

    @property
    def usable(self) -> bool:
        """True when the file is there and nothing speaks against it."""
        return self.status in ("ok", "pinned", "unpinned")


class ModelStore:
    """Finds models by path, in search folders and in the cache, and fills the cache from the network.

    A search folder's file is recognised by the catalogue's checksum, whatever it is called. The cache holds
    `<name>.tflite`, and each look-up compares the content with the published or the pinned checksum. So it does with
    the package's own model, which is looked for in the package alone. Interrupted downloads wait under `.partial` in
    the cache; nothing there is ever used as a model.

    Args:
        cache: folder for downloads; see `folders.default_cache` for where it is otherwise.
        search: folders to look into first; `$MOVINET_EDGE_MODEL_PATH` otherwise.
        cards: the catalogue to use; the bundled one otherwise.
        limits: how long to wait for a server and how much to take.
    """

    def __init__(
        self,
        *,
        cache: Path | None = None,
        search: Sequence[Path] | None = None,
        cards: Mapping[str, ModelCard] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.cache = default_cache() if cache is None else cache
        self.search = default_search() if search is None else tuple(search)
        self.cards = catalogue() if cards is None else dict(cards)
        self.rewritten = self.cache / "rewritten"
        """Where the engine keeps model files that it rewrote for speed."""
        self._limits = limits or Limits()
        self._unreadable: set[Path] = set()  # search folders that were complained of already

    def find(self, name_or_path: str) -> FoundModel | None:
        """The model where it is on this machine, without the network; None when it is not.

        A catalogue name stays a name even when the working folder has a file called so; `./NAME` means the file.
        """
        if self._is_path(name_or_path):
            path = Path(name_or_path).expanduser()
            return FoundModel(path, self.identify(path), "path") if _is_file(path) else None
        card = self.cards.get(full_name(name_or_path))
        if card is None:
            return None
        if card.bundled:
            return FoundModel(_bundled_path(card), card, "package") if self._cached(card).usable else None
        if path_found := self._search_for(card):
            return FoundModel(path_found, card, "search")
        cached = self._cached(card)
        if cached.status == "corrupted":
            _log.warning("cached model file is damaged", model=card.name, path=str(cached.path), reason=cached.detail)
        return FoundModel(self._cache_path(card), card, "cache") if cached.usable else None

    def get(
        self, name_or_path: str, *, pull: bool = True, progress: Progress | None = None, check: Check | None = None
    ) -> FoundModel:
        """The model where it is, downloaded first when it is missing and `pull` allows it.

        Args:
            name_or_path: a catalogue name, or a path: with a folder in it, ending in .tflite, or of an existing file.
            pull: False to stay off the network.
            progress: called with the bytes here and the bytes of the whole (or None) while downloading.
            check: opens a downloaded file, before it gets its name, and raises ModelError when it cannot serve.

        Raises:
            ModelError: it cannot be had; the text says what to do.
        """
        if found := self.find(name_or_path):
            return found
        if self._is_path(name_or_path):
            raise ModelError(_missing_path(Path(name_or_path).expanduser()))
        card = self._card(name_or_path)
        if pull or card.bundled:
            return self.pull(card.name, progress=progress, check=check)
        cached = self._cached(card)
        state = "is not on this machine" if cached.path is None else f"is damaged ({cached.path}: {cached.detail})"
        raise ModelError(
            f"{card.name} {state}. To download it:\n  movinet-edge models pull {card.name}\n{self._by_hand(card)}"
        )

    def pull(self, name: str, *, progress: Progress | None = None, check: Check | None = None) -> FoundModel:
        """Download a model of the catalogue into the cache, unless it is there already. Arguments as for `get`.

        Raises:
            ModelError: no model has this name, no address gave it, the cache cannot be written, or the package's own
                is not what the package came with.
        """
        card = self._card(name)
        if card.bundled:
            return self._bundled(card)
        target = self._cache_path(card)
        if self._cached(card).usable:  # asked before the lock, since a shared cache may be read-only
            return FoundModel(target, card, "cache")
        try:
            with exclusive(self.cache):
                if self._cached(card).usable:  # somebody else brought it meanwhile
                    return FoundModel(target, card, "cache")
                fetched = fetch(self._with_pin(card), self.cache / ".partial", self._limits, progress, check)
                pinned_sha256 = None
                if not self._with_pin(card).has_checksum:
                    pinned_sha256 = fetched.fingerprint.sha256
                    pin = Pin(sha256=pinned_sha256, size_bytes=fetched.fingerprint.size_bytes, url=fetched.url)
                    write_pins(self._pins_path, read_pins(self._pins_path) | {card.name: pin})
                    _log.info("no published checksum, first-seen one pinned", model=name, sha256=pinned_sha256)
                install(fetched, target)
        except DownloadError as error:
            raise DownloadError(f"{error}\n{self._by_hand(card)}") from error
        except OSError as error:
            raise ModelError(
                f"{card.name} cannot be saved in {self.cache}: {error.strerror or error}. "
                f"Make room or allow writing there, or set {CACHE_VARIABLE} to another folder."
            ) from error
        _log.info("model downloaded", model=name, path=str(target), url=fetched.url)
        return FoundModel(target, card, "download", pinned_sha256)

    def verify(self, name: str | None = None) -> list[VerifyResult]:
        """Compare the files of one model, or of every model in the catalogue, with what is known of them.

        Raises:
            ModelError: no model has this name, or the pins cannot be read.
        """
        cards = self.cards.values() if name is None else [self._card(name)]
        results = []
        for card in cards:
            result = self._cached(card)
            if result.status == "missing" and not card.bundled and (path := self._search_for(card)):
                result = _as_known(card, path)
            results.append(result)
        return results

    def identify(self, path: Path) -> ModelCard | None:
        """The card whose published or pinned checksum the file has, or None. The file's name plays no part."""
        for card in self.cards.values():
            if is_content_of(path, self._with_pin(card)):
                return card
        return None

    @property
    def _pins_path(self) -> Path:
        return self.cache / "pins.json"

    def _cache_path(self, card: ModelCard) -> Path:
        return self.cache / f"{card.name}.tflite"

    def _is_path(self, name_or_path: str) -> bool:
        if full_name(name_or_path) in self.cards:
            return False
        return os.sep in name_or_path or name_or_path.endswith(".tflite") or _is_file(Path(name_or_path))

    def _card(self, name: str) -> ModelCard:
        name = full_name(name)
        if name not in self.cards:
            raise ModelError(
                f"no model is called {name!r}; {nearest(name, self.cards)} "
                "(a file of your own is named by its path, as in ./model.tflite)"
            )
        return self.cards[name]

    def _with_pin(self, card: ModelCard) -> ModelCard:
        """The card as far as this machine knows it: the pin stands in where no checksum is published."""
        if card.has_checksum or (pin := read_pins(self._pins_path).get(card.name)) is None:
            return card
        return card.model_copy(update={"sha256": pin.sha256, "size_bytes": pin.size_bytes})

    def _search_for(self, card: ModelCard) -> Path | None:
        known = self._with_pin(card)
        for folder in self.search:
            try:
                entries = sorted(folder.iterdir())
            except OSError as error:
                if folder not in self._unreadable:
                    self._unreadable.add(folder)
                    _log.warning("model folder cannot be read", folder=str(folder), reason=error.strerror)
                continue
            if path := next((entry for entry in entries if is_content_of(entry, known)), None):
                return path
        return None

    def _bundled(self, card: ModelCard) -> FoundModel:
        kept = self._cached(card)
        if kept.usable:
            return FoundModel(_bundled_path(card), card, "package")
        state = "missing" if kept.status == "missing" else "damaged"
        raise ModelError(f"{card.name} is {state} ({kept.path}: {kept.detail}); {kept.remedy}")

    def _cached(self, card: ModelCard) -> VerifyResult:
        """The file in the cache, or in the package where it belongs there."""
        path = _bundled_path(card) if card.bundled else self._cache_path(card)
        remedy = _INSTALL_AGAIN if card.bundled else f"remove that file, then `movinet-edge models pull {card.name}`"
        if not _is_file(path):
            if not card.bundled:
                return VerifyResult(card.name, "missing")
            return VerifyResult(card.name, "missing", path, "it comes with the package, but is not there", remedy)
        known = self._with_pin(card)
        try:
            reason = mismatch(fingerprint(path), known)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
        if reason or not is_model_file(path):
            return VerifyResult(card.name, "corrupted", path, reason or "it is not a TFLite file", remedy)
        if known.has_checksum:
            return _as_known(card, path)
        return VerifyResult(card.name, "unpinned", path, "put there by hand; no checksum is published")

    def _by_hand(self, card: ModelCard) -> str:
        """What a person without a working connection can do."""
        lines = ["By hand: download it on any machine from", *(f"  {url}" for url in card.urls[:1])]
        lines += ["unpack it if it is a tar.gz, and save the .tflite as", f"  {self._cache_path(card)}"]
        if card.has_checksum:
            folders = ", ".join(str(folder) for folder in self.search) or "not set"
            lines += [f"or under any name in a folder named by {SEARCH_VARIABLE} (now: {folders}),"]
        return "\n".join([*lines, "or give its path instead of the name."])


def _bundled_path(card: ModelCard) -> Path:
    return BUNDLED_FOLDER / f"{card.name}.tflite"


def _as_known(card: ModelCard, path: Path) -> VerifyResult:
    if card.has_checksum:
        return VerifyResult(card.name, "ok", path, "as published")
    return VerifyResult(card.name, "pinned", path, "as first downloaded; no checksum is published")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder on the way that we may not enter
        return False


def _missing_path(path: Path) -> str:
    try:
        if path.is_dir():
            return f"{path} is a folder; name the .tflite file in it"
        models = [entry.name for entry in path.parent.iterdir() if is_model_file(entry)]
    except OSError as error:
        return f"there is no model file {path}: {path.parent.absolute()} cannot be read ({error.strerror})"
    close = get_close_matches(path.name, models, n=1)
    hint = f"; did you mean {path.with_name(close[0])}?" if close else ""
    return f"there is no model file {path} in {path.parent.absolute()}{hint}"
