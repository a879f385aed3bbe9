"""Quantities with units: what they mean, and what is refused with the units that are allowed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.units import duration_ms, format_duration, offset_ms, size_bytes, wei


@pytest.mark.parametrize(
    ("parse", "written", "meant"),
    [
        (duration_ms, "0s", 0), (duration_ms, "250ms", 250), (duration_ms, "30s", 30_000),
        (duration_ms, "1.5m", 90_000),
        (duration_ms, "2h", 7_200_000), (duration_ms, " 3 s ", 3_000), (duration_ms, "0.001s", 1),
        (offset_ms, "+30s", 30_000), (offset_ms, "30s", 30_000),
        (size_bytes, "0B", 0), (size_bytes, "64B", 64), (size_bytes, "0.5KiB", 512),
        (size_bytes, "2MiB", 2 * 1024 * 1024),
        (wei, 0, 0), (wei, 7, 7), (wei, "5000000 wei", 5_000_000), (wei, "30gwei", 30 * 10**9),
        (wei, "0.000000001 gwei", 1), (wei, "1.1 ether", 11 * 10**17),
    ],
)  # fmt: skip
def test_meaning(parse: Callable[[object], int], written: object, meant: int) -> None:
    """Decimal fractions are exact."""
    assert parse(written) == meant


DURATION = "expected a duration such as 30s (units: ms, s, m, h), got "
SIZE = "expected a size such as 64B (units: B, KiB, MiB), got "
WEI = "expected an amount such as 30 gwei (units: wei, gwei, ether), got "


@pytest.mark.parametrize(
    ("parse", "written", "message"),
    [
        (duration_ms, 30, DURATION + "30 without a unit"),
        (duration_ms, "30", DURATION + "30 without a unit"),
        (duration_ms, 1.5, DURATION + "1.5 without a unit"),
        (duration_ms, "30 sec", DURATION + "the unit 'sec'"),
        (duration_ms, "30S", DURATION + "the unit 'S' (did you mean s?)"),
        (duration_ms, "1h30m", DURATION + "'1h30m'"),
        (duration_ms, "-1s", DURATION + "'-1s'"),
        (duration_ms, "+1s", DURATION + "'+1s'"),
        (duration_ms, "s", DURATION + "'s'"),
        (duration_ms, "", DURATION + "''"),
        (duration_ms, "1e3s", DURATION + "'1e3s'"),
        (duration_ms, "\u0663s", DURATION + "'\u0663s'"),
        (duration_ms, None, DURATION + "nothing"),
        (duration_ms, True, DURATION + "true"),
        (duration_ms, ["1s"], DURATION + "a list"),
        (duration_ms, {"s": 1}, DURATION + "a mapping"),
        (duration_ms, "0.5ms", "expected a whole number of milliseconds, got 0.5ms"),
        (offset_ms, "++1s", DURATION + "'+1s'"),
        (size_bytes, "64", SIZE + "64 without a unit"),
        (size_bytes, "64KB", SIZE + "the unit 'KB'"),
        (size_bytes, "64kib", SIZE + "the unit 'kib' (did you mean KiB?)"),
        (size_bytes, "0.5B", "expected a whole number of bytes, got 0.5B"),
        (wei, "30", WEI + "30 without a unit"),
        (wei, "30 Gwei", WEI + "the unit 'Gwei' (did you mean gwei?)"),
        (wei, -1, "expected an amount of at least 0, got -1"),
        (wei, True, WEI + "true"),
        (wei, "0.5 wei", "expected a whole number of wei, got 0.5 wei"),
    ],
)
def test_refused(parse: Callable[[object], int], written: object, message: str) -> None:
    """The message says what was expected, with the units, and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(written)


@given(st.integers(0, 10**12))
def test_a_written_duration_means_itself(duration: int) -> None:
    """Formatting loses nothing."""
    assert duration_ms(format_duration(duration)) == duration


def test_format_takes_the_largest_unit_that_divides() -> None:
    """Round numbers stay readable."""
    written = [format_duration(value) for value in (0, 1, 1_500, 90_000, 120_000, 7_200_000)]
    assert written == ["0s", "1ms", "1500ms", "90s", "2m", "2h"]
