"""The catalogue and the policy in force, read from their files and again whenever one of these changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from features.catalogue import Catalogue
from serving.policy.cabinet import Cabinet
from serving.policy.document import Document, Name, offers_of, policy_of
from serving.policy.flaw import Flaw
from serving.policy.held import Follower, Held, Remembered
from serving.policy.names import unknown_to, unknown_to_offer
from serving.policy.overlay import NOTHING_LAID_OVER, Overlay
from serving.policy.policy import DEFAULT, Policy
from serving.shortfall import Lack, Shortfall

MOST_NOTES = 3
"""Flaws of one document that every answer warns of."""
_NOTHING_OFFERED = Overlay(imported=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """The catalogue and policy to decide from. Where anything is missing, ``shortfalls`` say why; ``notes`` warn."""

    catalogue: Catalogue | None
    """In force: the imported one with the document of offers laid over it."""
    policy: Policy = DEFAULT
    shortfalls: tuple[Shortfall, ...] = ()
    notes: tuple[str, ...] = ()
    imported: Catalogue | None = None
    documents: tuple[tuple[Name, Document[Policy] | Document[Overlay]], ...] = ()
    """Those that are in force."""


@dataclass(frozen=True, slots=True)
class _Base:
    catalogue: Catalogue | None
    shortfall: Shortfall | None = None
    note: str | None = None


class Listing:
    """Follows the files of one source; to be used from one thread at a time."""

    def __init__(
        self,
        path: Path,
        told: Callable[[Catalogue], None],
        remembered: Remembered = lambda _: None,
        folder: Path | None = None,
    ) -> None:
        """``told`` gets every catalogue that is imported. Without a ``folder`` the documents lie beside it."""
        self._path = path
        self._told = told
        self._written = -1
        self._base = _Base(None)
        self.cabinet = cabinet = Cabinet(folder or path.parent)
        self._offers = Follower(cabinet, Name.OFFERS, offers_of, remembered)
        self._policy = Follower(cabinet, Name.POLICY, policy_of, remembered)
        self._sources: tuple[_Base, Held[Overlay], Held[Policy]] | None = None
        self._listed = Listed(None)

    def listed(self) -> Listed:
        """What is in force now, the very same object as before while the files are unchanged.

        A new file that cannot be read leaves the one before it in force; a catalogue that was removed offers nothing,
        a document that was removed says nothing.
        """
        sources = (self._imported(), self._offers.held(), self._policy.held())
        if self._sources is None or any(a is not b for a, b in zip(sources, self._sources, strict=True)):
            self._listed = _joined(*sources)
            self._sources = sources
        return self._listed

    def _imported(self) -> _Base:
        try:
            written = self._path.stat().st_mtime_ns
        except OSError:
            written = 0
        if written != self._written:
            self._base = self._read() if written else self._missing()
            self._written = written
        return self._base

    def _missing(self) -> _Base:
        sentence = f"There is no catalogue ({self._path}), so nothing can be offered: run `make data features`."
        return _Base(None, Shortfall(Lack.CATALOGUE_MISSING, sentence))

    def _read(self) -> _Base:
        try:
            catalogue = Catalogue.from_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return self._keep(f"The catalogue {self._path} cannot be read ({error}): run `make features`.")
        self._told(catalogue)
        return _Base(catalogue)

    def _keep(self, sentence: str) -> _Base:
        before = self._base.catalogue
        if before is None:
            return _Base(None, Shortfall(Lack.CATALOGUE_UNREADABLE, sentence))
        return _Base(before, note=f"Still deciding from the catalogue before it. {sentence}")


def _joined(base: _Base, offers: Held[Overlay], policy: Held[Policy]) -> Listed:
    shortfalls = [base.shortfall] if base.shortfall is not None else []
    notes = [note for note in (base.note,) if note is not None]
    notes += [held.note for held in (offers, policy) if held.note is not None and held.document is not None]
    catalogue, found = base.catalogue, policy.document.value if policy.document else DEFAULT
    if catalogue is not None:
        if offers.document is None:
            # Something may have been withdrawn for a reason.
            shortfalls.append(Shortfall(Lack.OFFERS_UNREADABLE, f"Nothing is offered: {offers.note}"))
            catalogue = _NOTHING_OFFERED.over(catalogue)
        else:
            catalogue = offers.document.value.over(catalogue)
            notes += told(Name.OFFERS, unknown_in_offers(catalogue, offers.document.value))
        if policy.document is None:
            shortfalls.append(Shortfall(Lack.POLICY_UNREADABLE, f"Nothing is offered: {policy.note}"))
            found = replace(DEFAULT, closed_channels=tuple(catalogue.channel))
        else:
            notes += told(Name.POLICY, unknown_to(catalogue, found))
    documents = [(Name.OFFERS, offers.document), (Name.POLICY, policy.document)]
    held = tuple((name, document) for name, document in documents if document is not None)
    return Listed(catalogue, found, tuple(shortfalls), tuple(notes), base.catalogue, held)


def imagined(listed: Listed, offers: Document[Overlay] | None, policy: Document[Policy] | None) -> Listed:
    """What would be listed with other documents; None leaves one as it is."""
    held = dict(listed.documents)
    return _joined(
        _Base(listed.imported),
        Held(offers if offers is not None else cast("Document[Overlay] | None", held.get(Name.OFFERS))),
        Held(policy if policy is not None else cast("Document[Policy] | None", held.get(Name.POLICY))),
    )


def unknown_in_offers(catalogue: Catalogue, overlay: Overlay) -> Iterator[Flaw]:
    """Names in a document of offers that nothing bears in the catalogue which it is part of."""
    if overlay == NOTHING_LAID_OVER:
        return
    for place, offer in enumerate(overlay.offers):
        yield from unknown_to_offer(catalogue, offer, ("offers", place))


def told(name: Name, flaws: Iterator[Flaw]) -> list[str]:
    """The first few flaws as sentences."""
    listed = list(flaws)
    sentences = [f"In the {name} document, {flaw.pointer}: {flaw.sentence}." for flaw in listed[:MOST_NOTES]]
    more = len(listed) - len(sentences)
    return [*sentences, f"In the {name} document, {more} more lines name what there is not."] if more else sentences
