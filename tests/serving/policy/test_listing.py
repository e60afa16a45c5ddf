from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.catalogue import Catalogue
from features.domain import OfferId
from serving.listing import Listed, Listing
from serving.policy.document import policy_of
from serving.policy.policy import DEFAULT
from serving.shortfall import Lack

NEW = {
    "offer_id": "promo-cat",
    "kind": "promotion",
    "category": "cats",
    "name": "Cat food",
    "channels": ["mailer"],
    "margin_minor": 100,
    "incentive_minor": 0,
}
CAP = {"caps": [{"name": "day", "per": "all", "most": 1, "window": {"calendar": "day"}}]}


@pytest.fixture
def put(place: Path) -> Callable[[str, Any], None]:
    """Writes a document's file by hand; None removes it."""

    def write(name: str, body: Any) -> None:
        file = place / f"{name}.json"
        if body is None:
            file.unlink()
            return
        file.write_text(body if isinstance(body, str) else json.dumps(body))
        written = file.stat().st_mtime_ns + 1_000
        os.utime(file, ns=(written, written))

    return write


@pytest.fixture
def listing(place: Path) -> Listing:
    return Listing(place / "catalogue.json", lambda _: None)


def offers(listed: Listed) -> set[str]:
    assert listed.catalogue is not None
    return {offer.offer_id for offer in listed.catalogue.offers}


def test_without_documents_the_imported_catalogue_and_the_default_policy_are_in_force(
    listing: Listing, shop: Catalogue
) -> None:
    listed = listing.listed()
    assert listed.imported == shop
    assert listed.catalogue is not None
    assert replace(listed.catalogue, fingerprint=shop.fingerprint) == shop
    assert listed.policy.rests == DEFAULT.rests
    assert listing.listed() is listed


def test_a_file_edited_by_hand_is_taken_up(listing: Listing, put: Callable[[str, Any], None]) -> None:
    before = listing.listed()
    put("policy", CAP)
    listed = listing.listed()
    assert (len(listed.policy.caps), listed.policy.fingerprint) == (1, policy_of(CAP).fingerprint)
    put("policy", None)
    assert listing.listed().policy == before.policy


@pytest.mark.parametrize("broken", ["{", {"caps": [{}]}, {"levers": [{"name": "a", "about": {}, "when": "1 +"}]}])
def test_a_broken_file_leaves_the_version_before_in_force_and_says_so(
    listing: Listing, put: Callable[[str, Any], None], broken: Any
) -> None:
    put("policy", CAP)
    listing.listed()
    put("policy", broken)
    listed = listing.listed()
    assert len(listed.policy.caps) == 1
    assert "Still going by the policy document before the one in its file" in listed.notes[0]


def test_a_file_that_was_broken_before_the_start_gives_way_to_the_version_that_is_remembered(
    place: Path, put: Callable[[str, Any], None]
) -> None:
    put("policy", "{")
    listed = Listing(place / "catalogue.json", lambda _: None, remembered=lambda _: json.dumps(CAP)).listed()
    assert (len(listed.policy.caps), len(listed.shortfalls), len(listed.notes)) == (1, 0, 1)


def test_a_policy_that_nobody_can_tell_closes_every_channel(
    listing: Listing, put: Callable[[str, Any], None], shop: Catalogue
) -> None:
    put("policy", "{")
    listed = listing.listed()
    assert set(listed.policy.closed_channels) == set(shop.channel)
    assert [shortfall.lack for shortfall in listed.shortfalls] == [Lack.POLICY_UNREADABLE]


def test_offers_that_nobody_can_tell_are_not_made(listing: Listing, put: Callable[[str, Any], None]) -> None:
    put("offers", "{")
    listed = listing.listed()
    assert offers(listed) == set()
    assert [shortfall.lack for shortfall in listed.shortfalls] == [Lack.OFFERS_UNREADABLE]


def test_offers_are_added_replaced_and_withdrawn(
    listing: Listing, put: Callable[[str, Any], None], shop: Catalogue
) -> None:
    put("offers", {"offers": [NEW, {**NEW, "offer_id": "promo-tea"}], "withdrawn": ["promo-rum"]})
    listed = listing.listed()
    assert listed.catalogue is not None
    assert offers(listed) == set(shop.offer) - {"promo-rum"} | {"promo-cat"}
    assert listed.catalogue.offer[OfferId("promo-tea")].name == "Cat food"
    assert listed.catalogue.fingerprint != shop.fingerprint


def test_a_document_may_stand_in_for_the_whole_import_and_histories_are_still_counted(
    listing: Listing, put: Callable[[str, Any], None], shop: Catalogue
) -> None:
    put("offers", {"imported": False, "offers": [NEW]})
    listed = listing.listed()
    assert offers(listed) == {"promo-cat"}
    assert listed.catalogue is not None
    assert listed.catalogue.categories == shop.categories | {"cats"}
    assert Catalogue.from_json(listed.catalogue.to_json()) == listed.catalogue


def test_names_that_nothing_bears_are_warned_of(listing: Listing, put: Callable[[str, Any], None]) -> None:
    put("policy", {"closed_channels": ["direct-mail"]})
    put("offers", {"offers": [{**NEW, "channels": ["mailer", "pigeon"]}]})
    listed = listing.listed()
    assert listed.catalogue is not None
    assert listed.catalogue.offer[OfferId("promo-cat")].channels == ("mailer",)
    assert [note.partition(": ")[0] for note in listed.notes] == [
        "In the offers document, /offers/0/channels/1",
        "In the policy document, /closed_channels/0",
    ]
    assert "did you mean 'direct_mail'?" in listed.notes[1]


def test_a_service_takes_a_policy_up_while_it_runs(client: Callable[..., Any], put: Callable[[str, Any], None]) -> None:
    service = client()
    put("policy", {"closed_channels": ["pigeon"]})
    for _ in range(1_000):
        warnings = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).json()["warnings"]
        if any("pigeon" in warning for warning in warnings):
            return
    pytest.fail("not taken up")
