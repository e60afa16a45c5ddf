"""What the journal holds of a customer that every decision needs, read in one statement: all of it as of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
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


class _Of(IntEnum):
    """What a row is of; after it come so many texts, then numbers."""

    CUSTOMER = 0
    CONTACT = 1
    CONSENT = 2


_TEXTS, _NUMBERS = 7, 4


def nobody_yet(customer_id: CustomerId) -> Dossier:
    """What is held of a customer of whom nothing is known."""
    return Dossier(Standing(customer_id), (), {})


def dossier(rows: Iterable[Values]) -> Dossier | None:
    """What is in the rows of BY_NAME or BY_NUMBER; None where they tell of nobody."""
    who: Standing | None = None
    contacts: list[Contact] = []
    stated = []
    for of, a, b, c, d, e, f, g, i, j, k, m in rows:
        if of == _Of.CUSTOMER:
            who = Standing(CustomerId(a), i or 0, j or 0, k or 0)
        elif of == _Of.CONTACT:
            contacts.append(contact_in((a, b, i, c, d, e, j, k, f, m, g)))
        else:
            stated.append((k, (a, b, i, j, c, d)))
    if who is None:
        return None
    contacts.sort(key=lambda each: (each.moment, each.contact_id))
    stated.sort(key=lambda each: each[0])
    return Dossier(who, tuple(contacts), in_force(row for _, row in stated) if stated else {})


def _row(
    of: _Of, source: FromClause, texts: Sequence[ColumnElement[str]], numbers: Sequence[ColumnElement[int]]
) -> Select[tuple[Any, ...]]:
    """Rows of one form, so that one statement can tell them all."""
    no_texts = (cast(null(), Text) for _ in range(_TEXTS - len(texts)))
    no_numbers = (cast(null(), BigInteger) for _ in range(_NUMBERS - len(numbers)))
    columns: list[ColumnElement[Any]] = [literal(int(of)), *texts, *no_texts, *numbers, *no_numbers]
    return select(*columns).select_from(source)


def _written(customer: Select[tuple[Any, ...]], whose: ColumnElement[str]) -> Written:
    """A statement for one row of the customer, then the contacts and consents of whoever that is."""
    own, at, said = IDENTITIES.alias("own").c, CONTACTS.c, CONSENTS.c
    contacts = _row(
        _Of.CONTACT,
        own.identity_id.table.join(CONTACTS, at.identity_id == own.identity_id),
        (at.contact_id, at.channel, at.offers, at.categories, at.purposes, at.standing, at.decision_id),
        (at.moment_us, at.priority, cast(at.counts, Integer), at.expires_us),
    ).where(own.customer_id == whose, at.moment_us >= bindparam("since"), COUNTS)
    consents = _row(
        _Of.CONSENT,
        CONSENTS,
        (said.purpose, said.channel, said.source, said.proof),
        (cast(said.granted, Integer), said.at_us, said.consent_id),
    ).where(said.customer_id == whose)
    return Written(union_all(customer, contacts, consents))


_HEADS = CUSTOMERS.c.head, CUSTOMERS.c.relinked, CUSTOMERS.c.booked
_TOLD = IDENTITIES.alias("told").c
_NAMED = _TOLD.namespace == bindparam("kind"), _TOLD.value == bindparam("told")
BY_NUMBER = _written(
    _row(_Of.CUSTOMER, CUSTOMERS, (CUSTOMERS.c.customer_id,), _HEADS).where(
        CUSTOMERS.c.customer_id == bindparam("whose")
    ),
    bindparam("whose"),
)
"""Of a customer by what they are called now: parameters ``whose`` and ``since``."""
BY_NAME = _written(
    _row(
        _Of.CUSTOMER,
        _TOLD.customer_id.table.outerjoin(CUSTOMERS, CUSTOMERS.c.customer_id == _TOLD.customer_id),
        (_TOLD.customer_id,),
        _HEADS,
    ).where(*_NAMED),
    select(_TOLD.customer_id).where(*_NAMED).scalar_subquery(),
)
"""Of whoever has a name: parameters ``kind``, ``told`` and ``since``."""
