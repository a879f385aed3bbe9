"""Looking for circular garbage."""

from __future__ import annotations

import gc
from contextlib import suppress

import pytest

from lab.garbage import OBJECTS_UNTIL_COLLECTION, collecting_seldom, loading


@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [(700, OBJECTS_UNTIL_COLLECTION), (1 << 20, 1 << 20), (0, 0)],
    ids=["as Python has it", "seldom already", "never"],
)
def test_garbage_is_looked_for_seldom_meanwhile(before: int, meanwhile: int) -> None:
    """Never more often than somebody wanted, and afterwards as before, whatever happened."""
    usual = gc.get_threshold()
    gc.set_threshold(before, 11, 12)
    try:
        with suppress(KeyError), collecting_seldom():
            assert gc.get_threshold()[:2] == (meanwhile, 11)
            raise KeyError
        assert gc.get_threshold()[:2] == (before, 11)
    finally:
        gc.set_threshold(*usual)


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
def test_what_is_loaded_is_not_looked_through_for_garbage(enabled: bool, stays: bool) -> None:
    """Not meanwhile, and later where it does not stay; garbage is looked for again if it was before."""
    usual, loaded = gc.isenabled(), list[object]()
    try:
        (gc.enable if enabled else gc.disable)()
        with suppress(KeyError), loading(stays=lambda: stays):
            assert not gc.isenabled()
            loaded.append(object())
            raise KeyError
        assert gc.isenabled() is enabled
        # Whoever is looked through can be told who refers to it.
        assert bool(gc.get_referrers(loaded[0])) is not stays
    finally:
        (gc.enable if usual else gc.disable)()
