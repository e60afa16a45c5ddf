"""What the journal holds of customers that every decision needs, read in one statement: all of it as of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    literal,
    null,
    select,
    union_all,
)

from features.domain import CustomerId
from features.quick import quick
from serving.consent import Consent, Topic
from serving.journal.consents import in_force
from serving.journal.contacts import COUNTS, contact_in
from serving.journal.past import Standing
from serving.journal.schema import CONSENTS, CONTACTS, CUSTOMERS, IDENTITIES
from serving.journal.written import Values, Written
from serving.ledger.contact import Contact


@quick(frozen=True, slots=True)
class Dossier:
    """What the journal holds of one customer."""

    who: Standing
    contacts: tuple[Contact, ...]
    """Those that count, by moment, since the instant that was asked for."""
    consents: Mapping[Topic, Consent]
    """The statement that holds for each purpose and channel on which the customer made one."""
    erasures: int
    """As many customers were erased at least before it was read."""


_CUSTOMER, _CONTACT, _CONSENT = range(3)
"""What a row is of; after it comes whose it is, so many texts, then numbers."""
_TEXTS, _NUMBERS = 7, 4


def nobody_yet(customer_id: CustomerId, erasures: int) -> Dossier:
    """What is held of a customer of whom nothing is known."""
    return Dossier(Standing(customer_id), (), {}, erasures)


def dossier(rows: Iterable[Values], erasures: int) -> Dossier | None:
    """What is in the rows of BY_NAME or BY_NUMBER; None where they tell of nobody."""
    return next(iter(dossiers(rows, erasures).values()), None)


def dossiers(rows: Iterable[Values], erasures: int) -> dict[str, Dossier]:
    """What is in the rows of ``by_names``, by name; names that are nobody's are left out."""
    named: dict[str, Standing] = {}
    contacts: dict[str, list[Contact]] = {}
    stated: dict[str, list[tuple[int, Values]]] = {}
    for of, whose, a, b, c, d, e, f, g, i, j, k, m in rows:
        if of == _CUSTOMER:
            named[a] = Standing(whose, i or 0, j or 0, k or 0)
        elif of == _CONTACT:
            contacts.setdefault(whose, []).append(contact_in((a, b, i, c, d, e, j, k, f, m, g)))
        else:
            stated.setdefault(whose, []).append((k, (a, b, i, j, c, d)))
    for each in contacts.values():
        if len(each) > 1:
            each.sort(key=_when)
    said = {whose: in_force(row for _, row in sorted(told)) for whose, told in stated.items()}
    return {
        name: Dossier(who, tuple(contacts.get(who.customer_id, ())), said.get(who.customer_id) or {}, erasures)
        for name, who in named.items()
    }


def _when(contact: Contact) -> tuple[int, str]:
    return contact.moment, contact.contact_id


def _row(
    of: int,
    source: FromClause,
    whose: ColumnElement[str],
    texts: Sequence[ColumnElement[str]],
    numbers: Sequence[ColumnElement[int]],
) -> Select[tuple[Any, ...]]:
    """Rows of one form, so that one statement can tell them all."""
    no_texts = (cast(null(), Text) for _ in range(_TEXTS - len(texts)))
    no_numbers = (cast(null(), BigInteger) for _ in range(_NUMBERS - len(numbers)))
    columns: list[ColumnElement[Any]] = [literal(of), whose, *texts, *no_texts, *numbers, *no_numbers]
    return select(*columns).select_from(source)


def _written(customer: Select[tuple[Any, ...]], own: ColumnElement[bool], said: ColumnElement[bool]) -> Written:
    """A statement for the rows of customers, then of their contacts and consents; the last two tell whose are meant."""
    at, told = CONTACTS.c, CONSENTS.c
    contacts = _row(
        _CONTACT,
        _OWN.customer_id.table.join(CONTACTS, at.identity_id == _OWN.identity_id),
        _OWN.customer_id,
        (at.contact_id, at.channel, at.offers, at.categories, at.purposes, at.standing, at.decision_id),
        (at.moment_us, at.priority, cast(at.counts, Integer), at.expires_us),
    ).where(own, at.moment_us >= bindparam("since"), COUNTS)
    consents = _row(
        _CONSENT,
        CONSENTS,
        told.customer_id,
        (told.purpose, told.channel, told.source, told.proof),
        (cast(told.granted, Integer), told.at_us, told.consent_id),
    ).where(said)
    return Written(union_all(customer, contacts, consents))


_OWN = IDENTITIES.alias("own").c
_HEADS = CUSTOMERS.c.head, CUSTOMERS.c.relinked, CUSTOMERS.c.booked


def _by_number() -> Written:
    own, number = CUSTOMERS.c.customer_id, bindparam("whose", type_=Text)
    customer = _row(_CUSTOMER, CUSTOMERS, own, (own,), _HEADS).where(own == number)
    return _written(customer, _OWN.customer_id == number, CONSENTS.c.customer_id == number)


def _named(told: FromClause) -> Select[tuple[Any, ...]]:
    """The row of whoever has a name."""
    who = CUSTOMERS.c.customer_id == told.c.customer_id
    return _row(_CUSTOMER, told.outerjoin(CUSTOMERS, who), told.c.customer_id, (told.c.value,), _HEADS)


def _by_name() -> Written:
    told = IDENTITIES.alias("told")
    is_it = told.c.namespace == bindparam("kind"), told.c.value == bindparam("told")
    whose = select(told.c.customer_id).where(*is_it).scalar_subquery()
    return _written(_named(told).where(*is_it), _OWN.customer_id == whose, CONSENTS.c.customer_id == whose)


@cache
def by_names(n: int) -> Written:
    """Of whoever has one of so many names: parameters ``kind``, ``since``, and ``told_0`` to ``told_{n - 1}``."""
    told = IDENTITIES.alias("told").c
    some = told.value.in_([bindparam(f"told_{number}", type_=Text) for number in range(n)])
    named = select(told.customer_id, told.value).where(told.namespace == bindparam("kind"), some).cte("named")
    whose = select(named.c.customer_id)
    return _written(_named(named), _OWN.customer_id.in_(whose), CONSENTS.c.customer_id.in_(whose))


BY_NUMBER = _by_number()
"""Of a customer by what they are called now: parameters ``whose`` and ``since``."""
BY_NAME = _by_name()
"""Of whoever has a name: parameters ``kind``, ``told`` and ``since``."""
