from __future__ import annotations

import pytest

from features.domain import Category, ChannelName, Offer, OfferId, Wording
from features.instant import parse_instant
from serving.language import Language
from serving.wording import Reader, WordingError, say, understand

EMAIL, SMS, APP = (ChannelName(name) for name in ("email", "sms", "app"))
OFFER = Offer(
    OfferId("post"),
    "product",
    Category("cats"),
    "Scratching post",
    (EMAIL, SMS, APP),
    900,
    0,
    price_minor=104900,
    terms="{offer} for {price} until {valid_to}.",
    valid_to=parse_instant("2017-12-31T22:59:59Z"),
    wording=(
        Wording(EMAIL, "{name}, your cat will thank you", "Good day {name}, {offer}: {price}. {terms} {{20 %}}"),
        Wording(SMS, "{offer}", "Now {price}"),
    ),
)


def test_placeholders_stand_for_the_offer_s_own_values() -> None:
    said = say(OFFER, "email", "EUR", Reader(zone="Europe/Berlin", name="Ann"))
    assert said.title == "Ann, your cat will thank you"
    assert said.body == (
        "Good day Ann, Scratching post: 1,049.00 EUR. Scratching post for 1,049.00 EUR until 31 December 2017. {20 %}"
    )


def test_the_last_day_and_the_price_are_told_in_the_reader_s_zone_and_language() -> None:
    assert say(OFFER, "app", "EUR", Reader("Asia/Tokyo", Language.DE)).terms == (
        "Scratching post for 1.049,00 EUR until 1.1.2018."
    )
    assert say(OFFER, "app", "JPY", Reader()).price == "104,900 JPY"


def test_price_and_terms_are_the_same_on_every_channel() -> None:
    assert len({(said.price, said.terms) for said in (say(OFFER, c, "EUR", Reader()) for c in OFFER.channels)}) == 1


def test_a_reader_without_a_known_name_is_not_addressed_by_one() -> None:
    said = say(OFFER, "email", "EUR", Reader())
    assert said.title == "Your cat will thank you"
    assert said.body.startswith("Good day, Scratching post")


def test_a_name_with_braces_is_only_a_name() -> None:
    assert say(OFFER, "email", "EUR", Reader(name="{price}")).title.startswith("{price}, ")


def test_a_channel_without_wording_says_the_offer_s_name() -> None:
    said = say(OFFER, "app", "EUR", Reader())
    assert (said.title, said.body) == ("Scratching post", "")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("{nmae}", "did you mean {name}?"),
        ("{0}", "use {name}, {offer}"),
        ("{name.__class__}", "use {name}"),
        ("{price:>10}", "no placeholder {price:>10}: did you mean {price}?"),
        ("{", "write a brace that is meant twice"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(WordingError, match=remedy.replace("{", r"\{").replace("}", r"\}").replace("?", r"\?")):
        understand(text)
