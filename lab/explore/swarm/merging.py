"""The outcomes of all parts of a swarm: one for each seed of the whole, whether a part has it or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.explore.journal import Journal, SwarmWork
from lab.explore.shard import Shard
from lab.explore.swarm.seed import SeedOutcome, not_run
from lab.model.verdict import Verdict


def merged(journals: Sequence[Journal[SeedOutcome]]) -> tuple[SeedOutcome, ...]:
    """In the order of the seeds. One that was not run is UNKNOWN, and so is one of which two outcomes differ."""
    header = journals[0].header
    assert isinstance(header.work, SwarmWork)
    first = header.work.first
    parts, seeds = Shard.parse(header.shard).count, range(first, first + header.work.seeds)
    there = {journal.header.shard for journal in journals}
    outcomes: dict[int, list[SeedOutcome]] = {}
    for journal in journals:
        for outcome in journal.outcomes:
            outcomes.setdefault(outcome.seed, []).append(outcome)

    def of_seed(seed: int) -> SeedOutcome:
        part = str(Shard((seed - first) % parts + 1, parts))
        if seed in outcomes:
            return _agreed(outcomes[seed])
        return not_run(seed, f"part {part} ended before it" if part in there else f"part {part} is missing")

    return tuple(map(of_seed, seeds))


def _agreed(outcomes: Sequence[SeedOutcome]) -> SeedOutcome:
    """A seed has one history wherever it is run: whatever else is a fault of the lab, and no verdict."""
    one = outcomes[0]
    if all((other.verdict, other.digest) == (one.verdict, one.digest) for other in outcomes):
        return one
    verdicts = _listed(f"{outcome.verdict} ({outcome.digest[:12]})" for outcome in outcomes)
    why = f"two runs of the seed differ, which is a fault of the lab: {verdicts}"
    return SeedOutcome(one.seed, Verdict.UNKNOWN, (why,), (), one.faults, "", one.runs, one.simulated_s, one.duration_s)


def _listed(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))
