"""Batch and live are one: history and events in one journal, values with the position they include."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from features.domain import DAY, ChannelName, CustomerId, EventId, Instant, Kind
from features.errors import ContractError
from features.fold import fold
from features.state import close, empty
from features.stored import state_from_row, state_to_row
from serving.accept import accept
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause
from serving.projection import Projection
from serving.rebuild import projection_of
from serving.settings import Settings
from training.history import load_history, open_journal
from training.materialise import materialise
from training.offered import build_catalogue

ANN, BOB = CustomerId("c001"), CustomerId("c002")


@pytest.fixture
def world(small_world: Settings, tmp_path: Path) -> Settings:
    """The small world in a folder that may be changed."""
    settings = replace(small_world, data_dir=tmp_path)
    shutil.copytree(small_world.contract_dir, settings.contract_dir)
    return settings


def known(settings: Settings, until: Instant) -> int:
    file = settings.contract_dir / "events.parquet"
    (found,) = duckdb.sql(f"SELECT count(*) FROM '{file}' WHERE epoch_us(received_at) <= {until}").fetchall()
    return int(found[0])


def happened(projection: Projection, event_id: str, at: Instant, *names: tuple[str, str]) -> None:
    who = distinct(identity(*name) for name in names)
    arrival = Arrival("app", EventId(event_id), who, Kind.VISITED, ChannelName("app"), at, 0)
    projection.settle(projection.journal.take_in([arrival], Cause(at, "test", "event")).touched)


def events_of(settings: Settings, customer_id: CustomerId) -> int:
    with closing(open_journal(settings)) as journal:
        return sum(len(gap.events) for gap in journal.gaps({customer_id: 0}))


def test_history_is_loaded_once_and_nothing_that_is_not_known_yet(world: Settings) -> None:
    catalogue = build_catalogue(world)
    earlier = replace(catalogue, now=Instant(catalogue.now - 30 * DAY))
    first = load_history(world, earlier, progress=False)
    assert (first.events, first.duplicates) == (known(world, earlier.now), 0)
    assert first.names == 200
    assert load_history(world, earlier, progress=False).events == 0
    then = load_history(world, catalogue, progress=False)
    assert then.events == known(world, catalogue.now) - first.events
    assert then.duplicates == first.events
    back = load_history(world, earlier, progress=False)
    assert (back.events, back.withdrawn) == (0, then.events)


def test_a_journal_of_another_source_is_not_mixed_up(world: Settings) -> None:
    catalogue = build_catalogue(world)
    load_history(world, catalogue, progress=False)
    other = replace(world, source="starbucks", journal=world.journal_uri)
    with pytest.raises(ContractError, match="history of files, not of starbucks"):
        load_history(other, catalogue, progress=False)


def test_every_source_has_a_journal_of_its_own(world: Settings) -> None:
    assert "/files/journal.db" in world.journal_uri
    assert replace(world, source="journal", journal_of="files").journal_uri == world.journal_uri


@pytest.fixture
def projection(world: Settings) -> Iterator[Projection]:
    """The projection of the world after ``make features``."""
    materialise(world, progress=False)
    with closing(projection_of(world)) as opened:
        yield opened


@pytest.mark.slow
def test_live_events_add_to_the_batch_and_nothing_is_left_to_rebuild(world: Settings, projection: Projection) -> None:
    now = build_catalogue(world).now
    rebuilt = projection.rebuild()
    assert (rebuilt.customers, rebuilt.behind, rebuilt.different) == (200, (), ())
    batch = projection.state(ANN)
    happened(projection, "1", now, ("customer_id", ANN))
    with closing(open_journal(world)) as journal:
        (gap,) = journal.gaps({ANN: 0})
    live = gap.events[-1:]
    assert close(projection.state(ANN), state_from_row(state_to_row(fold(batch, live, categories=_words(world)))))
    again = projection.rebuild()
    assert (again.behind, again.different) == ((), ())
    materialise(world, progress=False)
    assert close(projection.state(ANN), state_from_row(state_to_row(fold(batch, live, categories=_words(world)))))
    last = projection.rebuild()
    assert (last.behind, last.different) == ((), ())


@pytest.mark.slow
def test_values_of_a_journal_that_is_gone_are_made_anew(world: Settings, projection: Projection) -> None:
    projection.journal.close()
    for file in world.origin_dir.glob("journal.db*"):
        file.unlink()
    accept(world, "test")
    happened(projection, "1", build_catalogue(world).now, ("customer_id", ANN))
    rebuilt = projection.rebuild()
    assert (rebuilt.customers, rebuilt.different) == (1, (ANN,))
    with closing(open_journal(world)) as journal:
        (gap,) = journal.gaps({ANN: 0})
    expected = fold(empty(), gap.events, categories=_words(world))
    assert close(projection.state(ANN), state_from_row(state_to_row(expected)))


@pytest.mark.slow
def test_a_joined_and_split_customer_keeps_the_batch_history(world: Settings, projection: Projection) -> None:
    now = build_catalogue(world).now
    ann, device = events_of(world, ANN), ("device", "tablet")
    before = projection.state(ANN)
    happened(projection, "1", now, device)
    happened(projection, "2", now, ("customer_id", ANN), device)
    assert events_of(world, ANN) == ann + 2
    projection.journal.split(ANN, [identity(*device)], Cause(now, "test", "not hers"))
    own = projection.journal.gaps({ANN: 0})[0].events
    assert len(own) == ann + 1
    expected = fold(before, [event for event in own if event.source == "app"], categories=_words(world))
    assert close(projection.state(ANN), state_from_row(state_to_row(expected)))
    fresh = fold(empty(), own, categories=_words(world))
    assert close(projection.state(ANN), state_from_row(state_to_row(fresh)))
    assert projection.rebuild().different == ()


def _words(settings: Settings) -> frozenset[str]:
    return build_catalogue(settings).categories
