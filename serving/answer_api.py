"""What is answered to a decision request, with units and meanings. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.json import Decoder

from serving.item_api import Item
from serving.over_the_wire import Minor, Probability, Rfc3339, Wire


class Silence(Wire):
    """Saying nothing, as one of the choices."""

    score_minor: Minor
    wins: bool
    reason: str
    probability: Annotated[
        Probability | None,
        Meta(description="With which nothing more was offered below the items; null where every place was taken."),
    ]


class ChannelScore(Wire):
    """One channel with the best that could be done on it."""

    channel: str
    score_minor: Annotated[
        Minor | None, Meta(description="Best score on the channel; null where nothing may be offered there.")
    ]
    offer_id: Annotated[str | None, Meta(description="The offer with that score.")]
    noticed: Annotated[
        Probability | None, Meta(description="Response of the channel for that offer, where it is known.")
    ]


class RuleCount(Wire):
    """How many pairs of offer and channel one rule removed."""

    rule: str
    meaning: str
    pairs: int


class Removed(Wire):
    """A pair that may not be offered."""

    offer_id: str
    channel: str
    rule: str
    value: Annotated[str, Meta(description="What decided.")]


class BelowSilence(Wire):
    """An offer that may be made and is not worth it."""

    offer_id: str
    channel: str
    score_minor: Minor | None


class Funnel(Wire):
    """From every pair of offer and channel to those worth a contact. Pairs of other kinds are counted, not listed."""

    considered: int
    eligible: int
    below_silence: list[BelowSilence]
    removed: list[Removed]


class Versions(Wire):
    """What the decision was made with."""

    model: str | None
    schema: Annotated[str, Meta(description="Fingerprint of the features.")]
    catalogue: Annotated[str, Meta(description="Fingerprint of the catalogue's data.")]
    policy: Annotated[str, Meta(description="Fingerprint of the policy's document; `/v1/history/policy` has its body.")]
    service: str


class OpenTopic(Wire):
    """Something begun and not finished."""

    topic: Annotated[str, Meta(description="`basket`, `looked_at`, `question` or `complaint`.")]
    about: Annotated[str | None, Meta(description="Category, or offer where no category is known.")]
    channel: Annotated[str, Meta(description="Where it was last taken up; it may be gone on with anywhere.")]
    since: Rfc3339
    strength: Annotated[float, Meta(ge=0, le=1, description="Halves with time: baskets in 3 days, looks in 2.")]
    sentence: str


class Placed(Wire):
    """What stands in one placement of the request."""

    placement: str
    channel: str
    rank: Annotated[int | None, Meta(description="Of the item that stands there; null where none is left for it.")]


class Answer(Wire, kw_only=True):
    """The decision. Its fields are in the order in which they are written, the timings last."""

    decision_id: Annotated[str, Meta(description="UUIDv7; outcomes refer to it.")]
    customer_id: str
    kind: Annotated[str, Meta(description="The kind of offer that was ranked.")]
    decided_at: Rfc3339
    valid_until: Rfc3339
    currency: Annotated[str, Meta(description="ISO 4217.")]
    items: Annotated[list[Item], Meta(description="Best first; empty where silence wins.")]
    placements: Annotated[list[Placed], Meta(description="Those of the request, in its order.")] = field(
        default_factory=list
    )
    silence: Silence
    preferred_channel: Annotated[
        str | None,
        Meta(
            description="The channel that the customer asked for (a consent of purpose `preferred_channel`), else"
            " that of the best-scored pair, be it below silence."
        ),
    ]
    preference_declared: Annotated[bool, Meta(description="True where the customer asked for that channel.")]
    group: Annotated[
        Literal["learnt", "random", "control"],
        Meta(description="How it was chosen: by what was learnt, evenly among all that is allowed, or not at all."),
    ]
    attempts: Annotated[int, Meta(ge=1, description="Draws; more than 1 where what was chosen had just been used up.")]
    channels: list[ChannelScore]
    open_topics: Annotated[
        list[OpenTopic],
        Meta(description="What the customer has begun on any channel and not finished; strongest first."),
    ] = field(default_factory=list)
    removed: list[RuleCount]
    funnel: Funnel | None
    cold_start: Annotated[
        bool, Meta(description="No event of this customer is known: judged by what all customers do.")
    ]
    personalised: Annotated[
        bool,
        Meta(
            description="False: ranked by popularity, as for anybody; `warnings` say why. An objection is no "
            "`fallback`."
        ),
    ] = True
    fallback: Annotated[bool, Meta(description="Something was missing; `fallback_reasons` and `warnings` say what.")]
    fallback_reasons: list[str]
    warnings: list[str]
    limits: Annotated[list[str], Meta(description="What the data behind this answer cannot tell.")]
    recorded: Annotated[
        bool, Meta(description="False: nothing is remembered of this answer, so make no contact by it.")
    ]
    versions: Versions
    timings_ms: Annotated[
        dict[str, float],
        Meta(
            description="Milliseconds by stage. `record` lasts from when the decision was made until it was durable; "
            "those that wait together are made together, so that others may have been made meanwhile."
        ),
    ]


def read_answer(text: str | bytes) -> Answer:
    """An answer that was kept.

    Raises:
        ValueError: It is none.
    """
    return _READ.decode(text)


_READ = Decoder(Answer)
