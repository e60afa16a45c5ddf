"""``python -m serving``: answer decisions over HTTP, by the settings in the environment."""

from __future__ import annotations

import os
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from features.catalogue import Catalogue
from features.errors import KairosError
from features.instant import format_instant
from serving import garbage
from serving.app import create_app
from serving.line import Line
from serving.settings import Settings, read_settings

QUICK: dict[str, Any] = {"http": Line, "access_log": False, "log_level": "warning", "server_header": False}
"""How requests are read; the event loop is uvloop wherever there is one."""


def main() -> int:
    """Serve until interrupted; 2 when the settings cannot be used."""
    garbage.seldom()
    try:
        settings = read_settings(os.environ)
        service = create_app(settings)
    except KairosError as error:
        print(error, file=sys.stderr)
        return 2
    print(greeting(settings), flush=True)
    told = {**QUICK, "host": settings.host, "port": settings.port}
    if settings.processes == 1:
        uvicorn.run(service, **told)
    else:
        uvicorn.run("serving.__main__:app", factory=True, workers=settings.processes, **told)
    return 0


def app() -> FastAPI:
    """The service of the environment's settings, for one of several processes."""
    garbage.seldom()
    return create_app(read_settings(os.environ))


def greeting(settings: Settings) -> str:
    """What a person should know before the first request."""
    address = f"http://{settings.host}:{settings.port}"
    where = f"Kairos answers at {address}/v1/decisions, documented at {address}/docs."
    return f"{where}\n{_present(settings)}{_access(settings)}"


def _access(settings: Settings) -> str:
    if settings.access == "keys":
        return ""
    return "\nIt is OPEN: whoever reaches this machine's own address needs no key (KAIROS_ACCESS=keys asks for one)."


def _present(settings: Settings) -> str:
    if settings.clock == "system":
        return "Decisions are made as of now, by the machine's clock."
    return f"The clock is SIMULATED: decisions are made as of {_simulated(settings)}, not as of today."


def _simulated(settings: Settings) -> str:
    if settings.as_of is not None:
        return format_instant(settings.as_of)
    try:
        catalogue = Catalogue.from_json((settings.source_dir / "catalogue.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return "the instant at which the data end (there is no catalogue yet)"
    return format_instant(catalogue.now)


if __name__ == "__main__":
    sys.exit(main())
