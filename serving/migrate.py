"""``make migrate``: bring the journal's schema up to date, as the service does when it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from features.errors import KairosError
from serving.chronicle import journal_of
from serving.settings import read_settings


def main(environ: Mapping[str, str]) -> int:
    """Run the command: 0 when the journal is up to date, 1 with a message when it cannot be."""
    try:
        settings = read_settings(environ)
        journal = journal_of(settings)
        print(f"The journal is at version {journal.version()}, its last position is {journal.position():,}.")
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
