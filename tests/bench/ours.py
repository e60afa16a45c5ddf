"""Our service as it is measured: over the features and models that are there, with a journal of its own."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from serving.settings import Settings
from tests.bench.load import HOST, Target, free_port
from training.child import child
from training.publication import publish_online

CUSTOMERS = 500
OFFERS, KIND = 100, "promotion"
ready_s: list[float] = []
"""Seconds from start to ready of each service of ours; all but the first find compiled code."""


def customers_of(settings: Settings) -> list[str]:
    """A fixed sample of the source's customers."""
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT customer_id FROM read_parquet(?) ORDER BY customer_id",
            [str(settings.contract_dir / "customers.parquet")],
        ).fetchall()
    return random.Random(settings.seed).sample([row[0] for row in rows], min(CUSTOMERS, len(rows)))


def warm(settings: Settings, customers: list[str]) -> None:
    """Start the service once: after a change of its code the first one compiles, which takes time and memory."""
    with kairos(settings, customers):
        pass


@contextmanager
def kairos(
    settings: Settings,
    customers: list[str],
    redis: int | None = None,
    processes: int = 1,
    one_core: bool = True,
    **more: object,
) -> Iterator[Target]:
    """The service over the features and models that are there, with a journal of its own and four channels an offer.

    With the port of a Redis server the features are read from there, in a database that is filled first.
    """
    port, apart = free_port(), f"{'_redis' if redis else ''}{'_dry' if more else ''}{'' if one_core else '_all_cores'}"
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        channels = assorted(settings, Path(folder) / settings.source)
        environ = {**os.environ, "KAIROS_DATA_DIR": folder, "KAIROS_PORT": str(port), "KAIROS_DEADLINE_MS": "10000"}
        environ |= {"KAIROS_PROCESSES": str(processes), "KAIROS_ONE_CORE": "yes" if one_core else "no"}
        if redis is not None:
            environ["KAIROS_ONLINE"] = f"redis://{HOST}:{redis}/2"
            publish_online(replace(settings, online=environ["KAIROS_ONLINE"]), settings.online_file, progress=False)
        log, started = settings.data_dir / "logs" / f"bench_kairos{apart}_{processes}.log", time.monotonic()
        with child([sys.executable, "-m", "serving"], HOST, port, log, environ) as server:
            server.wait_until_up("/health/ready", timeout_s=120)
            ready_s.append(time.monotonic() - started)
            body = {"kind": KIND, "channels": channels, **more}
            answer = server.post("/v1/decisions", {"customer_id": customers[0], "explain": "funnel", **body})
            if answer["fallback"]:
                sys.exit(f"the service only falls back: {', '.join(answer['warnings'])}")
            print(f"one decision weighs {answer['funnel']['eligible']} pairs", file=sys.stderr)
            yield Target(
                server.pid, port, "/v1/decisions", [json.dumps({"customer_id": c, **body}).encode() for c in customers]
            )


def assorted(settings: Settings, folder: Path) -> list[str]:
    """The source's files, and a catalogue with so many offers of one kind, each on every channel; its channels."""
    folder.mkdir()
    for each in settings.source_dir.absolute().iterdir():
        if each.name.startswith("journal.db"):
            shutil.copy(each, folder)
        elif each.name != "catalogue.json":
            (folder / each.name).symlink_to(each.resolve())
    catalogue = json.loads(settings.catalogue_file.read_text())
    channels = [channel["name"] for channel in catalogue["channels"]]
    catalogue["offers"] = [{**offer, "channels": channels} for offer in catalogue["offers"] if offer["kind"] == KIND][
        :OFFERS
    ]
    (folder / "catalogue.json").write_text(json.dumps(catalogue))
    return channels
