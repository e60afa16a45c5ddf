from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.codec import Packed, SchemaMismatchError, event_instant, pack, unpack
from features.domain import Instant
from features.stored import ACTIVITY, EVIDENCE, PROFILE, VIEWS, Shape, Stored

VALUES = {
    Shape.FLOAT: st.floats(),
    Shape.INT: st.integers(-(2**63), 2**63 - 1),
    Shape.TEXT: st.text(max_size=40),
    Shape.FLOATS: st.lists(st.floats(), max_size=5),
    Shape.INTS: st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    Shape.TEXTS: st.lists(st.text(max_size=128), max_size=5),
}


@st.composite
def packed(draw: st.DrawFn) -> tuple[Stored, Packed]:
    view = draw(st.sampled_from(VIEWS))
    row = {column.name: draw(VALUES[column.shape]) for column in view.columns}
    at, created = draw(VALUES[Shape.INT]), draw(VALUES[Shape.INT])
    return view, Packed(Instant(at), Instant(created), draw(st.integers(0, 2**40)), row)


@given(packed())
def test_what_was_packed_comes_back_bit_by_bit(given_value) -> None:
    view, value = given_value
    back = unpack(view, pack(view, value))
    assert (back.event_at, back.created_at, back.position) == (value.event_at, value.created_at, value.position)
    for column in view.columns:
        found, put = back.row[column.name], value.row[column.name]
        if column.shape in (Shape.TEXT, Shape.TEXTS, Shape.INT):
            assert found == put
        else:
            kind = np.int64 if column.shape is Shape.INTS else np.float64
            assert np.array_equal(np.asarray(found, kind), np.asarray(put, kind), equal_nan=True)


def test_texts_that_hold_the_usual_parting_byte_are_kept_apart() -> None:
    row = {
        c.name: {Shape.FLOATS: [], Shape.INTS: [], Shape.TEXTS: [], Shape.INT: 0}.get(c.shape, 0.0)
        for c in ACTIVITY.columns
    }
    for texts in (["\0", "", "a\0b"], ["", ""], ["".join(map(chr, range(0x7F))), "é"]):
        value = pack(ACTIVITY, Packed(Instant(1), Instant(1), 0, row | {"category_keys": texts, "offer_keys": ["x"]}))
        assert unpack(ACTIVITY, value).row["category_keys"] == texts
        assert unpack(ACTIVITY, value).row["offer_keys"] == ["x"]


@given(packed())
def test_the_instants_can_be_told_without_unpacking(given_value) -> None:
    view, value = given_value
    assert event_instant(pack(view, value)) == (value.event_at, value.created_at)


PROFILE_ROW = {c.name: {Shape.FLOAT: 1.0, Shape.INT: 2, Shape.TEXT: "UTC"}[c.shape] for c in PROFILE.columns}


def test_a_value_written_under_another_schema_is_refused_with_the_remedy() -> None:
    value = pack(replace(PROFILE, fingerprint="profile-0"), Packed(Instant(1), Instant(1), 0, PROFILE_ROW))
    with pytest.raises(SchemaMismatchError, match="make features"):
        unpack(PROFILE, value)


def test_a_value_of_one_view_is_not_read_as_one_of_another() -> None:
    value = pack(PROFILE, Packed(Instant(1), Instant(1), 0, PROFILE_ROW))
    for view in (ACTIVITY, EVIDENCE):
        with pytest.raises(SchemaMismatchError):
            unpack(view, value)


def test_a_row_that_lacks_a_column_is_not_packed() -> None:
    with pytest.raises(KeyError, match="zone"):
        pack(PROFILE, Packed(Instant(1), Instant(1), 0, {k: v for k, v in PROFILE_ROW.items() if k != "zone"}))
