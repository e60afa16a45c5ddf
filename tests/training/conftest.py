from tests.databases import postgres, postgres_uri

__all__ = ["postgres", "postgres_uri"]
