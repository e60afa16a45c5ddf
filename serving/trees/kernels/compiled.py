"""How a loop over trees is compiled, and how long what was compiled is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

from numba import njit

inlined = njit(nogil=True, _nrt=False, inline="always")
"""Put into its caller: handing tables to a function called for each tree costs more than what the function does."""


def compiled(function):
    """A kernel that is compiled once for each kind of arguments, and kept on disk until a file of its folder
    or of this one changes.

    Without counting references to arrays, which costs more here than the work; so kernels allocate nothing.
    """
    return _kept(njit(cache=True, nogil=True, _nrt=False)(function))


def reckoned(function):
    """The same, but that it reckons as numpy does: what is divided by zero is infinite, or NaN."""
    return _kept(njit(cache=True, nogil=True, _nrt=False, error_model="numpy")(function))


def _kept(kernel):
    # Numba looks at the file of the kernel only, and would go on with what other files said when it was compiled.
    here, own = Path(__file__).parent, Path(kernel.py_func.__code__.co_filename).parent
    kernel._cache._cache_file._source_stamp = sources(own) + (b"" if own == here else sources(here))
    return kernel


def sources(folder: Path) -> bytes:
    """A digest of all Python files that stand in a folder itself."""
    every = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return hashlib.sha256(every).digest()
