"""Plays many sequences and makes the first one of each deviation as short as it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random

from lab.runner.model_based.build import Builder, Sequence, Step
from lab.runner.model_based.judge import RULES
from lab.runner.model_based import kinds, walks
from lab.runner.model_based.player import Deviation, Player

KINDS: dict[str, Callable[[Builder], None]] = {
    "life": kinds.life,
    "window": kinds.window,
    "dependency": kinds.dependency,
    "accounts": kinds.accounts,
    "stop": kinds.stop,
    "identifiers": kinds.identifiers,
    "numbers": kinds.numbers,
    "payload": kinds.payload,
    "batches": walks.batches,
    "walk": walks.walk,
    "history": walks.history,
}
LINES_MAX = 12
SHRINK_PLAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """A deviation with the shortest sequence that shows it."""

    sequence: Sequence
    deviation: Deviation

    def lines(self) -> list[str]:
        """At most `LINES_MAX` lines: what differs, the calls that lead there, what the documentation says."""
        calls = self.sequence.lines()
        room = LINES_MAX - 2
        if len(calls) > room:
            calls = [*calls[: room - 4], f"… {len(calls) - room + 1} more calls …", *calls[-3:]]
        function = self.deviation.signature[0]
        rule = RULES.get(function)
        head = f"{function}: {self.deviation.what} (kind {self.sequence.kind}, seed {self.sequence.seed})"
        return [head, *(f"  {call}" for call in calls), *([f"  documented: {rule}"] if rule else [])]


def draw(kind: str, seed: int, player: Player) -> Sequence:
    """The sequence of a kind and a seed, the same each time."""
    make = Builder(Random(f"{kind} {seed}"), player.traits, seed)
    KINDS[kind](make)
    return Sequence(kind, seed, tuple(make.steps), make.labels, make.sparse)


def search(player: Player, kind: str, seeds: Iterable[int]) -> Finding | None:
    """The first deviation that sequences of a kind show, made short; None if all are as documented."""
    for seed in seeds:
        sequence = draw(kind, seed, player)
        if sequence.steps and (deviation := player.play(sequence)) is not None:
            return shrink(player, sequence, deviation)
    return None


def shrink(player: Player, sequence: Sequence, deviation: Deviation) -> Finding:
    """Fewer calls that end in the same deviation: halves, quarters and so on are left out, then single calls."""
    wanted = deviation.signature
    best, shown = replace(sequence, steps=sequence.steps[: deviation.index + 1]), deviation
    if player.play(best) is None:
        best = sequence  # seen by a view at the end only
    plays, size = 0, max(1, len(best.steps) // 2)
    while size and plays < SHRINK_PLAYS_MAX:
        start, removed = 0, False
        while start < len(best.steps) and plays < SHRINK_PLAYS_MAX:
            fewer = replace(best, steps=_without(best.steps, start, size))
            plays += 1
            again = player.play(fewer) if fewer.steps else None
            if again is not None and again.signature == wanted:
                best, shown, removed = fewer, again, True
            else:
                start += size
        if not removed or size > 1:
            size //= 2
    return Finding(best, shown)


def _without(steps: tuple[Step, ...], start: int, size: int) -> tuple[Step, ...]:
    return steps[:start] + steps[start + size :]
