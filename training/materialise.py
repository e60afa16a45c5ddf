"""``make features``: histories out of the contract's tables, into Feast, into the online store.

Leaves under ``<data-dir>/<source>/``: ``catalogue.json``; ``feast/`` with a Parquet file per view, the registry and the
online store, which then holds what was known at the catalogue's ``now`` and whatever the journal has learnt live since.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureStore
from tqdm import tqdm

from features.catalogue import Catalogue
from features.codec import at_position
from features.domain import CustomerId, Instant
from features.errors import KairosError
from features.instant import format_instant
from features.stored import ACTIVITY, EVIDENCE, PROFILE, VIEWS, Stored
from serving.packed_file import PROJECT, count, get_all, open_to_read, open_to_write, put, table_name
from serving.rebuild import projection_of
from serving.settings import Settings, read_settings
from training.bulk import write_newest
from training.feature_store import apply_definitions, open_store
from training.histories import Histories
from training.history import included, load_history
from training.offered import build_catalogue
from training.publication import publish_online


class MaterialiseError(KairosError):
    """The online store does not hold what it should."""


@dataclass
class Report:
    """How long each step took and how many rows it made."""

    steps: list[tuple[str, int, float]] = field(default_factory=list)
    """Name, rows, seconds."""

    @contextmanager
    def step(self, name: str, bar: tqdm[object]) -> Iterator[Callable[[int], None]]:
        """Time a step; what it yields takes the number of rows made."""
        bar.set_postfix_str(name)
        started, rows = time.monotonic(), [0]
        yield rows.append
        self.steps.append((name, rows[-1], time.monotonic() - started))
        bar.update()

    def text(self) -> str:
        """The table of steps."""
        lines = [f"{'step':<26}{'rows':>10}{'seconds':>10}{'rows/s':>12}"]
        for name, rows, seconds in self.steps:
            rate = f"{rows / max(seconds, 1e-9):,.0f}" if rows else ""
            lines.append(
                f"{name:<26}{rows or '':>10,}{seconds:>10.1f}{rate:>12}"
                if rows
                else f"{name:<26}{'':>10}{seconds:>10.1f}"
            )
        lines.append(f"{'together':<26}{'':>10}{sum(s for _, _, s in self.steps):>10.1f}")
        return "\n".join(lines)


def materialise(settings: Settings, progress: bool = True) -> Report:
    """Compute, store, apply and materialise the features of the source that the settings choose.

    Raises:
        ContractError: The data have not been imported.
        MaterialiseError: The online store lacks rows after all.
    """
    report = Report()
    settings.feast_dir.mkdir(parents=True, exist_ok=True)
    with tqdm(total=5 + 2 * len(VIEWS), desc=f"features {settings.source}", unit="step", disable=not progress) as bar:
        with report.step("catalogue", bar) as made:
            catalogue = build_catalogue(settings)
            made(len(catalogue.offers))
        with report.step("journal", bar) as made:
            made(load_history(settings, catalogue, progress=False).events)
        expected = _write_histories(settings, catalogue, report, bar)
        staged = settings.feast_dir / "staged.db"
        _remove(staged)
        _remove(settings.feast_dir / "registry.db")
        store = open_store(settings, staged)
        with report.step("feast apply", bar):
            apply_definitions(settings, store)
        for view in VIEWS:
            with report.step(f"online {view.name}", bar) as made:
                made(_materialise_view(settings, store, staged, view, catalogue.now, expected[view.name], progress))
        with report.step("positions", bar) as made:
            otherwise = _join_journal(settings, catalogue, staged)
            made(len(otherwise))
        with report.step("publish", bar) as made:
            publish_online(settings, staged, progress)
            _remove(staged)
            _replace(settings.catalogue_file, catalogue.to_json())
            with closing(projection_of(settings)) as projection:
                projection.settle_all(otherwise)
            made(sum(expected.values()))
    return report


def _join_journal(settings: Settings, catalogue: Catalogue, staged: Path) -> list[CustomerId]:
    """Write into each staged value what it includes of the journal, so that live events add to it.

    Returns:
        Customers of whom the journal knows more than the tables, or less. They have no staged value any more.
    """
    positions, otherwise = included(settings, catalogue)
    table = table_name(PROJECT, ACTIVITY.name)
    with closing(open_to_write(staged)) as con:
        con.executemany(f"DELETE FROM {table} WHERE key = ?", [(customer_id,) for customer_id in otherwise])
        values = [(key, at_position(value, positions.get(CustomerId(key), 0))) for key, value in get_all(con, table)]
        put(con, table, values)
    return otherwise


def _write_histories(settings: Settings, catalogue: Catalogue, report: Report, bar: tqdm[object]) -> dict[str, int]:
    """Write the Parquet file of each view; how many entities have a row by now, by view."""
    histories = Histories(settings.contract_dir, catalogue, settings.threads)
    computed: Mapping[Stored, Callable[[], pa.Table]] = {
        ACTIVITY: histories.activity,
        PROFILE: histories.profile,
        EVIDENCE: histories.evidence,
    }
    expected = {}
    for view, compute in computed.items():
        with report.step(f"history of {view.name}", bar) as made:
            table = compute()
            pq.write_table(table, settings.feast_dir / f"{view.name}.parquet", compression="zstd")
            expected[view.name] = _entities_by(table, view, catalogue.now)
            made(table.num_rows)
    return expected


def _entities_by(table: pa.Table, view: Stored, now: Instant) -> int:
    known = table.filter(pc.less_equal(table["event_timestamp"].cast(pa.int64()), int(now)))
    return len(known[view.entity].unique())


def _materialise_view(
    settings: Settings, store: FeatureStore, staged: Path, view: Stored, now: Instant, expected: int, progress: bool
) -> int:
    """Write what is known at ``now``, and count what arrived."""
    with tqdm(total=expected, desc=view.name, unit="row", disable=not progress, leave=False) as bar:
        write_newest(store, staged, view, settings.feast_dir / f"{view.name}.parquet", now, bar.update)
    with closing(open_to_read(staged)) as con:
        written = count(con, table_name(PROJECT, view.name))
    if written != expected:
        raise MaterialiseError(
            f"the online store holds {written:,} of {expected:,} rows of {view.name} known at {format_instant(now)}"
        )
    return written


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _replace(file: Path, text: str) -> None:
    """Readers find the old text or the new one, never a part."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def main(environ: Mapping[str, str]) -> int:
    """Run the command; 0 when the online store is filled, 1 with a message on stderr when it could not be."""
    try:
        settings = read_settings(environ)
        report = materialise(settings)
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report.text())
    print(f"Features of {settings.source} are in {settings.feast_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
