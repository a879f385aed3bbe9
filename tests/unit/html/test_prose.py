"""Sentences of the lab on pages."""

from __future__ import annotations

from pathlib import Path

from lab.html.page import Pages, prose
from lab.html.text import sentence


def test_back_ticks_mark_code_and_nothing_escapes() -> None:
    """What stands between them is code; a single one is itself; what others wrote is text."""
    assert prose("`lab lint` shows it; a ` alone") == "<code>lab lint</code> shows it; a ` alone"
    assert prose("<b>`<script>`</b>") == "&lt;b&gt;<code>&lt;script&gt;</code>&lt;/b&gt;"
    assert prose("abc `def`", 5) == "abc `… (9 characters)"


def test_a_sentence_begins_with_a_capital_and_keeps_its_names(tmp_path: Path) -> None:
    """A command in it is typed as it is written."""
    (tmp_path / "step.html.j2").write_text("{{ step | sentence | prose }}")
    page = Pages(tmp_path).render("step.html.j2", step="it needs an audit (`lab attest SCS-01`)")
    assert page == "It needs an audit (<code>lab attest SCS-01</code>)"
    assert sentence("") == ""
