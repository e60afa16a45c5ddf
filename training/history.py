"""A source's history in the journal: what happens live adds to it, and every value can be made anew from it.

What was received after the catalogue's ``now`` stays out, as it was not known then. Loading again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb
from tqdm import tqdm

from features.catalogue import Catalogue
from features.domain import DAY, ChannelName, CustomerId, Direction, Instant, OfferId
from features.errors import ContractError
from serving.chronicle import journal_of
from serving.events.arrival import Spoken
from serving.events.body import spoken_of
from serving.identity.identity import Identity, identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.journal import Cause, Journal
from serving.journal.bulk import AT_ONCE, load_identities, load_rows
from serving.journal.contacts import MATTERS_DAYS
from serving.journal.history import MODULUS, NONE, History, Tally, history_of, note_history, tallies, withdraw
from serving.journal.past_contacts import Reckoning
from serving.retention import oldest_kept
from serving.settings import Settings

_COLUMNS = (
    "source, event_id, customer_id, kind, channel, epoch_us(occurred_at), epoch_us(received_at), utc_offset_min, "
    "offer_id, category, value_minor, discount_minor, quantity, decision_id"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a history did."""

    events: int = 0
    duplicates: int = 0
    """Events that were there before."""
    withdrawn: int = 0
    """Events that are not known yet as of an earlier ``now``."""
    names: int = 0
    """Further names of customers that are new."""
    no_names: tuple[str, ...] = field(default=())
    """Namespaces with values that cannot be names there."""


def open_journal(settings: Settings) -> Journal:
    """The journal of these settings."""
    return journal_of(settings)


def load_history(settings: Settings, catalogue: Catalogue, progress: bool = True) -> Loaded:
    """Bring the source's history up to the catalogue's ``now`` into the journal.

    Raises:
        ContractError: The journal holds the history of another source.
        JournalUnavailableError: The journal cannot be written.
    """
    if settings.source == "journal":
        return Loaded()
    history = History(settings.source, catalogue.fingerprint, catalogue.now)
    with closing(open_journal(settings)) as journal:
        with journal.reading() as connection:
            before = history_of(connection)
        if before == history:
            return Loaded()
        if before is not None and before.source != history.source:
            raise ContractError(
                f"the journal holds the history of {before.source}, not of {history.source}: "
                "set KAIROS_JOURNAL to a database of this source's own"
            )
        with duckdb.connect(config={"threads": settings.threads}) as con:
            con.execute("SET TimeZone = 'UTC'")
            loaded = _Load(settings, con, journal, history, catalogue, progress).run(before)
        cause = Cause(catalogue.now, "make data", "loaded")
        journal.write(lambda transaction: note_history(transaction.connection, history, cause))
    return loaded


@dataclass(frozen=True)
class _Load:
    settings: Settings
    con: duckdb.DuckDBPyConnection
    journal: Journal
    history: History
    catalogue: Catalogue
    progress: bool

    @property
    def _cause(self) -> Cause:
        return Cause(self.history.until, "make data", "history")

    def run(self, before: History | None) -> Loaded:
        withdrawn = self._withdraw() if before is not None and before.until > self.history.until else 0
        events, duplicates = self._events()
        names, wrong = self._names()
        return Loaded(events, duplicates, withdrawn, names, wrong)

    def _rows(self, columns: str, table: str, where: str = "TRUE", order: str = "1") -> Iterator[list[Any]]:
        path = str(self.settings.contract_dir / f"{table}.parquet").replace("'", "''")
        found = self.con.execute(f"SELECT {columns} FROM '{path}' WHERE {where} ORDER BY {order}")
        while rows := found.fetchmany(AT_ONCE):
            yield rows

    @property
    def _known(self) -> str:
        known = f"epoch_us(received_at) <= {self.history.until}"
        days = self.settings.retention_days
        return (
            known if days is None else f"{known} AND epoch_us(received_at) >= {oldest_kept(self.history.until, days)}"
        )

    @property
    def _reckoning(self) -> Reckoning:
        """Messages of the last two months on outbound channels are contacts; a policy comes later, if at all."""
        offers, channels = self.catalogue.offer, self.catalogue.channel

        def spoken(channel: ChannelName, offer_id: OfferId | None) -> Spoken | None:
            known = channels.get(channel)
            if known is None or known.direction is not Direction.OUTBOUND:
                return None
            return spoken_of(None if offer_id is None else offers.get(offer_id), count_transactional=True)

        return Reckoning(Instant(self.history.until - MATTERS_DAYS * DAY), spoken)

    def _events(self) -> tuple[int, int]:
        total = sum(count for rows in self._rows("count(*)", "events", self._known) for (count,) in rows)
        events, duplicates, reckoning = 0, 0, self._reckoning
        with tqdm(total=total, desc="journal", unit="event", disable=not self.progress) as bar:
            for rows in self._rows(_COLUMNS, "events", self._known, "received_at, source, event_id"):
                done = self.journal.write(partial(load_rows, rows=rows, cause=self._cause, reckoning=reckoning))
                events, duplicates = events + done.events, duplicates + done.duplicates
                bar.update(len(rows))
        return events, duplicates

    def _names(self) -> tuple[int, tuple[str, ...]]:
        customers = (who for rows in self._rows("customer_id", "customers") for (who,) in rows)
        names = [(CustomerId(who), Identity(CUSTOMER, who)) for who in customers]
        wrong = set()
        for rows in self._rows("customer_id, namespace, value", "identities"):
            for who, namespace, value in rows:
                try:
                    names.append((CustomerId(who), identity(namespace, value)))
                except IdentityError:
                    wrong.add(str(namespace))
        new = 0
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            new += self.journal.write(partial(load_identities, names=some, cause=self._cause))
        return new, tuple(sorted(wrong))

    def _withdraw(self) -> int:
        later = f"epoch_us(received_at) > {self.history.until}"
        count = 0
        for rows in self._rows("source, event_id", "events", later):
            self.journal.write(partial(withdraw, events=rows))
            count += len(rows)
        return count


def included(settings: Settings, catalogue: Catalogue) -> tuple[dict[CustomerId, int], list[CustomerId]]:
    """What a batch value includes of the journal.

    Returns:
        The position that the batch value of each customer includes, 0 where the journal knows of nothing; and the
        customers of whom the journal knows something else than the tables: their values are to be made from it.
    """
    with closing(open_journal(settings)) as journal, journal.reading() as connection:
        held = tallies(connection)
    path = str(settings.contract_dir / "events.parquet").replace("'", "''")
    rows = duckdb.sql(
        f"SELECT customer_id, count(*), sum(epoch_us(received_at) % {MODULUS}) FROM '{path}' "
        f"WHERE epoch_us(received_at) <= {catalogue.now} GROUP BY customer_id"
    ).fetchall()
    batch = {CustomerId(who): Tally(int(events), int(instants)) for who, events, instants in rows}
    same = {who: head for who, (head, tally) in held.items() if tally == batch.get(who, NONE)}
    return same, sorted({*held, *batch} - set(same))
