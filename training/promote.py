"""``make promote`` and ``make rollback``: which model decides, and who changed that, when and why.

Promotion goes through the gate (:mod:`training.gate`): its answer stands on the screen, in MLflow and in the history.

A running service follows the pointer by itself.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from features.catalogue import Catalogue
from features.clock import Clock, SystemClock
from features.errors import KairosError, ModelError
from features.instant import format_instant
from serving.model import Bundle
from serving.settings import Settings, read_settings
from training import tracking
from training.gate.candidate import Candidate
from training.gate.constant import SUFFIX, constant
from training.gate.gate import Answer, judge
from training.gate.groups import groups
from training.gate.question import Question
from training.gate.worth import CHECK as VALUE
from training.policy_value.logged import comparable
from training.shadow import shadowed
from training.versions import PROMOTE, REFUSE, ROLLBACK, Change, Versions


class RefusedError(KairosError):
    """A model that the gate does not let become champion."""

    harmless = False
    """True where nobody need look: a champion stays."""


MoveAlias = Callable[[Settings, str], str | None]
"""Points the registry's alias at a version; its number there, None where the registry does not know it."""
LogGate = Callable[[Settings, str, Answer], None]
"""Writes what the gate said of a version to where runs are kept."""
CONSTANT = "Everybody is offered what earned most in the log: that personal choice earns more is not proven."
UNPROVEN = "Whether personal choice earns more than offering everybody the same is unproven for this model."


def _log_nothing(_settings: Settings, _version: str, _answer: Answer) -> None:
    pass


def log_gate(settings: Settings, version: str, answer: Answer) -> None:
    """A run of its own in MLflow."""
    words = "Every check of the gate, and its answer."
    tags = {"source": settings.source, "stage": "promote", "bundle": version, "accepted": str(answer.accepted)}
    with tracking.run(settings, "gate", f"{version}: {'yes' if answer.accepted else 'no'}", words, tags):
        tracking.log_metrics({_key(name): value for f in answer.findings for name, value in f.numbers.items()})
        tracking.log_metrics(shadowed(settings, version))
        tracking.log_text(answer.text(), "gate.txt")


def _key(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)


def promote(
    settings: Settings,
    clock: Clock,
    by: str,
    version: str | None = None,
    reason: str = "",
    move_alias: MoveAlias = tracking.move_champion,
    log: LogGate = _log_nothing,
) -> str:
    """Let a version, by default the newest, pass the gate; makes it champion where the gate says yes.

    Returns the gate's findings and what was done, in words.

    Raises:
        ModelError: There is no such version, or it was fitted to other features.
        RefusedError: The gate says no. The history says so too, and the champion stays.
    """
    versions = Versions(settings)
    chosen = version or next(iter(reversed(versions.all())), None)
    if chosen is None:
        raise ModelError(f"there is no model in {settings.models_dir}: run `make train` first")
    bundle = Bundle.load(versions.folder(chosen))
    with versions.alone():
        before = versions.champion()
        if before == chosen:
            return f"{chosen} is the champion already: nothing was changed."
        answer = judge(_question(settings, versions, bundle, before))
        log(settings, chosen, answer)
        if not answer.accepted:
            why = " ".join(found.reason for found in answer.against)
            versions.note(Change(_at(clock), REFUSE, before, chosen, by, why, _run_id(bundle)))
            if before is None and {found.check for found in answer.against} == {VALUE}:
                instead = _constant(settings, versions, bundle, clock, by)
                return f"{answer.text()}\nNo: {chosen} is not promoted. {why} {instead}"
            refused = RefusedError(f"{answer.text()}\nNo: {chosen} is not promoted. {why} {_stays(before)}")
            refused.harmless = before is not None
            raise refused
        note = "" if answer.proven else UNPROVEN
        _write(
            versions, clock, Change("", PROMOTE, before, chosen, by, reason or "newest model", _run_id(bundle)), note
        )
    number = move_alias(settings, chosen)
    done = f"{chosen} is now the champion of {settings.source}{_instead(before)}.{_registered(settings, number)}"
    return f"{answer.text()}\nYes: {done}{' ' + note if note else ''}"


def _constant(settings: Settings, versions: Versions, bundle: Bundle, clock: Clock, by: str) -> str:
    """Make the best constant champion instead; what was done, in words."""
    name = bundle.version + SUFFIX
    folder = settings.models_dir / name
    made = Bundle.load(folder) if folder.exists() else constant(settings, bundle, folder)
    reason = f"personal choice by {bundle.version} is not proven better"
    _write(versions, clock, Change("", PROMOTE, None, name, by, reason, _run_id(bundle)), CONSTANT)
    best = max((arm for arms in made.about["constant"].values() for arm in arms), key=lambda arm: arm["value_minor"])
    said = f"{best['offer_id']} on {best['channel']}" if best["value_minor"] > 0 else "silence"
    return f"{CONSTANT} Champion of {settings.source} is the best constant, {name}: {said} first."


def _question(settings: Settings, versions: Versions, bundle: Bundle, before: str | None) -> Question:
    return Question(
        Candidate.of(bundle, versions.folder(bundle.version)),
        _champion(versions, before),
        settings,
        groups(settings.contract_dir),
        _drawn(settings),
    )


def _drawn(settings: Settings) -> bool:
    if not settings.catalogue_file.exists():
        return False
    return comparable(settings.contract_dir, Catalogue.from_json(settings.catalogue_file.read_text()))


def _champion(versions: Versions, version: str | None) -> Candidate | None:
    """The champion; None where there is none, or where this code can no longer use it."""
    if version is None:
        return None
    try:
        return Candidate.of(Bundle.load(versions.folder(version)), versions.folder(version))
    except ModelError:
        return None


def _stays(before: str | None) -> str:
    return f"{before} stays champion." if before else "There is no champion: offers are made by popularity."


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


def _before(versions: Versions, champion: str | None) -> str | None:
    promotions = [c for c in versions.history() if c.action == PROMOTE and c.after == champion]
    return promotions[-1].before if promotions else None


def _at(clock: Clock) -> str:
    return format_instant(clock.now())


def _write(versions: Versions, clock: Clock, change: Change, note: str = "") -> None:
    versions.change(replace(change, at=_at(clock)), note)


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
            print(promote(settings, clock, by, chosen.version, chosen.reason, log=log_gate))
    except RefusedError as error:
        print(error)
        sys.exit(0 if error.harmless else 1)
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
