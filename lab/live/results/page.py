"""The page of a deployment: what stands on each network, what was verified and tried, and what that proves."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.html.page import Pages
from lab.model.live_evidence import LiveEvidence, NetworkEvidence, is_unknown

PAGE = "deployment.html"


@cache
def _pages() -> Pages:
    return Pages(Path(__file__).with_name("templates"))


def write_page(evidence: LiveEvidence, folder: Path) -> Path:
    """Write `deployment.html` beside the evidence; its path."""
    path = folder / PAGE
    write_atomically(path, render(evidence))
    return path


def render(evidence: LiveEvidence) -> str:
    """The whole page."""
    return _pages().render_page(
        "deployment.html.j2",
        styles=[_pages().asset("base.css"), _pages().asset("deployment.css")],
        evidence=evidence,
        networks=[(network, _state(network)) for network in evidence.networks],
    )


def _state(network: NetworkEvidence) -> str:
    """PASS where it is live and as declared; REHEARSED where that was shown locally only."""
    if network.problem is not None:
        return "UNKNOWN"
    bad = [outcome for outcome in network.smoke.values() if outcome != "ok"]
    bad += [verdict for verdict in network.verified.values() if not verdict.startswith(("exact", "match"))]
    if bad:
        return "UNKNOWN" if all(map(is_unknown, bad)) else "FAIL"
    if network.kind != "live":
        return "REHEARSED"
    return "FAIL" if network.differences else "PASS"
