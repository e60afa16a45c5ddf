"""How routes run what they have to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from features.codec import SchemaMismatchError
from serving.door import Door
from serving.journal import JournalUnavailableError
from serving.journal.keys import Scope
from serving.problem import RefusalError
from serving.projection import NoVocabularyError
from serving.store import StoreUnavailableError

T = TypeVar("T")


async def errand(door: Door, key: str | None, scope: Scope, work: Callable[[str], T]) -> T:
    """Let the caller in and run blocking work beside the event loop, so that requests share a transaction.

    ``work`` gets the name of the caller. Raises RefusalError, 503 included where something is missing.
    """

    def run() -> T:
        try:
            return work(door.admit(key, scope))
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", f"{error}.".capitalize()) from error
        except (NoVocabularyError, StoreUnavailableError, SchemaMismatchError) as error:
            raise RefusalError(503, "not_ready", f"{error}.".capitalize()) from error

    return await run_in_threadpool(run)
