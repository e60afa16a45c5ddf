"""Every part that the samples teach, each judged on later decisions before it is fitted to all of them."""

from __future__ import annotations

from collections.abc import Sequence

from feast import FeatureStore
from tqdm import tqdm

from serving.grouped_part import GroupedPart
from serving.part import Part, PartName
from serving.settings import Settings
from training.contest import Contest, compete
from training.dataset import Dataset
from training.fit import Resources, TooFewError, fit
from training.parts.lesson import Lesson, lesson
from training.samples import Samples

DRAWS = 300


def judge_part(name: PartName, kind: str, rows: Dataset, resources: Resources) -> Contest | None:
    """The contest on the latest decisions; None where there is too little to hold back."""
    cut = rows.cut()
    if cut is None:
        return None
    learnt, test = rows.where(rows.ends_us <= cut), rows.where(rows.decided_us >= cut)
    try:
        return compete(name, kind, learnt, test, resources, n_draws=DRAWS)
    except TooFewError:
        return None


def learn(
    samples: Samples, resources: Resources, without: Sequence[str] = ()
) -> tuple[dict[tuple[PartName, str], Part | GroupedPart], list[Contest], list[str]]:
    """Every part for service, the contests that judged them, and sentences about what could not be learnt.

    ``without``: kinds that are learnt otherwise.
    """
    parts: dict[tuple[PartName, str], Part | GroupedPart] = {}
    contests, left_out = [], []
    todo = [(name, kind, rows) for name, kind, rows in samples.parts() if kind not in without]
    with tqdm(todo, desc="train", unit="part", disable=None) as bar:
        for name, kind, rows in bar:
            bar.set_postfix_str(f"{kind} {name}, {len(rows):,} rows")
            contest = judge_part(name, kind, rows, resources)
            try:
                parts[name, kind], _ = fit(name, rows, resources, contest.choice if contest else None)
            except TooFewError as error:
                left_out.append(f"{kind} {name}: {error}")
                continue
            contests += [contest] if contest else []
    return parts, contests, left_out


def lessons(
    settings: Settings, samples: Samples, store: FeatureStore, kinds: Sequence[str], resources: Resources
) -> tuple[dict[str, Lesson], list[str]]:
    """What decisions with probabilities teach, by kind, and sentences about what they do not."""
    found, left_out = {}, []
    for kind in kinds:
        try:
            found[kind] = lesson(settings, samples.catalogue, store, samples, kind, resources)
        except TooFewError as error:
            left_out.append(f"{kind}, three parts: {error}")
            continue
        left_out += [found[kind].note] if found[kind].note else []
    return found, left_out
