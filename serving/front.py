"""The web application with a way past its layers for the one path that is asked most.

FastAPI wraps every request in half a dozen layers; a decision needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware

from serving.envelope import App, Receive, Scope, Send


class Fronted(FastAPI):
    """The application. Without ``put_in_front`` it is FastAPI's own."""

    _path: str | None = None
    _front: App | None = None

    def put_in_front(self, path: str, front: Callable[[App, Callable[[Exception], App]], App]) -> None:
        """Let this have all requests to a path.

        ``front`` gets what it may hand them on to, as if nothing of them had been read, and what answers for an error
        that it does not know.
        """
        self._path, self._front = path, front(super().__call__, self._failing)

    def in_front(self, path: str) -> App | None:
        """What has all requests to a path; None where it is the application itself."""
        return self._front if path == self._path else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if self._front is not None and scope["type"] == "http" and scope["path"] == self._path:
            scope["app"] = self
            await self._front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _failing(self, error: Exception) -> App:
        """Answers as FastAPI does for what nobody caught, and raises it again."""

        async def fail(_: Scope, __: Receive, ___: Send) -> None:
            raise error

        return ServerErrorMiddleware(fail, handler=self.exception_handlers[Exception])
