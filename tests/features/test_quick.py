import dataclasses
from dataclasses import field

import pytest

from features.quick import quick


@quick(frozen=True)
class Told:
    name: str
    amount: float = 1.0
    more: list[str] = field(default_factory=list)

    @property
    def twice(self) -> float:
        return 2 * self.amount


@quick(frozen=True, slots=True)
class Apart:
    name: str
    raw: str | None = field(default=None, compare=False, repr=False)


@quick(frozen=True, eq=False)
class Itself:
    name: str


def test_values_are_made_compared_and_changed_as_dataclasses_are() -> None:
    one = Told("a", 2.0)
    assert (one.twice, one.more) == (4.0, [])
    assert one == Told("a", 2.0) != Told("a")
    assert one.more is not Told("a").more
    assert dataclasses.replace(one, amount=3.0) == Told("a", 3.0)
    assert [each.name for each in dataclasses.fields(Told)] == ["name", "amount", "more"]
    assert repr(one) == "Told(name='a', amount=2.0, more=[])"


def test_values_that_are_equal_have_the_same_hash() -> None:
    assert hash(Apart("a")) == hash(Apart("a"))


def test_what_does_not_count_is_neither_compared_nor_shown() -> None:
    assert Apart("a", "secret") == Apart("a")
    assert "secret" not in repr(Apart("a", "secret"))


def test_values_without_equality_are_equal_to_themselves_only() -> None:
    one = Itself("a")
    assert one == one
    assert one != Itself("a")
    assert len({one, Itself("a")}) == 2


def test_nothing_is_made_of_what_has_no_such_field() -> None:
    with pytest.raises(TypeError):
        Told("a", none=1)  # type: ignore[call-arg]
