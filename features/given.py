"""The features of what is given: the customer's profile, the offer's content, and what all customers showed of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.feature import Feature, Group, ratio
from features.rows import Rows
from features.state import Floats


def _gender(rows: Rows, code: int) -> Floats:
    value = rows.profile.value("gender")
    return np.where(np.isnan(value), np.nan, value == code)


def _profile_reader(name: str) -> Callable[[Rows], Floats]:
    return lambda rows: rows.profile.value(name)


PROFILE_FEATURES = [
    *(
        Feature(f"profile_{name}", Group.PROFILE, unit, meaning, _profile_reader(name))
        for name, unit, meaning in (
            ("age_years", "years", "age as told"),
            ("income_minor", "minor units a year", "income as told"),
            ("household_size", "persons", "people in the household"),
            ("children", "persons", "children in the household"),
            ("home_owner", "0 or 1", "owns the home"),
        )
    ),
    Feature("profile_female", Group.PROFILE, "0 or 1", "told to be female", lambda r: _gender(r, 0)),
    Feature("profile_male", Group.PROFILE, "0 or 1", "told to be male", lambda r: _gender(r, 1)),
    Feature(
        "profile_tenure_days",
        Group.PROFILE,
        "days",
        "days since the customer joined",
        lambda r: r.profile.tenure_days(r.at),
    ),
]

CONTENT_FEATURES = [
    Feature("content_margin", Group.CONTENT, "minor units", "margin before the incentive", lambda r: r.content.margin),
    Feature(
        "content_incentive",
        Group.CONTENT,
        "minor units",
        "cost of the incentive",
        lambda r: r.content.incentive,
        monotone=1,
    ),
    Feature("content_min_spend", Group.CONTENT, "minor units", "spend asked for", lambda r: r.content.min_spend),
    Feature(
        "content_incentive_share",
        Group.CONTENT,
        "share",
        "incentive against the spend asked for",
        lambda r: ratio(r.content.incentive, r.content.min_spend),
    ),
    Feature("content_window_days", Group.CONTENT, "days", "time to take it", lambda r: r.content.window_days),
    Feature("content_channels", Group.CONTENT, "count", "channels it may use", lambda r: r.content.channels),
    Feature(
        "content_automatic",
        Group.CONTENT,
        "0 or 1",
        "incentive paid without being noticed",
        lambda r: r.content.automatic,
    ),
    Feature("content_redemption", Group.CONTENT, "0 or 1", "must be redeemed", lambda r: r.content.redemption),
    Feature(
        "content_channel_cost", Group.CONTENT, "minor units", "cost of a contact", lambda r: r.content.channel_cost
    ),
    Feature("content_channel_inbound", Group.CONTENT, "0 or 1", "inbound channel", lambda r: r.content.channel_inbound),
    Feature(
        "content_channel_broadcast",
        Group.CONTENT,
        "0 or 1",
        "broadcast channel",
        lambda r: r.content.channel_broadcast,
    ),
    Feature(
        "content_channel_addressable",
        Group.CONTENT,
        "0 or 1",
        "channel that can address one customer",
        lambda r: r.content.channel_addressable,
    ),
]

EVIDENCE_FEATURES = [
    Feature(
        "evidence_offer_contacts",
        Group.EVIDENCE,
        "count",
        "contacts with the offer so far, half-life 180 days",
        lambda r: r.evidence.offer_contacts,
    ),
    Feature(
        "evidence_offer_taken_rate",
        Group.EVIDENCE,
        "share",
        "taken per contact, shrunk to the category, then to the kind",
        lambda r: r.evidence.offer_taken_rate,
    ),
    Feature(
        "evidence_offer_noticed_rate",
        Group.EVIDENCE,
        "share",
        "noticed per contact, shrunk to all offers",
        lambda r: r.evidence.offer_noticed_rate,
    ),
    Feature(
        "evidence_category_contacts",
        Group.EVIDENCE,
        "count",
        "contacts with offers of the category and kind",
        lambda r: r.evidence.category_contacts,
    ),
    Feature(
        "evidence_category_taken_rate",
        Group.EVIDENCE,
        "share",
        "taken per contact in the category, shrunk to the kind",
        lambda r: r.evidence.category_taken_rate,
    ),
    Feature(
        "evidence_kind_taken_rate",
        Group.EVIDENCE,
        "share",
        "taken per contact over all offers of the kind",
        lambda r: r.evidence.kind_taken_rate,
    ),
    Feature(
        "evidence_channel_contacts",
        Group.EVIDENCE,
        "count",
        "contacts on the channel, half-life 180 days",
        lambda r: r.evidence.channel_contacts,
    ),
    Feature(
        "evidence_channel_noticed_rate",
        Group.EVIDENCE,
        "share",
        "noticed per contact on the channel, shrunk to all channels",
        lambda r: r.evidence.channel_noticed_rate,
    ),
    Feature(
        "evidence_bought_share",
        Group.EVIDENCE,
        "share",
        "share of everybody's purchases that were of what the offer is for, half-life 60 days",
        lambda r: r.evidence.bought_share,
    ),
]
