"""The time lines show what happened, where and when, and nothing that a hostile chain could smuggle in."""

from __future__ import annotations

from xml.etree import ElementTree

from lab.model.history import History
from lab.report.run_page.timeline import timeline_text
from lab.report.run_page.timeline_svg import timeline_svg

from ..fakes import HOSTILE, SETTLE, block, eventful, header, log, transaction


def titles(svg: str) -> list[str]:
    """All hover texts of a picture."""
    root = ElementTree.fromstring(svg)
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")]


def test_one_line_for_each_event_in_order() -> None:
    """Times ascend, and each line names its chain and what happened in words."""
    lines = timeline_text(eventful()).splitlines()
    times = [float(line.split()[0]) for line in lines]
    assert times == sorted(times)
    assert "      12.000 s  ethereum  swap.pay buffered" in lines
    assert "      36.000 s  ethereum  swap.pay ready (orphaned)" in lines
    assert "      46.000 s  optimism  swap.pay (mirror) buffered" in lines
    assert "      60.000 s  ethereum  swap.pay executed" in lines
    assert "      94.000 s  optimism  swap.settle not resolved: Transaction expired" in lines
    assert any("resolve_dependency swap.settle by attacker reverted: Not authorized" in line for line in lines)
    assert any("reorg of depth 3 back to block 2, beyond finality" in line for line in lines)
    assert any("fault reorg (lose-parent) heal, acted once" in line for line in lines)
    assert any("info: timed out" in line for line in lines)


def test_around_keeps_the_nearest_events_and_says_how_many_are_left_out() -> None:
    """A limit of three around 60 s keeps that moment."""
    text = timeline_text(eventful(), around_ms=60_000, limit=3)
    assert "swap.pay executed" in text
    assert "swap.pay buffered" not in text.replace("(mirror) buffered", "")
    assert text.splitlines()[-1] == "  … 13 more events"


def test_without_a_moment_both_ends_stay() -> None:
    """The first and the last events are kept, with a gap that is counted."""
    lines = timeline_text(eventful(), limit=4).splitlines()
    assert len(lines) == 5
    assert "swap.pay buffered" in lines[0]
    assert lines[2] == "  … 12 more events"
    assert "expectation met" in lines[-1]


def test_chains_filter_keeps_what_belongs_to_no_chain() -> None:
    """Only Ethereum's events, and the scenario's expectations."""
    text = timeline_text(eventful(), chains=["ethereum"])
    assert "optimism" not in text
    assert "expectation met" in text


def test_empty_history_says_so() -> None:
    """A run in which nothing happened."""
    history = History([header()])
    assert timeline_text(history) == "  (nothing happened)"
    ElementTree.fromstring(timeline_svg(history))


def test_picture_holds_every_kind_of_thing() -> None:
    """Blocks, empty runs, the reorg, the faults with their proof, and the relayer's sending have hover texts."""
    found = titles(timeline_svg(eventful()))
    assert "6 empty blocks, 1 to 6" in found
    assert "block 4 at 36.000 s, 1 transaction, orphaned" in found
    assert "reorg at 38.000 s: depth 3, back to block 2" in found
    assert "rpc_latency (slow-rpc) on optimism, acted 12 times: 12 requests delayed" in found
    assert any(title.startswith("44.000 s  relayer sends buffer_transaction") for title in found)
    assert any(title.startswith("95.000 s  expectation met") for title in found)


def test_reorg_does_not_cover_the_ancestor_that_stays() -> None:
    """The hatched area starts right of block 2's tick."""
    root = ElementTree.fromstring(timeline_svg(eventful()))
    space = "{http://www.w3.org/2000/svg}"
    hatched = [rect for rect in root.iter(f"{space}rect") if (rect.get("fill") or "").startswith("url(#")]
    ancestor = [
        line
        for line in root.iter(f"{space}line")
        if any((title.text or "").startswith("block 2 ") for title in line.iter(f"{space}title"))
    ]
    assert len(hatched) == len(ancestor) == 1
    assert float(hatched[0].get("x", "0")) > float(ancestor[0].get("x1", "0"))


def test_hostile_text_is_harmless_in_both() -> None:
    """Markup is escaped, ANSI and bidi characters become visible, the picture stays well-formed."""
    history = eventful(revert=HOSTILE, scenario=HOSTILE, item=HOSTILE)
    svg = timeline_svg(history)
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "\x1b" not in svg
    text = timeline_text(history)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mred" in text


def test_a_megabyte_of_reason_is_cut_and_counted() -> None:
    """One line stays one short line."""
    history = eventful(revert="A" * 1_000_000)
    assert len(timeline_text(history)) < 5_000
    assert "(1,000,000 characters)" in timeline_text(history)
    assert len(timeline_svg(history)) < 40_000


def test_many_events_are_limited_in_the_picture_and_counted() -> None:
    """Ten thousand marks would stall a page."""
    logs = tuple(log("TransactionFailed", SETTLE, reason="Dependencies not satisfied") for _ in range(10))
    blocks = [block(n, n * 100, "optimism", n, transaction(n, logs=logs)) for n in range(2, 502)]
    svg = timeline_svg(History([header(), *blocks]))
    assert "3,500 later marks not drawn" in svg
    assert len(svg) < 1_000_000
