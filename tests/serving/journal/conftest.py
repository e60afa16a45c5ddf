from tests.databases import journal, journal_uri, migrated_database, new_uri, open_journal, postgres, postgres_uri
from tests.redis_server import redis_address, redis_server

__all__ = [
    "journal",
    "journal_uri",
    "migrated_database",
    "new_uri",
    "open_journal",
    "postgres",
    "postgres_uri",
    "redis_address",
    "redis_server",
]
