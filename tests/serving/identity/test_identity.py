from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.identity.guard import refuse_join
from serving.identity.identity import distinct, identity
from serving.identity.namespace import NAMESPACES, TOTAL_LIMIT, IdentityError, limit_of, namespace_of, rank_of


@given(st.text("abcXYZ019_-", min_size=1, max_size=20))
def test_a_namespace_is_the_same_in_any_case(text: str) -> None:
    try:
        expected = namespace_of(text)
    except IdentityError:
        with pytest.raises(IdentityError):
            namespace_of(text.upper())
        return
    assert namespace_of(text.upper()) == namespace_of(f" {text.lower()} ") == expected
    assert namespace_of(expected) == expected


@pytest.mark.parametrize("text", ["", "1card", "ca rd", "карта", "a" * 33, "card;drop"])
def test_what_is_no_namespace_is_refused_by_name(text: str) -> None:
    with pytest.raises(IdentityError) as caught:
        namespace_of(text)
    assert repr(text[:40]) in str(caught.value)


def test_addresses_and_numbers_are_kept_as_the_digest_that_others_send_too() -> None:
    email, phone = identity("email", " Ann@Example.ORG "), identity("phone", "0049 (0)171 / 123-4567")
    assert email == identity("email_sha256", sha256(b"ann@example.org").hexdigest().upper())
    assert phone == identity("PHONE-SHA256", sha256(b"+491711234567").hexdigest())
    for each in (email, phone):
        assert "example" not in repr(each)
        assert "171" not in repr(each).replace(each.value, "")


@pytest.mark.parametrize(
    ("namespace", "value"),
    [
        ("email", "ann"),
        ("email", "Ann <ann@example.org>"),
        ("phone", "0171 7654321"),
        ("phone", "+49"),
        ("phone", "+4917176543218901234"),
        ("email_sha256", "ann@example.org"),
        ("card", ""),
        ("card", "  "),
        ("card", "x" * 129),
        ("card", "a\x00b"),
        ("card", "\ud800"),
        ("kairos", "k_short"),
    ],
)
def test_what_is_no_identity_is_refused_and_personal_data_are_not_repeated(namespace: str, value: str) -> None:
    with pytest.raises(IdentityError) as caught:
        identity(namespace, value)
    assert "ann" not in str(caught.value)
    assert "7654321" not in str(caught.value)


def test_an_emoji_is_an_id_like_any_other() -> None:
    assert identity("card", "🐈‍⬛") == identity("Card", " 🐈‍⬛ ")


def test_the_strongest_name_comes_first_and_each_once() -> None:
    names = [("anonymous", "a"), ("own_system", "o"), ("card", "c"), ("customer_id", "ann"), ("Anonymous", "a")]
    found = distinct(identity(*name) for name in names)
    assert [each.namespace for each in found] == ["customer_id", "card", "own_system", "anonymous"]
    ranks = [rank_of(namespace.name) for namespace in NAMESPACES]
    assert ranks == sorted(ranks)


def test_two_customers_of_the_callers_own_numbers_are_never_joined_by_an_event() -> None:
    refusal = refuse_join({"customer_id": 1}, {"customer_id": 1, "device": 3}, apart=False)
    assert refusal is not None
    assert (refusal.code, "customer_id" in refusal.why) == ("too_many_names", True)


def test_names_within_the_limits_join_unless_set_apart() -> None:
    assert refuse_join({"customer_id": 1}, {"card": 2}, apart=False) is None
    refusal = refuse_join({"customer_id": 1}, {"card": 2}, apart=True)
    assert refusal is not None
    assert refusal.code == "set_apart"


def test_the_limits_hold_exactly() -> None:
    for namespace in ("card", "own_system"):
        assert refuse_join({namespace: limit_of(namespace) - 1}, {namespace: 1}, apart=False) is None
        assert refuse_join({namespace: limit_of(namespace)}, {namespace: 1}, apart=False) is not None
    many = {f"n{number}": 10 for number in range(TOTAL_LIMIT // 10)}
    assert refuse_join(many, {"another": 1}, apart=False) is not None
