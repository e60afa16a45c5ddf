"""Vectors and probabilities of all pairs of a kind: a row for each pair, beside factors and a model made ready.

CPU time of one customer, in turns in one run, with the champion's models, 100 offers on every channel. Both ways give
the same: vectors bit by bit, probabilities to 1e-12. Writes ``bench_factors.json`` to the folder of reports.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import closing
from statistics import median

import numpy as np

from features.catalogue import Catalogue
from features.domain import CustomerId
from features.packed_state import PackedState, pack_state
from features.stored import ACTIVITY
from serving.equipment import pooled
from serving.model import Bundle
from serving.offering import Offering
from serving.packed_file import PROJECT, keys, open_to_read, table_name
from serving.pairs import Known, Pair, vectors
from serving.part import PartName
from serving.score import chances
from serving.settings import Settings, read_settings
from serving.store import SqliteReader

ROUNDS, CUSTOMERS, OFFERS, KIND = 7, 100, 100, "promotion"


def measure(settings: Settings) -> dict[str, list[float]]:
    """Microseconds for one customer, by what is measured, one figure a round; a first round does not count."""
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    version = json.loads((settings.source_dir / "champion.json").read_text())["version"]
    bundle = Bundle.load(settings.models_dir / version)
    reader = SqliteReader(settings.online_file, settings.feature_ttl_days)
    evidence = pooled(catalogue, reader.evidence(catalogue.now), catalogue.now)
    offers = [offer for offer in catalogue.offers if offer.kind == KIND][:OFFERS]
    pairs = [Pair(offer, channel) for offer in offers for channel in catalogue.channels]
    offering = Offering.of(KIND, pairs, evidence, bundle)
    assert offering is not None
    everybody = [_known(reader, customer, catalogue) for customer in _customers(settings)]
    rows = np.arange(len(pairs))
    seen = {id(known): vectors(known, pairs, evidence) for known in everybody}
    glances = {id(known): offering.glance(known, rows, pairs) for known in everybody}
    for known in everybody:
        assert glances[id(known)].matrix.tobytes() == seen[id(known)].tobytes()
    ways: dict[str, Callable[[Known], object]] = {
        "vectors, a row for each pair": lambda known: vectors(known, pairs, evidence),
        "vectors in factors": lambda known: offering.assortment.factors(known),
        "probabilities of the rows": lambda known: chances(bundle, KIND, pairs, seen[id(known)], False),
        "probabilities of the factors": lambda known: glances[id(known)].chances(bundle, KIND, False),
    }
    print(f"{len(pairs)} pairs, {sum(bundle.part(name, KIND) is not None for name in PartName)} parts of a model")
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            started = time.process_time()
            for known in everybody:
                way(known)
            if number:
                rounds[name].append((time.process_time() - started) * 1e6 / len(everybody))
    return rounds


def _customers(settings: Settings) -> list[CustomerId]:
    with closing(open_to_read(settings.online_file)) as con:
        return [CustomerId(key) for key in keys(con, table_name(PROJECT, ACTIVITY.name))[:CUSTOMERS]]


def _known(reader: SqliteReader, customer: CustomerId, catalogue: Catalogue) -> Known:
    told = reader.profile(customer)
    assert told is not None
    activity = reader.activity(customer, catalogue.now)
    if activity is None:
        return Known(catalogue.now, None, told.profile, told.zone)
    packed = pack_state(ACTIVITY, PackedState(catalogue.now, catalogue.now, 0, activity))
    return Known(catalogue.now, activity, told.profile, told.zone, packed=packed)


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    middle = {name: median(each) for name, each in measure(settings).items()}
    for name, took_us in middle.items():
        print(f"{name:<32}{took_us:>8,.0f} µs")
    one, factored, rows, ready = middle.values()
    print(f"vectors: {one / factored:.1f} times as fast in factors; probabilities: {rows / ready:.1f} times")
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    (settings.reports_dir / "bench_factors.json").write_text(json.dumps(middle, indent=2) + "\n")


if __name__ == "__main__":
    main()
