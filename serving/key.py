"""``make key``: make, list and revoke keys of the API. A new key is shown once and kept nowhere."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence

from features.clock import SystemClock
from features.errors import KairosError
from features.instant import format_instant
from serving.chronicle import journal_of
from serving.journal import Cause, Journal
from serving.journal.keys import Key, Scope, all_keys, make_key, revoke_key, scopes_of
from serving.settings import read_settings


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command: 0 when done, 1 with a message when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m serving.key", description=__doc__)
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--name", help="make a key for this caller")
    does.add_argument("--revoke", metavar="ID", help="make this key invalid")
    parser.add_argument("--scopes", default="decide,events", help=f"with --name: some of {', '.join(Scope)}")
    given = parser.parse_args(arguments)
    try:
        settings = read_settings(environ)
        journal = journal_of(settings)
        cause = Cause(SystemClock().now(), f"make key by {getpass.getuser()}", "command")
        print(_done(journal, given, cause))
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _done(journal: Journal, given: argparse.Namespace, cause: Cause) -> str:
    if given.name:
        scopes = scopes_of(given.scopes.split(","))
        key, token = journal.write(lambda t: make_key(t.connection, given.name, scopes, cause))
        return f"{_line(key)}\n{token}\nKeep it: it is not shown again."
    if given.revoke:
        journal.write(lambda t: revoke_key(t.connection, given.revoke, cause))
        return f"Key {given.revoke} is revoked."
    with journal.reading() as connection:
        keys = all_keys(connection)
    return "\n".join(_line(key) for key in keys) or "There are no keys yet: make one with NAME=."


def _line(key: Key) -> str:
    state = "valid" if key.revoked_at is None else f"revoked {format_instant(key.revoked_at)}"
    return f"{key.key_id}  {key.name}  {','.join(sorted(key.scopes))}  made {format_instant(key.made_at)}  {state}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
