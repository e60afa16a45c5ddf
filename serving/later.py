"""Results that come later, one made of the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def there(result: A) -> Future[A]:
    """A result that has come already."""
    found: Future[A] = Future()
    found.set_result(result)
    return found


def after(first: Future[A], then: Callable[[Future[A]], B]) -> Future[B]:
    """What ``then`` makes of the first, which has come or failed when it is called; what it raises is the failure.

    It is called by whoever completes the first, and nobody can take the second back.
    """
    second: Future[B] = Future()
    second.set_running_or_notify_cancel()

    def tell(found: Future[A]) -> None:
        try:
            result = then(found)
        except BaseException as error:
            second.set_exception(error)
        else:
            second.set_result(result)

    first.add_done_callback(tell)
    return second
