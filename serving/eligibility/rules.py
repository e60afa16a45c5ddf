"""What may be offered at all. Reading RULES is reading the policy: the first rule that objects removes the pair."""

from __future__ import annotations

from serving.eligibility.capping import capped
from serving.eligibility.objection import Rule, TimeRule
from serving.eligibility.occasion import no_longer_valid, not_asked_for, not_yet_valid, other_kind
from serving.eligibility.permission import marketing_objection, no_consent, purpose_objection
from serving.eligibility.reach import (
    BOUNCE_DAYS,
    channel_closed,
    channel_not_allowed,
    channel_not_open,
    not_addressable,
)
from serving.eligibility.repetition import already_taken, not_in_audience, nothing_redeemed
from serving.eligibility.requirement import offer_rule, requirement
from serving.eligibility.rest import resting
from serving.eligibility.scarcity import out_of_budget, out_of_stock
from serving.eligibility.sequence import sequence
from serving.eligibility.situation import (
    ACTIVITY,
    ALWAYS,
    CONSENTS,
    CONTACTS,
    EVENTS,
    INTENTS,
    OUTSIDE,
    TAKEN,
    UNREAD,
)
from serving.eligibility.timing import no_capacity, quiet_hours

MARKETING_OBJECTION = "marketing_objection"
CHANNEL_NOT_OPEN = "channel_not_open"

RULES: tuple[Rule | TimeRule, ...] = (
    Rule("kind", "The request ranks offers of another kind.", other_kind),
    Rule(
        "not_asked_for",
        "The request asks for another offer; or the message is no promotion and goes out only when its kind or the "
        "offer itself is asked for.",
        not_asked_for,
    ),
    Rule("not_yet_valid", "The offer's validity has not begun.", not_yet_valid, OUTSIDE),
    Rule("no_longer_valid", "The offer's validity is over.", no_longer_valid, OUTSIDE),
    Rule(
        "stock", "All that there is of the offer has been granted.", out_of_stock, TAKEN, lambda shelf: not shelf.stocks
    ),
    Rule(
        "budget",
        "A budget has too little left for the incentive and the contact.",
        out_of_budget,
        TAKEN,
        lambda shelf: not shelf.budgets,
    ),
    Rule("channel_closed", "The policy closes the channel.", channel_closed),
    Rule(
        "channel_not_allowed", "The request names the channels to use, and this is none of them.", channel_not_allowed
    ),
    Rule(CHANNEL_NOT_OPEN, "The customer must come to this channel; the request does not say so.", channel_not_open),
    Rule(
        "not_addressable",
        "The channel cannot address one customer, or the last message to this one on it bounced less than "
        f"{BOUNCE_DAYS} days ago.",
        not_addressable,
        EVENTS,
    ),
    Rule(
        "consent",
        "The channel needs a consent that the customer has not given, or has withdrawn.",
        no_consent,
        CONSENTS,
    ),
    Rule(
        MARKETING_OBJECTION,
        "The customer has objected to marketing: nothing is promoted.",
        marketing_objection,
        CONSENTS,
    ),
    Rule("purpose_objection", "The customer has refused messages of the offer's purpose.", purpose_objection, CONSENTS),
    Rule("offer_rule", "The offer's own condition does not hold.", offer_rule, ALWAYS, lambda shelf: not shelf.rules),
    Rule(
        "requirement",
        "A condition of the policy does not hold.",
        requirement,
        ALWAYS,
        lambda shelf: not shelf.requirements,
    ),
    Rule(
        "audience",
        "The offer is only for customers who were sent another one first.",
        not_in_audience,
        ACTIVITY,
        lambda shelf: not shelf.needs_sent,
    ),
    Rule(
        "already_taken",
        "The customer has redeemed this offer inside its window.",
        already_taken,
        ACTIVITY,
        nothing_redeemed,
    ),
    Rule(
        "rest",
        "The customer ignored, declined or complained often enough lately for it to rest, on every channel.",
        resting,
        EVENTS | CONTACTS | UNREAD,
        lambda shelf: not shelf.rests,
    ),
    Rule(
        "sequence",
        "Something that happened, or an open topic, stops it; or what must come first has not.",
        sequence,
        ACTIVITY | EVENTS | CONTACTS | INTENTS,
        lambda shelf: not shelf.sequences,
    ),
    TimeRule(
        "quiet_hours",
        "The channel is silent now and at every full hour ahead.",
        quiet_hours,
        lambda shelf: not shelf.timetable.quiet,
    ),
    TimeRule(
        "cap", "At every moment left, one contact more would be too many.", capped, lambda shelf: not shelf.policy.caps
    ),
    TimeRule(
        "capacity",
        "At every moment left, the channel's capacity or a budget of that time is used up.",
        no_capacity,
        lambda shelf: not shelf.policy.capacities and not shelf.budgets,
    ),
)
