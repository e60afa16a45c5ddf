"""A reminder that is due goes out with the next job, on the small world."""

import csv
import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from features.catalogue import Catalogue
from features.domain import HOUR, CustomerId, DecisionId, FollowUp, Instant, Kind, OfferId
from serving.batch import run
from serving.chronicle import journal_of
from serving.jobs import folder as folders
from serving.jobs.folder import Folder
from serving.jobs.order import Audience, Format, JobId, Order
from serving.journal.reserving import reserve
from serving.journal.schema import FOLLOW_UPS
from serving.journal.standings import confirm
from serving.ledger.contact import ContactId
from serving.ledger.reservation import Reserved, contact_of
from serving.pairs import Pair
from serving.policy.policy import DEFAULT
from serving.settings import Settings
from tests.conftest import settings_of

MAILED, OTHER = CustomerId("c001"), CustomerId("c002")
PAYS = {"levers": [{"name": "bread pays", "about": {"offer": "reward-bread"}, "money_minor": 200}]}


@pytest.fixture
def settings(small_store: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(small_store.source_dir, tmp_path / "files")
    found = settings_of(tmp_path)
    (found.source_dir / "policy.json").write_text(json.dumps(PAYS))
    return found


@pytest.fixture
def now(settings: Settings) -> Instant:
    return Catalogue.from_json(settings.catalogue_file.read_text()).now


def mailed(settings: Settings, now: Instant) -> ContactId:
    """A letter about bread went out, to be followed by an e-mail a day later unless it was bought or looked at."""
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    offer, channel = catalogue.offer[OfferId("reward-bread")], next(c for c in catalogue.channels if c.name == "email")
    followed = replace(offer, follow_ups=(FollowUp(24, (Kind.VIEWED, Kind.PURCHASED), channel.name),))
    contact = contact_of(DecisionId("before"), 1, [Pair(followed, channel)], now, DEFAULT, now)
    with closing(journal_of(settings)) as journal:
        revision = journal.ledger(MAILED, now).revision
        assert isinstance(journal.write(lambda t: reserve(t, MAILED, revision, [contact], [], now)), Reserved)
        journal.write(lambda t: confirm(t, contact.contact_id, now))
    return contact.contact_id


def job(settings: Settings, name: str, at: Instant) -> list[dict[str, str]]:
    """The rows that a job for somebody else writes."""
    order = Order(JobId(name), at, "test", Audience((OTHER,)), kind="reward", format=Format.CSV)
    folder = Folder.make(settings.jobs_dir, order)
    run(settings, order.job_id, lambda _: None)
    with (folder.path / "results.csv").open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_due_reminder_is_decided_by_the_next_job_and_handed_out_by_each_until_it_is_confirmed(
    settings: Settings, now: Instant
) -> None:
    contact_id = mailed(settings, now)
    assert [row["customer_id"] for row in job(settings, "early", Instant(now + HOUR))] == [OTHER]
    own, reminder = job(settings, "due", Instant(now + 25 * HOUR))
    assert (own["customer_id"], own["follow_up"]) == (OTHER, "False")
    assert (reminder["customer_id"], reminder["follow_up"]) == (MAILED, "True")
    assert (reminder["offer_id"], reminder["channel"], reminder["row"]) == ("reward-bread", "email", "")
    assert reminder["contact_id"]
    assert folders.find(settings.jobs_dir, "due").progress().follow_ups == 1
    (again,) = [row for row in job(settings, "again", Instant(now + 25 * HOUR)) if row["follow_up"] == "True"]
    assert again["decision_id"] == reminder["decision_id"]
    with closing(journal_of(settings)) as journal:
        with journal.reading() as connection:
            told = connection.execute(select(FOLLOW_UPS.c.contact_id, FOLLOW_UPS.c.decision_id)).all()
        assert [tuple(row) for row in told] == [(contact_id, reminder["decision_id"])]
        journal.write(lambda t: confirm(t, ContactId(reminder["contact_id"]), Instant(now + 25 * HOUR)))
    assert [row["customer_id"] for row in job(settings, "later", Instant(now + 26 * HOUR))] == [OTHER]
