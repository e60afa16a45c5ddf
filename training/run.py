"""``make run``: from nothing to a service that has answered for three customers.

``--once`` ends after printing; otherwise the service and MLflow's pages stay up until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType

from features.catalogue import Catalogue
from features.errors import KairosError
from serving.setting_table import SETTINGS
from serving.settings import Settings, read_settings
from training.answer import in_words
from training.child import Child, ServerError, child
from training.examples import examples
from training.mlflow_pages import WITHOUT_JOBS, mlflow_command
from training.stage import run_stages

READY_S = 120.0


def run(settings: Settings, once: bool) -> None:
    """Every stage with something to do, then the service, three answers, and the addresses."""
    started = time.monotonic()
    run_stages(settings)
    catalogue = Catalogue.from_json((settings.source_dir / "catalogue.json").read_text())
    log = settings.data_dir / "logs" / "serving.log"
    with child([sys.executable, "-m", "serving"], settings.host, settings.port, log) as service:
        service.wait_until_up("/health/ready", READY_S)
        show(service, catalogue, settings)
        print(f"\n{time.monotonic() - started:.0f} s{_peak()}", flush=True)
        if not once:
            keep_serving(service, settings)


def show(service: Child, catalogue: Catalogue, settings: Settings) -> None:
    """Ask for the examples and print each answer, then what all of them rest on."""
    for example in examples(catalogue, settings.contract_dir):
        answer = service.post("/v1/decisions", {"customer_id": example.customer_id, "kind": example.kind, "limit": 5})
        print(f"\n{in_words(answer)}")
    print("\nAssumed, not measured:", *assumptions(catalogue), sep="\n  ")
    print("What these data cannot tell:", *catalogue.limits, sep="\n  ")


def assumptions(catalogue: Catalogue) -> list[str]:
    """The catalogue's assumptions as lines: a sentence of its source as it is, a setting with its variable."""
    variables = {setting.name: setting.variable for setting in SETTINGS}
    told = catalogue.assumptions.items()
    return [f"{variables[name]} = {value}" if name in variables else value for name, value in told]


def keep_serving(service: Child, settings: Settings) -> None:
    """Stay up, with MLflow's pages where their port is free, until the service ends or Ctrl-C."""
    print(f"\nThe service: {service.address}/docs", flush=True)
    with ExitStack() as stack:
        log = settings.data_dir / "logs" / "mlflow.log"
        try:
            command, environ = mlflow_command(settings), os.environ | WITHOUT_JOBS
            pages = child(command, settings.host, settings.mlflow_port, log, environ)
            print(f"MLflow:      {stack.enter_context(pages).address} (up in some seconds)")
        except ServerError as error:
            print(f"MLflow:      not started: {error}")
        print("Ctrl-C ends both.", flush=True)
        service.wait()


def _peak() -> str:
    """What the hungriest stage took, where one has run."""
    unit = 1 if sys.platform == "darwin" else 1024
    gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**30
    return f"; no stage took more than {gib:.1f} GiB of memory" if gib >= 0.05 else ""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """0 when all went well or Ctrl-C ended it; 1 with a message where something has to be mended."""
    parser = argparse.ArgumentParser(prog="python -m training.run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after printing")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)  # so that the children end with this process
    try:
        run(read_settings(os.environ), given.once)
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
