"""``python -m training.monitor``: compare, print, write the report; 1 where something is alarming."""

from __future__ import annotations

import os
import sys

from features.errors import KairosError
from serving.settings import read_settings
from training.monitor.monitor import monitor


def main() -> int:
    """0 where all is well or cannot be told, 1 with an alert, 2 with a message where nothing can be compared."""
    try:
        settings = read_settings(os.environ)
        told = monitor(settings)
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(told.text())
    print(f"numbers: {settings.monitor_file}; picture: {settings.monitor_dir / 'monitor.png'}")
    return 1 if any(alert.on for alert in told.alerts) else 0


if __name__ == "__main__":
    sys.exit(main())
