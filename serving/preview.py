"""What a document would change, tried on known customers with the very code that decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from features.domain import CustomerId
from serving import document_api as api
from serving.decision import Decision
from serving.documents import Documents
from serving.equipment import Equipment
from serving.journal.sample import sample
from serving.listing import imagined
from serving.policy.document import Body, Name

SEED = 7
MOST = 100

Rehearse = Callable[[CustomerId, Equipment], Decision]
"""Decides for a customer with this equipment, without any consequence."""


@dataclass(frozen=True)
class Preview:
    """Tries documents out."""

    documents: Documents
    rehearse: Rehearse

    def of(self, name: Name, body: Body, size: int) -> api.Preview:
        """What the document would change for up to ``size`` customers.

        Raises:
            RefusalError: 422 where it could not come into force.
        """
        document = self.documents.understood(name, body)
        watch = self.documents.watch
        listed = imagined(
            watch.listed, document if name is Name.OFFERS else None, document if name is Name.POLICY else None
        )
        before, after = watch.current, watch.imagine(listed)
        with self.documents.journal.reading() as connection:
            customers = sample(connection, min(size, MOST), SEED)
        pairs = [(self.rehearse(each, before), self.rehearse(each, after)) for each in customers]
        were, would = [first for first, _ in pairs], [second for _, second in pairs]
        compared = [
            api.Compared(customer_id=each, before=_choice(first), after=_choice(second))
            for each, (first, second) in zip(customers, pairs, strict=True)
        ]
        return api.Preview(
            fingerprint=document.fingerprint,
            offers_before=len(before.catalogue.offers),
            offers_after=len(after.catalogue.offers),
            pairs_before=len(before.pairs),
            pairs_after=len(after.pairs),
            customers=len(customers),
            reached_before=sum(bool(each.items) for each in were),
            reached_after=sum(bool(each.items) for each in would),
            value_before_minor=_worth(were),
            value_after_minor=_worth(would),
            rules=_rules(were, would),
            changed=[each for each in compared if each.before != each.after],
            warnings=list(after.notes),
        )


def _choice(decision: Decision) -> api.Choice:
    if not decision.items:
        return api.Choice(offer_id=None, channel=None, score_minor=None)
    best = decision.items[0].scored
    return api.Choice(
        offer_id=best.pair.offer.offer_id, channel=best.pair.channel.name, score_minor=round(best.score, 4)
    )


def _worth(decisions: Iterable[Decision]) -> float:
    return round(sum(each.items[0].scored.score for each in decisions if each.items), 4)


def _removed(decisions: Iterable[Decision]) -> Counter[str]:
    return Counter(removal.rule for each in decisions for removal in each.funnel.removed)


def _rules(were: Iterable[Decision], would: Iterable[Decision]) -> list[api.RuleChange]:
    before, after = _removed(were), _removed(would)
    names = dict.fromkeys([*before, *after])
    return [api.RuleChange(rule=name, before=before[name], after=after[name]) for name in names]
