"""``make rebuild``: recompute every customer's stored value from the journal, and say what was not as it should be."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from features.errors import KairosError
from serving.chronicle import journal_of
from serving.listing import Listing
from serving.online import online_of
from serving.projection import Projection
from serving.settings import Settings, read_settings


def projection_of(settings: Settings) -> Projection:
    """The live features of these settings.

    Raises:
        KairosError: There is no catalogue that can be read.
    """
    listed = Listing(settings.catalogue_file, lambda _: None, folder=settings.origin_dir).listed()
    if listed.catalogue is None:
        raise KairosError(" ".join(shortfall.sentence for shortfall in listed.shortfalls))
    categories = listed.catalogue.categories
    online = online_of(settings)
    journal = journal_of(settings, online)
    return Projection(journal, online.values, lambda: categories, online.reader.zone)


def main(environ: Mapping[str, str]) -> int:
    """Run the command: 0 where nothing had to be put right, 3 where something had, 1 where it could not be run."""
    try:
        rebuilt = projection_of(read_settings(environ)).rebuild()
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"{rebuilt.customers:,} customers recomputed from the journal: {len(rebuilt.behind):,} values were behind it, "
        f"{len(rebuilt.different):,} differed."
    )
    for customer_id in rebuilt.different[:10]:
        print(f"  differed: {customer_id}")
    return 3 if rebuilt.different else 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
