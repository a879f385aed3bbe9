"""When Python looks for circular garbage: seldom, since a run makes next to none."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator

# Python looks for circular garbage after every 700 to 2,000 new objects.
OBJECTS_UNTIL_COLLECTION = 20_000


@contextlib.contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for circular garbage less often: a run makes many objects and next to none, and a fifth of it was that."""
    before = gc.get_threshold()
    if 0 < before[0] < OBJECTS_UNTIL_COLLECTION:
        gc.set_threshold(OBJECTS_UNTIL_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def loading(stays: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """What is loaded meanwhile is not looked through for circular garbage, and where it `stays` never again.

    Each look goes through all that was loaded so far: a third of what it costs to collect the library, and to end.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if stays():
            gc.freeze()
        if enabled:
            gc.enable()
