"""Results that come later, one made of the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event
from typing import Any, Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")
_LOG = logging.getLogger(__name__)


class Later(Generic[A]):
    """A result that comes later, or an error in its place; nobody can take it back.

    A tenth of what ``concurrent.futures.Future`` costs, of which a decision would need several: it has no lock, as
    each step of it is one that the interpreter does not divide, and makes an event only for who really waits.
    """

    __slots__ = ("_came", "_error", "_heard", "_result")

    def __init__(self) -> None:
        self._came = False
        self._heard: list[Callable[[Any], object]] = []
        self._result: A | None = None
        self._error: BaseException | None = None

    def set_result(self, result: A) -> None:
        """Let it come; called once, and never beside ``set_exception``."""
        self._result = result
        self._came = True
        if self._heard:
            self._call()

    def set_exception(self, error: BaseException) -> None:
        """Let it fail."""
        self._error = error
        self._came = True
        if self._heard:
            self._call()

    def follow(self, other: Later[A]) -> None:
        """Come or fail as another has."""
        if other._error is None:
            self.set_result(other._result)  # type: ignore[arg-type]
        else:
            self.set_exception(other._error)

    def add_done_callback(self, hear: Callable[[Later[A]], object]) -> None:
        """Have this called with it once it has come: by whoever lets it come, or here and now where it has."""
        self._heard.append(hear)
        if self._came:  # who let it come may have looked before it was appended
            self._call()

    def _call(self) -> None:
        """Call everybody once, whichever of two threads at this takes them out."""
        while self._heard:
            try:
                hear = self._heard.pop(0)
            except IndexError:
                return
            try:
                hear(self)
            except Exception:
                _LOG.exception("what waited for a result could not take it")

    def done(self) -> bool:
        """True once it has come or failed."""
        return self._came

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, at most so many seconds; whether it has come or failed by then."""
        if not self._came:
            event = Event()
            self.add_done_callback(lambda _: event.set())
            event.wait(timeout)
        return self._came

    def result(self, timeout: float | None = None) -> A:
        """What came.

        Raises:
            TimeoutError: Nothing came in so many seconds.
            BaseException: Whatever it failed with.
        """
        if not self._came and not self.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What it failed with, None where it came; raises TimeoutError as ``result``."""
        if not self._came and not self.wait(timeout):
            raise TimeoutError
        return self._error


def there(result: A) -> Later[A]:
    """A result that has come already."""
    found: Later[A] = Later()
    found.set_result(result)
    return found


def failed(error: BaseException) -> Later[Any]:
    """A result in whose place there is an error."""
    found: Later[Any] = Later()
    found.set_exception(error)
    return found


class _After(Later[B]):
    """What is made of another one that comes before."""

    __slots__ = ("_then",)

    def __init__(self, then: Callable[[Later[Any]], B]) -> None:
        super().__init__()
        self._then = then

    def __call__(self, first: Later[Any]) -> None:
        """The first has come or failed."""
        try:
            result = self._then(first)
        except BaseException as error:
            self.set_exception(error)
        else:
            self.set_result(result)


def after(first: Later[A], then: Callable[[Later[A]], B]) -> Later[B]:
    """What ``then`` makes of the first, which has come or failed when it is called; what it raises is the failure.

    It is called by whoever completes the first.
    """
    second = _After(then)
    first.add_done_callback(second)
    return second
