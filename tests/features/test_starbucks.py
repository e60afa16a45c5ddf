"""The importer of Starbucks, held against what is known of the data from elsewhere."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from features.clock import SystemClock
from features.errors import ContractError
from tests.features.imported import Imported
from training.import_data import Import, import_data

STARBUCKS = os.environ.get("KAIROS_STARBUCKS", "")

needs_starbucks = pytest.mark.skipif(not STARBUCKS, reason="KAIROS_STARBUCKS is not set: the Starbucks data are absent")


@pytest.fixture(scope="module")
def starbucks(tmp_path_factory):
    now = SystemClock().now()
    home = tmp_path_factory.mktemp("starbucks")
    request = Import("starbucks", home, now, Path(STARBUCKS), 0.3, 0.01, seed=7, progress=False)
    return Imported(request, Path(STARBUCKS))


@needs_starbucks
def test_starbucks_has_the_known_numbers_of_events(starbucks):
    kinds = dict(starbucks.rows("SELECT kind, count(*) FROM events GROUP BY kind"))
    assert kinds == {"sent": 76_277, "viewed": 57_725, "redeemed": 33_579 - 397, "purchased": 138_953}
    assert starbucks.manifest.quarantined == {"events": {"duplicate_event": 397}}


@needs_starbucks
def test_the_key_of_the_offer_is_found_under_both_of_its_names(starbucks):
    assert starbucks.one("SELECT count(*) FROM events WHERE kind <> 'purchased' AND offer_id IS NULL") == (0,)
    assert starbucks.one("SELECT count(DISTINCT offer_id) FROM offers") == (10,)


@needs_starbucks
def test_age_118_means_that_nothing_is_known(starbucks):
    assert starbucks.one(
        "SELECT count(*), count(income_minor), count(gender) FROM customers WHERE age_years IS NULL"
    ) == (2_175, 0, 0)
    assert starbucks.one("SELECT max(age_years) FROM customers") == (101,)


@needs_starbucks
def test_every_wave_decides_for_every_member_with_the_probabilities_of_the_design(starbucks):
    waves = starbucks.rows(
        """
        SELECT (epoch(decided_at) - epoch(min(decided_at) OVER ())) // 3600 AS hour, count(*),
            count(DISTINCT customer_id), avg((offer_id IS NOT NULL)::INT)
        FROM decisions GROUP BY decided_at ORDER BY decided_at
        """
    )
    assert [row[0] for row in waves] == [0, 168, 336, 408, 504, 576]
    assert {row[1:3] for row in waves} == {(17_000, 17_000)}
    assert all(row[3] == pytest.approx(0.75, abs=0.012) for row in waves)
    shares = starbucks.rows("SELECT avg(probability), count(*) / 102000 FROM decisions GROUP BY offer_id")
    assert len(shares) == 11
    assert all(share == pytest.approx(probability, abs=0.006) for probability, share in shares)


@needs_starbucks
def test_the_share_viewed_depends_on_the_set_of_channels(starbucks):
    shares = dict(
        starbucks.rows(
            "SELECT channel, count(*) FILTER (kind = 'viewed') / count(*) FILTER (kind = 'sent') "
            "FROM events WHERE channel <> 'store' GROUP BY channel"
        )
    )
    known = {"email_web": 0.35, "email_mobile_web": 0.54, "email_mobile_social": 0.88, "all_four": 0.96}
    assert shares == pytest.approx(known, abs=0.006)


@needs_starbucks
def test_people_complete_offers_that_they_never_viewed(starbucks):
    (unseen,) = starbucks.one(
        "SELECT count(*) FROM events WHERE kind = 'redeemed' AND (customer_id, offer_id) NOT IN "
        "(SELECT (customer_id, offer_id) FROM events WHERE kind = 'viewed')"
    )
    assert unseen > 4_000


@needs_starbucks
def test_spending_in_the_window_tells_completion_except_that_bogo_needs_it_in_one_purchase(starbucks):
    """The label by money against the recorded completions, for each kind of offer."""
    rows = starbucks.rows(
        """
        WITH label AS (
            SELECT o.category,
                coalesce(sum(e.value_minor) FILTER (e.kind = 'purchased'), 0) >= min_spend_minor AS total,
                coalesce(max(e.value_minor) FILTER (e.kind = 'purchased'), 0) >= min_spend_minor AS single,
                count(*) FILTER (e.kind = 'redeemed' AND e.offer_id = d.offer_id) > 0 AS completed
            FROM decisions AS d JOIN offers AS o USING (offer_id) LEFT JOIN events AS e
                ON e.customer_id = d.customer_id AND e.occurred_at > d.decided_at
                AND e.occurred_at <= d.decided_at + to_microseconds((o.window_days * 86400e6)::BIGINT)
            WHERE min_spend_minor > 0 GROUP BY d.decision_id, o.category, min_spend_minor
        )
        SELECT category, avg((total = completed)::INT), avg((single = completed)::INT) FROM label
        GROUP BY category ORDER BY category
        """
    )
    assert rows[0] == ("bogo", pytest.approx(0.910, abs=0.002), pytest.approx(0.999, abs=0.001))
    assert rows[1][:2] == ("discount", pytest.approx(0.998, abs=0.001))


@needs_starbucks
def test_within_an_hour_receiving_comes_before_viewing_buying_and_completing(starbucks):
    assert starbucks.rows("SELECT kind FROM events GROUP BY kind ORDER BY min(epoch(occurred_at) % 3600), kind") == [
        ("sent",),
        ("viewed",),
        ("purchased",),
        ("redeemed",),
    ]
    assert starbucks.one(
        "SELECT count(*) FROM decisions JOIN events USING (decision_id) WHERE decided_at < occurred_at"
    ) == (76_277,)


@needs_starbucks
def test_the_same_starbucks_data_give_the_same_files(starbucks, tmp_path):
    again = import_data(replace(starbucks.request, data_dir=tmp_path, threads=1))
    assert again.fingerprint == starbucks.manifest.fingerprint


@needs_starbucks
def test_nobody_can_take_the_simulation_for_real(starbucks):
    assert any("simulated" in sentence for sentence in starbucks.manifest.limits)


def test_without_a_folder_the_setting_that_names_it_is_named(tmp_path):
    request = Import("starbucks", tmp_path, SystemClock().now(), None, 0.3, 0.01, progress=False)
    with pytest.raises(ContractError, match="set KAIROS_STARBUCKS"):
        import_data(request)
    with pytest.raises(ContractError, match=r"portfolio\.parquet is missing: set KAIROS_STARBUCKS"):
        import_data(replace(request, folder=tmp_path))
