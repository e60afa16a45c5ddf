"""``make accept``: go on with the journal that is there, be it empty, in place of the one that was used before.

What the other one held and this one lacks stays unknown: objections, consents, contacts, what is used of stock.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from contextlib import closing

from features.clock import SystemClock
from features.errors import KairosError
from serving.journal import Cause, Journal
from serving.online import online_of
from serving.settings import Settings, read_settings
from serving.witness import Seen


def accept(settings: Settings, by: str) -> Seen:
    """Make the journal at the address of these settings the right one.

    Stored values keep what they include of the other one until `make features` or `make rebuild`.
    """
    witness = online_of(settings).witness
    before = witness.seen() or Seen("", 0)
    cause = Cause(SystemClock().now(), by, "accepted in place of another")
    with closing(Journal(settings.journal_uri, settings.synchronous)) as journal:
        found = journal.adopt(before.position, cause)
    witness.see(found)
    return found


def main(environ: Mapping[str, str]) -> int:
    """Run the command: 0 when done, 1 with a message when it cannot be."""
    try:
        settings = read_settings(environ)
        found = accept(settings, f"make accept by {getpass.getuser()}")
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"The journal is accepted as it is and goes on after position {found.position:,}. Objections, consents and "
        "contacts that it lacks are unknown from now on: state them again. Then run `make data features`."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
