"""Each place that the caller has room in gets the best offer left for its channel."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.domain import ChannelName
from serving.score import Model

TOP, SIDE, FOOT = ({"placement": name, "channel": "app"} for name in ("top", "side", "foot"))


def test_places_are_filled_in_their_order_by_the_best_offers_of_their_channels(
    client: Callable[..., TestClient], model: Callable[..., Model], place: Path, shop: Catalogue
) -> None:
    app = (ChannelName("app"),)
    offers = tuple(replace(o, channels=app, valid_to=None) if o.kind == "promotion" else o for o in shop.offers)
    (place / "catalogue.json").write_text(replace(shop, offers=offers).to_json())
    learnt = model({"promo-tea": 0.9, "promo-milk": 0.8, "promo-rum": 0.0}, organic=0.0)
    service = client(load=lambda _: learnt)
    mailed = {"placement": "letter", "channel": "mailer"}
    ask = {"customer_id": "ann", "kind": "promotion", "placements": [TOP, mailed, SIDE, FOOT]}
    answer = service.post("/v1/decisions", json=ask).json()
    assert len(answer["items"]) == 2
    assert {item["channel"] for item in answer["items"]} == {"app"}
    ranks = {each["placement"]: each["rank"] for each in answer["placements"]}
    assert ranks == {"top": 1, "letter": None, "side": 2, "foot": None}
    kept = service.get(f"/v1/decisions/{answer['decision_id']}").json()
    assert kept["answer"]["placements"] == answer["placements"]
    assert service.post(f"/v1/decisions/{answer['decision_id']}/replay").json()["identical"]


def test_a_placement_opens_its_channel_beside_those_named(client: Callable[..., TestClient]) -> None:
    ask = {"customer_id": "ann", "kind": "promotion", "dry_run": True}
    closed = client().post("/v1/decisions", json=ask | {"channels": ["mailer"], "explain": "funnel"}).json()
    opened = client().post("/v1/decisions", json=ask | {"channels": ["mailer"], "placements": [TOP]}).json()
    assert "channel_not_allowed" in {rule["rule"] for rule in closed["removed"]}
    assert {each["channel"] for each in closed["channels"]} == {"mailer"}
    assert {each["channel"] for each in opened["channels"]} == {"app", "mailer"}


def test_a_placement_on_a_channel_that_nobody_knows_is_refused(client: Callable[..., TestClient]) -> None:
    ask = {"customer_id": "ann", "placements": [TOP, {"placement": "sky", "channel": "balloon"}]}
    refused = client().post("/v1/decisions", json=ask)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/placements/1/channel"
