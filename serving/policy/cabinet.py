"""Where documents lie: one JSON file each, to be edited by hand or replaced as a whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from serving.policy.document import Name

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The folder of the documents' files."""

    folder: Path

    def path(self, name: Name) -> Path:
        """The file of a document."""
        return self.folder / f"{name}.json"

    def stamp(self, name: Name) -> Stamp:
        """Something that differs whenever the file may have changed; None where there is none."""
        try:
            found = self.path(name).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def text(self, name: Name) -> bytes | None:
        """What the file holds, None where there is none. Raises OSError where it cannot be read."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: Name, text: bytes | None) -> None:
        """Replace the file as a whole, so that no reader sees half of it; None removes it."""
        path = self.path(name)
        if text is None:
            path.unlink(missing_ok=True)
            return
        with NamedTemporaryFile(dir=self.folder, prefix=f".{name}.", delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
