"""The offline page draws every panel of every dashboard; missing samples are gaps, text from outside is escaped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from lab.commands.monitor.page import write_page
from lab.errors import UsageError
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.timeline import AlertSpan, SeriesLog
from lab.monitor.dashboards.boards import boards
from lab.monitor.dashboards.page import page

LOG = SeriesLog(1_800_000_000, count=3, series={'tesseract_chain_up{chain="base"}': [1.0, None, 0.0]})
SPAN = {"alert": "A", "severity": "none", "labels": {}, "pending_s": 0, "firing_s": None, "end_s": None}


class Fake:
    """A Prometheus that knows one series for every question, with a sample that lacks."""

    start_s, end_s, step_s = LOG.start_s, LOG.start_s + 30, 15

    def __init__(self, label: str = "base") -> None:
        self.label = label

    def over_time(self, expr: str) -> dict[frozenset[tuple[str, str]], list[tuple[float, float]]]:
        """Of a chain."""
        return {frozenset({("chain", self.label)}): [(LOG.start_s, 1.0), (LOG.start_s + 30, float("nan"))]}


def test_every_panel_is_drawn() -> None:
    """With title, unit, description, and the alert that it belongs to; alerts as a table."""
    span = AlertSpan("ChainDown", "critical", {"chain": "base"}, 15, None, 30)
    fake: Any = Fake()
    text = page(LOG, [span], "run", fake, Thresholds())
    for board in boards(Thresholds()):
        assert f'href="#{board.uid}"' in text
        for panel in board.panels:
            assert f"<figcaption>{panel.title}" in text
            assert str(escape(panel.description)) in text
    assert "<td>ChainDown</td><td>base</td>" in text
    assert "default-src" in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


def figures(text: str) -> dict[str, str]:
    """Each panel's part of the page by its title."""
    parts = re.findall(r'<figure class="panel plot">(.*?)</figure>', text, re.S)
    return {caption: part for part in parts for caption in re.findall("<figcaption>(.+?) <", part)}


def test_every_limit_is_drawn() -> None:
    """One value across the panel, or named where it lies far above; a series as a dashed line of the legend."""
    fake: Any = Fake()
    drawn = figures(page(LOG, [], "run", fake, Thresholds()))
    panels = [panel for board in boards(Thresholds()) for panel in board.panels]
    assert len(drawn) == len(panels)
    for panel in panels:
        part = drawn[panel.title]
        if panel.limit.expr:
            legend = panel.limit.legend.replace("{{chain}}", "base")
            assert re.search(rf'stroke-dasharray="4 3".*?</svg> {re.escape(legend)}<', part), panel.title
        else:
            assert re.search(">(limit|good from here)( above this scale: [0-9.kMG]+)?</text>", part), panel.title


def test_labels_are_escaped() -> None:
    """A chain may be called anything."""
    fake: Any = Fake("<script>alert(1)</script>")
    assert "<script>" not in page(LOG, [], "<script>", fake, Thresholds())


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "[]",
        "{}",
        json.dumps({"start_s": 0, "interval_s": 15, "count": 2, "series": {"a": [1]}, "alerts": []}),
        json.dumps({"start_s": 0, "interval_s": 0, "count": 0, "series": {}, "alerts": []}),
        json.dumps({"start_s": 0, "interval_s": 15, "count": 0, "series": {}, "alerts": []}),
        json.dumps({"start_s": 0, "interval_s": 15, "count": 0, "series": {}, "alerts": [{"a": 1}]}),
        json.dumps({"start_s": 0, "interval_s": 15, "count": 1, "series": {"a": ["x"]}, "alerts": []}),
        json.dumps({"start_s": 0, "interval_s": 15, "count": 1, "series": {}, "alerts": [{**SPAN, "labels": 3}]}),
        json.dumps({"start_s": 0, "interval_s": 15, "count": 1, "series": {}}),
    ],
)
def test_a_folder_without_samples_is_one_error(tmp_path: Path, content: str | None) -> None:
    """With the file's name; nothing is written."""
    if content is not None:
        (tmp_path / "monitor.json").write_text(content)
    with pytest.raises(UsageError, match=r"monitor\.json: expected"):
        write_page(tmp_path, None)
    assert not (tmp_path / "monitor.html").exists()
