"""``make promote`` and ``make rollback``: which model decides, and who changed that, when and why.

A running service follows the pointer by itself.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence

from features.clock import Clock, SystemClock
from features.errors import KairosError, ModelError
from features.instant import format_instant
from serving.model import Bundle
from serving.settings import Settings, read_settings
from training import tracking
from training.contest import POPULARITY
from training.summary import worse_than_popularity
from training.versions import PROMOTE, ROLLBACK, Change, Versions


class RefusedError(KairosError):
    """A model that must not become champion."""


MoveAlias = Callable[[Settings, str], str | None]
"""Points the registry's alias at a version; its number there, None where the registry does not know it."""


def promote(
    settings: Settings,
    clock: Clock,
    by: str,
    version: str | None = None,
    reason: str = "",
    move_alias: MoveAlias = tracking.move_champion,
) -> str:
    """Make a version, by default the newest, the champion; says in words what was done.

    Raises:
        ModelError: There is no such version, or it was fitted to other features.
        RefusedError: Its judgement found it worse than popularity.
    """
    versions = Versions(settings)
    chosen = version or next(iter(reversed(versions.all())), None)
    if chosen is None:
        raise ModelError(f"there is no model in {settings.models_dir}: run `make train` first")
    bundle = Bundle.load(versions.folder(chosen))
    refuse_worse(bundle)
    with versions.alone():
        before = versions.champion()
        if before == chosen:
            return f"{chosen} is the champion already: nothing was changed."
        _write(versions, clock, Change("", PROMOTE, before, chosen, by, reason or "newest model", _run_id(bundle)))
    number = move_alias(settings, chosen)
    return f"{chosen} is now the champion of {settings.source}{_instead(before)}.{_registered(settings, number)}"


def rollback(
    settings: Settings, clock: Clock, by: str, reason: str = "", move_alias: MoveAlias = tracking.move_champion
) -> str:
    """Bring back the champion before this one; says in words what was done.

    Raises ModelError where there is none, or where it can no longer be used.
    """
    versions = Versions(settings)
    with versions.alone():
        champion = versions.champion()
        target = _before(versions, champion)
        if target is None:
            raise ModelError("there is no champion before this one to bring back")
        bundle = Bundle.load(versions.folder(target))
        _write(versions, clock, Change("", ROLLBACK, champion, target, by, reason or "rollback", _run_id(bundle)))
    number = move_alias(settings, target)
    return f"{target} is champion of {settings.source} again, {champion} no longer.{_registered(settings, number)}"


def refuse_worse(bundle: Bundle) -> None:
    """RefusedError where a part was judged worse than popularity, beyond the paired interval."""
    for name, found in bundle.about.get("summary", {}).items():
        if worse_than_popularity(found["against"][POPULARITY]):
            raise RefusedError(f"{bundle.version} is not promoted: {name} was judged worse than popularity")


def _before(versions: Versions, champion: str | None) -> str | None:
    promotions = [c for c in versions.history() if c.action == PROMOTE and c.after == champion]
    return promotions[-1].before if promotions else None


def _write(versions: Versions, clock: Clock, change: Change) -> None:
    at = format_instant(clock.now())
    versions.change(Change(at, change.action, change.before, change.after, change.by, change.reason, change.run_id))


def _run_id(bundle: Bundle) -> str | None:
    found = bundle.about.get("mlflow_run_id")
    return None if found is None else str(found)


def _instead(before: str | None) -> str:
    return f" instead of {before}" if before else ""


def _registered(settings: Settings, number: str | None) -> str:
    if number is None:
        return " MLflow knows no model of this name, so no alias was moved."
    name = tracking.registered_name(settings.source)
    return f" In MLflow: {name} version {number}, alias {tracking.CHAMPION}."


def main(arguments: Sequence[str] | None = None) -> None:
    """Promote, or roll back with ``--rollback``. Exits with a message where that is refused."""
    parser = argparse.ArgumentParser(description="Choose the model that decides.")
    parser.add_argument("--version", help="the model to promote; default: the newest")
    parser.add_argument("--rollback", action="store_true", help="bring back the champion before this one")
    parser.add_argument("--reason", default="", help="why, for the history")
    chosen = parser.parse_args(arguments)
    clock, by = SystemClock(), os.environ.get("USER") or getpass.getuser()
    try:
        settings = read_settings(os.environ)
        if chosen.rollback:
            print(rollback(settings, clock, by, chosen.reason))
        else:
            print(promote(settings, clock, by, chosen.version, chosen.reason))
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
