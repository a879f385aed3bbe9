"""Charts that can be read: labels that fit, and rows that can be told apart."""

from __future__ import annotations

import re

from lab.model.outcome import Outcome
from lab.report.readiness_page.charts.costs import cost_chart
from lab.report.readiness_page.charts.latency import LEFT, latency_chart
from lab.report.records.measured import CostView, Measured, PairView
from lab.report.records.report import Readiness

from ..fakes import CONTRACT, NOW, readiness
from ..judge.test_readiness import TWO, catalogue

# Of a sans-serif font, in widths of its size; the longest labels are all lower case.
LETTER = 0.55


def drawn(**tables: object) -> Readiness:
    """A report with nothing but these tables."""
    empty = readiness(catalogue(TWO), [], contract_sha256=CONTRACT, generated=NOW)
    return empty.model_copy(update={"measured": Measured.model_validate(tables)})


def pair(origin: str, target: str, finality: str = "2 blocks") -> PairView:
    """A pair of networks that is in time."""
    return PairView(
        origin=origin, target=target, finality=finality, n=3, late=0, in_time=3, least_ms=1_000, p50_ms=5_000,
        p95_ms=9_000, least_p95_ms=2_000, max_ms=10_000, state=Outcome.UNKNOWN, needed=56,
    )  # fmt: skip


def test_the_longest_pair_of_networks_fits() -> None:
    """Right-aligned text that is too long would leave the picture at its left."""
    svg = latency_chart(drawn(pairs=[pair("arbitrum-sepolia", "optimism-sepolia"), pair("x" * 40, "base")]))
    names = re.findall(r'x="([\d.]+)" y="[\d.]+" text-anchor="end" font-size="([\d.]+)">([^<]+)<', svg)
    assert "arbitrum-sepolia to optimism-sepolia" in [name for _, _, name in names]
    assert all(float(x) == LEFT - 12 and len(name) * float(size) * LETTER <= float(x) for x, size, name in names)


def test_one_pair_with_two_finalities_is_told_apart() -> None:
    """Only there, else it would be noise."""
    svg = latency_chart(drawn(pairs=[pair("base", "polygon"), pair("base", "polygon", "64 blocks"), pair("a", "b")]))
    assert [f">finality: {each}<" in svg for each in ("2 blocks", "64 blocks")] == [True, True]
    assert svg.count(">finality: ") == 2


def test_labels_of_dollars_keep_their_distance() -> None:
    """However far the cheapest network is from the dearest; the target's own is always there."""

    def costs(cheapest: float, dearest: float) -> list[str]:
        view = CostView(network="base", gas=1, n=1, usd={"typical": cheapest, "high": dearest}, break_even_gwei=1.0,
                        typical_gwei=1.0)  # fmt: skip
        return re.findall(r'text-anchor="middle"[^>]*>(\$[\d.]+)<', cost_chart(drawn(costs=[view])))

    assert costs(0.0005, 25) == ["$0.0001", "$0.01", "$1", "$100"]
    assert costs(0.05, 2) == ["$0.01", "$0.10", "$1", "$10"]
