"""What Kairos is measured beside: an endpoint that does nothing, what is built most often, and Feast's own server."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from types import MappingProxyType

import duckdb
from feast import FeatureService, FeatureStore, RepoConfig

from features.stored import ACTIVITY, PROFILE, Shape
from serving.settings import Settings
from tests.bench.load import HOST, Target, free_port
from training.child import Child, child
from training.feature_store import REPO, configuration

SERVICE = "bench"
"""Name of the feature service that the peers are asked for."""
REFS = 60
"""Features of one customer that the peers read."""
PAIRS = 400
"""Rows that the obvious stack lets its models predict."""


def all_refs() -> list[str]:
    """Everything that Feast has of one customer: what the service reads for each decision."""
    return [f"{view.name}:{column.name}" for view in (ACTIVITY, PROFILE) for column in view.columns]


def refs() -> list[str]:
    """Numbers that Feast has of one customer, by the names that it knows them by; no lists, which are longer."""
    numbers = [
        f"{v.name}:{c.name}" for v in (ACTIVITY, PROFILE) for c in v.columns if c.shape in (Shape.FLOAT, Shape.INT)
    ]
    return numbers[:REFS]


@contextmanager
def no_op_fastapi(logs: Path, processes: int = 1) -> Iterator[Target]:
    """An endpoint that does nothing."""
    with _uvicorn("no_op", logs, processes) as (server, port):
        yield Target(server.pid, port, "/nothing", [b'{"customer_id": "nobody"}'])


@contextmanager
def obvious_stack(
    yaml: Path, models: Sequence[Path], customers: Sequence[str], logs: Path, processes: int = 1
) -> Iterator[Target]:
    """FastAPI, ``get_online_features`` and three models of LightGBM on a row per pair, one thread."""
    told = {"repo": str(REPO), "yaml": str(yaml), "refs": refs(), "models": list(map(str, models)), "pairs": PAIRS}
    with _uvicorn("obvious", logs, processes, {"BENCH_OBVIOUS": json.dumps(told)}) as (server, port):
        yield Target(server.pid, port, "/decide", [json.dumps({"customer_id": c}).encode() for c in customers])


@contextmanager
def _uvicorn(
    name: str, logs: Path, processes: int, environ: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Child, int]]:
    """An application of this package in so many processes, and its port."""
    port = free_port()
    told = ["--host", HOST, "--port", str(port), "--workers", str(processes)]
    command = [sys.executable, "-m", "uvicorn", f"tests.bench.{name}:app", *told]
    with child(
        [*command, "--log-level", "error", "--no-access-log"],
        HOST,
        port,
        logs / f"bench_{name}_{processes}.log",
        {**os.environ, **environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as server:
        server.wait_until_up("/docs", timeout_s=120)
        yield server, port


@contextmanager
def feast_serve(
    yaml: Path, customers: Sequence[str], logs: Path, wanted: dict[str, object], processes: int = 1
) -> Iterator[Target]:
    """Feast's feature server, asked for a list of features or for a feature service; it never restarts its workers."""
    port = free_port()
    feast = str(Path(sys.executable).with_name("feast"))
    command = [feast, "-c", str(REPO), "-f", str(yaml), "serve", "-h", HOST, "-p", str(port), "-w", str(processes)]
    with child(
        [*command, "--no-access-log", "--max-requests", "0"], HOST, port, logs / f"bench_feast_{port}.log"
    ) as server:
        server.wait_until_up("/health", timeout_s=120)
        yield Target(
            server.pid,
            port,
            "/get-online-features",
            [json.dumps({**wanted, "entities": {"customer_id": [c]}}).encode() for c in customers],
        )


def customer_service(store: FeatureStore) -> None:
    """A feature service of the same numbers in the registry of a store of Feast's own."""
    wanted: dict[str, list[str]] = {}
    for view, _, name in (ref.partition(":") for ref in refs()):
        wanted.setdefault(view, []).append(name)
    store.apply(
        [FeatureService(name=SERVICE, features=[store.get_feature_view(view)[names] for view, names in wanted.items()])]
    )


def feasts_own(
    settings: Settings, folder: Path, customers: Sequence[str], redis_port: int | None = None
) -> tuple[Path, FeatureStore]:
    """A store of Feast's own with these customers, on SQLite or Redis; its configuration as a file, and the store."""
    yaml, store = feasts_empty(settings, folder, redis_port)
    for view in (ACTIVITY, PROFILE):
        store.write_to_online_store(view.name, rows_of(settings, view.name, customers))
    return yaml, store


def feasts_empty(settings: Settings, folder: Path, redis_port: int | None = None) -> tuple[Path, FeatureStore]:
    """A store of Feast's own without a value."""
    folder = folder.resolve()  # Feast reads relative paths from its repository
    raw = configuration(settings)
    registry = folder / "registry.db"
    if not registry.exists():
        copyfile(settings.feast_dir / "registry.db", registry)
    raw["registry"] = {"path": str(registry)}
    raw["online_store"] = {"type": "sqlite", "path": str(folder / "feasts_own.db")}
    if redis_port is not None:
        raw["online_store"] = {"type": "redis", "connection_string": f"{HOST}:{redis_port},db=1"}
    yaml = folder / f"feasts_own_{raw['online_store']['type']}.yaml"
    yaml.write_text(json.dumps(raw))
    store = FeatureStore(config=RepoConfig(repo_path=REPO, **raw))
    views = [view for view in store.list_feature_views() if view.name in (ACTIVITY.name, PROFILE.name)]
    store._get_provider().update_infra(
        project=store.project,
        tables_to_delete=[],
        tables_to_keep=views,
        entities_to_delete=[],
        entities_to_keep=[],
        partial=True,
    )
    return yaml, store


def rows_of(settings: Settings, view: str, customers: Sequence[str]):
    """The newest row of each of these customers, as Feast takes it."""
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT * FROM '{settings.feast_dir / view}.parquet' WHERE list_contains(?, customer_id) "
            "QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY event_timestamp DESC) = 1",
            [list(customers)],
        ).df()
