from tests.databases import postgres, postgres_uri
from tests.redis_server import redis_address, redis_server

__all__ = ["postgres", "postgres_uri", "redis_address", "redis_server"]
