"""Keeps the equipment current: a thread that looks for a new champion, catalogue or evidence and swaps all at once.

What is new has decided once for every kind of offer before any request sees it; a request that is under way keeps what
it began with.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from features.domain import CustomerId, DecisionId, Instant
from features.state import empty
from serving.attention import ASSUMED, Attention
from serving.consent import Consent
from serving.crowd import Crowd, Evidence
from serving.decide import decide
from serving.decision import Ask
from serving.eligibility import Shelf
from serving.equipment import NOTHING, SALT, Equipment, pooled
from serving.letter import letter
from serving.listing import Listed, Listing
from serving.model import Bundle
from serving.over_the_wire import written
from serving.pairs import stranger
from serving.patience import UNLEARNT, Patience
from serving.policy.cabinet import Cabinet
from serving.registry import Champion, Registry
from serving.shortfall import Lack, Shortfall
from serving.snapshot import Snapshot
from serving.tariff import Tariffs
from serving.wire import answer

_STARTING = Shortfall(Lack.STARTING, "The service has just been started and is still loading its model.")
_LOG = logging.getLogger(__name__)

_NOTHING_LISTED = Listed(None)
WARM_ITEMS = 10
"""Items of a decision that warms up."""

Sources = tuple[Listed, Champion, Evidence, str | None]


class Watch:
    """Holds the equipment in force; ``start`` begins to follow what changes, every ``poll_s`` seconds."""

    def __init__(
        self,
        listing: Listing,
        registry: Registry,
        crowd: Crowd,
        attention: Attention | None,
        poll_s: float,
        keep: Callable[[Listed], bool] = lambda _: True,
        salt: Callable[[], str | None] = lambda: SALT,
        tariffs: Tariffs | None = None,
        settle: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Follow these.

        Args:
            attention: Its price, set by hand; None: what the model has learnt holds.
            keep: Remembers what comes into force, before it does; False: it is to be tried again at the next look.
            salt: That of draws; None where it cannot be told yet.
            tariffs: Prices of what is scarce; None: nothing ever has a price.
            settle: Called when equipment has come into force, with whether its model or catalogue is another one.
        """
        self._listing = listing
        self._registry = registry
        self._crowd = crowd
        self._attention = attention
        self._poll_s = poll_s
        self._keep = keep
        self._ask_salt = salt
        self._salt: str | None = None
        self._tariffs = tariffs or Tariffs()
        self._settle = settle
        self._kept: Listed | None = None
        self._current = Equipment(
            NOTHING, pooled(NOTHING, {}, Instant(0)), Instant(0), attention or ASSUMED, None, (_STARTING,)
        )
        self._sources: Sources | None = None
        self._refreshing = threading.Lock()
        self._rehearse: Callable[[Equipment], None] = lambda _: None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def rehearse_with(self, rehearse: Callable[[Equipment], None]) -> None:
        """Have this done with what is to come into force, before it does."""
        self._rehearse = rehearse

    @property
    def current(self) -> Equipment:
        """What is in force."""
        return self._current

    def start(self) -> None:
        """Begin to follow, in a thread that ends with the process."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def refresh(self) -> None:
        """Look once, and swap if anything is new."""
        with self._refreshing:
            listed, evidence = self._listing.listed(), self._crowd.evidence()
            self._salt = self._salt or self._ask_salt()
            if self._sources is None:
                # Loading a model takes seconds; until it is there, popularity is better than no answer.
                self._current = _equipment(listed, Champion(None, _STARTING), evidence, self._salt, self._attention)
            if self._kept is not listed and self._keep(listed):
                self._kept = listed
            sources = (listed, self._registry.champion(), evidence, self._salt)
            prices = self._tariffs.prices(listed.policy.fingerprint)
            if self._sources is not None and all(a is b for a, b in zip(sources, self._sources, strict=True)):
                if prices is not self._current.prices:
                    self._current = replace(self._current, prices=prices)
                return
            renewed = _equipment(*sources, self._attention, self._current.shelf)
            equipment = replace(renewed, prices=prices).made_ready()
            _warm_up(equipment)
            self._rehearse(equipment)
            before, self._current, self._sources = self._sources, equipment, sources
            self._settle(before is None or before[:2] != sources[:2])

    def apart(self) -> Watch:
        """Another that sees the same and leaves no trace of what it saw."""
        return Watch(
            self._listing,
            self._registry,
            self._crowd,
            self._attention,
            self._poll_s,
            salt=self._ask_salt,
            tariffs=self._tariffs,
        )

    @property
    def cabinet(self) -> Cabinet:
        """Where the documents lie that are followed."""
        return self._listing.cabinet

    @property
    def listed(self) -> Listed:
        """The catalogue and policy that the equipment in force was made of."""
        return _NOTHING_LISTED if self._sources is None else self._sources[0]

    def imagine(self, listed: Listed) -> Equipment:
        """The equipment as it would be with another catalogue and policy. Nothing comes into force."""
        if self._sources is None:
            return self._current
        _, champion, evidence, salt = self._sources
        return _equipment(listed, champion, evidence, salt, self._attention)

    def _follow(self) -> None:
        while True:
            try:
                self.refresh()
            except Exception:
                # The equipment in force stays, and the next look may find things mended.
                _LOG.exception("what is in force could not be renewed")
            if self._stopped.wait(self._poll_s):
                return


def _equipment(
    listed: Listed,
    champion: Champion,
    evidence: Evidence,
    salt: str | None,
    attention: Attention | None,
    shelf: Shelf | None = None,
) -> Equipment:
    """Of these sources; ``shelf`` is one that may be laid out already."""
    catalogue = listed.catalogue or NOTHING
    shortfalls = (*listed.shortfalls, champion.shortfall, evidence.shortfall)
    return Equipment(
        catalogue,
        pooled(catalogue, evidence.states, evidence.at),
        evidence.at,
        attention or _patience(champion).price(listed.policy.losses),
        champion.model,
        tuple(shortfall for shortfall in shortfalls if shortfall is not None),
        tuple(note for note in (*listed.notes, champion.note) if note is not None),
        listed.policy,
        salt=salt or SALT,
        snapshot=Snapshot(evidence.states),
        laid_out=shelf,
    )


def _patience(champion: Champion) -> Patience:
    """What the model has learnt of customers' patience, else what is assumed of it."""
    model = champion.model
    learnt = model.attention if isinstance(model, Bundle) else None
    return UNLEARNT if learnt is None else Patience.of(learnt)


def _warm_up(equipment: Equipment) -> None:
    """Decide and answer once for every kind, on every channel, for a stranger and for somebody who is known.

    What is loaded lazily, compiled code above all, is loaded here; what was cached is cached.
    """
    catalogue, at = equipment.catalogue, equipment.evidence_at
    channels = frozenset(catalogue.channel)
    purposes = {channel.consent_purpose or "" for channel in catalogue.channels}
    agreed = {(purpose, ""): Consent(purpose, True, at, "warm-up") for purpose in purposes}
    for kind in catalogue.kinds:
        for activity in (None, empty()):
            somebody = replace(stranger(at), consents=agreed, activity=activity)
            decision = decide(Ask(DecisionId(""), CustomerId(""), at, kind, channels, WARM_ITEMS), somebody, equipment)
            written(answer(decision, equipment, "none", {}))
            letter(decision, equipment, {})
    _ = equipment.snapshot.text, equipment.snapshot.fingerprint  # kept with the first decision that rests on it
