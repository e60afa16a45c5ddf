"""One offered item as it goes over the wire, with units and meanings. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from serving.over_the_wire import Minor, Probability, Rfc3339, Wire


class Components(Wire):
    """What the score adds up from; costs are negative."""

    margin_minor: Annotated[
        Minor, Meta(description="Margin of what is bought beyond what would have been bought anyway.")
    ]
    incentive_minor: Annotated[Minor, Meta(description="Incentive paid to those who noticed the offer.")]
    unnoticed_incentive_minor: Annotated[
        Minor, Meta(description="Incentive of an automatic offer paid without being noticed.")
    ]
    contact_cost_minor: Annotated[Minor, Meta(description="Cost of the contact.")]
    attention_minor: Annotated[
        Minor, Meta(description="Price of using up the customer's patience; outbound channels only.")
    ]
    weighting_minor: Annotated[Minor, Meta(description="What the policy's weight on a positive value adds.")]
    lever_minor: Annotated[Minor, Meta(description="Money that the policy adds.")]
    scarcity_minor: Annotated[
        Minor, Meta(description="What the stock, budget or capacity it takes is worth to others.")
    ]


class Probabilities(Wire):
    """Each between 0 and 1; null where the data cannot tell."""

    noticed: Annotated[Probability | None, Meta(description="That the contact is noticed (v).")]
    taken: Annotated[Probability, Meta(description="That the offer is redeemed, or bought, once noticed (s).")]
    bought: Annotated[
        Probability, Meta(description="That what the offer is for is bought once noticed, on any terms (q).")
    ]
    organic: Annotated[Probability | None, Meta(description="The same without the contact (p₀).")]


class Evidence(Wire):
    """How much the judgement of the offer rests on, over all customers (half-life 180 days)."""

    contacts: Annotated[float, Meta(ge=0, description="Contacts with this very offer; 0 for a new one.")]
    similar_contacts: Annotated[float, Meta(ge=0, description="Contacts with offers of its kind and category.")]


class FeatureTerm(Wire):
    """What one feature adds to a prediction, log-odds."""

    feature: str
    value: Annotated[
        float | None, Meta(description="What the model saw; null where it is unknown, which counts as well.")
    ]
    trees: float
    linear: float


class Prediction(Wire):
    """One prediction taken apart: `log_odds` is exactly the sum of the other terms and of all of `features`."""

    part: Literal["channel_response", "offer_response", "organic", "persuasion"]
    log_odds: Annotated[float, Meta(description="Of the prediction: p = 1 / (1 + e^-log_odds).")]
    moment: Annotated[
        float, Meta(description="What the item's moment adds to the instant of the decision; 0 but for channels.")
    ]
    raw: Annotated[float, Meta(description="Score of the blended halves before calibration.")]
    weight_of_trees: Annotated[
        Probability, Meta(description="The blend; the linear half has the rest. Applied already.")
    ]
    slope: Annotated[float, Meta(description="Of the calibration. Applied already.")]
    mean_of_trees: float
    intercept_of_linear: float
    intercept_of_calibration: float
    experience: Annotated[
        float, Meta(description="What became of contacts with this offer on this channel, beyond features.")
    ]
    features: Annotated[list[FeatureTerm], Meta(description="Every feature that adds anything, the strongest first.")]


class Said(Wire):
    """What to say; price and terms are the same on every channel."""

    title: str
    body: str
    price: Annotated[str | None, Meta(description="As people read it; null where the offer names none.")]
    terms: str


class Item(Wire):
    """One offer on one channel at one moment."""

    rank: Annotated[int, Meta(ge=1)]
    offer_id: str
    name: str
    category: str
    channel: str
    importance: Literal["promotional", "transactional", "mandatory"]
    moment: Annotated[Rfc3339, Meta(description="When to make the offer.")]
    contact_id: Annotated[
        str | None,
        Meta(
            description="The message it goes out with; confirm it before sending. Null where nobody is "
            "interrupted, where the offer is an alternative, and in a dry run."
        ),
    ]
    confirm_before: Annotated[Rfc3339 | None, Meta(description="When the reservation of that message expires.")]
    alternative: Annotated[bool, Meta(description="True where it would need a further message than were asked for.")]
    probability: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="With which it was chosen for this rank, given the ranks above: keep it for learning.",
        ),
    ]
    score_minor: Annotated[Minor, Meta(description="What the offers are ranked by.")]
    incremental_value_minor: Annotated[
        Minor | None,
        Meta(
            description="Expected value beyond that of silence; null where what would be bought anyway is "
            "unknown: the score then counts all of it as gained."
        ),
    ]
    components: Components
    probabilities: Probabilities
    evidence: Evidence
    reasons: list[str]
    wording: Annotated[Said | None, Meta(description="Null in decisions of older builds.")] = None
    contributions: Annotated[
        list[Prediction] | None,
        Meta(description="With `explain=contributions`, where a model of trees decided for a customer who is known."),
    ] = None
