"""Puts what was materialised in place of what the service read so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from features.stored import VIEWS
from serving.packed_file import PROJECT, count, open_to_read, publish, table_name
from serving.settings import Settings


def publish_online(settings: Settings, staged: Path, progress: bool = True) -> None:
    """Leave in the online store exactly the values of the staged file: at once in SQLite, batch by batch on Redis."""
    if settings.online is None:
        publish(staged, settings.online_file, [table_name(PROJECT, view.name) for view in VIEWS])
        return
    from serving.packed_redis import PackedRedis, connect  # its client is installed where it is used

    packed = PackedRedis(connect(settings.online), PROJECT, settings.source)
    with closing(open_to_read(staged)) as con:
        for view in VIEWS:
            table = table_name(PROJECT, view.name)

            def values(table: str = table) -> Iterator[tuple[str, bytes]]:
                yield from con.execute(f"SELECT key, value FROM {table}")

            total = count(con, table)
            with tqdm(total=total, desc=f"redis {view.name}", unit="row", disable=not progress, leave=False) as bar:
                packed.publish(view.name, values(), bar.update)
