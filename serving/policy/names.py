"""Names in documents that the catalogue does not know."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from features.catalogue import Catalogue
from features.domain import Direction, Offer
from serving.policy.flaw import Flaw, Path
from serving.policy.persona import Personas
from serving.policy.policy import Per, Policy
from serving.policy.selector import Selector

SELECTORS = {"sequences": "stops", "requirements": "about", "levers": "about", "budgets": "about"}
"""Lists of a policy whose lines select pairs, with the field that does."""


def unknown_to(catalogue: Catalogue, policy: Policy) -> Iterator[Flaw]:
    """Every name in a policy that nothing in the catalogue bears: such a line would have no effect."""
    known = _Known(catalogue)
    for place, name in enumerate(policy.closed_channels):
        yield from known.missing("channel", name, ("closed_channels", place))
    for place, cap in enumerate(policy.caps):
        if cap.of is not None and cap.per is not Per.ALL:
            yield from known.missing(cap.per, cap.of, ("caps", place, "of"))
    for place, quiet in enumerate(policy.quiet):
        for at, name in enumerate(quiet.channels):
            yield from known.outbound(name, ("quiet", place, "channels", at))
    for place, capacity in enumerate(policy.capacities):
        yield from known.missing("channel", capacity.channel, ("capacities", place, "channel"))
    for place, sequence in enumerate(policy.sequences):
        for noun, of in (("offer", sequence.of_offer), ("category", sequence.of_category)):
            if of is not None:
                yield from known.missing(noun, of, ("sequences", place, f"of_{noun}"))
    for field, part in SELECTORS.items():
        for place, line in enumerate(getattr(policy, field)):
            yield from known.selected(getattr(line, part), (field, place, part))


def unknown_to_offer(catalogue: Catalogue, offer: Offer, path: Path) -> Iterator[Flaw]:
    """Every name in an offer that nothing in the catalogue bears; ``catalogue`` holds the offer already."""
    known = _Known(catalogue)
    for place, name in enumerate(offer.channels):
        yield from known.missing("channel", name, (*path, "channels", place))
    if offer.audience is not None:
        yield from known.missing("offer", offer.audience, (*path, "audience"))


def unknown_to_personas(catalogue: Catalogue, personas: Personas) -> Iterator[Flaw]:
    """Every name in the histories of personas that nothing in the catalogue bears."""
    known = _Known(catalogue)
    for place, persona in enumerate(personas.personas):
        for at, event in enumerate(persona.events):
            path = ("personas", place, "events", at)
            yield from known.missing("channel", event.channel, (*path, "channel"))
            for noun, field, of in (("offer", "offer_id", event.offer_id), ("category", "category", event.category)):
                if of is not None:
                    yield from known.missing(noun, of, (*path, field))


class _Known:
    """The names of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._outbound = [c.name for c in catalogue.channels if c.direction is Direction.OUTBOUND]
        self._names: dict[str, Collection[str]] = {
            "offer": catalogue.offer,
            "category": catalogue.categories,
            "channel": catalogue.channel,
            "purpose": {offer.purpose for offer in catalogue.offers} | {"marketing"},
            "kind": catalogue.kinds,
        }

    def missing(self, noun: str, name: str, path: Path) -> Iterator[Flaw]:
        names = self._names[noun]
        if name not in names:
            yield Flaw.at(path, f"there is no {noun} {name!r} in the catalogue{_remedy(name, names)}")

    def outbound(self, name: str, path: Path) -> Iterator[Flaw]:
        if name in self._names["channel"] and name not in self._outbound:
            yield Flaw.at(path, f"{name!r} is no outbound channel, so it has no quiet hours")
        else:
            yield from self.missing("channel", name, path)

    def selected(self, selector: Selector, path: Path) -> Iterator[Flaw]:
        for noun in self._names:
            name = getattr(selector, noun)
            if name is not None:
                yield from self.missing(noun, name, (*path, noun))


def _remedy(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, names, n=1)
    if close:
        return f": did you mean {close[0]!r}?"
    some = sorted(names)[:12]
    return f": use {', '.join(some)}{' …' if len(names) > len(some) else ''}" if some else ": it has none"
