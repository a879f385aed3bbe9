"""Charts as SVG: drawn from what there is, escaped, without script."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.html.charts import Line, chart, nice, short


def test_a_chart_has_axes_lines_and_a_legend() -> None:
    """One group a series; a gap lifts the pen."""
    lines = [Line("mined", [(0, 1.0), (1, None), (2, 3.0), (3, 4.0)]), Line("<b>", [(0, 2.0), (3, 2.0)])]
    found = str(chart("Rate", "tx/s", lines, limit=("limit", 5.0)))
    assert (found.count("<g>"), found.count("mined: 1 to 4")) == (2, 1)
    # Three curves, and one for each key of the legend.
    assert found.count("<polyline") == 3 + 2
    assert "&lt;b&gt;" in found
    assert "<b>" not in found
    assert ">limit</text>" in found
    assert "<script" not in found
    assert "style=" not in found


def test_limits_that_differ_are_lines_of_their_own() -> None:
    """Dashed and grey; one far above the curves is named, and leaves them readable."""
    near, far = Line("near", [(0, 5.0), (3, 6.0)], limit=True), Line("far", [(0, 900.0), (3, 900.0)], limit=True)
    found = str(chart("Rate", "tx/s", [Line("mined", [(0, 1.0), (3, 4.0)]), near, far], limit=("limit", 5e3)))
    assert (found.count("<g>"), found.count("near: 5 to 6")) == (2, 1)
    assert "> far, above this scale: 900</li>" in found
    assert ">limit above this scale: 5000</text>" in found
    assert str(chart("Rate", "tx/s", [near])) == ""


def test_limits_are_named_where_they_end() -> None:
    """Each beside its line; those that end together by one label, and once where they have one name."""
    ends = {"limit a": 8.0, "limit b": 7.9, "limit c": 3.0}
    limits = [Line(name, [(0, 2.0), (3, end), (4, None)], limit=True) for name, end in ends.items()]
    found = str(chart("Rate", "tx/s", [Line("mined", [(0, 9.0)]), *limits, replace(limits[2])]))
    assert found.count(">limit a, limit b</text>") == 1
    assert found.count(">limit c</text>") == 1


def test_nothing_to_show() -> None:
    """No figure at all, rather than an empty one."""
    assert str(chart("Rate", "tx/s", [Line("a", []), Line("b", [(0, None)])])) == ""


@pytest.mark.parametrize(("value", "top"), [(1, 1), (1.1, 2), (2.4, 2.5), (4.9, 5), (7, 10), (0.03, 0.05), (980, 1000)])
def test_axes_end_at_round_figures(value: float, top: float) -> None:
    """One, two, two and a half, five."""
    assert nice(value) == pytest.approx(top)


def test_short_figures() -> None:
    """As an axis has room for."""
    assert [short(v) for v in (0, 0.05, 12, 1500, 12_000, 3e6, 2e9)] == ["0", "0.05", "12", "1500", "12k", "3M", "2G"]
