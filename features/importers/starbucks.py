"""The Starbucks Rewards capstone data: 17,000 simulated members, six waves of randomly sent offers in 30 days.

Offers go out on a fixed set of channels at once, so each set is a channel of its own: what e-mail alone would have done
cannot be told. The data have hours but no calendar; :data:`EPOCH` is arbitrary, a Monday after the last member joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from features.channels import default_channels, with_costs
from features.domain import Channel, ChannelName, Direction
from features.errors import ContractError
from features.importers.source import Source, cost_sentence, put_channels

EPOCH = "2018-07-30T00:00:00Z"
"""Hour 0 of the data."""

BUNDLES = tuple(
    Channel(ChannelName(name), Direction.OUTBOUND, True, cost_minor, "email_marketing")
    for name, cost_minor in (
        ("email_web", 0.1),
        ("email_mobile_web", 0.15),
        ("email_mobile_social", 0.2),
        ("all_four", 0.2),
    )
)
"""The sets of channels on which offers were sent."""

NOTHING, EACH_OFFER = 0.25, 0.075
"""Probabilities with which every wave gave a member no offer, or one of the ten."""

MISSING_AGE = 118
FILES = ("portfolio", "profile", "transcript")

_LIMITS = (
    "These data are simulated; nothing in them is a real customer.",
    "Offers were sent on fixed sets of channels, so the share of a single channel within a set cannot be told.",
    "Days and weekdays are arbitrary: the data count hours from an unknown start.",
    "Purchases name no product, so any purchase counts towards an offer.",
)

_RAW = f"""
CREATE TABLE sb_offer AS
SELECT id AS key, offer_type, difficulty, reward, duration,
    offer_type || '-' || difficulty || '-' || duration || 'd' AS offer_id,
    CASE list_sort(channels)
        WHEN ['email', 'web'] THEN 'email_web'
        WHEN ['email', 'mobile', 'web'] THEN 'email_mobile_web'
        WHEN ['email', 'mobile', 'social'] THEN 'email_mobile_social'
        WHEN ['email', 'mobile', 'social', 'web'] THEN 'all_four' END AS bundle
FROM read_parquet(getvariable('folder') || '/portfolio.parquet');

CREATE TABLE raw_customers AS
SELECT id AS customer_id, 'UTC' AS zone, member_since AS known_at,
    nullif(age, {MISSING_AGE})::DOUBLE AS age_years, round(income * 100) AS income_minor, lower(gender) AS gender,
    member_since
FROM (
    SELECT *, strptime(became_member_on, '%Y%m%d')::TIMESTAMPTZ AS member_since
    FROM read_parquet(getvariable('folder') || '/profile.parquet')
);

CREATE TABLE raw_identities AS SELECT customer_id, 'crm' AS namespace, customer_id AS value FROM raw_customers;

CREATE TABLE sb_event AS
SELECT file_row_number AS nr, person, event, time AS hour, offer_id, bundle,
    round("value.amount" * 100)::BIGINT AS amount_minor, round("value.reward" * 100)::BIGINT AS reward_minor,
    TIMESTAMPTZ '{EPOCH}' + to_hours(time) AS hour_at
FROM read_parquet(getvariable('folder') || '/transcript.parquet', file_row_number = true)
LEFT JOIN sb_offer ON key = coalesce("value.offer id", "value.offer_id");
"""

# An hour is all the data tell. Within it, events are put in the order in which one leads to the next, and an offer's
# window ends with the hour in which the last of its completions are recorded.
_EVENTS = """
CREATE TABLE raw_events AS
SELECT 'starbucks' AS source,
    CASE event WHEN 'offer completed' THEN 'completed-' || person || '-' || offer_id || '-' || hour
        ELSE 'row-' || nr END AS event_id,
    person AS customer_id,
    CASE event WHEN 'offer received' THEN 'sent' WHEN 'offer viewed' THEN 'viewed'
        WHEN 'transaction' THEN 'purchased' WHEN 'offer completed' THEN 'redeemed' ELSE event END AS kind,
    CASE WHEN event IN ('transaction', 'offer completed') THEN 'store' ELSE bundle END AS channel,
    hour_at + CASE event WHEN 'offer received' THEN INTERVAL 1 SECOND WHEN 'offer viewed' THEN INTERVAL 10 MINUTE
        WHEN 'transaction' THEN INTERVAL 20 MINUTE ELSE INTERVAL 30 MINUTE END AS occurred_at,
    offer_id, amount_minor AS value_minor, reward_minor AS discount_minor,
    CASE WHEN event = 'offer received' THEN 'wave-' || hour || '-' || person END AS decision_id
FROM sb_event;

CREATE TABLE raw_decisions AS
WITH wave AS (SELECT DISTINCT hour, hour_at FROM sb_event WHERE event = 'offer received'),
sent AS (SELECT person, hour, offer_id, bundle FROM sb_event WHERE event = 'offer received')
SELECT 'wave-' || wave.hour || '-' || customer_id AS decision_id, customer_id, 'reward' AS kind,
    hour_at AS decided_at, offer_id, bundle AS channel,
    CASE WHEN offer_id IS NULL THEN getvariable('nothing') ELSE getvariable('each_offer') END::DOUBLE AS probability
FROM wave CROSS JOIN raw_customers LEFT JOIN sent ON sent.person = customer_id AND sent.hour = wave.hour;
"""

# The margin of one acceptance: what members who took the offer spent inside its window, on average. A few purchases
# of several hundred dollars (group orders, by the data's own description) are cut at the 99.5th percentile.
_OFFERS = """
CREATE TABLE raw_offers AS
WITH top AS (SELECT quantile_cont(amount_minor, 0.995) AS cut FROM sb_event WHERE event = 'transaction'),
spend AS (
    SELECT d.decision_id, d.offer_id, sum(least(e.amount_minor, cut)) AS cut_minor, sum(e.amount_minor) AS spent_minor
    FROM raw_decisions AS d JOIN sb_offer AS o USING (offer_id)
    JOIN sb_event AS e ON e.person = d.customer_id AND e.event = 'transaction'
        AND e.hour_at >= d.decided_at AND e.hour_at <= d.decided_at + to_days(o.duration::INTEGER)
    CROSS JOIN top GROUP BY ALL
),
taken AS (
    SELECT offer_id, avg(cut_minor) AS spend_minor FROM spend JOIN sb_offer USING (offer_id)
    WHERE spent_minor >= greatest(1, difficulty * 100) GROUP BY ALL
)
SELECT offer_id, 'reward' AS kind, offer_type AS category,
    CASE offer_type WHEN 'informational' THEN 'News about a product, ' || duration || ' days'
        WHEN 'bogo' THEN 'Buy one, get one: $' || reward || ' back for $' || difficulty || ' in ' || duration || ' days'
        ELSE '$' || reward || ' off $' || difficulty || ' in ' || duration || ' days' END AS name,
    [bundle] AS channels, round(spend_minor * getvariable('margin_share'))::BIGINT AS margin_minor,
    reward * 100 AS incentive_minor, 'purchase' AS response, difficulty * 100 AS min_spend_minor,
    duration + 1.0 / 24 AS window_days, reward > 0 AS automatic
FROM sb_offer JOIN taken USING (offer_id);
"""


def load_starbucks(
    con: duckdb.DuckDBPyConnection, folder: Path, *, margin_share: float, cost_minor: Mapping[str, float]
) -> Source:
    """Fill ``raw_*`` from the folder's three Parquet files.

    ``margin_share`` is margin over price, 0–1; ``cost_minor`` the cost of one contact by channel, minor units.
    Raises ContractError when a file is missing.
    """
    for name in FILES:
        if not (folder / f"{name}.parquet").is_file():
            raise ContractError(f"{folder / name}.parquet is missing: set KAIROS_STARBUCKS to the folder that holds it")
    channels = with_costs((*BUNDLES, *default_channels("store")), cost_minor)
    put_channels(con, channels)
    values = {"folder": str(folder), "margin_share": margin_share, "nothing": NOTHING, "each_offer": EACH_OFFER}
    for name, value in values.items():
        con.execute(f"SET VARIABLE {name} = ?", [value])
    for sql in (_RAW, _EVENTS, _OFFERS):
        con.execute(sql)
    assumptions = (
        f"Margin is {margin_share:.0%} of what a member spends in the offer's window.",
        cost_sentence(channels),
        f"Hour 0 is {EPOCH}; within an hour, receiving comes before viewing, buying and completing.",
        "An offer is taken when the purchases in its window add up to its amount. Buy-one-get-one asked for it in one "
        "purchase: recorded completions differ from the label for 9% of these offers, for 0.2% of discounts.",
        f"Each wave gave no offer with probability {NOTHING:g} and each of ten with {EACH_OFFER:g}.",
    )
    return Source("starbucks", assumptions, _LIMITS)
