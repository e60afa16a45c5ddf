"""Somebody calls; the agent types the number and sees the customer."""

from tests.journeys.town import Town

NUMBER, CARD, MAIL = ("phone", "+49 171 1234567"), ("card", "loyal-8"), ("email", "ida@example.org")


def test_an_agent_types_a_phone_number_and_sees_whom_and_what_it_is_about(town: Town) -> None:
    till, newsletter = town.touchpoint("till", "store"), town.touchpoint("newsletter", "email")
    chat, desk = town.touchpoint("live chat", "chat"), town.touchpoint("agent's desk", "call")
    till.sees("purchased", CARD, NUMBER, category="tea", value_minor=1_250)
    town.later(days=2)
    till.sees("visited", CARD, MAIL)
    till.allows(CARD, "email_marketing", "phone_marketing")
    offered = newsletter.decides(MAIL)
    newsletter.sees("sent", MAIL, offer_id=offered.first, decision_id=offered.answer["decision_id"])
    newsletter.post(f"/v1/decisions/{offered.answer['decision_id']}/outcomes", {"outcomes": [{"kind": "clicked"}]})
    town.tell(f"newsletter: the customer clicked on {offered.first}")
    town.later(hours=3)
    chat.sees("contacted_us", MAIL)
    town.later(hours=1)
    asked = {"namespace": "Phone", "value": "0049 (171) 123-4567"}
    before = desk.client.post("/v1/customers/lookup", json=asked).json()
    town.tell(f"    next best offer: {before['next_best_offer']['name']} on {before['preferred_channel']}")
    chat.sees("complained", MAIL, category="tea")

    answer = desk.client.post("/v1/customers/lookup", json={"namespace": "Phone", "value": "0049 (171) 123-4567"})
    page = answer.json()
    assert answer.status_code == 200
    assert "1234567" not in str(answer.request.url)
    town.tell(f"agent's desk: the number is customer {page['customer_id']}, known by {page['names']}")
    order = page["last_order"]
    town.tell(f"    last order: {order['category']} for {order['value_minor'] / 100:.2f} on {order['channel']}")
    for topic in page["open_topics"]:
        town.tell(f"    open: {topic['sentence']}")
    for contact in page["last_contacts"]:
        town.tell(f"    contact: {contact['kind']} on {contact['channel']} {contact['occurred_at']}")
    for offer in page["last_offers"]:
        town.tell(f"    offered: {offer['name']} on {offer['channel']}, came of it: {offer['outcomes']}")
    town.tell("    next best offer: none, the open complaint stops promotion")

    assert page["names"] == {"card": 1, "email_sha256": 1, "phone_sha256": 1, "kairos": 1}
    assert (order["category"], order["value_minor"], order["channel"]) == ("tea", 1_250, "store")
    assert {(t["topic"], t["channel"]) for t in page["open_topics"]} >= {("question", "chat"), ("complaint", "chat")}
    assert [c["kind"] for c in page["last_contacts"]][:2] == ["contacted_us", "sent"]
    assert page["last_offers"][0]["offer_id"] == offered.first
    assert "clicked" in page["last_offers"][0]["outcomes"]
    assert before["next_best_offer"]["offer_id"] != "tip-tea"
    assert before["preferred_channel"] in {"email", "sms", "call"}
    assert page["next_best_offer"] is None
    assert [entry["kind"] for entry in page["timeline"]] == [
        "complained",
        "contacted_us",
        "clicked",
        "sent",
        "visited",
        "purchased",
    ]
    assert {entry["channel"] for entry in page["timeline"]} == {"store", "email", "chat"}


def test_a_number_that_nobody_has_and_one_that_is_none_get_clear_answers(town: Town) -> None:
    desk = town.touchpoint("agent's desk", "call")
    for value, status, code in (
        ("+49 171 0000000", 404, "customer_not_found"),
        ("98", 422, "wrong_identity"),
    ):
        answer = desk.client.post("/v1/customers/lookup", json={"namespace": "phone", "value": value})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert value not in answer.json()["detail"]
        town.tell(f"agent's desk: {answer.json()['detail']}")
