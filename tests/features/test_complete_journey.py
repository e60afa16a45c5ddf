"""The importer of Complete Journey, held against what is known of the data from elsewhere."""

from dataclasses import replace

import pytest

from features.clock import SystemClock
from features.errors import ContractError
from features.importers.complete_journey import package_folder
from features.importers.complete_journey_decisions import NOT_PROMOTED, PROMOTED
from tests.features.imported import COSTS, Imported
from training.import_data import Import, import_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    now = SystemClock().now()
    home = tmp_path_factory.mktemp("journey")
    request = Import("complete_journey", home, now, None, 0.3, 0.0, COSTS, seed=7, progress=False)
    return Imported(request, package_folder())


def test_complete_journey_has_the_known_sizes(journey):
    assert journey.one("SELECT count(*) FROM customers") == (2_469,)
    assert journey.one("SELECT count(*) FROM offers WHERE kind = 'campaign'") == (27,)
    assert journey.one("SELECT count(*) FROM events WHERE kind = 'sent' AND channel = 'direct_mail'") == (6_589,)
    assert journey.one("SELECT count(*) FROM events WHERE kind = 'redeemed'") == (2_102,)
    assert journey.one("SELECT count(*) FROM raw_promotions") == (20_940_529,)
    assert journey.one("SELECT count(*) FROM raw_transactions") == (1_469_307,)


def test_nothing_of_complete_journey_breaks_the_contract(journey):
    assert journey.manifest.quarantined == {}
    assert (journey.folder / "quarantine.ndjson").read_text() == ""


def test_every_dollar_and_every_basket_arrives(journey):
    spent, discounts = journey.one(
        "SELECT round(sum(sales_value) * 100), round(sum(retail_disc + coupon_disc + coupon_match_disc) * 100) "
        "FROM raw_transactions"
    )
    bought = "FROM events WHERE kind = 'purchased'"
    assert journey.one(f"SELECT sum(value_minor), sum(discount_minor) {bought}") == (spent, discounts)
    assert journey.one("SELECT count(*) FROM events WHERE kind = 'visited'") == journey.one(
        "SELECT count(DISTINCT basket_id) FROM raw_transactions"
    )


def test_naive_timestamps_are_utc_and_read_otherwise_17_percent_of_the_dates_are_wrong(journey):
    (wrong,) = journey.one(
        "SELECT avg((naive::DATE <> (naive AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::DATE)::INT) "
        "FROM (SELECT transaction_timestamp AS naive FROM raw_transactions)"
    )
    assert wrong == pytest.approx(0.17, abs=0.005)
    assert journey.one("SELECT min(occurred_at)::VARCHAR FROM events WHERE kind = 'visited'") == (
        "2017-01-01 11:53:26+00",
    )


def test_every_redemption_falls_on_its_own_day_in_new_york_into_a_basket_of_its_household(journey):
    local = "(e.occurred_at AT TIME ZONE 'America/New_York')::DATE"
    assert journey.one(
        f"""
        SELECT count(*) FROM events AS e
        JOIN raw_coupon_redemptions AS r
            ON e.customer_id = r.household_id::VARCHAR AND {local} = r.redemption_date::DATE
            AND e.event_id = concat_ws('-', 'redeemed', r.campaign_id, r.household_id, r.coupon_upc, {local})
        SEMI JOIN (SELECT * FROM events WHERE kind = 'visited') AS v
            ON v.customer_id = e.customer_id AND v.occurred_at = e.occurred_at
        """
    ) == (2_102,)


def test_the_offset_is_that_of_the_wall_clock_in_new_york(journey):
    assert journey.one(
        "SELECT count(*) FROM events WHERE date_diff('minute', occurred_at AT TIME ZONE 'UTC', "
        "occurred_at AT TIME ZONE 'America/New_York') <> utc_offset_min"
    ) == (0,)


def test_792_households_campaigns_redeemed_and_every_redemption_lies_in_its_campaign(journey):
    redeemed, early, late = journey.one(
        """
        SELECT count(DISTINCT (customer_id, audience)), count(*) FILTER (occurred_at < valid_from),
            count(*) FILTER (occurred_at > valid_to)
        FROM events JOIN offers USING (offer_id) WHERE events.kind = 'redeemed'
        """
    )
    assert (redeemed, early, late) == (792, 0, 0)


def test_the_split_at_1_october_has_the_known_sizes_on_both_sides(journey):
    labelled = """
        WITH label AS (
            SELECT d.customer_id, o.offer_id, o.valid_from, o.valid_to, EXISTS (
                SELECT 1 FROM events AS e JOIN offers AS c ON e.offer_id = c.offer_id
                WHERE e.kind = 'redeemed' AND e.customer_id = d.customer_id AND c.audience = d.offer_id
                    AND e.occurred_at > d.decided_at AND e.occurred_at < d.decided_at + to_days(1) * o.window_days
            ) AS taken
            FROM decisions AS d JOIN offers AS o USING (offer_id) WHERE d.kind = 'campaign'
        )
        SELECT count(*), sum(taken::INT), count(DISTINCT offer_id) FROM label WHERE
    """
    cut, new_year = "'2017-10-01 04:00:00+00'", "'2018-01-01 05:00:00+00'"
    before = journey.one(f"{labelled} valid_from >= '2017-02-01' AND valid_to < {cut}")
    after = journey.one(f"{labelled} valid_from >= {cut} AND valid_to < {new_year}")
    assert before == (3_780, 462, 14)
    assert after == (1_653, 266, 4)


def test_campaigns_that_end_after_the_data_do_are_told_apart_by_the_manifest(journey):
    cut_off = journey.rows(
        f"SELECT offer_id FROM offers WHERE kind = 'campaign' AND valid_to > '{journey.manifest.ends_at}' ORDER BY ALL"
    )
    assert [name for (name,) in cut_off] == [f"campaign-{number}" for number in (15, 20, 21, 22, 23)]
    assert any("cut off" in sentence for sentence in journey.manifest.limits)


def test_fuel_is_not_counted_in_pieces(journey):
    assert journey.one("SELECT max(quantity) > 10000 FROM raw_transactions") == (True,)
    assert journey.one("SELECT count(quantity), count(*) > 10000 FROM events WHERE category = 'fuel'") == (0, True)
    assert journey.one("SELECT max(quantity) < 1000 FROM events") == (True,)


def test_exact_duplicates_among_coupons_count_once(journey):
    twice, rows = journey.one(
        "SELECT count(*) - count(DISTINCT (coupon_upc, product_id, campaign_id)), count(*) FROM raw_coupons"
    )
    assert (twice, rows) == (4_872, 116_204)
    assert journey.one("SELECT count(*) - count(DISTINCT offer_id) FROM offers") == (0,)


def test_68_percent_of_the_households_have_no_demographics_and_nothing_stands_in_for_them(journey):
    (known,) = journey.one("SELECT avg((age_years IS NOT NULL)::INT) FROM customers")
    assert known == pytest.approx(0.32, abs=0.01)
    assert journey.one(
        "SELECT count(*) FROM customers WHERE age_years IS NULL AND (income_minor IS NOT NULL OR children IS NOT NULL)"
    ) == (0,)
    assert journey.one("SELECT count(*) FROM customers WHERE zone <> 'America/New_York'") == (0,)


def test_targeting_was_not_random(journey):
    shares = journey.rows(
        """
        WITH spend AS (
            SELECT customer_id, ntile(5) OVER (ORDER BY sum(value_minor)) AS fifth FROM events
            WHERE kind = 'purchased' AND occurred_at < (SELECT valid_from FROM offers WHERE offer_id = 'campaign-8')
            GROUP BY customer_id
        )
        SELECT avg((sent.customer_id IS NOT NULL)::INT) FROM spend
        LEFT JOIN (SELECT * FROM events WHERE kind = 'sent' AND offer_id = 'campaign-8') AS sent USING (customer_id)
        GROUP BY fifth ORDER BY fifth
        """
    )
    assert shares[0][0] == pytest.approx(0.055, abs=0.02)
    assert shares[4][0] == pytest.approx(0.83, abs=0.02)


def test_nothing_was_opened_or_clicked_and_no_probability_is_claimed(journey):
    assert journey.rows("SELECT DISTINCT kind FROM events ORDER BY kind") == [
        ("purchased",),
        ("redeemed",),
        ("sent",),
        ("visited",),
    ]
    assert journey.one("SELECT count(probability), count(noticed), count(taken) FROM decisions") == (0, 0, 0)
    assert any("no opens or clicks" in sentence for sentence in journey.manifest.limits)


def test_a_decision_lies_strictly_before_the_mail_it_led_to(journey):
    assert journey.one(
        "SELECT count(*), count(*) FILTER (decided_at < occurred_at) "
        "FROM decisions JOIN events USING (decision_id, customer_id, offer_id)"
    ) == (6_589, 6_589)


def test_decisions_are_few_enough_to_train_on_here(journey):
    rows, instants = journey.one("SELECT count(*), count(DISTINCT (customer_id, decided_at)) FROM decisions")
    assert 100_000 < rows <= 150_000
    assert instants <= 40_000


def test_sampled_coupons_stand_for_all_coupons_of_all_mailings(journey):
    first = "(SELECT min(occurred_at) FROM events WHERE kind = 'visited')"
    stands_for, redeemed = journey.one(
        """
        SELECT sum(weight), count(*) FILTER (weight = 1 AND (customer_id, offer_id) IN
            (SELECT (customer_id, offer_id) FROM events WHERE kind = 'redeemed'))
        FROM decisions WHERE kind = 'coupon' AND channel = 'direct_mail'
        """
    )
    assert (stands_for,) == pytest.approx(
        journey.one(
            f"""
            SELECT count(*) FROM events AS e JOIN offers AS o ON o.audience = e.offer_id AND o.kind = 'coupon'
            WHERE e.kind = 'sent' AND o.valid_from > {first}
            """
        )
    )
    assert (redeemed,) == journey.one(
        f"""
        SELECT count(DISTINCT (customer_id, offer_id)) FROM events JOIN offers USING (offer_id)
        WHERE events.kind = 'redeemed' AND valid_from > {first}
        """
    )


def test_a_control_of_a_coupon_was_not_mailed_its_campaign_and_had_shopped_before(journey):
    assert journey.one(
        """
        SELECT count(*) FROM decisions AS d JOIN offers AS o USING (offer_id)
        WHERE d.kind = 'coupon' AND channel IS NULL AND (
            EXISTS (SELECT 1 FROM events AS e
                WHERE e.kind = 'sent' AND e.customer_id = d.customer_id AND e.offer_id = o.audience)
            OR NOT EXISTS (SELECT 1 FROM events AS e
                WHERE e.kind = 'visited' AND e.customer_id = d.customer_id AND e.occurred_at < d.decided_at))
        """
    ) == (0,)


def test_promotions_are_decided_on_mondays_at_midnight_in_new_york(journey):
    assert journey.rows(
        "SELECT DISTINCT strftime(decided_at AT TIME ZONE 'America/New_York', '%w %H:%M:%S') FROM decisions "
        "WHERE kind = 'promotion'"
    ) == [("1 00:00:00",)]


def test_what_was_promoted_is_what_the_usual_store_of_the_time_before_promoted(journey):
    """An oracle in Python for a few decisions: the store from past baskets, the shares from the placements there."""
    con = journey.con
    con.execute(
        "CREATE OR REPLACE TEMP TABLE named AS SELECT product_id, "
        "trim(regexp_replace(lower(product_category), '[^a-z0-9]+', '-', 'g'), '-') AS category FROM raw_products"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE sold AS SELECT product_id, category, sum(sales_value) AS sales "
        "FROM raw_transactions JOIN named USING (product_id) GROUP BY ALL"
    )
    chosen = journey.rows(
        "SELECT customer_id, offer_id[7:], channel, epoch(decided_at)::BIGINT, "
        "split_part(decision_id, 'week-', 2)::INT FROM decisions WHERE kind = 'promotion' "
        "ORDER BY md5(decision_id) LIMIT 12"
    )
    for household, category, channel, at, week in chosen:
        baskets = con.execute(
            "SELECT store_id, count(DISTINCT basket_id) FROM raw_transactions "
            "WHERE household_id = ? AND epoch(transaction_timestamp) < ? GROUP BY store_id",
            [int(household), at],
        ).fetchall()
        usual = min(baskets, key=lambda row: (-row[1], row[0]))[0]
        mailer, display = con.execute(
            """
            SELECT coalesce(sum(sales) FILTER (mailer_location <> '0'), 0) / any_value(whole),
                coalesce(sum(sales) FILTER (display_location <> '0'), 0) / any_value(whole)
            FROM (SELECT *, sum(sales) OVER () AS whole FROM sold WHERE category = ?)
            LEFT JOIN (SELECT * FROM raw_promotions WHERE store_id = ? AND week = ?) USING (product_id)
            """,
            [category, usual, week],
        ).fetchone()
        expected = {
            "mailer": mailer >= PROMOTED and display <= NOT_PROMOTED,
            "in_store_display": display >= PROMOTED and mailer <= NOT_PROMOTED,
            None: mailer <= NOT_PROMOTED and display <= NOT_PROMOTED,
        }
        assert expected[channel], (household, category, week, mailer, display)


def test_promotions_are_sampled_on_every_arm_over_the_whole_year(journey):
    arms = dict(journey.rows("SELECT channel, count(*) FROM decisions WHERE kind = 'promotion' GROUP BY channel"))
    assert set(arms) == {"mailer", "in_store_display", None}
    assert min(arms.values()) > 10_000
    assert journey.one("SELECT count(DISTINCT decided_at) FROM decisions WHERE kind = 'promotion'") == (52,)


def test_categories_are_lower_case_ascii_and_distinct_ones_stay_distinct(journey):
    assert (
        journey.rows("SELECT DISTINCT category FROM events WHERE NOT regexp_full_match(category, '[a-z0-9_-]+')") == []
    )
    slug = "trim(regexp_replace(lower(product_category), '[^a-z0-9]+', '-', 'g'), '-')"
    assert journey.one(f"SELECT count(DISTINCT product_category) - count(DISTINCT {slug}) FROM raw_products") == (0,)


def test_offers_of_the_three_kinds_buy_categories_that_are_bought(journey):
    kinds = dict(journey.rows("SELECT kind, count(*) FROM offers GROUP BY kind"))
    assert set(kinds) == {"campaign", "coupon", "promotion"}
    assert kinds["promotion"] == 100
    assert (
        journey.rows(
            "SELECT offer_id FROM offers WHERE kind = 'promotion' AND "
            "(buys IS NULL OR buys NOT IN (SELECT category FROM events WHERE kind = 'purchased') OR buys = 'fuel')"
        )
        == []
    )
    assert journey.one("SELECT min(margin_minor) > 0, min(incentive_minor) >= 0 FROM offers") == (True, True)


def test_margins_follow_the_assumed_share_and_assumptions_are_told(journey):
    assert "Margin is 30% of the price." in journey.manifest.assumptions
    assert any("direct_mail 50, mailer 2, in_store_display 1" in text for text in journey.manifest.assumptions)
    (ratio,) = journey.one(
        """
        SELECT max(abs(margin_minor - 0.3 * spent)) FROM offers AS o JOIN (
            SELECT category, avg(value_minor) AS spent FROM events WHERE kind = 'purchased' AND value_minor > 0
            GROUP BY category
        ) AS spend ON spend.category = o.buys WHERE o.kind = 'promotion'
        """
    )
    assert ratio <= 0.5


def test_the_same_data_and_seed_give_the_same_files_on_one_thread_and_two(journey, tmp_path):
    again = import_data(replace(journey.request, data_dir=tmp_path, threads=1))
    assert again.fingerprint == journey.manifest.fingerprint


def test_a_folder_without_the_package_s_files_is_named(journey, tmp_path):
    with pytest.raises(ContractError, match=r"transactions\.parquet is missing: reinstall"):
        import_data(replace(journey.request, data_dir=tmp_path, folder=tmp_path))
