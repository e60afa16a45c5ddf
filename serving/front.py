"""The web application with a way past its layers for the one path that is asked most.

FastAPI wraps every request in half a dozen layers; a decision needs none of them but the one that answers for what
nobody caught.
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

    def put_in_front(self, path: str, front: Callable[[App], App]) -> None:
        """Let this have all requests to a path; ``front`` gets what it may hand them on to."""
        handler = self.exception_handlers[Exception]
        self._path, self._front = path, ServerErrorMiddleware(front(super().__call__), handler=handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if self._front is not None and scope["type"] == "http" and scope["path"] == self._path:
            scope["app"] = self
            await self._front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
