"""How figures are written for people."""

from __future__ import annotations

import pytest

from lab.load.report.summary_text import number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (30_000.0, "30,000"),
        (12_345.678, "12,346"),
        (50.0, "50"),
        (0.01, "0.01"),
        (0.0903412, "0.0903"),
        (1_500_000, "1,500,000"),
        (None, ""),
        ("none", "none"),
        (0, "0"),
    ],
)
def test_no_exponents(value: object, shown: str) -> None:
    """30,000, and not 3e+04."""
    assert number(value) == shown
