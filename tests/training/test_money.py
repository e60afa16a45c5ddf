import pytest

from training.money import money


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1234, "USD", "+12.34 USD"),
        (-0.4, "EUR", "-0.0040 EUR"),
        (-10, "EUR", "-0.10 EUR"),
        (1234, "JPY", "+1234 JPY"),
        (1234, "KWD", "+1.234 KWD"),
        (0, "USD", "+0.00 USD"),
    ],
)
def test_minor_units_are_written_with_the_decimals_of_their_currency(minor: float, currency: str, text: str) -> None:
    assert money(minor, currency) == text
