"""``make decide``: the action and every probability for all customers of a folder, by the policy the gate would serve.

Customers of the log are scored by models that had not seen them, everybody else by a model of the whole log. What is
written is drawn from the probabilities written beside it, by the hash of the customer: the same again in every run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from features.errors import ContractError, KairosError
from serving.explore import pick, uniform
from serving.settings import Settings, read_settings
from training.fit import Resources
from training.policy_value.folder import Folder, checked, everybody, read
from training.policy_value.harm import Harm, harmless
from training.policy_value.policies import spread
from training.value.kairos import fit
from training.value.trial import Floats, Index, Mask

WRITERS = {".parquet": pq.write_table, ".csv": pacsv.write_csv}
SALT = "kairos-decide"


def decide(settings: Settings, out: Path) -> str:
    """Write the file; says in words what is in it.

    Columns: ``customer_id, offer_id, channel`` (both empty for nothing), ``probability`` of that choice, the model's
    ``value_minor`` of it beyond that of nothing (of the mean arm where nothing was never logged), and
    ``p_<arm>`` for every arm.

    Raises ContractError for another suffix than .parquet or .csv, or data without probabilities.
    """
    if out.suffix not in WRITERS:
        raise ContractError(f"{out} ends in {out.suffix or 'nothing'}: name a .parquet or .csv file")
    folder = read(checked(settings))
    ids, value, opened, harm = _scored(folder, Resources(settings.threads, settings.seed))
    choice = np.where(opened, value, -np.inf).argmax(axis=1) if harm.personal else harm.constant(opened)
    served = spread(choice, opened)
    drawn = np.array(
        [
            pick(row, uniform(settings.salt or SALT, customer))
            for row, customer in zip(served, ids.to_pylist(), strict=True)
        ],
        dtype=np.intp,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[out.suffix](_table(folder, ids, value, served, drawn), out)
    what = "the personal choice" if harm.personal else f"{folder.trial.arms[harm.order[0]].name} to everybody"
    return f"{out}: {len(ids):,} customers, {len(folder.trial.arms)} arms; mostly {what}."


def _scored(folder: Folder, resources: Resources) -> tuple[pa.ChunkedArray, Floats, Mask, Harm]:
    trial = folder.trial
    model = fit(trial, resources)
    asked, seen, opened = everybody(folder)
    value = model.scores(seen.read(trial.names))
    logged = folder.logged.rows["customer_id"].to_pylist()
    last = {customer: row for row, customer in enumerate(logged)}
    at = folder.logged.rows["at_us"].to_numpy().max()
    rows = [(i, last[c]) for i, c in enumerate(asked["customer_id"].to_pylist()) if c in last]
    # Only who was decided about at that very instant is known now as then; of others more is known since.
    same = [(i, row) for i, row in rows if folder.logged.rows["at_us"][row].as_py() == at]
    if same:
        places, found = (np.array(each, dtype=np.intp) for each in zip(*same, strict=True))
        value[places] = model.held_out.value[found]
    return asked["customer_id"], value, opened, harmless(trial, model.held_out.value)


def _table(
    folder: Folder,
    ids: pa.ChunkedArray,
    value: Floats,
    served: Floats,
    drawn: Index,
) -> pa.Table:
    arms, rows = folder.trial.arms, np.arange(len(drawn))
    base = value[:, 0] if arms[0].silent else value.mean(axis=1)
    return pa.table(
        {
            "customer_id": ids,
            "offer_id": pa.array([arms[a].offer_id for a in drawn.tolist()], pa.string()),
            "channel": pa.array([arms[a].channel for a in drawn.tolist()], pa.string()),
            "probability": served[rows, drawn],
            "value_minor": value[rows, drawn] - base,
            **{f"p_{arm.name}": served[:, a] for a, arm in enumerate(arms)},
        }
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Decide for ``--source`` or ``KAIROS_SOURCE``. Exits with a message where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m training.policy_value.decide", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .parquet or .csv file to write")
    parser.add_argument("--source", help="files, starbucks …; default: KAIROS_SOURCE")
    chosen = parser.parse_args(arguments)
    environ = dict(os.environ) | ({"KAIROS_SOURCE": chosen.source} if chosen.source else {})
    try:
        with threadpool_limits(1, "blas"):
            print(decide(read_settings(environ), chosen.out))
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
