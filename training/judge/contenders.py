"""Who is judged: rules that learnt from the log alone, each giving every allowed pair a score; silence scores 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from training.judge.ground import Ground, Occasions
from training.parts.blend import fit_blend
from training.parts.experience import Contacts, Experience
from training.parts.parts import AT_ONCE, Parts, response_table, responses
from training.value.trial import Floats, Index, Matrix

KAIROS = "Kairos"
Score = Callable[[Occasions], Floats]
"""From occasions to scores of every pair, ``[n, pairs]``; the best allowed one is chosen if it is above 0."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One rule, or the reason why it could not take part."""

    name: str
    score: Score | None
    always: bool = False
    """Contacts even where silence would score better."""
    absent: str = ""

    def choose(self, occasions: Occasions) -> Index:
        """The chosen pair of every customer, ``[n]``; −1 for silence."""
        if self.score is None:
            raise ValueError(f"{self.name} takes no part: {self.absent}")
        scores = np.where(occasions.allowed, self.score(occasions), -np.inf)
        choice = scores.argmax(axis=1)
        worth = scores[np.arange(len(choice)), choice] > (-np.inf if self.always else 0.0)
        found: Index = np.where(worth, choice, -1)
        return found


def earned(known: Experience, contacts: Contacts) -> Floats:
    """What contacts brought in, what would have been bought anyway included, minor units ``[n]``: the reward of rules
    that do not ask what would have happened without them. Silence counts 0."""
    offers, channels = known.catalogue.offers, known.catalogue.channels
    margin = np.array([o.margin_minor for o in offers], dtype=np.float64)[contacts.offer]
    incentive = np.array([o.incentive_minor for o in offers], dtype=np.float64)[contacts.offer]
    automatic = np.array([o.automatic for o in offers], dtype=np.bool_)[contacts.offer]
    cost = np.array([c.cost_minor for c in channels])[contacts.channel]
    paid = contacts.bought & (contacts.noticed | automatic)
    reward: Floats = contacts.bought * margin - paid * incentive - cost
    return reward


def contenders(ground: Ground, parts: Parts, *, seed: int, threads: int) -> list[Contender]:
    """Everybody, with Kairos' parts already learnt."""
    known = ground.known
    done = known.contacts.where(known.contacts.closed)
    more = {"seed": seed, "threads": threads}
    columns = parts.columns
    bought = fit_blend(responses(columns, done), done.bought.astype(np.float64), done.customer, **more)
    silent = known.quiet.where(known.quiet.silent)
    alone = fit_blend(columns.buying(silent.X, silent.offer), silent.bought.astype(np.float64), silent.customer, **more)
    margin, incentive, cost = _money(known, ground.occasions)

    def response(occasions: Occasions) -> Floats:
        return _sliced(occasions, lambda X, o, c: bought.probability(response_table(columns, X, o, c)))

    def without(occasions: Occasions) -> Floats:
        return _sliced(occasions, lambda X, o, _: alone.probability(columns.buying(X, o)))

    def kairos(occasions: Occasions) -> Floats:
        return _square(parts.value(occasions.X, occasions.all_offers(), occasions.all_channels()), occasions)

    return [
        Contender("silence", lambda occasions: np.full(occasions.allowed.shape, -1.0)),
        Contender("random", lambda occasions: np.random.default_rng(seed).random(occasions.allowed.shape), always=True),
        Contender("best constant", _constant(known, done, ground.occasions)),
        Contender("response only", response, always=True),
        Contender("probability × value", lambda o: response(o) * (margin - incentive), always=True),
        Contender("probability × value − costs, silence", lambda o: response(o) * (margin - incentive) - cost),
        Contender("T-learner", lambda o: (response(o) - without(o)) * margin - response(o) * incentive - cost),
        _optional("LinUCB (MABWiser)", "mabwiser", known, done),
        _optional("Vowpal Wabbit cb_explore_adf", "vowpalwabbit", known, done),
        Contender(KAIROS, kairos),
    ]


def _optional(name: str, package: str, known: Experience, done: Contacts) -> Contender:
    if find_spec(package) is None:
        return Contender(name, None, absent=f"{package} is not installed: pip install 'kairos-offers[contenders]'")
    from training.judge import bandits  # it imports what is optional

    learn = bandits.linucb if package == "mabwiser" else bandits.vowpal_wabbit
    return Contender(name, learn(known, done, earned(known, done)))


def _constant(known: Experience, done: Contacts, occasions: Occasions) -> Score:
    """The pair with the highest logged reward less what is bought without it, for everybody."""
    anyway = np.bincount(known.quiet.offer, known.quiet.bought, len(known.catalogue.offers)) / np.maximum(
        np.bincount(known.quiet.offer, minlength=len(known.catalogue.offers)), 1
    )
    margin = np.array([o.margin_minor for o in known.catalogue.offers], dtype=np.float64)
    reward = earned(known, done) - (anyway * margin)[done.offer]
    pairs = len(known.catalogue.channels)
    place = done.offer * pairs + done.channel
    total = np.bincount(place, reward, len(margin) * pairs)
    mean = total / np.maximum(np.bincount(place, minlength=len(total)), 1)
    of_pair = mean[occasions.offer * pairs + occasions.channel]
    only = np.where(np.arange(len(of_pair)) == of_pair.argmax(), of_pair, -1.0)
    return lambda asked: np.tile(only, (len(asked), 1))


def _money(known: Experience, occasions: Occasions) -> tuple[Floats, Floats, Floats]:
    offers, channels = known.catalogue.offers, known.catalogue.channels
    margin = np.array([o.margin_minor for o in offers], dtype=np.float64)[occasions.offer]
    incentive = np.array([o.incentive_minor for o in offers], dtype=np.float64)[occasions.offer]
    return margin, incentive, np.array([c.cost_minor for c in channels])[occasions.channel]


def _sliced(occasions: Occasions, score: Callable[[Matrix, Index, Index], Floats]) -> Floats:
    """The score of every pair, ``[n, pairs]``, a slice of rows at a time: wide tables fill the memory."""
    offer, channel = occasions.all_offers(), occasions.all_channels()
    slices = [slice(start, start + AT_ONCE) for start in range(0, len(offer), AT_ONCE)]
    return _square(np.concatenate([score(occasions.X[s], offer[s], channel[s]) for s in slices]), occasions)


def _square(of_rows: Floats, occasions: Occasions) -> Floats:
    return of_rows.reshape(len(occasions), -1)
