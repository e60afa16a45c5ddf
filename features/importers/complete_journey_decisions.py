"""What was decided in Complete Journey: who was mailed what, and what was promoted where a household shops.

None of it was random, so no decision has a probability. Sampled rows carry the number of rows they stand for, and are
chosen by md5 of their own key: the same rows on every machine and whatever DuckDB's own hash becomes.
"""

from __future__ import annotations

import duckdb

COUPONS_PER_MAILING = 10
"""Coupons sampled of each mailing, beside those that were redeemed."""
CONTROLS_PER_CAMPAIGN = 120
"""Households sampled of those that a campaign did not reach."""
COUPONS_PER_CONTROL = 5
WEEK_SHARE = 0.07
"""Share of all household-weeks for which promotions are sampled."""
KNOWN_PER_ARM = 2
"""Categories per household-week and arm, of those bought in the eight weeks before …"""
OTHERS_PER_ARM = 1
"""… and of the others."""
PROMOTED = 0.15
"""A category is promoted where products with at least this share of its sales are in the mailer, or on display."""
NOT_PROMOTED = 0.03
"""… and as not promoted below this share. Between the two nothing is said."""

_CAMPAIGNS = """
CREATE TABLE raw_decisions AS
SELECT 'campaign-' || campaign_id || '-' || household_id AS decision_id, household_id::VARCHAR AS customer_id,
    'campaign' AS kind, starts_at AS decided_at, offer_id, 'direct_mail' AS channel, 1.0::DOUBLE AS weight
FROM cj_campaigns JOIN cj_campaign USING (campaign_id);
"""

# Campaigns that began before the first basket are left out: their early redemptions were not recorded.
_COUPONS = """
CREATE TABLE cj_coupon_offer AS
SELECT DISTINCT campaign_id, c.offer_id, starts_at,
    count(DISTINCT c.offer_id) OVER (PARTITION BY campaign_id) AS choices
FROM cj_coupon AS c JOIN cj_campaign USING (campaign_id)
WHERE starts_at > (SELECT min(bought_at) FROM cj_basket);

INSERT INTO raw_decisions
WITH pair AS (
    SELECT household_id, campaign_id, o.offer_id, starts_at, redeemed.offer_id IS NOT NULL AS was_redeemed,
        md5(concat_ws('/', household_id, o.offer_id, getvariable('seed'))) AS lot
    FROM cj_campaigns JOIN cj_coupon_offer AS o USING (campaign_id)
    LEFT JOIN (SELECT DISTINCT household_id, offer_id FROM cj_redemption) AS redeemed USING (household_id, offer_id)
),
drawn AS (
    SELECT *, row_number() OVER (PARTITION BY household_id, campaign_id, was_redeemed ORDER BY lot) AS nr,
        count(*) OVER (PARTITION BY household_id, campaign_id, was_redeemed) AS of_them
    FROM pair
)
SELECT offer_id || '@' || household_id, household_id::VARCHAR, 'coupon', starts_at, offer_id, 'direct_mail',
    CASE WHEN was_redeemed THEN 1 ELSE of_them / least(of_them, getvariable('coupons_per_mailing')) END
FROM drawn WHERE was_redeemed OR nr <= getvariable('coupons_per_mailing');

INSERT INTO raw_decisions
WITH spared AS (
    SELECT household_id, campaign_id, starts_at,
        row_number() OVER (PARTITION BY campaign_id
            ORDER BY md5(concat_ws('/', 'spared', household_id, campaign_id, getvariable('seed')))) AS nr,
        count(*) OVER (PARTITION BY campaign_id) AS of_them
    FROM (SELECT household_id, min(bought_at) AS first_at FROM cj_basket GROUP BY ALL)
    JOIN (SELECT DISTINCT campaign_id, starts_at FROM cj_coupon_offer) ON first_at < starts_at
    ANTI JOIN cj_campaigns USING (household_id, campaign_id)
),
drawn AS (
    SELECT s.*, o.offer_id, o.choices, row_number() OVER (PARTITION BY household_id, campaign_id
        ORDER BY md5(concat_ws('/', household_id, o.offer_id, getvariable('seed')))) AS coupon_nr
    FROM spared AS s JOIN cj_coupon_offer AS o USING (campaign_id)
    WHERE nr <= getvariable('controls_per_campaign')
)
SELECT offer_id || '@' || household_id || '@control', household_id::VARCHAR, 'coupon', starts_at, offer_id, NULL,
    of_them / least(of_them, getvariable('controls_per_campaign'))
    * (choices / least(choices, getvariable('coupons_per_control')))
FROM drawn WHERE coupon_nr <= getvariable('coupons_per_control');
"""

# How much of a category is promoted in a store in a week: the share of the category's sales of the year that its
# promoted products make up. Rows of store-weeks without any promotion at all are gaps in the record, not controls.
_PROMOTIONS = """
CREATE TABLE cj_category AS
SELECT category FROM cj_worth WHERE category NOT IN ('fuel', 'coupon-misc-items', 'unknown')
ORDER BY households DESC, category LIMIT getvariable('categories');

CREATE TABLE cj_promotion AS
WITH product AS (
    SELECT product_id, category, sales / sum(sales) OVER (PARTITION BY category) AS share FROM (
        SELECT product_id, category, sum(sales_value) AS sales FROM cj_transactions JOIN cj_product USING (product_id)
        SEMI JOIN cj_category USING (category) GROUP BY ALL
    )
)
SELECT store_id, week, category, coalesce(sum(share) FILTER (mailer_location <> '0'), 0) AS mailer,
    coalesce(sum(share) FILTER (display_location <> '0'), 0) AS display
FROM cj_promotions JOIN product USING (product_id) GROUP BY ALL;

CREATE TABLE cj_store_week AS
SELECT store_id, week,
    (TIMESTAMP '2017-01-02' + to_days(7 * (week::INTEGER - 2))) AT TIME ZONE 'America/New_York' AS begins_at
FROM (SELECT DISTINCT store_id, week FROM cj_promotions) WHERE week >= 2;

-- Both at once cannot be credited to either, so a category counts for one channel where the other is clearly absent.
CREATE TABLE cj_arm AS
SELECT store_id, week, begins_at, category, CASE
        WHEN coalesce(mailer, 0) >= getvariable('promoted') AND coalesce(display, 0) <= getvariable('not_promoted')
            THEN 'mailer'
        WHEN coalesce(display, 0) >= getvariable('promoted') AND coalesce(mailer, 0) <= getvariable('not_promoted')
            THEN 'in_store_display'
        WHEN coalesce(mailer, 0) <= getvariable('not_promoted') AND coalesce(display, 0) <= getvariable('not_promoted')
            THEN 'control' END AS arm
FROM cj_store_week CROSS JOIN cj_category LEFT JOIN cj_promotion USING (store_id, week, category);

-- The discount a promotion adds: what buyers of a category save more in weeks with it than without.
CREATE TABLE cj_promoted AS
SELECT category, greatest(0, round(
        coalesce(avg(retail_disc_minor) FILTER (arm <> 'control'), 0)
        - coalesce(avg(retail_disc_minor) FILTER (arm = 'control'), 0)))::BIGINT AS incentive_minor
FROM cj_category LEFT JOIN (
    SELECT category, arm, retail_disc_minor FROM cj_arm JOIN cj_purchase USING (store_id, category)
    WHERE bought_at >= begins_at AND bought_at < begins_at + INTERVAL 7 DAY AND value_minor > 0
) USING (category) GROUP BY ALL;

INSERT INTO raw_decisions
WITH week AS (SELECT DISTINCT week, begins_at FROM cj_store_week),
household_week AS (
    SELECT household_id, week, begins_at FROM (SELECT DISTINCT household_id FROM cj_basket) CROSS JOIN week
    WHERE ('0x' || substr(md5(concat_ws('/', 'week', household_id, week, getvariable('seed'))), 1, 7))::BIGINT
        < getvariable('week_share') * 268435456
),
-- The household's usual store is the one it visited most before that week.
visit AS (
    SELECT h.household_id, h.week, h.begins_at, b.store_id, count(*) AS visits
    FROM household_week AS h JOIN cj_basket AS b ON b.household_id = h.household_id AND b.bought_at < h.begins_at
    GROUP BY ALL
),
usual AS (
    SELECT household_id, week, begins_at, arg_max(store_id, (visits, -store_id)) AS store_id FROM visit GROUP BY ALL
),
recent AS (
    SELECT DISTINCT h.household_id, h.week, p.category FROM household_week AS h JOIN cj_purchase AS p
    ON p.household_id = h.household_id AND p.bought_at < h.begins_at AND p.bought_at >= h.begins_at - INTERVAL 56 DAY
),
cell AS (
    SELECT household_id, week, u.begins_at, category, arm, recent.category IS NOT NULL AS bought
    FROM usual AS u JOIN cj_arm USING (store_id, week)
    LEFT JOIN recent USING (household_id, week, category) WHERE arm IS NOT NULL
),
drawn AS (
    SELECT *, row_number() OVER (stratum ORDER BY lot) AS nr, count(*) OVER (stratum) AS of_them,
        CASE WHEN bought THEN getvariable('known_per_arm') ELSE getvariable('others_per_arm') END AS wanted
    FROM (SELECT *, md5(concat_ws('/', household_id, week, category, getvariable('seed'))) AS lot FROM cell)
    WINDOW stratum AS (PARTITION BY household_id, week, arm, bought)
)
SELECT 'promo-' || category || '@' || household_id || '@week-' || week, household_id::VARCHAR, 'promotion', begins_at,
    'promo-' || category, nullif(arm, 'control'), of_them / least(of_them, wanted) / getvariable('week_share')
FROM drawn WHERE nr <= wanted;
"""


def put_decisions(con: duckdb.DuckDBPyConnection, *, seed: int, categories: int) -> None:
    """Create ``raw_decisions`` from the tables ``cj_*``; promotions for the largest ``categories`` by households.

    Leaves ``cj_promoted``: the promoted categories and the discount a promotion adds, minor units.
    """
    values: dict[str, float] = {
        "seed": seed,
        "categories": categories,
        "coupons_per_mailing": COUPONS_PER_MAILING,
        "controls_per_campaign": CONTROLS_PER_CAMPAIGN,
        "coupons_per_control": COUPONS_PER_CONTROL,
        "week_share": WEEK_SHARE,
        "known_per_arm": KNOWN_PER_ARM,
        "others_per_arm": OTHERS_PER_ARM,
        "promoted": PROMOTED,
        "not_promoted": NOT_PROMOTED,
    }
    for name, value in values.items():
        con.execute(f"SET VARIABLE {name} = ?", [value])
    for sql in (_CAMPAIGNS, _COUPONS, _PROMOTIONS):
        con.execute(sql)
