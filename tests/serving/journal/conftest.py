from tests.databases import journal, journal_uri, open_journal, postgres, postgres_uri

__all__ = ["journal", "journal_uri", "open_journal", "postgres", "postgres_uri"]
