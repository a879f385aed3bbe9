"""Plays many sequences and makes the first one of each deviation as short as it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from random import Random

from lab.model.record_parts.about import About
from lab.networks import BUILT_IN
from lab.runner.model_based.build import Builder, Traits
from lab.runner.model_based.judge import RULES, Deviation
from lab.runner.model_based.kinds import (
    accounts,
    batches,
    breaker,
    chains,
    combined,
    endings,
    gas,
    lives,
    values,
    walks,
)
from lab.runner.model_based.measured import JUDGES, WHOLE
from lab.runner.model_based.player import Player
from lab.runner.model_based.sequence import USUAL, Block, Sequence, singles

KINDS: dict[str, Callable[[Builder], None]] = {
    "life": lives.life,
    "window": lives.window,
    "dependency": lives.dependency,
    "generations": combined.generations,
    "moments": combined.moments,
    "named": combined.named,
    "deadlines": combined.deadlines,
    "blocks": combined.blocks,
    "accounts": accounts.accounts,
    "stop": lives.stop,
    "identifiers": values.identifiers,
    "boundaries": values.boundaries,
    "numbers": values.numbers,
    "payload": values.payload,
    "endings": endings.endings,
    "batches": batches.batches,
    "walk": walks.walk,
    "chains": chains.chains,
    "breaker": breaker.breaker,
    "gas": gas.gas,
    "history": walks.history,
}
# Sequences of a kind, so that each of its dimensions is walked through once.
SEEDS = {
    "history": walks.SEEDS_OF_HISTORY,
    "dependency": 26,
    "generations": len(combined.STATES),
    "accounts": accounts.ACCOUNTS,
    "window": 6,
    "numbers": 6,
    "walk": 8,
    "chains": len(BUILT_IN),
    "gas": len(gas.GROWTH),
}

SEEDS_ELSE = 4
LINES_MAX = 12
# A budget in calls, so that long sequences cost no more than short ones.
SHRINK_CALLS_MAX = 12_000
THOROUGH_MAX = 24
# What a known cause was behind so often is not made short again.
EXPLAINED_MAX = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """A deviation with the shortest sequence that shows it."""

    sequence: Sequence
    deviation: Deviation

    @property
    def rule(self) -> str | None:
        """What the documentation says of the function that differs, or what the deviation means."""
        function, what = self.deviation.signature
        return RULES.get(what, RULES.get(function))

    @property
    def about(self) -> About:
        """What differs, as data."""
        step = self.deviation.step
        return self.deviation.about.of(step.function if step else "")

    def lines(self) -> list[str]:
        """At most `LINES_MAX` lines: what differs, then the calls that lead there."""
        calls, room = self.sequence.lines(), LINES_MAX - 1
        if len(calls) > room:
            calls = [*calls[: room - 4], f"… {len(calls) - room + 1} more calls …", *calls[-3:]]
        chain = self.sequence.block.chain_id
        named = f"kind {self.sequence.kind}, seed {self.sequence.seed}{f', chain id {chain} alone' if chain else ''}"
        return [
            f"{self.deviation.signature[0]}: {self.deviation.what} ({named}; {len(self.sequence.steps)} calls)",
            *calls,
        ]


def draw(kind: str, seed: int, traits: Traits) -> Sequence:
    """The sequence of a kind and a seed, the same each time."""
    make = Builder(Random(f"{kind} {seed}"), traits, seed)
    KINDS[kind](make)
    return Sequence(kind, seed, tuple(make.steps), make.labels, make.sparse, cut=make.cut, block=make.block)


def seeds_of(kind: str) -> range:
    """The seeds that walk through a kind."""
    return range(SEEDS.get(kind, SEEDS_ELSE))


def search(player: Player, kind: str, seeds: Iterable[int], known: Container[tuple[str, str]] = ()) -> Finding | None:
    """The first deviation that sequences of a kind show, made short; None if all are as documented.

    A sequence that ends in a deviation of a cause that is known already shows nothing new, and the next one is played.
    """
    explained: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        sequence = draw(kind, seed, player.traits)
        deviation = player.play(sequence) if sequence.steps else None
        if deviation is None or deviation.cause in known or explained[deviation.cause] >= EXPLAINED_MAX:
            continue
        finding = _shortest(player, sequence, deviation)
        if finding.deviation.cause not in known:
            return finding
        explained[deviation.cause] += 1
    return None


def _shortest(player: Player, sequence: Sequence, deviation: Deviation) -> Finding:
    """The finding with as few calls as show it, in the blocks that show it."""
    if sequence.kind in WHOLE:
        return Finding(replace(sequence, steps=sequence.steps[: deviation.index + 1]), deviation)
    finding = _singly(player, _looked_at(player, shrink(player, *_nearer(player, sequence, deviation))))
    return _by_chain(player, finding)


def _by_chain(player: Player, finding: Finding) -> Finding:
    """With the chain id on which it shows, where it depends on that; else in usual blocks."""
    if finding.sequence.block.chain_id is not None:
        usual = _alike(player, finding, USUAL)
        if usual is None:
            return finding
        finding = usual
    sequence = finding.sequence
    other = Block(chain_id=next(one for one in chains.known_ids() if one != player.chain_id))
    if sequence.block != USUAL or sequence.kind in JUDGES or player.model_in(other) is None:
        return finding
    if player.play(replace(sequence, block=other)) is not None:
        return finding
    return _alike(player, finding, Block(chain_id=player.chain_id)) or finding


def _alike(player: Player, finding: Finding, block: Block) -> Finding | None:
    """The finding in other blocks, where those show it, too."""
    sequence = replace(finding.sequence, block=block)
    again = player.play(sequence)
    return Finding(sequence, again) if again and again.signature == finding.deviation.signature else None


def _nearer(player: Player, sequence: Sequence, deviation: Deviation) -> tuple[Sequence, Deviation]:
    """What showed at a long sequence's end only, and the call behind which it is to be seen, if there is one."""
    if deviation.step is not None or not sequence.sparse:
        return sequence, deviation
    close = replace(sequence, sparse=0)
    return close, player.play(close) or deviation


def _singly(player: Player, finding: Finding) -> Finding:
    """The calls of its batches one by one, where those differ, too: a batch does what they do."""
    steps = tuple(single for step in finding.sequence.steps for single in singles(step))
    if steps == finding.sequence.steps or len(steps) > player.traits.per_block:
        return finding
    sequence = replace(finding.sequence, steps=steps, cut=False)
    deviation = player.play(sequence)
    return finding if deviation is None else shrink(player, sequence, deviation)


def _looked_at(player: Player, finding: Finding) -> Finding:
    """The same calls with all views after each of them: what differs first may show in one of those."""
    if len(finding.sequence.steps) > THOROUGH_MAX:
        return finding
    sequence = replace(finding.sequence, sparse=0, thorough=True, cut=False)
    deviation = player.play(sequence)
    return finding if deviation is None else shrink(player, sequence, deviation)


def shrink(player: Player, sequence: Sequence, deviation: Deviation) -> Finding:
    """Fewer calls that end in the same deviation: halves, quarters and so on are left out, then single calls."""
    finding = Finding(replace(sequence, cut=deviation.step is not None), deviation)
    end = player.calls + SHRINK_CALLS_MAX
    finding = _without(player, finding, deviation.index + 1, len(sequence.steps)) or finding
    size = max(1, len(finding.sequence.steps) // 2)
    while size and player.calls < end:
        start, shorter = 0, False
        while start < len(finding.sequence.steps) and player.calls < end:
            fewer = _without(player, finding, start, start + size)
            finding, shorter, start = (fewer, True, start) if fewer else (finding, shorter, start + size)
        if not shorter or size > 1:
            size //= 2
    return finding


def _without(player: Player, finding: Finding, start: int, end: int) -> Finding | None:
    """The finding without some of its calls, where it is still the same one."""
    steps = finding.sequence.steps[:start] + finding.sequence.steps[end:]
    if not steps or len(steps) == len(finding.sequence.steps):
        return None
    sequence = replace(finding.sequence, steps=steps)
    again = player.play(sequence)
    return Finding(sequence, again) if again and again.signature == finding.deviation.signature else None
