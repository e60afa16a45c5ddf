"""The learner of three parts: what it reads, how it is fitted, and what a contact is then expected to be worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.feature import Group
from features.vector import FEATURES
from training.parts.blend import Blend, Table, fit_blend
from training.parts.experience import Contacts, Experience
from training.parts.persuasion import Persuasion, fit_persuasion
from training.value.trial import Floats, Index, Matrix

Names = tuple[str, ...]
PLACE = {feature.name: place for place, feature in enumerate(FEATURES)}
ABOUT_PERSON = (Group.CUSTOMER, Group.PROFILE, Group.MOMENT)
WANTING = (
    "category_look_open",
    "category_basket_open",
    "category_interest_14d",
    "category_purchases_120d",
    "category_share",
    "category_days_since_latest_interest",
    "customer_contacts_7d",
    "profile_age_years",
    "profile_income_minor",
    "profile_female",
    "profile_home_owner",
    "profile_household_size",
)
"""What bears on being persuaded: wanting it, and who one is."""
SAME = 1e-6
AT_ONCE = 40_000
"""Pairs that are looked at at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What is expected of pairs, ``[n]`` each."""

    noticed: Floats
    persuaded: Floats
    organic: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """From whole vectors of pairs to what each part reads."""

    catalogue: Catalogue
    person: Names
    """Columns about the person that vary."""
    notices: Names
    wants: Names
    purse: float
    """Mean of the log of the incomes told."""

    @staticmethod
    def of(catalogue: Catalogue, X: Matrix) -> Columns:
        """Those that vary in these vectors."""
        told = {f.name for f in FEATURES if _varies(X[:, PLACE[f.name]])}
        person = [f.name for f in FEATURES if f.group in ABOUT_PERSON and f.name in told]
        notices = person + [f.name for f in FEATURES if f.group is Group.CHANNEL and f.name in told]
        wants = person + [f.name for f in FEATURES if f.group is Group.CATEGORY and f.name in told]
        income = np.log1p(X[:, PLACE["profile_income_minor"]].astype(np.float64))
        purse = float(np.nanmean(income)) if np.isfinite(income).any() else 0.0
        return Columns(catalogue, tuple(person), tuple(notices), tuple(wants), purse)

    @property
    def category(self) -> Index:
        """The category of every offer, ``[offers]``."""
        names = [offer.buys or offer.category for offer in self.catalogue.offers]
        return np.unique(names, return_inverse=True)[1].astype(np.intp)

    def noticing(self, X: Matrix, offer: Index, channel: Index) -> Table:
        """For v: the person, the channel so far, the hour; one group per channel."""
        hour = X[:, PLACE["moment_hour"]] * (2.0 * np.pi / 24.0)
        turns = np.column_stack([np.cos(hour), np.sin(hour), np.cos(2 * hour), np.sin(2 * hour)])
        liked = _named(X, ("category_share", "category_purchases_120d"))
        rising = (*(int(name == "channel_notice_rate") for name in self.notices), 0, 0, 0, 0, 0, 0)
        X_own = np.hstack([_named(X, self.notices), turns, liked]).astype(np.float32)
        return Table(X_own, rising, channel, len(self.catalogue.channels), _keys(offer, channel))

    def buying(self, X: Matrix, offer: Index) -> Table:
        """For p₀: the person and the category; one group per category."""
        X_own = _named(X, (*self.wants, "content_window_days"))
        rising = (*[0] * len(self.wants), 1)
        return Table(X_own, rising, self.category[offer], int(self.category.max()) + 1, offer.astype(np.str_))

    def persuading(self, X: Matrix, offer: Index, channel: Index, organic: Floats) -> Table:
        """For π: how likely it is bought anyway, what is given away, who and where; one group per category."""
        offers = self.catalogue.offers
        share = np.array([o.incentive_minor / max(o.margin_minor, 1) for o in offers])[offer]
        anyway = np.log(organic / (1.0 - organic))
        wanting = _named(X, WANTING)
        income = wanting[:, WANTING.index("profile_income_minor")]
        # What an incentive does depends on the purse: the one product that a sum of columns cannot say.
        purse = np.where(np.isnan(income), 0.0, np.log1p(income) - self.purse)
        places = np.eye(len(self.catalogue.channels))[channel]
        made = np.eye(len(offers))[offer]
        X_own = np.column_stack([anyway, share, purse * share, wanting, places, made]).astype(np.float32)
        rising = (1, 1, *[0] * (X_own.shape[1] - 2))
        return Table(X_own, rising, self.category[offer], int(self.category.max()) + 1, _keys(offer, channel))


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The fitted parts."""

    columns: Columns
    noticing: Blend
    buying: Blend
    persuading: Persuasion

    def say(self, X: Matrix, offer: Index, channel: Index) -> Said:
        """What is expected of pairs with whole vectors ``[n, n_features]``."""
        slices = [slice(start, start + AT_ONCE) for start in range(0, max(len(X), 1), AT_ONCE)]
        parts = [self._say(X[each], offer[each], channel[each]) for each in slices]
        return Said(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Said)))

    def _say(self, X: Matrix, offer: Index, channel: Index) -> Said:
        organic = self.buying.probability(self.columns.buying(X, offer))
        return Said(
            self.noticing.probability(self.columns.noticing(X, offer, channel)),
            self.persuading.probability(self.columns.persuading(X, offer, channel, organic)),
            organic,
        )

    def value(self, X: Matrix, offer: Index, channel: Index) -> Floats:
        """The expected incremental value of pairs before attention, minor units ``[n]``."""
        return worth(self.columns.catalogue, offer, channel, self.say(X, offer, channel))


def worth(catalogue: Catalogue, offer: Index, channel: Index, said: Said) -> Floats:
    """v·((q − p₀)·margin − q·incentive) − [automatic] (1 − v)·p₀·incentive − cost, minor units ``[n]``."""
    margin, incentive, automatic = (
        np.array([float(getattr(o, name)) for o in catalogue.offers])[offer]
        for name in ("margin_minor", "incentive_minor", "automatic")
    )
    cost = np.array([c.cost_minor for c in catalogue.channels])[channel]
    gained = (1.0 - said.organic) * said.persuaded
    value: Floats = said.noticed * (gained * margin - (said.organic + gained) * incentive)
    unnoticed = automatic * (1.0 - said.noticed) * said.organic * incentive
    total: Floats = value - unnoticed - cost
    return total


def fit_parts(known: Experience, *, seed: int, threads: int) -> Parts:
    """Learn the parts, organic first: what would be bought anyway is known when persuasion is asked about."""
    contacts, quiet = known.contacts, known.quiet
    columns = Columns.of(known.catalogue, contacts.X)
    more = {"seed": seed, "threads": threads}
    buying = fit_blend(columns.buying(quiet.X, quiet.offer), quiet.bought.astype(np.float64), quiet.customer, **more)
    told = columns.noticing(contacts.X, contacts.offer, contacts.channel)
    noticing = fit_blend(told, contacts.noticed.astype(np.float64), contacts.customer, **more)
    seen = contacts.where(contacts.noticed)
    organic = buying.probability(columns.buying(seen.X, seen.offer))
    persuading = fit_persuasion(columns.persuading(seen.X, seen.offer, seen.channel, organic), seen, organic, **more)
    return Parts(columns, noticing, buying, persuading)


def responses(columns: Columns, contacts: Contacts) -> Table:
    """What a plain response model reads of contacts: everything that varies; one group per channel."""
    return response_table(columns, contacts.X, contacts.offer, contacts.channel)


def response_table(columns: Columns, X: Matrix, offer: Index, channel: Index) -> Table:
    """See ``responses``."""
    told = columns.noticing(X, offer, channel)
    content = _named(X, ("content_margin", "content_incentive", "content_window_days"))
    also = tuple(name for name in columns.wants if name not in columns.person)
    made = np.eye(len(columns.catalogue.offers), dtype=np.float32)[offer]
    X_own = np.hstack([told.X, content, _named(X, also), made])
    return Table(X_own, (0,) * X_own.shape[1], channel, told.groups, told.key)


def _named(X: Matrix, names: Sequence[str]) -> Matrix:
    return X[:, [PLACE[name] for name in names]]


def _keys(offer: Index, channel: Index) -> NDArray[np.generic]:
    return np.char.add(np.char.add(offer.astype(np.str_), "|"), channel.astype(np.str_))


def _varies(column: Matrix) -> bool:
    known = column[np.isfinite(column)]
    return len(known) > 0 and float(known.max()) - float(known.min()) > SAME
