"""The best constant as a model of its own: everybody is judged by what each offer on each channel earned in the log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from serving.model import Bundle
from serving.part import Part, PartName
from serving.prediction import pair_key
from serving.settings import Settings
from training.bundle import write_bundle
from training.gate.replay import kept_of_prices, means, rewarded
from training.policy_value.logged import logged
from training.popularity import popularity

SUFFIX = "-constant"


def constant(settings: Settings, beside: Bundle, folder: Path) -> Bundle:
    """Write the best constant of the log into a folder, named after the model that was not proven better.

    What an arm is worth is what its contacts brought about, where training could tell that from what is bought anyway;
    else its mean reward by inverse probability beyond that of silence (beyond nothing where silence was not logged).
    Arms that were logged too seldom are worth less than all others.

    Raises ContractError where the log has no two arms with probabilities.
    """
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    found = logged(settings.contract_dir, catalogue)
    reward, positive = rewarded(found, kept_of_prices(settings))
    rows = np.arange(len(reward))
    mean = means(found, reward, rows)
    silent = [i for i, arm in enumerate(found.arms) if arm.silent]
    base = float(mean[silent[0]]) if silent else 0.0
    worth = beside.about.get("earned", {}).get(found.kind) or [
        {"offer_id": arm.offer_id, "channel": arm.channel, "value_minor": float(mean[i] - base)}
        for i, arm in enumerate(found.arms)
        if not arm.silent and not arm.rare
    ]
    pairs = [
        (str(found.arms[a].offer_id), found.arms[a].category, str(found.arms[a].channel)) for a in found.arm.tolist()
    ]
    made = np.array([not found.arms[a].silent for a in found.arm.tolist()])
    said = [pair for pair, is_made in zip(pairs, made.tolist(), strict=True) if is_made]
    rates = popularity(said, positive[made], np.ones(int(made.sum())))
    level = _logit(rates.everything)
    shifts = {pair_key(o, c): _logit(float(rates.probability([(o, cat, c)])[0])) - level for o, cat, c in set(said)}
    part = Part((), None, None, 0.0, 1.0, level, shifts, rates)
    about: Mapping[str, Any] = {
        "version": beside.version + SUFFIX,
        "source": beside.source,
        "as_of": beside.about.get("as_of"),
        "kinds": [found.kind],
        "constant": {found.kind: worth},
        "attention": beside.about.get("attention"),
        "mlflow_run_id": beside.about.get("mlflow_run_id"),
        "value_proven": False,
    }
    return write_bundle(folder, {(PartName.OFFER_RESPONSE, found.kind): part}, about)


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))
