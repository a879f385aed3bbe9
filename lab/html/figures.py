"""Figures as people write them: `1,012`, `$0.12`, `0%`, `100% of 11 samples`; never an exponent, never a share."""

from __future__ import annotations

import math
import re

# What is smaller is nothing that anybody measured to this precision.
LEAST = 0.0001
_SHARE = re.compile(r"share( of (?P<whole>.+))?|(?P<what>.+), share")


def number(value: float, digits: int = 3) -> str:
    """`digits` significant ones below 1,000 and whole numbers from there on, without trailing zeros."""
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if abs(value) < LEAST:
        return "less than 0.0001" if value > 0 else "about 0"
    text = f"{value:,.{max(0, digits - 1 - size) if size < 3 else 0}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: float) -> str:
    """Of a value in percent. What is near 100 keeps the digits that distinguish it from 100: `99.9947%`."""
    if 99 < value < 100:
        return f"{value:.{min(6, 1 - math.floor(math.log10(100 - value)))}f}".rstrip("0").rstrip(".") + "%"
    return f"{number(value)}%"


def usd(value: float) -> str:
    """`$0.0115`, `$0.40`, `$12`, `less than $0.0001`."""
    if 0 < value < LEAST:
        return f"less than ${LEAST}"
    text = number(value)
    return f"${text}0" if text[-2:-1] == "." else f"${text}"


def measured(value: float, unit: str, n: int | None = None) -> str:
    """A figure with its unit. Shares become percent; of `n` observations, where the unit is a share of them."""
    if share := _SHARE.fullmatch(unit):
        whole = share["whole"]
        of = f" of {n:,} {whole}" if whole and n is not None else f" of {whole}" if whole else ""
        return f"{percent(100 * value)}{of} {share['what'] or ''}".rstrip()
    if unit == "%" or unit.startswith("% "):
        return f"{percent(value)}{unit[1:]}"
    if unit == "USD" or unit.startswith("USD "):
        return f"{usd(value)}{unit[3:]}"
    return f"{number(value)} {unit}".rstrip()


def interval(low: float, high: float, unit: str) -> str:
    """`99.98% to 100%`; one figure where both ends read the same."""
    ends = dict.fromkeys(measured(end, unit) for end in (low, high))
    if len(ends) < 2:
        return next(iter(ends))
    first, last = ends
    # The unit once, behind; a sign that belongs to the number stays with both.
    tail = last[last.index(" ") :] if " " in last and not last.startswith("less") else ""
    return f"{first.removesuffix(tail) if tail else first} to {last}"
