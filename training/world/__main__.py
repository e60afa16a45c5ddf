"""``make world``: a market with known truth, written in the form of the contract.

Writes ``<data-dir>/world/<inside>-<seed>/``: the tables that anyone may learn from, and ``truth/truth.parquet`` with
what every pair is really worth on the last day, which nobody may.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from tqdm import tqdm

from features.errors import KairosError
from serving.settings import read_settings
from training.world.answers import answers
from training.world.contract import write
from training.world.market import Market
from training.world.parameters import Inside, Parameters
from training.world.randomised import randomised_days


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command; 0 when the market was written, 1 with a message on stderr when it could not be."""
    parser = argparse.ArgumentParser(prog="python -m training.world", description=__doc__)
    parser.add_argument("--seed", type=int, help="the market; by default the setting KAIROS_SEED")
    parser.add_argument("--inside", choices=list(Inside), default=Inside.LOGISTIC, help="how customers work inside")
    parser.add_argument("--customers", type=int, default=4_000)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--contacts", type=int, default=20_000, help="random contacts in the log")
    parser.add_argument("--silence", type=float, default=0.1, help="share of decisions that say nothing")
    parser.add_argument("--out", type=Path, help="the folder to write")
    given = parser.parse_args(arguments)
    try:
        settings = read_settings(environ)
        seed = settings.seed if given.seed is None else given.seed
        folder = given.out or settings.data_dir / "world" / f"{given.inside}-{seed}"
        market = Market.of(Parameters(Inside(given.inside), customers=given.customers, days=given.days), seed)
        days = randomised_days(market, given.days * 3 // 10, given.contacts, given.silence)
        for _ in tqdm(days, total=given.days, desc=f"world {given.inside} {seed}", unit="day"):
            pass
        rows = write(market, folder)
        (folder / "truth").mkdir(exist_ok=True)
        pq.write_table(answers(market, customers=1_000), folder / "truth" / "truth.parquet")
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{folder}: " + ", ".join(f"{name} {count:,}" for name, count in rows.items()))
    print(f"Next: make data SOURCE=files DATA={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
