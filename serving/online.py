"""The online store of the settings: the packed SQLite file of the source, or Redis."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import KairosError
from serving.crowd import Stamp, file_stamp
from serving.feature_reader import FeatureReader
from serving.packed_connection import PackedConnection
from serving.packed_file import PROJECT
from serving.settings import Settings
from serving.store import SqliteReader, StoreUnavailableError
from serving.values import SqliteValues, Values, position_of
from serving.witness import FileWitness, ValuesWitness, Witness


@dataclass(frozen=True, slots=True)
class Online:
    """How the values are read, how live ones are written, and what tells that they may have changed."""

    reader: FeatureReader
    values: Values
    stamp: Stamp
    witness: Witness
    """Knows which journal the values are of."""


def online_of(settings: Settings) -> Online:
    """The online store of the chosen source.

    Raises:
        KairosError: Redis is asked for, and its client is not installed.
    """
    if settings.online is None:
        return _on_disk(settings)
    # Nobody else pays for the client: it takes memory and a tenth of a second.
    try:
        from serving.redis_reader import RedisReader
        from serving.redis_values import RedisValues
        from serving.redis_witness import RedisWitness
    except ModuleNotFoundError as error:
        raise KairosError(f"{error}: the online store on Redis needs `pip install kairos-offers[scale]`") from error
    reader = RedisReader(settings.online, settings.feature_ttl_days, PROJECT, settings.source)
    values = RedisValues(settings.online, PROJECT, settings.source)
    witness = RedisWitness(settings.online, PROJECT, settings.source)
    return Online(reader, values, reader.stamp, _witness(witness, reader, values))


def _on_disk(settings: Settings) -> Online:
    file = settings.online_file
    reading = PackedConnection(file)
    reader, values = (
        SqliteReader(file, settings.feature_ttl_days, PROJECT, reading),
        SqliteValues(file, PROJECT, reading),
    )
    return Online(reader, values, file_stamp(file), _witness(FileWitness(settings.witness_file), reader, values))


def _witness(other: Witness, reader: FeatureReader, values: Values) -> Witness:
    def highest() -> int:
        try:
            return max((position_of(value) for value in values.get_many(reader.customers()).values()), default=0)
        except StoreUnavailableError:  # nothing was stored yet
            return 0

    return ValuesWitness(other, highest)
