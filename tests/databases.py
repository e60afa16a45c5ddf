"""Fixtures for tests of the journal: a PostgreSQL server of the tests' own, and empty journals on both databases."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from serving.journal import Journal

_NUMBER = count()
SERVER = "fsync=off", "listen_addresses=", "max_connections=200", "log_min_messages=fatal"


def _binaries() -> Path | None:
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


def _unprivileged() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {each.pw_name for each in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder with the socket of a running server; skipped where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql): the journal is tested on SQLite only")
    folder = Path(tempfile.mkdtemp(prefix="kairos-postgres-"))
    who = _unprivileged()
    if who:
        shutil.chown(folder, str(who["user"]))
    data = folder / "data"
    run = {"check": True, "capture_output": True, "cwd": folder, **who}
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "kairos", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
            **run,
        )
        options = " ".join(f"-c {each}" for each in (*SERVER, f"unix_socket_directories={folder}"))
        subprocess.run([binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"], **run)
        yield str(folder)
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _database(postgres: str, template: str) -> str:
    import psycopg

    name = f"kairos_{os.getpid()}_{next(_NUMBER)}"
    with psycopg.connect(f"host={postgres} user=kairos dbname=postgres", autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"postgresql://kairos@/{name}?host={postgres}"


@pytest.fixture
def postgres_uri(postgres: str) -> str:
    """The address of an empty database."""
    return _database(postgres, "template1")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty journal in a file, after its migrations: who has a copy spares them."""
    file = tmp_path_factory.mktemp("migrated") / "journal.db"
    with closing(Journal(f"sqlite:///{file}")) as journal:
        journal.position()
    return file


@pytest.fixture(scope="session")
def migrated_database(postgres: str) -> str:
    """The same as a database of the server, by name."""
    uri = _database(postgres, "template1")
    with closing(Journal(uri)) as journal:
        journal.position()
    return uri.partition("@/")[2].partition("?")[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that holds nothing yet, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    uri: str = request.getfixturevalue("postgres_uri")
    return uri


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty journal, on each database."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "journal.db")
        return f"sqlite:///{tmp_path / 'journal.db'}"
    return _database(request.getfixturevalue("postgres"), request.getfixturevalue("migrated_database"))


@pytest.fixture
def open_journal(journal_uri: str) -> Iterator[Callable[[], Journal]]:
    """Opens the journal; each call is another one on the same database, as another process would have it."""
    opened: list[Journal] = []

    def again() -> Journal:
        opened.append(Journal(journal_uri))
        return opened[-1]

    yield again
    for each in opened:
        each.close()


@pytest.fixture
def journal(open_journal: Callable[[], Journal]) -> Journal:
    """An empty journal."""
    return open_journal()
