"""When blocks inside runs of empty ones appeared, and when a block was final."""

from __future__ import annotations

import pytest

from lab.checks.blocktimes import appeared, final_between, nth_block_after
from lab.model.chain.finality import Finality
from lab.model.records import EmptyBlocks

from .histories import GENESIS, Story


def run(last_s: int) -> EmptyBlocks:
    """Blocks 1 to 5 of chain one (12 s slots) from 12 s to `last_s`."""
    return EmptyBlocks(
        seq=1,
        t_ms=last_s * 1000,
        chain="one",
        first=1,
        last=5,
        first_t_ms=12_000,
        first_timestamp=GENESIS + 12,
        last_timestamp=GENESIS + last_s,
        last_hash="0x",
        last_base_fee=1,
    )


@pytest.mark.parametrize(
    ("last_s", "number", "interval"),
    [
        (60, 1, (12_000, 12_000)),
        (60, 0, (12_000, 12_000)),
        (60, 5, (60_000, 60_000)),
        (60, 3, (36_000, 47_999)),
        (84, 3, (36_000, 71_999)),
        (84, 4, (48_000, 83_999)),
    ],
)
def test_a_block_inside_a_run_lies_between_its_slots(last_s: int, number: int, interval: tuple[int, int]) -> None:
    """On time: its slot to just under a block time later. With two missed slots: that much later at most."""
    assert appeared(Story().history(), run(last_s), number) == interval


@pytest.mark.parametrize(("skew_s", "earliest"), [(20, 24_000), (-20, 16_000)])
def test_a_skewed_clock_never_makes_a_block_late(skew_s: int, earliest: int) -> None:
    """Ahead, its timestamps are of the future: block 3 may be as early as its slot can be, whatever they say."""
    told = run(60).model_copy(update={"first_timestamp": GENESIS + 12 + skew_s})
    assert appeared(Story().history(), told, 3) == (earliest, 47_999)


def test_finality_inside_a_run_is_an_interval() -> None:
    """Block 3 at 36 s is final with block 5, the second of the run that begins at 48 s."""
    story = Story()
    block = story.mine("one", 36)
    story.idle("one", 96)
    history = story.history()
    assert final_between(history, "one", block) == (60_000, 71_999)
    assert history.final_since("one", block) == 60_000


def test_a_block_that_was_replaced_is_final_by_what_followed_it() -> None:
    """The old chain reached height 5 too, but only the new chain's block 5 makes the new block 3 final."""
    story = Story()
    story.mine("one", 36)
    story.mine("one", 60)
    story.reorg(60, "one", 2)
    block = story.mine("one", 36).model_copy(update={"t_ms": 60_000})
    story.records[-1] = block
    history = story.history()
    assert history.final_since("one", block) is None
    story.idle("one", 72)
    assert story.history().final_since("one", block) == 60_000


@pytest.mark.parametrize(("finality", "since"), [(Finality(blocks=0), 36_000), (Finality(seconds=10), 46_000)])
def test_finality_without_a_depth_is_exact(finality: Finality, since: int) -> None:
    """At once, or by the clock."""
    story = Story(finality=finality)
    block = story.mine("one", 36)
    story.idle("one", 96)
    assert final_between(story.history(), "one", block) == (since, since)


def test_finality_that_the_run_did_not_reach_is_none() -> None:
    """Neither by blocks nor by seconds."""
    for finality in (Finality(blocks=2), Finality(seconds=100)):
        story = Story(finality=finality)
        block = story.mine("one", 36)
        story.idle("one", 48)
        assert final_between(story.history(), "one", block) is None


def test_the_nth_block_counts_blocks_surely_after() -> None:
    """Blocks of 2 s; the third after 23 s is at 28 s."""
    story = Story()
    for second in range(2, 40, 2):
        story.mine("two", second)
    assert nth_block_after(story.history(), "two", 23_000, 3) == 28_000
    assert nth_block_after(story.history(), "two", 24_000, 3) == 30_000
    assert nth_block_after(story.history(), "two", 35_000, 3) is None


def test_a_run_cut_by_a_reorg_ends_where_it_was_cut() -> None:
    """Blocks 1 to 8 of chain one, cut after block 4 at 48 s."""
    story = Story()
    story.idle("one", 96)
    story.reorg(96, "one", 4)
    (span,) = story.history().spans("one")
    assert isinstance(span, EmptyBlocks)
    assert (span.last, span.t_ms, span.last_timestamp) == (4, 48_000, GENESIS + 48)


def test_a_block_at_the_very_moment_does_not_come_after_it() -> None:
    """Inside a run: block 2 may have come at 24 s, so the first surely after 24 s is block 3."""
    story = Story()
    story.idle("one", 60)
    assert nth_block_after(story.history(), "one", 24_000, 1) == 47_999
    assert nth_block_after(story.history(), "one", 23_999, 1) == 35_999


def tagged(*marks: tuple[int, str]) -> tuple[int, int] | None:
    """When block 3 (at 36 s, final by the tag with block 5) was final, with a stall of finality begun and healed."""
    story = Story(finality=Finality(tag="finalized"), tag_depth=2)
    block = story.mine("one", 36)
    for at_s, phase in marks:
        if at_s < 96:
            story.fault(at_s, phase, fault="finality_stall", chain="one")
    story.idle("one", 96)
    for at_s, phase in marks:
        if at_s >= 96:
            story.fault(at_s, phase, fault="finality_stall", chain="one")
    return final_between(story.history(), "one", block)


@pytest.mark.parametrize(
    ("marks", "interval"),
    [
        ((), (60_000, 71_999)),
        (((40, "inject"), (90, "heal")), (90_000, 90_000)),
        (((40, "inject"), (65, "heal")), (65_000, 71_999)),
        (((65, "inject"), (90, "heal")), (60_000, 90_000)),
        (((80, "inject"), (90, "heal")), (60_000, 71_999)),
        (((10, "inject"), (20, "heal")), (60_000, 71_999)),
        (((40, "inject"), (70, "heal"), (71, "inject"), (120, "heal")), (70_000, 120_000)),
        (((40, "inject"),), None),
    ],
)
def test_what_becomes_final_while_finality_stands_still(
    marks: tuple[tuple[int, str], ...], interval: tuple[int, int] | None
) -> None:
    """Not before it goes on; what was final before stays so, and what nobody can tell favours the relayer."""
    assert tagged(*marks) == interval
