"""A push reminder of a limited offer after an unopened e-mail, cancelled by conversion; both are decisions."""

from tests.journeys.town import KIND, Touchpoint, Town

LIMITED = {
    "offer_id": "weekend",
    "kind": KIND,
    "category": "tea",
    "buys": "tea",
    "name": "Weekend tea",
    "channels": ["email", "push"],
    "margin_minor": 2_000,
    "incentive_minor": 0,
    "valid_to": "2026-03-06T23:59:59Z",
    "wording": [
        {"channel": "email", "title": "Only until Friday", "body": "{offer}, until {valid_to}."},
        {"channel": "push", "title": "Ends soon", "body": "{offer}: a last reminder."},
    ],
    "follow_ups": [
        {"after_hours": 24, "unless": ["viewed", "clicked", "purchased"], "channel": "push", "only_on": "email"}
    ],
}


def due(place: Touchpoint) -> list[tuple[str, str, bool]]:
    """Customer, channel, and whether something is offered, of all reminders that are due."""
    answer = place.client.get("/v1/followups")
    assert answer.status_code == 200, answer.text
    return [
        (each["customer_id"], each["channel"], bool(each["decision"] and each["decision"]["items"]))
        for each in answer.json()["follow_ups"]
    ]


def test_who_did_not_open_is_reminded_and_who_bought_is_not(town: Town) -> None:
    mailer, till = town.touchpoint("newsletter", "email"), town.touchpoint("till", "store")
    mailer.put("/v1/offers", {"offers": [LIMITED]})
    people = {name: ("email", f"{name}@example.org") for name in ("quin", "rosa", "sam")}
    ids = {}
    for name, mail in people.items():
        ids[name] = till.sees("visited", mail, ("card", f"card-{name}"))["customer_id"]
        mailer.allows(mail, "email_marketing", "push_marketing")
        mailer.sends(mailer.decides(mail, offer_id="weekend"), mail)
    assert due(mailer) == []

    town.later(hours=6)
    mailer.sees("viewed", people["rosa"], offer_id="weekend")
    till.sees("purchased", ("card", "card-sam"), category="tea", value_minor=1200)
    town.later(hours=19)
    found = due(mailer)
    town.tell(f"reminders that are due: {len(found)}")
    assert found == [(ids["quin"], "push", True)]
    handed = mailer.client.get("/v1/followups").json()["follow_ups"]
    assert len(handed) == 1, "asked again, the same decision is handed out, not a second one"
    item = handed[0]["decision"]["items"][0]
    assert (item["offer_id"], item["channel"]) == ("weekend", "push")
    assert item["wording"]["title"] == "Ends soon"

    till.sees("purchased", ("card", "card-quin"), category="tea", value_minor=1200)
    assert due(mailer) == []
    refused = mailer.client.post(f"/v1/contacts/{item['contact_id']}/confirm")
    assert refused.status_code == 409
    town.tell("bought before the reminder went out: it is cancelled, and may not be sent any more")
