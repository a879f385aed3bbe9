"""Transaction hashes in columns: 32 bytes each, and where each stands among others.

A load has hundreds of thousands of them: as Python objects in sets and dicts one takes some 200 bytes wherever it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

BYTES = 32
Hashes = npt.NDArray[np.bytes_]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NONE: Hashes = np.zeros(0, f"S{BYTES}")


def column(hashes: bytes | bytearray | Iterable[bytes]) -> Hashes:
    """Hashes of 32 bytes one after another, or apart, as a column."""
    return np.frombuffer(hashes if isinstance(hashes, (bytes, bytearray)) else b"".join(hashes), NONE.dtype)


def text_of(hashes: Hashes, row: int) -> str:
    """One of them as nodes write it."""
    return "0x" + hashes[row : row + 1].tobytes().hex()


def positions(hashes: Hashes, among: Hashes) -> Integers:
    """Where each stands among the others: the first such place; -1 where it is not there."""
    if not len(among):
        return np.full(len(hashes), -1, np.int64)
    order = np.argsort(among, kind="stable")
    nearest = order[np.minimum(np.searchsorted(among, hashes, sorter=order), len(among) - 1)]
    return np.where(among[nearest] == hashes, nearest, -1)
