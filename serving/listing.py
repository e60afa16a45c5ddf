"""The catalogue in force, read from its file and again whenever that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.catalogue import Catalogue
from serving.shortfall import Lack, Shortfall


@dataclass(frozen=True, slots=True)
class Listed:
    """The catalogue to decide from. Without one, ``shortfall`` says why; ``note`` warns where it is an older one."""

    catalogue: Catalogue | None
    shortfall: Shortfall | None = None
    note: str | None = None


class Listing:
    """Follows the catalogue's file; to be used from one thread at a time."""

    def __init__(self, path: Path, told: Callable[[Catalogue], None]) -> None:
        """``told`` gets every catalogue that is read."""
        self._path = path
        self._told = told
        self._written = -1
        self._listed = Listed(None)

    def listed(self) -> Listed:
        """The catalogue of now, the very same object as before while its file is unchanged.

        A new file that cannot be read leaves the catalogue before it in force; one that was removed offers nothing.
        """
        try:
            written = self._path.stat().st_mtime_ns
        except OSError:
            written = 0
        if written != self._written:
            self._listed = self._read() if written else self._missing()
            self._written = written
        return self._listed

    def _missing(self) -> Listed:
        sentence = f"There is no catalogue ({self._path}), so nothing can be offered: run `make data features`."
        return Listed(None, Shortfall(Lack.CATALOGUE_MISSING, sentence))

    def _read(self) -> Listed:
        try:
            catalogue = Catalogue.from_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return self._keep(f"The catalogue {self._path} cannot be read ({error}): run `make features`.")
        self._told(catalogue)
        return Listed(catalogue)

    def _keep(self, sentence: str) -> Listed:
        before = self._listed.catalogue
        if before is None:
            return Listed(None, Shortfall(Lack.CATALOGUE_UNREADABLE, sentence))
        return Listed(before, note=f"Still deciding from the catalogue before it. {sentence}")
