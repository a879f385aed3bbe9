"""Sentences of the lab on pages."""

from __future__ import annotations

from lab.html.page import prose


def test_back_ticks_mark_code_and_nothing_escapes() -> None:
    """What stands between them is code; a single one is itself; what others wrote is text."""
    assert prose("`lab lint` shows it; a ` alone") == "<code>lab lint</code> shows it; a ` alone"
    assert prose("<b>`<script>`</b>") == "&lt;b&gt;<code>&lt;script&gt;</code>&lt;/b&gt;"
    assert prose("abc `def`", 5) == "abc `… (9 characters)"
