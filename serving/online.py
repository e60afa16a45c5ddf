"""The online store of the settings: the packed SQLite file of the source, or Redis."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import KairosError
from serving.crowd import Stamp, file_stamp
from serving.packed_file import PROJECT
from serving.settings import Settings
from serving.store import FeatureReader, SqliteReader
from serving.values import SqliteValues, Values


@dataclass(frozen=True, slots=True)
class Online:
    """How the values are read, how live ones are written, and what tells that they may have changed."""

    reader: FeatureReader
    values: Values
    stamp: Stamp


def online_of(settings: Settings) -> Online:
    """The online store of the chosen source.

    Raises:
        KairosError: Redis is asked for, and its client is not installed.
    """
    if settings.online is None:
        file = settings.online_file
        return Online(SqliteReader(file, settings.feature_ttl_days), SqliteValues(file), file_stamp(file))
    # Nobody else pays for the client: it takes memory and a tenth of a second.
    try:
        from serving.redis_reader import RedisReader
        from serving.redis_values import RedisValues
    except ModuleNotFoundError as error:
        raise KairosError(f"{error}: the online store on Redis needs `pip install kairos-offers[scale]`") from error
    reader = RedisReader(settings.online, settings.feature_ttl_days, PROJECT, settings.source)
    return Online(reader, RedisValues(settings.online, PROJECT, settings.source), reader.stamp)
