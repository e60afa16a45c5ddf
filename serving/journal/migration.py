"""Brings the journal's schema up to date. Several processes may start at once: one migrates, the others wait."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect, text

from serving.journal.engine import writer
from serving.journal.errors import JournalUnavailableError

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x4B61_6972
"""Name of the lock that migrating processes share on PostgreSQL."""


def migrate(engine: Engine) -> str:
    """Run every migration that has not run yet, all in one transaction, and return the version reached.

    Raises:
        JournalUnavailableError: The database was written by a newer build, or by one that knew decisions only.
    """
    scripts = _scripts()
    with writer(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _LOCK})
        wanted = scripts.get_current_head() or ""
        found = MigrationContext.configure(connection).get_current_revision()
        if found == wanted:
            return wanted
        if found is None and inspect(connection).has_table("decisions"):
            raise JournalUnavailableError(
                "the journal was begun by a build that knew decisions only, or is another program's database: "
                "move it away, or name another one"
            )
        config = _config()
        config.attributes["connection"] = connection
        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            # As alembic.command.upgrade does, but that it reads every script anew each time.
            with EnvironmentContext(config, scripts, fn=lambda version, _: scripts._upgrade_revs("head", version)):
                scripts.run_env()
        except CommandError as error:
            raise JournalUnavailableError(
                f"the journal has version {found!r}, this build knows up to {wanted!r}: run the newer build"
            ) from error
    return wanted


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
