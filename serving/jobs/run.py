"""The way of a job from the audience to the files. Whatever dies, it is taken up where it was and does nothing twice.

Every decision of a job has an id that follows from the job and the customer, so the journal itself knows who has been
decided for; the job's own notes only save work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import Clock
from features.domain import DecisionId
from serving.allocation.fill import usable
from serving.allocation.prices import price
from serving.equipment import Equipment
from serving.jobs import audience, manifest, results
from serving.jobs import folder as folders
from serving.jobs.audience import Member
from serving.jobs.folder import Folder
from serving.jobs.means import Means
from serving.jobs.order import Order, decision_id
from serving.jobs.progress import Progress, Stage
from serving.jobs.rows import Flaw
from serving.jobs.scarcity import Options, options
from serving.journal.errors import ErasedMeanwhileError
from serving.problem import RefusalError

BLOCK = 100
"""Customers between two notes of how far the job has come."""
Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Run:
    """One job, to be run by one process at a time."""

    folder: Folder
    means: Means
    clock: Clock
    seed: int
    tell: Told = lambda _: None

    def __call__(self) -> Progress:
        """Run it to its end.

        Raises:
            JobError: The audience cannot be read.
            JournalUnavailableError: The journal is out of reach; run it again when it is back.
        """
        before, order = self.folder.progress(), self.folder.order()
        if before.stage is Stage.DONE:
            return before
        begun = before.begun_at or self.clock.now()
        restarts = before.restarts + (before.begun_at is not None)
        progress = self._note(replace(before, stage=Stage.WAITING, begun_at=begun, restarts=restarts, why=""))
        progress = self._read(order, progress)
        places, prices = self._price(order, progress)
        progress = self._decide(order, self.folder.progress(), places, prices)
        return self._write(order, progress)

    def _note(self, progress: Progress) -> Progress:
        self.folder.note(progress)
        self.tell(progress)
        return progress

    def _read(self, order: Order, progress: Progress) -> Progress:
        if not self.folder.audience.exists():
            progress = self._note(replace(progress, stage=Stage.READING))
            means = self.means
            rows = audience.told(order.audience, means.files, means.everybody, means.table)
            audience.settle(self.folder, rows, means.whose, means.wanted)
        return replace(
            progress, customers=len(self._members()), errors=len(audience.flaws(self.folder)), scored=0, decided=0
        )

    def _members(self) -> list[Member]:
        return audience.members(self.folder)

    def _price(self, order: Order, progress: Progress) -> tuple[list[int], Mapping[str, float]]:
        """In which order to decide, and at what prices; where nothing is scarce, as they came and at none."""
        found = options(self.means.equipment.pairs, self.means.equipment.policy, order.at)
        members = self._members()
        if not found.keys or not members:
            self._note(replace(progress, stage=Stage.DECIDING))
            return [member.place for member in members], {}
        if not self.folder.prices.exists():
            scores = self._score(found, members, progress)
            left = found.demand(scores, self.means.taken(found.keys))
            priced = price(left, self.seed)
            # Those come first who would lose most by anything but their best: whom a limit turns away hardly cares.
            places = np.argsort(-left.regrets(priced.prices), kind="stable")
            with self.folder.places.open("wb") as opened:
                np.save(opened, places)
            told = {key: float(each) for key, each in zip(found.keys, usable(priced.prices), strict=True) if each > 0}
            about = {"prices": told, "worth_minor": priced.worth, "bound_minor": priced.bound, "gap": priced.gap}
            folders.replace(self.folder.prices, json.dumps(about))
        self._note(replace(self.folder.progress(), stage=Stage.DECIDING))
        prices: dict[str, float] = json.loads(self.folder.prices.read_text())["prices"]
        return np.load(self.folder.places).tolist(), prices

    def _score(self, found: Options, members: Sequence[Member], progress: Progress) -> NDArray[np.float32]:
        """What every option is worth to everybody, float32 ``[n_customers, n_options]``; gone on with after a crash."""
        shape = (max(member.place for member in members) + 1, len(found.uses))
        basis = f"{self.means.equipment.catalogue.fingerprint} {self.means.equipment.policy.fingerprint} {shape}"
        if not self.folder.basis.exists() or self.folder.basis.read_text() != basis:
            np.memmap(self.folder.scores, np.float32, "w+", shape=shape)[:] = -np.inf
            folders.replace(self.folder.basis, basis)
            done = 0
        else:
            done = self.folder.progress().scored
        scores = np.memmap(self.folder.scores, np.float32, "r+", shape=shape)
        progress = self._note(replace(progress, stage=Stage.SCORING, scored=done))
        for first in range(done, len(members), BLOCK):
            for member in members[first : first + BLOCK]:
                worth = self.means.rehearse(member.customer_id, self.means.equipment)
                scores[member.place] = found.scores(worth, self.means.equipment.policy)
            scores.flush()
            progress = self._note(replace(progress, scored=min(first + BLOCK, len(members))))
        return scores

    def _decide(self, order: Order, progress: Progress, places: Sequence[int], prices: Mapping[str, float]) -> Progress:
        equipment = replace(self.means.equipment, prices=prices)
        found = audience.flaws(self.folder)
        progress = replace(progress, decided=0, offered=0)
        for first in range(0, len(places), BLOCK):
            made = self._decide_block(order, places[first : first + BLOCK], equipment, found)
            offered = sum(bool(json.loads(answer)["items"]) for answer in made.values())
            audience.write_flaws(self.folder, found)
            progress = self._note(
                replace(
                    progress,
                    decided=progress.decided + len(made),
                    offered=progress.offered + offered,
                    errors=len({flaw.number for flaw in found}),
                )
            )
        if order.follow_ups:
            followed = self._follow()
            progress = self._note(replace(progress, follow_ups=followed))
        return progress

    def _decide_block(
        self, order: Order, places: Sequence[int], equipment: Equipment, found: list[Flaw]
    ) -> Mapping[DecisionId, str]:
        """The answers to the decisions for those at these places; adds what is wrong to what was ``found``."""
        refused = set[int]()
        while True:
            # Who was erased meanwhile is not decided for. Counted first: erasure takes them out of the audience before.
            erasures, members = self.means.erasures(), {member.place: member for member in self._members()}
            block = [members[place] for place in places if place in members]
            ids = {member.place: decision_id(order, member.customer_id) for member in block}
            made = self.means.answers(list(ids.values()))
            try:
                for member in block:
                    if ids[member.place] not in made and member.place not in refused:
                        try:
                            self.means.decide(member.customer_id, ids[member.place], equipment, erasures)
                        except RefusalError as error:
                            refused.add(member.place)
                            found.append(Flaw(member.row, error.code, error.detail, member.customer_id))
            except ErasedMeanwhileError:
                continue
            return self.means.answers(list(ids.values()))

    def _follow(self) -> int:
        held = set(self._followed())
        with self.folder.followed.open("a", encoding="utf-8") as opened:
            for each in self.means.follow():
                if each not in held:  # what waits to be confirmed is handed out again
                    opened.write(f"{each}\n")
                    opened.flush()
        return len(self._followed())

    def _followed(self) -> list[DecisionId]:
        if not self.folder.followed.exists():
            return []
        return [DecisionId(line) for line in self.folder.followed.read_text(encoding="utf-8").splitlines()]

    def _write(self, order: Order, progress: Progress) -> Progress:
        progress = self._note(replace(progress, stage=Stage.WRITING))
        write = self.means.write[order.format]
        file = self.folder.path / f"results.{order.format}"
        rows = results.put(file, self._rows(order), results.COLUMNS, write)
        flaws = len(audience.flaws(self.folder))
        about: dict[str, Any] = {"job_id": order.job_id, "order": json.loads(order.to_json())}
        about["order"]["audience"].pop("customer_ids")
        if self.folder.prices.exists():
            about["scarcity"] = json.loads(self.folder.prices.read_text())
        manifest.write(self.folder.manifest, about, {file: rows, self.folder.errors: flaws})
        for spent in (self.folder.scores, self.folder.places, self.folder.basis):
            spent.unlink(missing_ok=True)
        return self._note(replace(progress, stage=Stage.DONE, ended_at=self.clock.now()))

    def _rows(self, order: Order) -> Iterator[dict[str, Any]]:
        members = self._members()
        for first in range(0, len(members), BLOCK):
            block = members[first : first + BLOCK]
            ids = [decision_id(order, member.customer_id) for member in block]
            made = self.means.answers(ids)
            for member, each in zip(block, ids, strict=True):
                if each in made:
                    yield from results.rows(json.loads(made[each]), member.row)
        followed = self._followed()
        made = self.means.answers(followed)
        for each in followed:
            if each in made:
                yield from results.rows(json.loads(made[each]), None)
