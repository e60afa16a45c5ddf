"""The channel that the customer has chosen beats the model."""

from tests.journeys.town import Town

MAIL = ("email", "pia@example.org")


def test_who_asks_for_text_messages_gets_them_until_it_is_taken_back(town: Town) -> None:
    desk = town.touchpoint("campaign", "email")
    customer = desk.sees("visited", MAIL, category="tea")["customer_id"]
    desk.allows(MAIL, "email_marketing", "sms_marketing")
    before = desk.decides(MAIL, channels=["email", "sms"], dry_run=True)
    assert before.answer["preferred_channel"] == "email"
    assert not before.answer["preference_declared"]
    assert {item["channel"] for item in before.answer["items"]} == {"email"}

    wish = {"purpose": "preferred_channel", "channel": "sms", "granted": True, "source": "call centre"}
    desk.post(f"/v1/customers/{customer}/consents", wish)
    town.tell("the customer asks to be written to by text message")
    asked = desk.decides(MAIL, channels=["email", "sms"], dry_run=True)
    assert asked.answer["preferred_channel"] == "sms"
    assert asked.answer["preference_declared"]
    assert {item["channel"] for item in asked.answer["items"]} == {"sms"}
    scores = {channel["channel"]: channel["score_minor"] for channel in asked.answer["channels"]}
    assert scores["email"] > scores["sms"]
    town.tell(f"the model would rather write an e-mail ({scores['email']:.1f} against {scores['sms']:.1f})")

    desk.post(f"/v1/customers/{customer}/consents", wish | {"granted": False})
    town.tell("the customer takes that back")
    assert desk.decides(MAIL, channels=["email", "sms"], dry_run=True).answer["preferred_channel"] == "email"
