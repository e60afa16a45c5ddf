"""From a folder of tables to a trial: checked against the contract, apart from what the service works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import Catalogue
from features.clock import SystemClock
from serving.settings import Settings
from training.import_data import import_data, request_from
from training.offered import build_catalogue
from training.policy_value.columns_of_own import own_columns
from training.policy_value.context import Context, context, telling
from training.policy_value.logged import Logged, logged, opened, trial_of
from training.value.trial import Mask, Trial

JUDGED = "judged"


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """What a folder holds for those who judge it."""

    settings: Settings
    """Those whose ``contract_dir`` is the checked folder."""
    catalogue: Catalogue
    logged: Logged
    trial: Trial
    own: tuple[str, ...]
    """Columns of customers beyond the contract that are used here."""


def checked(settings: Settings) -> Settings:
    """Settings whose contract folder holds the source; ``files`` are imported beside what the service works on.

    The copy lies in the source's own folder, where whoever is erased is looked for.
    """
    if settings.source != "files" or settings.files is None:
        return settings
    apart = replace(settings, data_dir=settings.source_dir / JUDGED)
    import_data(replace(request_from(apart, SystemClock().now()), progress=False))
    return apart


def read(settings: Settings) -> Folder:
    """The trial of the source in force. Raises ContractError where it is not imported, or tells no probabilities."""
    catalogue = build_catalogue(settings)
    found = logged(settings.contract_dir, catalogue)
    seen, own = _seen(settings, found, found.rows.select(["customer_id", "at_us"]))
    kept = telling(seen)
    return Folder(settings, catalogue, found, trial_of(found, kept, catalogue), own)


def everybody(folder: Folder) -> tuple[pa.Table, Context, Mask]:
    """All customers of the folder as of its last decision: ``customer_id``, what is known of each, and what is open."""
    at = folder.logged.rows["at_us"].to_numpy().max()
    ids = pq.read_table(folder.settings.contract_dir / "customers.parquet", columns=["customer_id"])
    asked = ids.append_column("at_us", pa.array([at] * len(ids), pa.int64()))
    seen, _ = _seen(folder.settings, folder.logged, asked)
    return asked, seen, opened(folder.trial.arms, asked["at_us"].to_numpy(), folder.catalogue)


def _seen(settings: Settings, found: Logged, asked: pa.Table) -> tuple[Context, tuple[str, ...]]:
    seen = context(settings.contract_dir, asked, found.categories, settings.threads)
    own = own_columns(settings.files if settings.source == "files" else None, asked)
    return seen.beside(own), own.names
