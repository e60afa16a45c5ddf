"""The feature store of one source of data: its configuration, and how the definitions get into its registry."""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
from feast import Entity, FeatureService, FeatureStore, FeatureView, RepoConfig

from serving.packed_file import PROJECT
from serving.packed_online_store import TYPE
from serving.settings import Settings
from training.engine import connect

REPO = Path(__file__).resolve().parents[1] / "feature_repo"
REDIS_TYPE = "serving.packed_redis_online_store.PackedRedisOnlineStore"
WRITE_ROWS = 1_000
"""Rows that Feast converts at a time; without a limit its local engine writes only the first of several batches."""


def configuration(settings: Settings, online: Path | None = None) -> dict[str, Any]:
    """What stands in ``feature_store.yaml``; every path is absolute, so it holds from any folder.

    ``online`` is the file of the online store where it is not the source's own.
    """
    store = {"type": TYPE, "path": str((online or settings.online_file).absolute())}
    if online is None and settings.online is not None:
        store = {"type": REDIS_TYPE, "address": settings.online, "source": settings.source}
    return {
        "project": PROJECT,
        "provider": "local",
        "registry": {"path": str((settings.feast_dir / "registry.db").absolute())},
        "offline_store": {"type": "duckdb"},
        "online_store": store,
        "entity_key_serialization_version": 3,
        "materialization": {"pull_latest_features": True, "online_write_batch_size": WRITE_ROWS},
    }


def open_store(settings: Settings, online: Path | None = None) -> FeatureStore:
    """Feast's own object for this source. Its queries run on ``settings.threads`` threads and in UTC."""
    con = connect(settings.threads)
    con.raw_sql("SET preserve_insertion_order = false")
    ibis.set_backend(con)
    return FeatureStore(config=RepoConfig(repo_path=REPO, **configuration(settings, online)))


def apply_definitions(settings: Settings, store: FeatureStore) -> None:
    """Put the definitions into an empty registry, and ``feature_store.yaml`` for Feast's command line beside it."""
    with _told(settings):
        defined = runpy.run_path(str(REPO / "definitions.py"))
    store.apply([each for each in defined.values() if isinstance(each, Entity | FeatureView | FeatureService)])
    # JSON is YAML; Feast reads it with: feast -c feature_repo -f <file> <command>
    (settings.feast_dir / "feature_store.yaml").write_text(json.dumps(configuration(settings), indent=2) + "\n")


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """The environment is all that a module gets that Feast imports by itself."""
    before = dict(os.environ)
    os.environ["KAIROS_DATA_DIR"] = str(settings.data_dir.absolute())
    os.environ["KAIROS_SOURCE"] = settings.source
    os.environ["KAIROS_FEATURE_TTL_DAYS"] = str(settings.feature_ttl_days)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
