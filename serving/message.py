"""What a message says: an offer, or the policy's neutral text."""

from __future__ import annotations

from serving.answer_api import Answer
from serving.equipment import Equipment
from serving.item_api import Item, Said
from serving.send_api import SendAnswer, SendItem
from serving.wish import Wish

SILENCE = "silence"


def offered(wish: Wish, answer: Answer, items: list[Item], contact_id: str | None) -> SendAnswer:
    """The first of these items, with all of them beside it."""
    told = [_item(item) for item in items]
    return SendAnswer(
        campaign=wish.sending.campaign,
        send=wish.sending.send,
        channel=wish.sending.channel,
        title=told[0].title,
        body=told[0].body,
        price=told[0].price,
        terms=told[0].terms,
        neutral=False,
        items=told,
        decision_id=answer.decision_id,
        contact_id=contact_id,
        fallback=answer.fallback,
        fallback_reasons=answer.fallback_reasons,
        recorded=True,
        decided_at=answer.decided_at,
    )


def _item(item: Item) -> SendItem:
    said = item.wording or Said(title=item.name, body="", price=None, terms="")
    return SendItem(
        offer_id=item.offer_id,
        name=item.name,
        category=item.category,
        title=said.title,
        body=said.body,
        price=said.price,
        terms=said.terms,
        probability=item.probability,
    )


def neutral(wish: Wish, equipment: Equipment, why: str, answer: Answer | None = None) -> SendAnswer:
    """The policy's text: silence was better, or nothing may be offered."""
    reasons = [*(answer.fallback_reasons if answer is not None else ()), *([] if why == SILENCE else [why])]
    return SendAnswer(
        campaign=wish.sending.campaign,
        send=wish.sending.send,
        channel=wish.sending.channel,
        title=equipment.policy.neutral_title,
        body=equipment.policy.neutral_body,
        price=None,
        terms="",
        neutral=True,
        items=[],
        decision_id=None if answer is None else answer.decision_id,
        contact_id=None,
        fallback=bool(reasons),
        fallback_reasons=reasons,
        recorded=answer is not None,
        decided_at=None if answer is None else answer.decided_at,
    )
