from pathlib import Path

import pytest

from features.domain import Instant
from features.errors import SettingsError
from serving.door import ANYBODY, Door, check_open, is_local
from serving.journal import Cause, Journal
from serving.journal.audit import lines
from serving.journal.keys import KeyRefusedError, Scope, all_keys, make_key, revoke_key, scopes_of
from serving.problem import RefusalError

CAUSE = Cause(Instant(1_700_000_000_000_000), "admin", "test")


def made(journal: Journal, name: str, *scopes: Scope) -> tuple[str, str]:
    key, token = journal.write(lambda t: make_key(t.connection, name, frozenset(scopes), CAUSE))
    return key.key_id, token


def refused(door: Door, authorization: str | None, scope: Scope = Scope.EVENTS) -> int:
    with pytest.raises(RefusalError) as caught:
        door.admit(authorization, scope)
    return caught.value.status


def test_a_key_opens_what_its_scopes_name_and_nothing_else(journal: Journal) -> None:
    _, token = made(journal, "shop", Scope.EVENTS, Scope.DECIDE)
    door = Door(journal, open=False)
    assert door.admit(f"Bearer {token}", Scope.EVENTS) == door.admit(f"bearer  {token}", Scope.DECIDE) == "shop"
    assert refused(door, f"Bearer {token}", Scope.ADMIN) == 403
    assert [
        refused(door, wrong) for wrong in (None, "", "Bearer ", f"Basic {token}", "Bearer x", f"Bearer {token}x")
    ] == [401] * 6


def test_two_keys_of_a_name_are_valid_at_once_and_a_third_only_when_one_is_revoked(journal: Journal) -> None:
    old, old_token = made(journal, "shop", Scope.EVENTS)
    _, new_token = made(journal, "shop", Scope.EVENTS)
    with pytest.raises(KeyRefusedError, match="revoke"):
        made(journal, "shop", Scope.EVENTS)
    journal.write(lambda t: revoke_key(t.connection, old, CAUSE))
    door = Door(journal, open=False)
    assert refused(door, f"Bearer {old_token}") == 401
    assert door.admit(f"Bearer {new_token}", Scope.EVENTS) == "shop"
    made(journal, "shop", Scope.EVENTS)
    with pytest.raises(KeyRefusedError, match="no valid key"):
        journal.write(lambda t: revoke_key(t.connection, old, CAUSE))


def test_tokens_are_kept_nowhere_and_every_change_has_a_line(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    key_id, token = made(journal, "shop", Scope.READ)
    journal.write(lambda t: revoke_key(t.connection, key_id, CAUSE))
    with journal.reading() as connection:
        assert [(line.by, line.action) for line in lines(connection)] == [
            ("admin", "key made"),
            ("admin", "key revoked"),
        ]
        assert all_keys(connection)[0].revoked_at == CAUSE.at
    journal.close()
    assert all(token.encode() not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("words", [["root"], [], [" "]])
def test_a_scope_that_is_none_is_refused_with_those_there_are(words: list[str]) -> None:
    with pytest.raises(KeyRefusedError, match="decide, events, read, admin"):
        scopes_of(words)


def test_the_open_door_stands_on_this_machine_only(journal: Journal) -> None:
    assert Door(journal, open=True).admit(None, Scope.ADMIN) == ANYBODY
    assert all(is_local(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1"))
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.org"):
        with pytest.raises(SettingsError, match="keys"):
            check_open(True, host)
        check_open(False, host)
