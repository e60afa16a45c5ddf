"""Decisions with known probabilities and what came of them, as a trial that values can be learnt from.

Where decisions tell their outcome, that counts: the recorded revenue, else the offer's margin where it was taken.
Otherwise what the customer bought until the next decision about them counts, at most for the longest window of an
offer, less what was returned and less the incentives redeemed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import Catalogue
from features.domain import DAY, ChannelName, OfferId
from features.errors import ContractError
from training.policy_value.context import Context
from training.value.trial import NONE, Arm, Floats, Index, Mask, Trial

FEWEST_ROWS = 100
"""Decisions of an arm below which no policy may choose it."""
SAID, FOLLOWED = "said by the decisions", "followed from the events"

_DECIDED = """
CREATE TEMP TABLE decided AS
SELECT decision_id, customer_id, CASE WHEN channel IS NOT NULL THEN offer_id END AS offer_id,
    CASE WHEN offer_id IS NOT NULL THEN channel END AS channel, probability, coalesce(weight, 1) AS weight, taken,
    value_minor, epoch_us(decided_at) AS at_us,
    lead(epoch_us(decided_at)) OVER (PARTITION BY customer_id ORDER BY decided_at) AS next_us
FROM read_parquet($decisions) WHERE kind = $kind
"""
_ROWS = """
WITH span AS (SELECT *, least(coalesce(next_us, $end), at_us + $longest, $end) AS until_us FROM decided),
came AS (
    SELECT d.decision_id,
        coalesce(sum(e.value_minor) FILTER (e.kind = 'purchased'), 0)
            - coalesce(sum(e.value_minor) FILTER (e.kind = 'returned'), 0) AS bought,
        coalesce(sum(coalesce(e.discount_minor, o.incentive_minor)) FILTER (e.kind = 'redeemed'), 0) AS redeemed
    FROM span AS d
    JOIN read_parquet($events) AS e ON e.customer_id = d.customer_id AND epoch_us(e.occurred_at) > d.at_us
        AND epoch_us(e.occurred_at) <= d.until_us AND e.kind IN ('purchased', 'returned', 'redeemed')
    LEFT JOIN read_parquet($offers) AS o ON o.offer_id = e.offer_id
    GROUP BY d.decision_id
)
SELECT s.* EXCLUDE (next_us), coalesce(bought, 0)::DOUBLE AS bought, coalesce(redeemed, 0)::DOUBLE AS redeemed
FROM span AS s LEFT JOIN came USING (decision_id)
WHERE probability IS NOT NULL AND ($said OR next_us IS NOT NULL OR $end - at_us >= $shortest)
ORDER BY at_us, decision_id
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """Rows of decisions beside the arms they used."""

    rows: pa.Table
    """``decision_id, customer_id, at_us, probability, weight`` and what came of them."""
    arms: tuple[Arm, ...]
    arm: Index
    """Place in ``arms``, ``[n]``."""
    kind: str
    outcome: str
    """SAID or FOLLOWED."""
    notes: tuple[str, ...]
    """What must be told: what counts as earned, what was left out."""

    @property
    def categories(self) -> tuple[str, ...]:
        """What the offers are about."""
        return tuple(sorted({arm.category for arm in self.arms if arm.category}))


def probabilities_known(contract: Path) -> bool:
    """Whether any decision of the folder says with which probability it was made."""
    file = contract / "decisions.parquet"
    if not file.exists():
        return False
    return bool(duckdb.sql(f"SELECT count(probability) FROM '{file}'").fetchall()[0][0])


def comparable(contract: Path, catalogue: Catalogue) -> bool:
    """Whether ``logged`` finds two actions to compare."""
    if not probabilities_known(contract):
        return False
    try:
        logged(contract, catalogue)
    except ContractError:
        return False
    return True


def logged(contract: Path, catalogue: Catalogue, fewest: int = FEWEST_ROWS) -> Logged:
    """The decisions of the kind that has most of them; ``fewest`` of an arm below which it is rare.

    Raises ContractError where fewer than two arms have so many decisions with probability and outcome.
    """
    files = {name: str(contract / f"{name}.parquet") for name in ("decisions", "events", "offers")}
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        kind, said, end = _facts(con, files)
        windows = [offer.window_days * DAY for offer in catalogue.offers if offer.kind == kind]
        con.execute(_DECIDED, {"decisions": files["decisions"], "kind": kind})
        values = {"events": files["events"], "offers": files["offers"], "end": end, "said": said}
        values |= {"longest": round(max(windows)), "shortest": round(min(windows))}
        rows: pa.Table = con.sql(_ROWS, params=values).to_arrow_table()
    arms, arm = _arms(rows, catalogue)
    few = np.bincount(arm, minlength=len(arms)) < fewest
    notes = [_SENTENCES[SAID if said else FOLLOWED]]
    if few.any():
        rare = ", ".join(a.name for a, is_rare in zip(arms, few, strict=True) if is_rare)
        notes.append(f"Given to nobody for fewer than {fewest} decisions: {rare}.")
    if (~few).sum() < 2:
        raise ContractError(
            f"of the arms of kind {kind} {int((~few).sum())} has {fewest} decisions with probability: log more"
        )
    arms = tuple(replace(a, rare=bool(is_rare)) for a, is_rare in zip(arms, few, strict=True))
    return Logged(rows, arms, arm, kind, SAID if said else FOLLOWED, tuple(notes))


_SENTENCES = {
    SAID: "Earned: the revenue that the decision records, else the margin where the offer was taken; less the "
    "incentive where it was taken, less the cost of the contact.",
    FOLLOWED: "Earned: what the customer bought until the next decision about them (at most for the longest window "
    "of an offer, at most to the end of the data), less returns, incentives redeemed and the cost of the contact.",
}


def _facts(con: duckdb.DuckDBPyConnection, files: dict[str, str]) -> tuple[str, bool, int]:
    """The kind with most decisions, whether they tell their outcomes, and the end of the data."""
    kind = con.execute(
        "SELECT kind FROM read_parquet(?) WHERE probability IS NOT NULL GROUP BY kind ORDER BY count(*) DESC, kind",
        [files["decisions"]],
    ).fetchone()
    told = con.execute(
        "SELECT count(value_minor) + count(taken), epoch_us(max(decided_at)) FROM read_parquet(?) WHERE kind = ?",
        [files["decisions"], kind[0] if kind else ""],
    ).fetchone()
    last = con.execute("SELECT epoch_us(max(occurred_at)) FROM read_parquet(?)", [files["events"]]).fetchone()
    if kind is None or told is None:
        raise ContractError("no decision has a probability: write it beside every decision that chance had a part in")
    return str(kind[0]), bool(told[0]), max(told[1] or 0, (last and last[0]) or 0)


def _arms(rows: pa.Table, catalogue: Catalogue) -> tuple[tuple[Arm, ...], Index]:
    pairs = list(zip(rows["offer_id"].to_pylist(), rows["channel"].to_pylist(), strict=True))
    distinct = sorted(set(pairs), key=lambda pair: (pair[0] is not None, *map(str, pair)))
    offers = [offer for offer, _ in distinct]
    arms = tuple(_arm(catalogue, o, c, alone=offers.count(o) == 1) for o, c in distinct)
    place = {pair: i for i, pair in enumerate(distinct)}
    return arms, np.array([place[pair] for pair in pairs], dtype=np.intp)


def _arm(catalogue: Catalogue, offer_id: str | None, channel: str | None, alone: bool) -> Arm:
    if offer_id is None or channel is None:
        return Arm(NONE, None, None)
    offer = catalogue.offer[OfferId(offer_id)]
    return Arm(
        offer_id if alone else f"{offer_id} · {channel}",
        offer_id,
        channel,
        str(offer.category),
        float(offer.margin_minor),
        float(offer.incentive_minor),
        float(offer.min_spend_minor),
        float(offer.window_days),
        float(catalogue.channel[ChannelName(channel)].cost_minor),
    )


def trial_of(found: Logged, seen: Context, catalogue: Catalogue) -> Trial:
    """The trial: the decisions with what was known before each, row by row."""
    rows, arms, arm = found.rows, found.arms, found.arm
    gross, given = earned(found)
    return Trial(
        arms=arms,
        names=seen.names,
        X=seen.X,
        customer=np.unique(rows["customer_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1],
        arm=arm,
        probability=rows["probability"].to_numpy().astype(np.float64),
        gross=gross,
        given=given,
        cost=np.array([a.cost for a in arms])[arm],
        stands_for=rows["weight"].to_numpy().astype(np.float64),
        open=opened(arms, rows["at_us"].to_numpy(), catalogue),
    )


def earned(found: Logged) -> tuple[Floats, Floats]:
    """What came in, and the incentives paid, minor units ``[n]`` each."""
    return (_said if found.outcome == SAID else _followed)(found.rows, found.arms, found.arm)


def opened(arms: tuple[Arm, ...], at_us: np.ndarray[tuple[int], np.dtype[np.int64]], catalogue: Catalogue) -> Mask:
    """The arms that may be chosen: logged often enough, their offers valid at instants; ``[n, arms]``."""
    found = np.tile([not arm.rare for arm in arms], (len(at_us), 1))
    for i, arm in enumerate(arms):
        if arm.offer_id is not None:
            offer = catalogue.offer[OfferId(arm.offer_id)]
            if offer.valid_from is not None:
                found[:, i] &= at_us >= offer.valid_from
            if offer.valid_to is not None:
                found[:, i] &= at_us <= offer.valid_to
    found[~found.any(axis=1)] = True  # nothing better is known than what was done
    return found


def _followed(rows: pa.Table, _arms: tuple[Arm, ...], _arm: Index) -> tuple[Floats, Floats]:
    return rows["bought"].to_numpy().astype(np.float64), rows["redeemed"].to_numpy().astype(np.float64)


def _said(rows: pa.Table, arms: tuple[Arm, ...], arm: Index) -> tuple[Floats, Floats]:
    """What decisions say of themselves; of those without an offer that say only ``taken`` the mean margin counts."""
    margins = [a.margin for a in arms if not a.silent]
    margin = np.array([float(np.mean(margins)) if a.silent else a.margin for a in arms])[arm]
    incentive = np.array([a.incentive for a in arms])[arm]
    value = pc.fill_null(rows["value_minor"].cast(pa.float64()), np.nan).to_numpy()
    taken = pc.fill_null(rows["taken"], pc.greater(pc.fill_null(rows["value_minor"], 0), 0))
    took = taken.to_numpy(zero_copy_only=False).astype(bool)
    gross = np.where(np.isnan(value), took * margin, value)
    return gross, took * incentive
