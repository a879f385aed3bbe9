"""Figures read as people write them."""

from __future__ import annotations

import re

import pytest

from lab.html.figures import interval, measured, number, percent, usd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (1200, "1,200"),
        (190_123, "190,123"),
        (99_999.4, "99,999"),
        (1012.25, "1,012"),
        (312.6, "313"),
        (31.234567, "31.2"),
        (0.5, "0.5"),
        (2, "2"),
        (4.609e-05, "less than 0.0001"),
        (0.00012345, "0.000123"),
        (-3.5, "-3.5"),
        (1e12, "1,000,000,000,000"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """Three digits that count, whole from a thousand on."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"),
        (100, "100%"),
        (99.99, "99.99%"),
        (99.9947, "99.9947%"),
        (99.99999999, "100%"),
        (0.004609, "0.00461%"),
        (0.00004609, "less than 0.0001%"),
        (1.5, "1.5%"),
        (50, "50%"),
    ],
)
def test_percent(value: float, text: str) -> None:
    """Near 100 and near 0 more digits, down to a millionth."""
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "n", "text"),
    [
        (0.0, "share", None, "0%"),
        (1.0, "share of samples", 11, "100% of 11 samples"),
        (0.999, "share of samples", None, "99.9% of samples"),
        (4.609e-05, "gas drift, share", 5_000, "0.00461% gas drift"),
        (99.99, "%", 4_000, "99.99%"),
        (81.8, "% of mutants killed", 300, "81.8% of mutants killed"),
        (0.0115, "USD", None, "$0.0115"),
        (0.4, "USD a call, typical prices", None, "$0.40 a call, typical prices"),
        (50.0, "tx/s", None, "50 tx/s"),
        (3, "", None, "3"),
    ],
)
def test_figures_with_their_units(value: float, unit: str, n: int | None, text: str) -> None:
    """Shares are percent, money has its sign before it."""
    assert measured(value, unit, n) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (49.0, 50.0, "tx/s", "49 to 50 tx/s"),
        (49.99999, 50.0, "tx/s", "50 tx/s"),
        (99.9, 100, "%", "99.9% to 100%"),
        (0.0, 4.609e-05, "share", "0% to 0.00461%"),
        (0.01, 0.3, "USD", "$0.01 to $0.30"),
        (1, 2, "", "1 to 2"),
    ],
)
def test_intervals(low: float, high: float, unit: str, text: str) -> None:
    """From low to high, the unit once."""
    assert interval(low, high, unit) == text


@pytest.mark.parametrize("power", range(-12, 16))
def test_no_exponent_whatever_the_size(power: int) -> None:
    """Neither do pages show a bare share."""
    for unit in ("", "%", "share", "USD", "s", "gas drift, share"):
        text = measured(1.2345 * 10.0**power, unit)
        assert not re.search(r"\de[+-]?\d|share|nan|inf", text)


def test_small_money() -> None:
    """No page says $0 of something that costs."""
    assert usd(0.00001) == "less than $0.0001"
    assert usd(0) == "$0"
