"""The contract for data: which tables and columns a folder holds, in which units, and what each value must satisfy.

One declarative table. The page for readers (:mod:`features.contract_page`) and the checks of :mod:`features.quarantine`
derive from it, so a column is described once.
"""

from __future__ import annotations

from features.column import Column, ColumnType, Table
from features.domain import Direction, Kind, Response

_T, _I, _N, _S, _R, _F, _L = ColumnType
_MINOR = "minor units"
_WORDS = {"kind": tuple(Kind), "direction": tuple(Direction), "response": tuple(Response)}

CUSTOMERS = Table(
    "customers",
    "Who can be decided for, with what is known of them. Leave a value empty where it is unknown; never write 0.",
    (
        Column("customer_id", _T, "The customer.", required=True),
        Column("zone", _T, "Time zone of the customer's wall clock.", "IANA name", default="'UTC'"),
        Column(
            "known_at",
            _I,
            "When this profile was learnt; before it, features do not use it.",
            otherwise="`member_since`, else the first event or decision of the data",
            past=True,
        ),
        Column("age_years", _R, "Age.", "years", at_least=0, at_most=130),
        Column("income_minor", _R, "Income of the household per year.", _MINOR, at_least=0),
        Column("household_size", _R, "Persons in the household.", "persons", at_least=1),
        Column("children", _R, "Children in the household.", "persons", at_least=0),
        Column("gender", _T, "f, m or o.", words=("f", "m", "o")),
        Column("home_owner", _F, "True for the owner of the home."),
        Column("member_since", _I, "When the customer joined.", past=True),
        Column("name", _T, "A name to show to agents."),
    ),
    key=("customer_id",),
    first_by=("known_at",),
    word="customer",
)

IDENTITIES = Table(
    "identities",
    "How a customer is recognised: several identities may lead to one customer, never one to several.",
    (
        Column("customer_id", _T, "The customer.", required=True, references="customers.customer_id"),
        Column(
            "namespace",
            _T,
            "Kind of identity: crm, card, email_sha256 …; upper and lower case are the same.",
            required=True,
        ),
        Column("value", _T, "The identity itself.", required=True),
    ),
    key=("namespace", "value"),
    first_by=("customer_id",),
    word="identity",
)

CHANNELS = Table(
    "channels",
    "Ways to reach a customer and to be reached. Without this table the default channels hold; with it, these alone.",
    (
        Column("channel", _T, "Name of the channel.", required=True),
        Column(
            "direction",
            _T,
            "Who starts: the customer (inbound), the sender (outbound), the sender to everyone at once (broadcast).",
            required=True,
            words=_WORDS["direction"],
        ),
        Column("addressable", _F, "True when one chosen customer can be reached.", default="direction = 'outbound'"),
        Column("cost_minor", _R, "Cost of one contact.", _MINOR, default="0", at_least=0),
        Column("consent_purpose", _T, "Purpose that needs the customer's consent; empty when none does."),
    ),
    key=("channel",),
    required=False,
    word="channel",
)

OFFERS = Table(
    "offers",
    "What can be proposed. Terms stand once, for all channels.",
    (
        Column("offer_id", _T, "The offer.", required=True),
        Column("kind", _T, "Offers are ranked within one kind.", required=True),
        Column("category", _T, "Category of the offer.", required=True),
        Column("name", _T, "What people read.", required=True),
        Column(
            "channels",
            _L,
            "Channels that can carry the offer; in CSV separated by `|`.",
            required=True,
            references="channels.channel",
        ),
        Column("margin_minor", _N, "Margin of one acceptance before the incentive.", _MINOR, required=True, at_least=0),
        Column("incentive_minor", _N, "Cost of the incentive when it is used.", _MINOR, default="0", at_least=0),
        Column("buys", _T, "Purchase category that takes the offer; empty when any purchase does."),
        Column("response", _T, "What counts as taking the offer.", default="'purchase'", words=_WORDS["response"]),
        Column(
            "min_spend_minor",
            _N,
            "Spend that takes the offer; 0 when any purchase does.",
            _MINOR,
            default="0",
            at_least=0,
        ),
        Column(
            "window_days", _R, "Days after the contact in which an acceptance counts.", "days", default="7", above=0
        ),
        Column("valid_from", _I, "First instant at which the offer may be made."),
        Column("valid_to", _I, "Last instant at which the offer may be made."),
        Column(
            "automatic",
            _F,
            "True when the incentive is paid even to a buyer who never noticed the offer.",
            default="FALSE",
        ),
        Column(
            "audience",
            _T,
            "When set, only customers who were sent that offer may get this one.",
            references="offers.offer_id",
        ),
    ),
    key=("offer_id",),
    first_by=("valid_from",),
    word="offer",
)

EVENTS = Table(
    "events",
    "What happened, on every channel, on- and offline.",
    (
        Column("source", _T, "System that reported the event.", required=True),
        Column(
            "event_id",
            _T,
            "Identity of the event within its source; a second row with it is a duplicate.",
            required=True,
        ),
        Column("customer_id", _T, "The customer.", required=True, references="customers.customer_id"),
        Column("kind", _T, "What happened.", required=True, words=_WORDS["kind"]),
        Column("channel", _T, "Where it happened.", required=True, references="channels.channel"),
        Column("occurred_at", _I, "When it happened.", required=True, past=True),
        Column("received_at", _I, "When it was learnt.", default="occurred_at", past=True),
        Column(
            "utc_offset_min",
            _S,
            "Offset of the customer's wall clock from UTC.",
            "minutes east",
            otherwise="the customer's `zone`",
            at_least=-1080,
            at_most=1080,
        ),
        Column("offer_id", _T, "The offer it is about.", references="offers.offer_id"),
        Column("category", _T, "Category bought or looked at.", otherwise="the offer's `category`"),
        Column("value_minor", _N, "Amount paid; for `returned` the amount given back.", _MINOR, at_least=0),
        Column("discount_minor", _N, "Reduction granted.", _MINOR, at_least=0),
        Column("quantity", _R, "Pieces; empty where they are not pieces.", "pieces", at_least=0),
        Column("decision_id", _T, "The decision that led to it."),
    ),
    key=("source", "event_id"),
    first_by=("received_at", "occurred_at"),
    required=False,
    word="event",
)

DECISIONS = Table(
    "decisions",
    "What was decided: customer, offer or none, channel, instant and the probability of the choice. An offer without "
    "a channel is a control row: this offer was not made, and what happened then tells what happens anyway.",
    (
        Column("decision_id", _T, "The decision.", required=True),
        Column("customer_id", _T, "The customer.", required=True, references="customers.customer_id"),
        Column("kind", _T, "Kind of the offers among which was chosen.", required=True, references="offers.kind"),
        Column("decided_at", _I, "When; strictly before the contact's own `sent` event.", required=True, past=True),
        Column("offer_id", _T, "The offer; empty when nothing was offered.", references="offers.offer_id"),
        Column("channel", _T, "The channel; empty when nothing was sent.", references="channels.channel"),
        Column(
            "probability",
            _R,
            "Probability with which this choice was made; empty when unknown.",
            "0–1",
            above=0,
            at_most=1,
        ),
        Column(
            "weight",
            _R,
            "How many such rows of the population this sampled row stands for.",
            "rows",
            default="1",
            above=0,
        ),
        Column("noticed", _F, "True when the contact was viewed or clicked; empty when it is not recorded."),
        Column("taken", _F, "True when the offer was taken; empty when it follows from the events."),
        Column("outcome_at", _I, "When the outcome became known.", past=True),
        Column("value_minor", _N, "Revenue of the acceptance.", _MINOR, at_least=0),
    ),
    key=("decision_id",),
    first_by=("decided_at",),
    required=False,
    word="decision",
)

TABLES = (CUSTOMERS, IDENTITIES, CHANNELS, OFFERS, EVENTS, DECISIONS)
"""Each table refers only to tables before it (or to itself)."""

ID_COLUMNS = frozenset({"customer_id", "offer_id", "event_id", "decision_id", "channel", "source", "value"})
"""Columns limited to :data:`features.domain.MAX_ID_LENGTH` characters."""


def table(name: str) -> Table:
    """The table of that name; KeyError when the contract has none."""
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"the contract has no table {name}")
