"""The outcomes of all parts of a swarm: one for each seed of the whole, whether a part has it or not.

Of each outcome a few bytes are kept, and the place where it stands: a million seeds take some 20 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from lab.errors import UsageError
from lab.explore.journal import Journal, SwarmWork
from lab.explore.swarm.seed import SeedOutcome
from lab.explore.swarm.tally import Tally
from lab.model.verdict import Verdict

# Seeds with two histories are a fault of the lab; so many are no parts of one swarm.
DISPUTED_MAX = 10_000
_VERDICTS = (None, *Verdict)
_PLACE_BITS = 32
_RAN = 0x80


class Merged:
    """What all parts say. A seed that was not run is UNKNOWN, and so is one of which two outcomes differ."""

    def __init__(self, journals: Sequence[Journal[SeedOutcome]]) -> None:
        """Raises OSError or UnfitFile, and UsageError for too many seeds with outcomes that differ."""
        work = journals[0].header.work
        assert isinstance(work, SwarmWork)
        self.tally = Tally()
        self._journals, self._seeds = journals, range(work.first, work.first + work.seeds)
        # By seed: its verdict, and whether it ran; what must be the same wherever it ran; and where its outcome stands.
        self._verdicts = bytearray(len(self._seeds))
        self._digests, self._places = (array(code, bytes(8 * len(self._seeds))) for code in "qQ")
        self._disputed: dict[int, list[str]] = {}
        for number, journal in enumerate(journals):
            for place, outcome in journal.placed():
                if outcome.seed in self._seeds:
                    self._add(outcome, number << _PLACE_BITS | place)
        self.tally.add_missing(self._verdicts.count(0))

    def _add(self, outcome: SeedOutcome, place: int) -> None:
        """The first outcome of a seed counts."""
        at, digest = self._seeds.index(outcome.seed), hash((outcome.verdict, outcome.digest))
        if not self._verdicts[at]:
            self._verdicts[at] = _VERDICTS.index(outcome.verdict) | (_RAN if outcome.runs else 0)
            self._digests[at], self._places[at] = digest, place
            self.tally.add(outcome)
        elif self._digests[at] != digest:
            self._dispute(at, outcome)

    def _dispute(self, at: int, outcome: SeedOutcome) -> None:
        """A seed has one history wherever it is run: whatever else is a fault of the lab, and no verdict."""
        if at not in self._disputed:
            first = self._first(at)
            self._disputed[at] = [_words(first)]
            self._verdicts[at] = _VERDICTS.index(Verdict.UNKNOWN) | self._verdicts[at] & _RAN
            self.tally.doubt(first)
        if len(self._disputed) > DISPUTED_MAX:
            raise UsageError(
                f"expected parts of one swarm, got over {DISPUTED_MAX} seeds of which two outcomes differ, as seed "
                f"{outcome.seed}: {self._disputed[at][0]} and {_words(outcome)}"
            )
        if (words := _words(outcome)) not in self._disputed[at]:
            self._disputed[at].append(words)

    def _first(self, at: int) -> SeedOutcome:
        number, place = divmod(self._places[at], 1 << _PLACE_BITS)
        return self._journals[number].at(place)

    @property
    def not_run(self) -> Iterator[int]:
        """Seeds that no part ran, in their order."""
        return (seed for seed, known in zip(self._seeds, self._verdicts, strict=True) if not known & _RAN)

    @property
    def not_passed(self) -> Iterator[SeedOutcome]:
        """What ran and did not pass, in the order of the seeds, read once more from the parts."""
        passed = _VERDICTS.index(Verdict.PASS) | _RAN
        for at, known in enumerate(self._verdicts):
            if known & _RAN and known != passed:
                yield self._disputed_outcome(at) if at in self._disputed else self._first(at)

    def _disputed_outcome(self, at: int) -> SeedOutcome:
        one = self._first(at)
        why = f"two runs of the seed differ, which is a fault of the lab: {' and '.join(self._disputed[at])}"
        return SeedOutcome(
            one.seed, Verdict.UNKNOWN, (why,), (), one.faults, "", one.runs, one.simulated_s, one.duration_s
        )


def _words(outcome: SeedOutcome) -> str:
    return f"{outcome.verdict} ({outcome.digest[:12]})"
