import re

import pytest

from features.channels import DEFAULT_CHANNELS, default_channels, with_costs
from features.column import SQL_TYPES, ColumnType
from features.contract import TABLES, table
from features.contract_page import contract_markdown
from features.domain import Kind
from features.rules import rule_names


def test_every_column_stands_in_the_page_for_readers_with_its_meaning():
    page = contract_markdown()
    for each in TABLES:
        section = page.split(f"#### `{each.name}`")[1].split("####")[0]
        for column in each.columns:
            assert f"| `{column.name}` | {column.type} |" in section
            assert column.meaning in section


def test_the_page_is_made_of_tables_with_as_many_cells_in_every_row():
    rows = [line for line in contract_markdown().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row.replace("`|`", ""))) for row in rows} == {7}


def test_a_table_refers_only_to_itself_and_to_tables_before_it():
    for position, each in enumerate(TABLES):
        allowed = {t.name for t in TABLES[: position + 1]}
        for column in each.columns:
            if column.references:
                target, key = column.references.split(".")
                assert target in allowed
                assert table(target).column(key)


def test_money_is_whole_minor_units_and_time_is_an_instant():
    for each in TABLES:
        for column in each.columns:
            if column.name.endswith("_at") or column.name in ("member_since", "valid_from", "valid_to"):
                assert column.type is ColumnType.INSTANT
            if column.unit == "minor units" and column.name not in ("income_minor", "cost_minor"):
                assert column.type is ColumnType.INTEGER


def test_every_kind_of_event_in_the_vocabulary_is_allowed_and_no_other():
    assert table("events").column("kind").words == tuple(Kind)


def test_every_type_has_a_stored_form():
    assert set(SQL_TYPES) == set(ColumnType)


def test_a_required_column_has_no_default():
    assert not [c for t in TABLES for c in t.columns if c.required and (c.default or c.otherwise)]


def test_the_name_of_a_rule_is_unique_within_its_table():
    for each in TABLES:
        assert len(set(rule_names(each))) == len(rule_names(each))


def test_an_unknown_table_or_column_is_named():
    with pytest.raises(KeyError, match="no table orders"):
        table("orders")
    with pytest.raises(KeyError, match="events has no column price"):
        table("events").column("price")


def test_default_channels_have_one_name_each_and_only_outbound_ones_can_need_consent():
    assert len({channel.name for channel in DEFAULT_CHANNELS}) == len(DEFAULT_CHANNELS)
    assert not [c.name for c in DEFAULT_CHANNELS if c.consent_purpose and c.direction != "outbound"]


def test_a_cost_replaces_the_assumed_one_and_leaves_the_others():
    before = default_channels("store", "direct_mail")
    after = with_costs(before, {"direct_mail": 42.0})
    assert [channel.cost_minor for channel in after] == [before[0].cost_minor, 42.0]


def test_a_cost_of_an_unknown_channel_or_below_zero_is_refused():
    with pytest.raises(ValueError, match="'pigeon'"):
        with_costs(DEFAULT_CHANNELS, {"pigeon": 1.0})
    with pytest.raises(ValueError, match="'email' is negative"):
        with_costs(DEFAULT_CHANNELS, {"email": -1.0})
