"""How a source of data is judged: which decisions are learnt from, which are judged, which are shown apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import Catalogue
from features.domain import DAY, Instant
from features.errors import KairosError
from features.instant import format_instant, parse_instant
from serving.part import PartName
from serving.settings import Settings
from training.dataset import Dataset, dataset
from training.samples import PLACE, Samples, gather
from training.words import title

CUT = parse_instant("2017-10-01T00:00:00Z")
FIRST = parse_instant("2017-02-01T00:00:00Z")
"""Complete Journey: the cut, and the start of the first campaign learnt from (earlier ones lack their first weeks)."""
COUNTS = {"learnt": (3_780, 462), "test": (1_653, 266)}
"""Household-campaigns and redemptions that these dates must give on the whole of Complete Journey."""
LONG = 3_660 * DAY
"""Longer than any window: with it, an outcome is what was seen by the end of the data."""


class ProtocolError(KairosError):
    """The data are not those that the protocol is about."""


@dataclass(frozen=True)
class Task:
    """One prediction to judge."""

    key: str
    words: str
    part: PartName
    kind: str
    learnt: Dataset
    test: Dataset
    apart: Dataset | None
    """Decisions whose window goes beyond the data: outcomes as far as seen."""
    note: str


def tasks(settings: Settings, catalogue: Catalogue) -> Iterator[Task]:
    """What is judged for the source in force. Raises ProtocolError where the counts are not those known."""
    if settings.source == "complete_journey":
        yield _complete_journey(settings, catalogue)
    elif settings.source == "starbucks":
        yield from _last_two_waves(settings, catalogue)
    else:
        yield from _latest(settings, catalogue)


def _data_end(settings: Settings) -> Instant:
    manifest = json.loads((settings.contract_dir / "manifest.json").read_text())
    return parse_instant(manifest["ends_at"])


def _complete_journey(settings: Settings, catalogue: Catalogue) -> Task:
    end = _data_end(settings)
    learnt = gather(settings, catalogue, CUT, ("campaign",)).of(PartName.OFFER_RESPONSE, "campaign")
    seen = gather(settings, catalogue, Instant(end + LONG), ("campaign",)).of(PartName.OFFER_RESPONSE, "campaign")
    learnt = learnt.where(learnt.decided_us >= FIRST)
    test = seen.where((seen.decided_us >= CUT) & (seen.ends_us <= end))
    apart = seen.where((seen.decided_us >= CUT) & (seen.ends_us > end))
    for name, rows in (("learnt", learnt), ("test", test)):
        found = len(rows), int(rows.taken.sum())
        if found != COUNTS[name]:
            raise ProtocolError(f"{name}: {found} household-campaigns and redemptions, known are {COUNTS[name]}")
    note = (
        f"cut {format_instant(CUT)}; learnt from campaigns {_campaigns(learnt)}; judged on {_campaigns(test)}; "
        f"ending after the data, shown apart: {_campaigns(apart)}"
    )
    words = title("campaign", PartName.OFFER_RESPONSE, notices_known=False)
    return Task("campaign.offer_response", words, PartName.OFFER_RESPONSE, "campaign", learnt, test, apart, note)


def _campaigns(rows: Dataset) -> str:
    numbers = sorted({int(str(offer).rpartition("-")[2]) for offer in rows.offers.tolist()})
    return ", ".join(str(n) for n in numbers)


def _last_two_waves(settings: Settings, catalogue: Catalogue) -> Iterator[Task]:
    end = _data_end(settings)
    (kind,) = catalogue.kinds
    seen = gather(settings, catalogue, Instant(end + LONG))
    cut = Instant(int(np.unique(seen.labels["decided_us"].to_numpy())[-2]))
    past = gather(settings, catalogue, cut)
    note = (
        f"cut {format_instant(cut)}, the last but one wave; learnt from windows that ended before it; the last two "
        "waves are judged"
    )
    for key, part, words in (
        (
            "viewed",
            PartName.CHANNEL_RESPONSE,
            "viewed: opened within the offer's window, before the same offer came again",
        ),
        ("completed", None, "completed: reward earned within the window (duplicates dropped), offers with a reward"),
        (
            "taken_given_viewed",
            PartName.OFFER_RESPONSE,
            "taken once viewed: spent what the offer asks for in its window",
        ),
    ):
        learnt = past.of(part, kind) if part else completed(past, kind)
        later = seen.of(part, kind) if part else completed(seen, kind)
        later = later.where(later.decided_us >= cut)
        whole = later.ends_us <= end
        if key == "viewed":
            # Views come within days; leaving the long offers out would leave a whole set of channels out.
            said = f"{note}; {(~whole).sum():,} of {len(later):,} windows go beyond the data, views as far as seen"
            yield Task(key, words, PartName.CHANNEL_RESPONSE, kind, learnt, later, None, said)
        else:
            said = f"{note} where their windows ended within the data, the others apart"
            name = part or PartName.OFFER_RESPONSE
            yield Task(key, words, name, kind, learnt, later.where(whole), later.where(~whole), said)


def completed(samples: Samples, kind: str) -> Dataset:
    """Contacts with offers that give a reward, and whether it was earned, viewed or not."""
    rewarded = [o.offer_id for o in samples.catalogue.offers if o.kind == kind and o.incentive_minor > 0]
    rows = samples.labels
    rows = rows.filter(pc.and_(pc.is_valid(rows["redeemed"]), pc.is_in(rows["offer_id"], pa.array(rewarded))))
    rows = rows.append_column("outcome", rows["redeemed"])
    return dataset(rows, samples.X[rows[PLACE].to_numpy()], samples.catalogue.offer)


def _latest(settings: Settings, catalogue: Catalogue) -> Iterator[Task]:
    samples = gather(settings, catalogue, catalogue.now)
    known = bool(samples.noticing_channels)
    for part, kind, rows in samples.parts():
        cut = rows.cut()
        if cut is not None:
            learnt, test = rows.where(rows.ends_us <= cut), rows.where(rows.decided_us >= cut)
            note = f"cut {format_instant(cut)}: learnt from windows that ended before it"
            yield Task(f"{kind}.{part}", title(kind, part, known), part, kind, learnt, test, None, note)
