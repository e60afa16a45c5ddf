"""The judgement of policies as a page for people and as numbers for files."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.money import money
from training.ope.verdict import Answer, Verdict
from training.policy_value.folder import Folder
from training.policy_value.harm import SURE
from training.policy_value.judge import Judged
from training.policy_value.policies import CONSTANT, EXPLORED, KAIROS, UNGATED, Scored
from training.resampling import Interval
from training.summary import aligned

WORDS = {
    Answer.ABOVE: "more",
    Answer.BELOW: "less",
    Answer.UNDECIDED: "cannot be told",
    Answer.NO_VERDICT: "no verdict",
}


def page(folder: Folder, found: Scored, judged: Judged) -> str:
    """Everything in the order in which one would ask."""
    trial, currency, told = folder.trial, folder.catalogue.currency, judged.calibration
    parts = [
        f"Policies on {folder.settings.source}, offers of kind {folder.logged.kind}: {len(trial):,} decisions about "
        f"{len(np.unique(trial.customer)):,} customers, {len(trial.arms)} arms, {int(trial.bought.sum()):,} with a "
        f"purchase, {len(trial.names)} columns known beforehand.",
        *folder.logged.notes,
        *(
            [f"Columns of customers beyond the contract that are used here: {', '.join(folder.own)}."]
            if folder.own
            else []
        ),
        "Every customer is scored by models that had not seen them; intervals are 95 %, clustered by customer.",
        "",
        *_arms(found, currency),
        "",
        *_values(judged, currency),
        *_unjudged(judged),
        "",
        *_volumes(judged),
        *_uplifts(judged),
        "",
        f"Calibration of the probability of a purchase, ten bins: error {told.error:.4f}; a perfect model of this size "
        f"shows {told.error_by_chance:.4f} (95 % below {told.error_by_chance_high:.4f}).",
        "",
        served_sentence(found, currency),
    ]
    return "\n".join(parts)


def _unjudged(judged: Judged) -> list[str]:
    silent = [
        (n, w.against_constant) for n, w in judged.worth.items() if w.against_constant.answer is Answer.NO_VERDICT
    ]
    return [f"  no verdict on {name}: {found.reason}" for name, found in silent]


def _money(found: Interval | None, currency: str) -> str:
    if found is None:
        return "no verdict"
    return f"{money(found.value, currency)} [{money(found.low, currency)}, {money(found.high, currency)}]"


def _arms(found: Scored, currency: str) -> list[str]:
    trial = found.trial
    head = ("arm", "decisions", "earned per decision", "bought", "predicted", f"given by {UNGATED}")
    body = []
    for a, arm in enumerate(trial.arms):
        of = trial.arm == a
        said = f"{found.said.bought[of, a].mean():.3f}"
        weights = (trial.stands_for / trial.probability)[of]
        earned = money(float(np.average(trial.reward[of], weights=weights)), currency)
        share = f"{float((found.choices[UNGATED] == a).mean()):.1%}"
        body.append((arm.name, f"{int(of.sum()):,}", earned, f"{trial.bought[of].mean():.3f}", said, share))
    return aligned([head, *body])


def _values(judged: Judged, currency: str) -> list[str]:
    head = (
        "policy",
        "value per decision (doubly robust)",
        "(SNIPS)",
        f"more than {CONSTANT}",
        "",
        "effective sample",
        "matched positives",
    )
    body = [
        (
            name,
            _money(w.robust, currency),
            _money(w.snips, currency),
            _money(w.against_constant.interval, currency) if name != CONSTANT else "",
            WORDS[w.against_constant.answer] if name != CONSTANT else "",
            f"{w.effective_sample:,.0f}",
            f"{w.matched_positives:,.0f}",
        )
        for name, w in judged.worth.items()
    ]
    return aligned([head, *body])


def _volumes(judged: Judged) -> list[str]:
    head = ("at fixed volume: as many of each arm, only who gets which", "more than by chance", "Kairos gains more by")
    body = [
        (KAIROS if name == UNGATED else name, _percent(v.gain), _percent(v.against_kairos) if v.against_kairos else "")
        for name, v in judged.volume.items()
    ]
    return aligned([head, *body])


def _percent(found: Interval | None) -> str:
    return "unknown" if found is None else f"{found.value:+.1%} [{found.low:+.1%}, {found.high:+.1%}]"


def _uplifts(judged: Judged) -> list[str]:
    if not judged.uplift:
        return ["", "Uplift: nothing was logged as none, so there is nobody to compare contacts with."]
    head = (
        "purchases caused per 1,000 customers, best first",
        "by contacting all",
        "area (AUUC)",
        "Qini: more than at random",
    )
    body = [
        (
            u.arm,
            f"{u.curve.gained[-1]:+.1f}",
            f"{u.auuc:+.1f}",
            f"{u.qini.value:+.2f} [{u.qini.low:+.2f}, {u.qini.high:+.2f}]",
        )
        for u in judged.uplift
    ]
    return ["", *aligned([head, *body])]


def served_sentence(found: Scored, currency: str) -> str:
    """What is served from now on, and why."""
    harm, arms = found.harm, found.trial.arms
    gain = f"{money(harm.gain, currency)} ± {money(harm.error, currency)[1:]} (standard error) per decision"
    name = arms[harm.order[0]].name
    among = f"Personal in {sum(h.personal for h in found.harms)} of {len(found.harms)} folds, judged on the others."
    if harm.personal:
        return (
            f"The gate serves the personal choice: over the best single arm ({name}) it gains {gain}, positive by more "
            f"than {SURE} standard errors. {among} Exploration: {EXPLORED:.0%} evenly over what is open."
        )
    if harm.unjudged:
        return (
            f"The gate serves the best single arm to everybody ({name}): no verdict on the personal choice, for "
            f"{harm.unjudged}. Exploration: {EXPLORED:.0%} evenly over what is open."
        )
    return (
        f"The gate serves the best single arm to everybody ({name}): the personal choice gains {gain}, not positive by "
        f"{SURE} standard errors. {among} "
        f"Exploration: {EXPLORED:.0%} evenly over what is open."
    )


def numbers(folder: Folder, found: Scored, judged: Judged) -> dict[str, Any]:
    """The same as JSON; money in minor units per decision, gains at fixed volume as shares."""
    trial, harm = folder.trial, found.harm
    return {
        "source": folder.settings.source,
        "kind": folder.logged.kind,
        "data_fingerprint": folder.catalogue.fingerprint,
        "currency": folder.catalogue.currency,
        "decisions": len(trial),
        "customers": len(np.unique(trial.customer)),
        "outcome": folder.logged.outcome,
        "notes": list(folder.logged.notes),
        "columns": list(trial.names),
        "arms": [arm.name for arm in trial.arms],
        "policies": {
            name: {
                "doubly_robust": _bounds(w.robust),
                "snips": _bounds(w.snips),
                "against_best_constant": _verdict(w.against_constant),
                "against_random": _verdict(w.against_random),
                "effective_sample": w.effective_sample,
                "matched_positives": w.matched_positives,
                "mean_weight": w.mean_weight,
            }
            for name, w in judged.worth.items()
        },
        "fixed_volume": {
            name: {"gain": _bounds(v.gain), "kairos_gains_more_by": _bounds(v.against_kairos)}
            for name, v in judged.volume.items()
        },
        "uplift": {u.arm: {"auuc_per_1000": u.auuc, "qini_per_1000": _bounds(u.qini)} for u in judged.uplift},
        "calibration": {
            "error": judged.calibration.error,
            "by_chance": judged.calibration.error_by_chance,
            "by_chance_95": judged.calibration.error_by_chance_high,
            "predicted": judged.calibration.predicted.tolist(),
            "observed": judged.calibration.observed.tolist(),
        },
        "served": {
            "personal": harm.personal,
            "best_constant": trial.arms[harm.order[0]].name,
            "gain": harm.gain,
            "standard_error": harm.error,
            "no_verdict": harm.unjudged,
            "folds_personal": [h.personal for h in found.harms],
            "explored": EXPLORED,
        },
    }


def _bounds(found: Interval | None) -> list[float] | None:
    return None if found is None else [found.value, found.low, found.high]


def _verdict(found: Verdict) -> dict[str, Any]:
    return {"answer": str(found.answer), "reason": found.reason, "interval": _bounds(found.interval)}
