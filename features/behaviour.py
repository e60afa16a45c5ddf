"""The features of what a customer did: overall, and towards one category, offer, channel or hour."""

from __future__ import annotations

import numpy as np

from features.feature import Feature, Group, ratio, remembered
from features.intent import HALF_LIFE_DAYS, Topic
from features.past import Past
from features.rows import Rows
from features.schema import BY_CATEGORY, BY_CHANNEL, BY_OFFER, CUSTOMER
from features.state import Floats

LN2 = float(np.log(2.0))
HOURS = 24
WEEKDAYS = 7
HABIT_PRIOR = 5.0
"""Signs of attention, spread evenly over the day (or week), that a customer's own habit is shrunk towards."""
CHANNEL_PRIOR = 4.0
"""Contacts that a customer's own rate on a channel is shrunk towards the population's with."""


def _purchase_rate(past: Past) -> Floats:
    """Purchases per day that the 120-day memory stands for."""
    return past.sum("purchases_120d") * LN2 / 120.0


def _due(past: Past) -> Floats:
    """How far the next purchase is due, 0 just after one and towards 1 when overdue: 1 − exp(−rate · days)."""
    return 1.0 - np.exp(-_purchase_rate(past) * past.since("latest_purchases"))


def _open(days: Floats, topic: Topic, closed_days: Floats | None = None) -> Floats:
    """How open a topic still is: 1 when just begun, halved each half-life, 0 where never begun or closed since."""
    never = np.isnan(days)
    strength = np.exp2(-np.where(never, 0.0, days) / HALF_LIFE_DAYS[topic])
    return np.where(never if closed_days is None else never | (closed_days <= days), 0.0, strength)


def _researching(rows: Rows) -> Floats:
    """Share of recent signs in the category that are interest rather than purchase: the stage before buying."""
    interest, bought = rows.category.sum("interest_14d"), rows.category.sum("purchases_14d")
    return interest / (interest + bought + 1.0)


def _habit(slot: Past, everything: Past, slots: int) -> Floats:
    """How much more than evenly the customer is active in this slot: 1 is average, shrunk by HABIT_PRIOR."""
    return (slot.sum("active_120d") * slots + HABIT_PRIOR) / (everything.sum("active_120d") + HABIT_PRIOR)


def _mean_purchase(rows: Rows) -> Floats:
    return ratio(rows.customer.sum("amount_120d"), rows.customer.sum("purchases_120d"))


def _notice_rate(rows: Rows) -> Floats:
    prior = CHANNEL_PRIOR * rows.evidence.channel_noticed_rate
    return (rows.channel.sum("noticed_120d") + prior) / (rows.channel.sum("contacts_120d") + CHANNEL_PRIOR)


CUSTOMER_FEATURES = [
    *remembered(CUSTOMER, Group.CUSTOMER, lambda r: r.customer),
    Feature(
        "customer_discount_share",
        Group.CUSTOMER,
        "share",
        "reductions as a share of the undiscounted price, half-life 120 days",
        lambda r: ratio(
            r.customer.sum("discount_120d"), r.customer.sum("discount_120d") + r.customer.sum("amount_120d")
        ),
    ),
    Feature(
        "customer_mean_purchase",
        Group.CUSTOMER,
        "minor units",
        "mean amount of a purchase, half-life 120 days",
        _mean_purchase,
    ),
    Feature(
        "customer_notice_rate",
        Group.CUSTOMER,
        "share",
        "messages noticed per message sent over all channels, half-life 30 days",
        lambda r: ratio(r.customer.sum("noticed_30d"), r.customer.sum("contacts_30d")),
    ),
    Feature(
        "customer_redemption_rate",
        Group.CUSTOMER,
        "per contact",
        "redemptions per message: both memories turned into a daily rate",
        lambda r: ratio(r.customer.sum("redemptions_120d") / 120, r.customer.sum("contacts_30d") / 30),
    ),
    Feature(
        "customer_due",
        Group.CUSTOMER,
        "soft score",
        "stage of the buying cycle over all categories: 0 has just bought, towards 1 overdue",
        lambda r: _due(r.customer),
    ),
    Feature(
        "customer_trend",
        Group.CUSTOMER,
        "ratio",
        "recent spending (7 days) against the usual (120 days); 1 is unchanged",
        lambda r: ratio(r.customer.sum("amount_7d") / 7, r.customer.sum("amount_120d") / 120),
    ),
    Feature(
        "customer_question_open",
        Group.CUSTOMER,
        "soft score",
        "a question or complaint to the service that may still be open, halved every 7 days",
        lambda r: _open(r.customer.since("latest_service"), Topic.QUESTION),
    ),
    Feature(
        "customer_complaint_open",
        Group.CUSTOMER,
        "soft score",
        "a complaint that may still be open, halved every 30 days",
        lambda r: _open(r.customer.since("latest_complaints"), Topic.COMPLAINT),
    ),
    Feature(
        "customer_categories",
        Group.CUSTOMER,
        "count",
        "different categories the customer ever touched",
        lambda r: r.categories_known,
    ),
]

CATEGORY_FEATURES = [
    *remembered(BY_CATEGORY, Group.CATEGORY, lambda r: r.category),
    Feature(
        "category_share",
        Group.CATEGORY,
        "share",
        "share of the customer's purchases that were in the category, half-life 120 days",
        lambda r: ratio(r.category.sum("purchases_120d"), r.customer.sum("purchases_120d")),
    ),
    Feature(
        "category_due",
        Group.CATEGORY,
        "soft score",
        "stage of the buying cycle in the category: 0 has just bought, towards 1 overdue",
        lambda r: _due(r.category),
    ),
    Feature(
        "category_basket_open",
        Group.CATEGORY,
        "soft score",
        "a basket begun in the category and not bought since, halved every 3 days",
        lambda r: _open(r.category.since("latest_baskets"), Topic.BASKET, r.category.since("latest_purchases")),
    ),
    Feature(
        "category_look_open",
        Group.CATEGORY,
        "soft score",
        "something looked at in the category and not bought since, halved every 2 days",
        lambda r: _open(r.category.since("latest_interest"), Topic.LOOKED_AT, r.category.since("latest_purchases")),
    ),
    Feature(
        "category_researching",
        Group.CATEGORY,
        "soft score",
        "stage of the buying cycle in the category: towards 1 looking without buying",
        _researching,
    ),
    Feature(
        "category_discount_share",
        Group.CATEGORY,
        "share",
        "reductions as a share of the undiscounted price in the category",
        lambda r: ratio(
            r.category.sum("discount_120d"), r.category.sum("discount_120d") + r.category.sum("amount_120d")
        ),
    ),
]

OFFER_FEATURES = [
    *remembered(BY_OFFER, Group.OFFER, lambda r: r.offer),
    Feature(
        "offer_stretch",
        Group.OFFER,
        "ratio",
        "spend the offer asks for against the customer's mean purchase",
        lambda r: ratio(r.content.min_spend + 0.0 * _mean_purchase(r), _mean_purchase(r)),
    ),
]

CHANNEL_FEATURES = [
    *remembered(BY_CHANNEL, Group.CHANNEL, lambda r: r.channel),
    Feature(
        "channel_notice_rate",
        Group.CHANNEL,
        "share",
        "messages noticed per message sent on the channel, shrunk towards everybody's",
        _notice_rate,
        monotone=1,
    ),
]

MOMENT_FEATURES = [
    Feature(
        "moment_hour", Group.MOMENT, "hour", "hour of the contact on the customer's clock", lambda r: r.moment.hour
    ),
    Feature(
        "moment_weekday",
        Group.MOMENT,
        "weekday",
        "weekday of the contact, Monday 0",
        lambda r: r.moment.weekday,
    ),
    Feature(
        "moment_hour_habit",
        Group.MOMENT,
        "ratio",
        "the customer's attention in this hour against an even day; 1 is average",
        lambda r: _habit(r.hour, r.customer, HOURS),
    ),
    Feature(
        "moment_weekday_habit",
        Group.MOMENT,
        "ratio",
        "the customer's attention on this weekday against an even week; 1 is average",
        lambda r: _habit(r.weekday, r.customer, WEEKDAYS),
    ),
]
