"""What has to give way to a message, and what need not."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import HOUR, Instant
from serving.ledger.contact import Contact, Standing
from serving.ledger.coverage import covers
from serving.ledger.room import admitted, fits, room
from serving.policy.policy import Cap, Kept, Per, Policy
from serving.policy.window import Unit, Window
from tests.serving.ledger.test_counting import BERLIN, CLOCKS_CHANGE, contact

CAPS = (
    Cap("weekly", Per.ALL, 3, Window(hours=7 * 24)),
    Cap("daily", Per.CHANNEL, 1, Window(calendar=Unit.DAY)),
    Cap("nightly", Per.CATEGORY, 2, Window(hours=12)),
)
channels = st.sampled_from(["email", "push"])
some = st.lists(
    st.builds(
        lambda hour, channel, priority, reserved: contact(
            CLOCKS_CHANGE + hour * HOUR,
            channel,
            priority=priority,
            standing=Standing.RESERVED if reserved else Standing.CONFIRMED,
            expires_at=Instant(CLOCKS_CHANGE + 999 * HOUR),
        ),
        st.integers(-80, 80),
        channels,
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=7,
    unique_by=lambda each: each.contact_id,
)


@given(some, channels, st.integers(0, 4), st.sampled_from([None, Kept(0.34, 2)]))
def test_what_gives_way_makes_room_and_none_of_it_could_have_stayed(
    held: list[Contact], channel: str, priority: int, kept: Kept | None
) -> None:
    policy = Policy(caps=CAPS, kept=kept)
    wanted = contact(CLOCKS_CHANGE, channel, priority=priority, standing=Standing.RESERVED)
    gone = room(wanted, held, policy, BERLIN, CLOCKS_CHANGE)
    lesser = [each for each in held if each.standing is Standing.RESERVED and each.priority < priority]
    without = [[each for each in held if each not in some] for n in range(8) for some in combinations(lesser, n)]
    possible = [staying for staying in without if fits(wanted, staying, policy, BERLIN)]
    assert (gone is None) is (possible == [])
    if gone is not None:
        staying = [each for each in held if each.contact_id not in gone]
        assert fits(wanted, staying, policy, BERLIN)
        assert {each.contact_id for each in held} - {each.contact_id for each in staying} == set(gone)
        assert all(each in lesser for each in held if each.contact_id in gone)
        for each in held:
            assert each.contact_id not in gone or not fits(wanted, [*staying, each], policy, BERLIN)


def test_of_two_the_one_of_lesser_priority_gives_way() -> None:
    policy = Policy(caps=(Cap("two", Per.ALL, 2, Window(hours=24)),))
    ahead = Instant(CLOCKS_CHANGE + HOUR)
    low, high = (
        contact(ahead + n, priority=p, standing=Standing.RESERVED, expires_at=ahead + HOUR) for n, p in ((0, 1), (1, 2))
    )
    wanted = contact(CLOCKS_CHANGE, priority=9, standing=Standing.RESERVED)
    assert room(wanted, [low, high], policy, "UTC", CLOCKS_CHANGE) == (low.contact_id,)
    assert room(wanted, [low], policy, "UTC", CLOCKS_CHANGE) == ()


@pytest.mark.parametrize(
    ("standing", "after_h", "covered"),
    [
        (Standing.RESERVED, -1, True),
        (Standing.RESERVED, -1.1, False),
        (Standing.RESERVED, 0.9, True),
        (Standing.RESERVED, 1, False),
        (Standing.CONFIRMED, 24, True),
        (Standing.CONFIRMED, 24.1, False),
        (Standing.EXPIRED, 0, False),
        (Standing.RELEASED, 0, False),
        (Standing.DISPLACED, 0, False),
    ],
)
def test_a_grant_covers_what_goes_out_about_its_moment(standing: Standing, after_h: float, covered: bool) -> None:
    held = contact(CLOCKS_CHANGE, standing=standing)
    assert covers(held, Instant(CLOCKS_CHANGE + round(after_h * HOUR))) is covered


@given(some, st.lists(st.tuples(channels, st.integers(0, 4)), max_size=4))
def test_messages_of_one_decision_that_are_admitted_break_no_cap_one_after_the_other(
    held: list[Contact], asked: list[tuple[str, int]]
) -> None:
    policy = Policy(caps=CAPS)
    wanted = [
        contact(CLOCKS_CHANGE + n, channel, priority=priority, standing=Standing.RESERVED)
        for n, (channel, priority) in enumerate(asked)
    ]
    made, gone = admitted(wanted, held, policy, BERLIN, CLOCKS_CHANGE)
    standing = [each for each in held if each.contact_id not in gone]
    for each in made:
        assert fits(each, standing, policy, BERLIN)
        standing.append(each)
    assert set(made) <= set(wanted)
    assert all(each.standing is Standing.RESERVED for each in held if each.contact_id in gone)


def test_two_messages_that_would_fit_alone_do_not_both_fit_under_a_cap_of_one() -> None:
    policy = Policy(caps=(Cap("one", Per.ALL, 1, Window(hours=24)),))
    email, push = (contact(CLOCKS_CHANGE + n, name, priority=5) for n, name in enumerate(("email", "push")))
    assert admitted([email, push], [], policy, "UTC", CLOCKS_CHANGE) == ((email,), ())
    recall = contact(CLOCKS_CHANGE + 2, "sms", capped=False)
    assert admitted([email, recall], [], policy, "UTC", CLOCKS_CHANGE) == ((email, recall), ())
