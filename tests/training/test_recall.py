import numpy as np
import pyarrow as pa
import pytest

from features.domain import DAY
from serving.settings import Settings
from training.assemble import assemble, assembled
from training.feature_store import open_store
from training.histories import MOST_INSTANTS, evidence_instants
from training.labels import labels
from training.offered import build_catalogue
from training.recall import Recall


@pytest.mark.slow
def test_what_is_recalled_from_the_tables_is_what_feast_retrieves(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    rows = labels(small_store.contract_dir, catalogue.now, seed=0)
    some = rows.take(pa.array(np.arange(0, len(rows), max(len(rows) // 60, 1))))
    recalled = assembled(Recall(small_store.contract_dir, catalogue, 1), catalogue, some).X
    np.testing.assert_allclose(recalled, assemble(open_store(small_store), catalogue, some).X, rtol=1e-5, atol=1e-6)


def test_evidence_of_many_instants_is_that_of_midnight_and_never_from_later() -> None:
    few, many = np.arange(10) * DAY // 3, np.arange(MOST_INSTANTS + 1) * DAY // 3
    assert (evidence_instants(few) == few).all()
    found = evidence_instants(many)
    assert (found <= many).all()
    assert (many - found < DAY).all()
    assert (found % DAY == 0).all()


@pytest.mark.slow
def test_contacts_tell_what_happens_without_offers_for_something_else(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    usual = labels(small_store.contract_dir, catalogue.now, seed=0)
    more = labels(small_store.contract_dir, catalogue.now, seed=0, others=1)
    buys = {str(offer.offer_id): offer.buys for offer in catalogue.offers}
    made = {row["decision_id"]: row["offer_id"] for row in usual.to_pylist()}
    added = [row for row in more.to_pylist() if row["decision_id"] not in made]
    assert len(added) > 0
    for row in added:
        contact = row["decision_id"].partition("@")[0]
        assert row["channel"] is None
        assert buys[row["offer_id"]] != buys[made[contact]]
    assert [row for row in more.to_pylist() if row["decision_id"] in made] == usual.to_pylist()
