"""``python -m training.whatif --policy file``: compare, print, write the report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from features.domain import CustomerId
from features.errors import KairosError
from serving.settings import read_settings
from training.whatif.comparison import write
from training.whatif.whatif import body_of, what_if


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all went well, 2 with a message where it did not."""
    parser = argparse.ArgumentParser(prog="make whatif", description=__doc__)
    parser.add_argument("--policy", type=Path, required=True, help="the changed policy document")
    parser.add_argument("--kind", help="the kind of offers; default: what a call without one is answered with")
    given = parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        found = what_if(settings, body_of(given.policy), given.kind, _followed)
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    folder = write(settings, found)
    print(f"{found.text()}\nnumbers and picture: {folder}")
    return 0


def _followed(customers: Sequence[CustomerId]) -> Iterator[CustomerId]:
    yield from tqdm(customers, desc="what if", unit=" customers", disable=None)


if __name__ == "__main__":
    sys.exit(main())
