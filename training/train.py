"""``make train``: fit every part the data allow, judge it on later decisions, log, register and write the bundle.

What is judged learnt from the earlier decisions only; what goes into service then learns from all, the same way.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from features.catalogue import Catalogue
from features.clock import SystemClock
from features.errors import KairosError
from features.instant import format_instant
from features.vector import FEATURES, vector_fingerprint
from serving.patience import Patience
from serving.settings import Settings, read_settings
from training import tracking
from training.bundle import PREDICTIONS, write_bundle
from training.contest import Contest
from training.contest_log import log_contest, predictions
from training.feature_store import open_store
from training.fit import Resources
from training.gate.replay import Replay, replayed
from training.learn import learn, lessons
from training.monitor.reference import reference_of
from training.parts.lesson import taught
from training.parts.toll import losses_of, told_of
from training.samples import Samples, gather
from training.spent import Spent
from training.summary import numbers, table
from training.words import title


class NothingLearntError(KairosError):
    """Not one part could be fitted."""


def about(
    samples: Samples,
    contests: list[Contest],
    left_out: list[str],
    version: str,
    run_id: str,
    created_at: str,
    patience: Patience | None = None,
    earned: Mapping[str, object] | None = None,
    realised: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What ``bundle.json`` says beside the parts."""
    catalogue, labels = samples.catalogue, samples.labels
    return {
        "version": version,
        "source": catalogue.source,
        "created_at": created_at,
        "as_of": format_instant(catalogue.now),
        "data_fingerprint": catalogue.fingerprint,
        "catalogue_fingerprint": catalogue.fingerprint,
        "kinds": list(catalogue.kinds),
        "channels_learnt": sorted({c for c in labels["channel"].to_pylist() if c}),
        "channels_noticing": list(samples.noticing_channels),
        "notices_known": bool(samples.noticing_channels),
        "value_proven": False,
        "left_out": left_out,
        "mlflow_run_id": run_id,
        "summary": {f"{c.kind}.{c.name}": numbers(c) for c in contests},
        "earned": dict(earned or {}),
        "realised": dict(realised or {}),
    } | ({} if patience is None else {"attention": patience.document()})


def replay_of(contests: list[Contest]) -> Replay:
    """What was judged, with the first instant after all that it learnt from."""
    return Replay({(c.name, c.kind): c.part for c in contests}, max(int(c.test.decided_us.min()) for c in contests))


def parameters(settings: Settings, samples: Samples, contests: list[Contest]) -> Mapping[str, object]:
    """What the run depended on."""
    chosen = {
        f"{c.kind}.{c.name}": f"rounds {c.choice.rounds}, softness {c.choice.softness}, trees {c.choice.blend:.0%}"
        for c in contests
    }
    return {
        "source": settings.source,
        "as_of": format_instant(samples.catalogue.now),
        "seed": settings.seed,
        "features": len(FEATURES),
        "schema_fingerprint": vector_fingerprint(),
        "data_fingerprint": samples.catalogue.fingerprint,
        "decisions_with_outcome": len(samples.labels),
        **chosen,
    }


def train(settings: Settings) -> str:
    """Train on what was known at the catalogue's ``now``; the version of the bundle.

    Raises ContractError without outcomes, NothingLearntError where no part could be fitted.
    """
    if not settings.catalogue_file.exists():
        raise KairosError(f"{settings.catalogue_file} is missing: run `make features SOURCE={settings.source}` first")
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    spent = Spent()
    samples = gather(settings, catalogue, catalogue.now, spent=spent)
    print(f"{len(samples.labels):,} decisions with a known outcome, {len(FEATURES)} features", flush=True)
    resources, store = Resources(settings.threads, settings.seed, spent), open_store(settings)
    taught_by, unlearnt = lessons(settings, samples, store, taught(settings.contract_dir, catalogue), resources)
    parts, contests, left_out = learn(samples, resources, without=tuple(taught_by))
    for each in taught_by.values():
        parts |= each.parts
        contests += each.contests
    left_out += unlearnt
    patience = next((each.patience for each in taught_by.values() if each.patience is not None), None)
    earned = {kind: each.earned for kind, each in taught_by.items()}
    realised = {kind: each.realised for kind, each in taught_by.items()}
    if not parts:
        raise NothingLearntError("no part could be learnt: " + "; ".join(left_out))
    created = format_instant(SystemClock().now())
    stamp = created[:19].translate(str.maketrans("", "", "-:")).replace("T", "-")
    kinds = ", ".join(catalogue.kinds)
    name = f"{settings.source} as of {format_instant(catalogue.now)[:10]} · {kinds}"
    words = f"Parts of the expected value for offers of kind {kinds}: {len(parts)} models, each beside its baselines."
    with tracking.run(settings, "training", name, words, {"source": settings.source, "stage": "train"}) as active:
        version = f"{stamp}-{active.info.run_id[:6]}"
        folder = settings.models_dir / version
        document = about(samples, contests, left_out, version, active.info.run_id, created, patience, earned, realised)
        bundle = write_bundle(folder, parts, document)
        reference_of(samples, contests).write(folder)
        if contests:
            pq.write_table(predictions(contests), folder / PREDICTIONS)
        would = next((each.served for each in taught_by.values()), None)
        if contests and not taught_by:
            with spent.on("what would have been served"):
                would = replayed(settings, catalogue, store, replay_of(contests))
        if would is not None:
            would.write(folder)
        tracking.log_parameters(parameters(settings, samples, contests))
        with spent.on("metrics and pictures into MLflow"):
            for contest in contests:
                log_contest(contest, bool(samples.noticing_channels), settings.seed)
        with spent.on("registration in MLflow"):
            number = tracking.register(settings, bundle, folder, words)
    for contest in contests:
        print(f"\n{title(contest.kind, contest.name, bool(samples.noticing_channels))}\n{table(contest)}")
    for sentence in left_out:
        print(f"\nleft out: {sentence}")
    if patience is not None:
        print(f"\n{told_of(patience, losses_of(settings))}")
    for kind, share in realised.items():
        print(f"\n{kind}: {share:.2f} of what favourites promise comes about")
    print(f"\n{spent.table()}")
    print(f"\nmodel {number} of {tracking.registered_name(settings.source)}: {folder}")
    return version


def main() -> None:
    """Train for ``KAIROS_SOURCE``. Exits with a message where that cannot be done."""
    try:
        with threadpool_limits(1, "blas"):
            train(read_settings(os.environ))
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
