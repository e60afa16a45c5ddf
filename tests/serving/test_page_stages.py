"""The stage of the buying cycle on the customer's page, and in conditions that wait for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.journeys.town import Town

WAITS = {
    "requirements": [
        {
            "name": "not while idle",
            "meaning": "Cats are spoken of to those who are looking.",
            "needs": 'customer.stage != "idle"',
            "about": {"category": "cat"},
        }
    ]
}


def test_the_stage_goes_on_and_back_per_category_and_the_offer_waits_for_it(tmp_path: Path) -> None:
    with Town(tmp_path) as town:
        store, web = town.touchpoint("store", "store"), town.touchpoint("web", "web")
        store.put("/v1/policy", WAITS)
        who = ("card", "1")

        def page() -> dict[str, Any]:
            found = store.post("/v1/customers/lookup", {"namespace": who[0], "value": who[1]})
            told: dict[str, Any] = {each["category"]: each for each in found["stages"]}
            return told

        store.sees("visited", who, category="tea")
        assert store.decides(who).why_not("tip-cat").startswith("requirement")
        town.later(days=60)
        web.sees("visited", who, category="cat")
        assert page()["cat"]["stage"] != "idle"
        assert page()["tea"]["stage"] == "idle"
        assert store.decides(who).why_not("tip-cat") == ""
        town.later(days=0.1)
        store.sees("purchased", who, category="cat", value_minor=900)
        town.later(days=1)
        assert page()["cat"]["stage"] == "idle"
        assert store.decides(who).why_not("tip-cat").startswith("requirement")
