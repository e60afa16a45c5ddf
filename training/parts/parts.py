"""The learner of three parts: what it reads, how it is fitted, and what a contact is then expected to be worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from features.catalogue import Catalogue
from features.feature import Group
from features.vector import FEATURES
from serving.columns import INCOME, PACE, PLACES, PURSE, SHARE, TURNS, Told
from serving.sheet import Sheet
from training.parts.blend import Blend, Table, fit_blend
from training.parts.experience import Contacts, Experience
from training.parts.persuasion import Persuasion, fit_persuasion
from training.value.trial import Floats, Index, Matrix

Names = tuple[str, ...]
WINDOW = "content_window_days"
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
    """From whole vectors of pairs to what each part reads: by the same code as in the service."""

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
        told = {f.name for f in FEATURES if _varies(X[:, PLACES[f.name]])}
        person = [f.name for f in FEATURES if f.group in ABOUT_PERSON and f.name in told]
        notices = person + [f.name for f in FEATURES if f.group is Group.CHANNEL and f.name in told]
        wants = person + [f.name for f in FEATURES if f.group is Group.CATEGORY and f.name in told]
        income = np.log1p(X[:, INCOME].astype(np.float64))
        purse = float(np.nanmean(income)) if np.isfinite(income).any() else 0.0
        return Columns(catalogue, tuple(person), tuple(notices), tuple(wants), purse)

    @property
    def noticing_sheet(self) -> Sheet:
        """For v: the person, the channel so far, the hour, what is liked; one group per channel."""
        liked = ("category_share", "category_purchases_120d")
        channels = tuple(str(channel.name) for channel in self.catalogue.channels)
        return Sheet((*self.notices, *TURNS, *liked), "channel", channels)

    @property
    def buying_sheet(self) -> Sheet:
        """For p₀: the person and the category; one group per category."""
        return Sheet((*self.wants, WINDOW), "category", self._categories)

    @property
    def persuading_sheet(self) -> Sheet:
        """For π: how fast it is bought anyway, what is given away, who and where; one group per category."""
        places = (f"channel={channel.name}" for channel in self.catalogue.channels)
        made = (f"offer={offer.offer_id}" for offer in self.catalogue.offers)
        return Sheet((PACE, SHARE, f"{PURSE}@{self.purse!r}", *WANTING, *places, *made), "category", self._categories)

    @property
    def _categories(self) -> Names:
        return tuple(sorted({str(offer.category) for offer in self.catalogue.offers}))

    def noticing(self, X: Matrix, offer: Index, channel: Index) -> Table:
        """The table of v."""
        return self._table(self.noticing_sheet, {"channel_notice_rate": 1}, X, offer, channel)

    def buying(self, X: Matrix, offer: Index) -> Table:
        """The table of p₀."""
        return self._table(self.buying_sheet, {WINDOW: 1}, X, offer, None)

    def persuading(self, X: Matrix, offer: Index, channel: Index, organic: Floats) -> Table:
        """The table of π."""
        return self._table(self.persuading_sheet, {PACE: 1, SHARE: 1}, X, offer, channel, organic)

    def _table(
        self,
        sheet: Sheet,
        rising: Mapping[str, int],
        X: Matrix,
        offer: Index,
        channel: Index | None,
        organic: Floats | None = None,
    ) -> Table:
        told = self._told(X, offer, channel, organic)
        key = np.char.add(np.char.add(told.offer, "|"), told.channel)
        directions = tuple(rising.get(name, 0) for name in sheet.columns)
        return Table(sheet.own(X, told), directions, sheet.grouped(told), len(sheet.groups), key)

    def _told(self, X: Matrix, offer: Index, channel: Index | None, organic: Floats | None) -> Told:
        offers, names = self.catalogue.offers, [str(c.name) for c in self.catalogue.channels]
        made, categories = np.array([str(o.offer_id) for o in offers]), np.array([str(o.category) for o in offers])
        where = np.full(len(offer), "") if channel is None else np.array(names)[channel]
        return Told.of(X, made[offer], categories[offer], where, organic)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The fitted parts."""

    columns: Columns
    noticing: Blend
    buying: Blend
    persuading: Persuasion
    shortest: float
    """Days below which p₀ was not learnt."""

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
    told = columns.persuading(seen.X, seen.offer, seen.channel, organic)
    shortest = float(quiet.X[:, PLACES[WINDOW]].min())
    persuading = fit_persuasion(told, seen, by_now(columns, buying, shortest, seen), **more)
    return Parts(columns, noticing, buying, persuading, shortest)


def by_now(columns: Columns, buying: Blend, shortest: float, contacts: Contacts) -> Floats:
    """The chance that what contacts are about was bought by now without them, ``[n]``: p₀ of what has passed of their
    windows, in even time below the ``shortest`` days learnt of. It does not grow evenly beyond: who looks around today
    buys this week rather than next month."""
    windows = np.array([offer.window_days for offer in columns.catalogue.offers])[contacts.offer]
    passed, X = contacts.age * windows, contacts.X.copy()
    X[:, PLACES[WINDOW]] = np.maximum(passed, shortest)
    found: Floats = buying.probability(columns.buying(X, contacts.offer)) * np.minimum(passed / shortest, 1.0)
    return found


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
    return X[:, [PLACES[name] for name in names]]


def _varies(column: Matrix) -> bool:
    known = column[np.isfinite(column)]
    return len(known) > 0 and float(known.max()) - float(known.min()) > SAME
