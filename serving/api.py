"""What goes over the wire: the request and the answer, with units, meanings and examples. OpenAPI derives from this."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from features.domain import MAX_ID_LENGTH
from features.instant import parse_instant
from serving import examples

MOST_ITEMS = 100


@lru_cache(maxsize=4_096)  # the same few instants come many times in one answer
def _instant(text: str) -> str:
    parse_instant(text)
    return text


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
Rfc3339 = Annotated[str, AfterValidator(_instant), Field(json_schema_extra={"format": "date-time"})]
Minor = Annotated[float, Field(description="minor units of `currency`")]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NameGiven(_Wire):
    """A name under which a customer comes."""

    namespace: Annotated[str, Field(min_length=1, max_length=64)]
    value: Annotated[str, Field(min_length=1, max_length=512)]


class Bounds(_Wire):
    """What is asked, and within which bounds."""

    kind: Id | None = Field(
        None,
        description="Kind of offer to rank. Absent: the first kind of the catalogue with an offer that may be made.",
    )
    channels: list[Id] | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Channels to use. Absent: all but inbound ones; name those on which the customer is present.",
    )
    limit: int = Field(10, ge=1, le=MOST_ITEMS, description="Most offers to return.")
    explain: Literal["none", "funnel", "contributions"] = Field(
        "none",
        description="`funnel` lists every pair of the kind that was removed or scored below silence, and why; "
        "`contributions` takes the predictions of the first ten items apart, feature by feature.",
    )
    language: Literal["en", "de"] = Field("en", description="In which reasons, rules and warnings are told.")
    seed: int | None = Field(
        None, ge=0, le=2**53, description="Seed of the draw, only with `dry_run`: the same seed draws the same."
    )
    offer_id: Id | None = Field(
        None,
        description="Decide about this offer alone. What is transactional or mandatory is made only where `offer_id` "
        "or `kind` asks for it; it competes with nothing and no cap or objection to marketing holds it back.",
    )
    contacts: int = Field(
        1,
        ge=0,
        le=10,
        description="Most messages on outbound channels to reserve; offers beyond them are alternatives.",
    )
    context: dict[str, str | float | bool] | None = Field(
        None, max_length=50, description="What conditions of the policy may read as `context.…`, such as the weather."
    )
    at: Rfc3339 | None = Field(None, description="Instant to decide as of; allowed only under the simulated clock.")


class PersonaRequest(Bounds):
    """What to decide for a persona; nothing of it has any consequence."""


class DecisionRequest(Bounds):
    """For whom to decide, and within which bounds."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SHORTEST_REQUEST, examples.REQUEST]})

    customer_id: Id | None = Field(
        None, description="The customer; one that is unknown gets a cold-start answer. Absent only with `identities`."
    )
    identities: list[NameGiven] | None = Field(
        None, min_length=1, max_length=10, description="Other names of the customer, such as a device or a telephone."
    )
    events: list[dict[str, Any]] | None = Field(
        None,
        max_length=100,
        description="What just happened, as for `/v1/events`; it counts for this decision and is recorded once. "
        "Events that name nobody are the customer's own.",
    )
    dry_run: bool = Field(False, description="Decide without recording anything.")


class Components(_Wire):
    """What the score adds up from; costs are negative."""

    margin_minor: Minor = Field(description="Margin of what is bought beyond what would have been bought anyway.")
    incentive_minor: Minor = Field(description="Incentive paid to those who noticed the offer.")
    unnoticed_incentive_minor: Minor = Field(description="Incentive of an automatic offer paid without being noticed.")
    contact_cost_minor: Minor = Field(description="Cost of the contact.")
    attention_minor: Minor = Field(description="Price of using up the customer's patience; outbound channels only.")
    weighting_minor: Minor = Field(description="What the policy's weight on a positive value adds.")
    lever_minor: Minor = Field(description="Money that the policy adds.")
    scarcity_minor: Minor = Field(description="What the stock, budget or capacity it takes is worth to others.")


class Probabilities(_Wire):
    """Each between 0 and 1; null where the data cannot tell."""

    noticed: Probability | None = Field(description="That the contact is noticed (v).")
    taken: Probability = Field(description="That the offer is redeemed, or bought, once noticed (s).")
    bought: Probability = Field(description="That what the offer is for is bought once noticed, on any terms (q).")
    organic: Probability | None = Field(description="The same without the contact (p₀).")


class Evidence(_Wire):
    """How much the judgement of the offer rests on, over all customers (half-life 180 days)."""

    contacts: float = Field(ge=0, description="Contacts with this very offer; 0 for a new one.")
    similar_contacts: float = Field(ge=0, description="Contacts with offers of its kind and category.")


class FeatureTerm(_Wire):
    """What one feature adds to a prediction, log-odds."""

    feature: str
    value: float | None = Field(description="What the model saw; null where it is unknown, which counts as well.")
    trees: float
    linear: float


class Prediction(_Wire):
    """One prediction taken apart: `log_odds` is exactly the sum of the other terms and of all of `features`."""

    part: Literal["channel_response", "offer_response", "organic"]
    log_odds: float = Field(description="Of the prediction: p = 1 / (1 + e^-log_odds).")
    moment: float = Field(description="What the item's moment adds to the instant of the decision; 0 but for channels.")
    raw: float = Field(description="Score of the blended halves before calibration.")
    weight_of_trees: Probability = Field(description="The blend; the linear half has the rest. Applied already.")
    slope: float = Field(description="Of the calibration. Applied already.")
    mean_of_trees: float
    intercept_of_linear: float
    intercept_of_calibration: float
    experience: float = Field(description="What became of contacts with this offer on this channel, beyond features.")
    features: list[FeatureTerm] = Field(description="Every feature that adds anything, the strongest first.")


class Said(_Wire):
    """What to say; price and terms are the same on every channel."""

    title: str
    body: str
    price: str | None = Field(description="As people read it; null where the offer names none.")
    terms: str


class Item(_Wire):
    """One offer on one channel at one moment."""

    rank: int = Field(ge=1)
    offer_id: str
    name: str
    category: str
    channel: str
    importance: Literal["promotional", "transactional", "mandatory"]
    moment: Rfc3339 = Field(description="When to make the offer.")
    contact_id: str | None = Field(
        description="The message it goes out with; confirm it before sending. Null where nobody is interrupted, where "
        "the offer is an alternative, and in a dry run."
    )
    confirm_before: Rfc3339 | None = Field(description="When the reservation of that message expires.")
    alternative: bool = Field(description="True where it would need a further message than were asked for.")
    probability: float = Field(
        gt=0, le=1, description="With which it was chosen for this rank, given the ranks above: keep it for learning."
    )
    score_minor: Minor = Field(description="What the offers are ranked by.")
    incremental_value_minor: Minor | None = Field(
        description="Expected value beyond that of silence; null where what would be bought anyway is unknown: the "
        "score then counts all of it as gained."
    )
    components: Components
    probabilities: Probabilities
    evidence: Evidence
    reasons: list[str]
    wording: Said | None = Field(None, description="Null in decisions of older builds.")
    contributions: list[Prediction] | None = Field(
        None, description="With `explain=contributions`, where a model of trees decided for a customer who is known."
    )


class Silence(_Wire):
    """Saying nothing, as one of the choices."""

    score_minor: Minor
    wins: bool
    reason: str
    probability: Probability | None = Field(
        description="With which nothing more was offered below the items; null where every place was taken."
    )


class ChannelScore(_Wire):
    """One channel with the best that could be done on it."""

    channel: str
    score_minor: Minor | None = Field(description="Best score on the channel; null where nothing may be offered there.")
    offer_id: str | None = Field(description="The offer with that score.")
    noticed: Probability | None = Field(description="Response of the channel for that offer, where it is known.")


class RuleCount(_Wire):
    """How many pairs of offer and channel one rule removed."""

    rule: str
    meaning: str
    pairs: int


class Removed(_Wire):
    """A pair that may not be offered."""

    offer_id: str
    channel: str
    rule: str
    value: str = Field(description="What decided.")


class BelowSilence(_Wire):
    """An offer that may be made and is not worth it."""

    offer_id: str
    channel: str
    score_minor: Minor | None


class Funnel(_Wire):
    """From every pair of offer and channel to those worth a contact. Pairs of other kinds are counted, not listed."""

    considered: int
    eligible: int
    below_silence: list[BelowSilence]
    removed: list[Removed]


class Versions(_Wire):
    """What the decision was made with."""

    model: str | None
    schema_: str = Field(alias="schema", description="Fingerprint of the features.")
    catalogue: str = Field(description="Fingerprint of the catalogue's data.")
    policy: str = Field(description="Fingerprint of the policy's document; `/v1/history/policy` has its body.")
    service: str


class OpenTopic(_Wire):
    """Something begun and not finished."""

    topic: str = Field(description="`basket`, `looked_at`, `question` or `complaint`.")
    about: str | None = Field(description="Category, or offer where no category is known.")
    channel: str = Field(description="Where it was last taken up; it may be gone on with anywhere.")
    since: Rfc3339
    strength: float = Field(ge=0, le=1, description="Halves with time: baskets in 3 days, looks in 2.")
    sentence: str


class Answer(_Wire):
    """The decision."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANSWER]})

    decision_id: str = Field(description="UUIDv7; outcomes refer to it.")
    customer_id: str
    kind: str = Field(description="The kind of offer that was ranked.")
    decided_at: Rfc3339
    valid_until: Rfc3339
    currency: str = Field(description="ISO 4217.")
    items: list[Item] = Field(description="Best first; empty where silence wins.")
    silence: Silence
    preferred_channel: str | None = Field(
        description="The channel that the customer asked for (a consent of purpose `preferred_channel`), else that of "
        "the best-scored pair, be it below silence."
    )
    preference_declared: bool = Field(description="True where the customer asked for that channel.")
    group: Literal["learnt", "random", "control"] = Field(
        description="How it was chosen: by what was learnt, evenly among all that is allowed, or not at all."
    )
    attempts: int = Field(ge=1, description="Draws; more than 1 where what was chosen had just been used up.")
    channels: list[ChannelScore]
    open_topics: list[OpenTopic] = Field(
        default_factory=list,
        description="What the customer has begun on any channel and not finished; strongest first.",
    )
    removed: list[RuleCount]
    funnel: Funnel | None
    cold_start: bool = Field(description="No event of this customer is known: judged by what all customers do.")
    personalised: bool = Field(
        True,
        description="False: ranked by popularity, as for anybody; `warnings` say why. An objection is no `fallback`.",
    )
    fallback: bool = Field(description="Something was missing; `fallback_reasons` and `warnings` say what.")
    fallback_reasons: list[str]
    warnings: list[str]
    limits: list[str] = Field(description="What the data behind this answer cannot tell.")
    recorded: bool = Field(description="False: nothing is remembered of this answer, so make no contact by it.")
    versions: Versions
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage.")


class Vector(_Wire):
    """What the models saw of one offered pair; null where a value is unknown."""

    offer_id: str
    channel: str
    features: dict[str, float | None]


class Outcome(_Wire):
    """An event after a decision."""

    kind: str
    channel: str
    occurred_at: Rfc3339
    offer_id: str | None
    category: str | None
    value_minor: int | None
    attributed: bool = Field(description="True where it came of the decision: inside the window of an offer it made.")
    why: str


class ContactNow(_Wire):
    """A contact that the decision reserved, as it stands now."""

    contact_id: str
    channel: str
    moment: Rfc3339
    standing: str


class RecordedDecision(_Wire):
    """A decision as it was answered."""

    decision_id: str
    intact: bool = Field(description="False: the record is not what was kept; somebody changed it.")
    request: dict[str, Any]
    answer: Answer
    rests_on: dict[str, Any] | None = Field(
        description="Everything outside the versions: what was asked and known, the ledger, the draw, prices, what was "
        "missing; instants in microseconds UTC. Null for decisions of older builds."
    )
    vectors: list[Vector] = Field(description="One per item.")
    contacts: list[ContactNow]
    outcomes: list[Outcome] = Field(description="What is known by now to have happened after it, oldest first.")


class Replayed(_Wire):
    """A past decision made again from its record and the versions kept, and held against it."""

    decision_id: str
    identical: bool = Field(description="The same choice, reasons and funnel, numbers to 1e-9, from an intact record.")
    intact: bool = Field(description="False: the record is not what was kept; somebody changed it.")
    differences: list[str] = Field(description="Where it came out otherwise, as paths with both values.")
    versions: Versions
    funnel: Funnel | None = Field(description="What became of every pair of the kind; null for an unreadable record.")


class Version(_Wire):
    """What runs here."""

    service: str
    source: str | None
    model: str | None
    schema_: str = Field(alias="schema")
    catalogue: str | None
    clock: str
    now: Rfc3339


class Health(_Wire):
    """All is well."""

    status: Literal["live", "ready"]
