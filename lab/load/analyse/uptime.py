"""Whether a system as a whole was up: one probe a second, failed where any part of it did not answer.

Several systems side by side are probed each by itself, and their probes are counted together: the share is of the
seconds of all systems. The bounds take probes as independent of each other.

Restarting a node is no accident but planned, so in a run with such a fault the share of failed probes depends on the
length of the run; one that is too short to show anything for the system shows nothing against it either.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.load.record.frozen import Frozen
from lab.load.record.samples import Sample
from lab.model.outcome import Outcome
from lab.model.statistics.binomial import decide, lower_bound, trials_needed, upper_bound

# The release checklist's 99.9%.
DOWN_SHARE_MAX = 0.001


class Uptime(Frozen):
    """Probes, how many of them failed, which parts were asked, and of how many systems these are."""

    probes: int
    failures: int
    parts: tuple[str, ...]
    systems: int = 1

    @property
    def percent(self) -> float:
        """Of all probes, those that did not fail; 0 where there were none."""
        return 100 * (1 - self.failures / self.probes) if self.probes else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Exact bounds in percent, each one-sided at 95%."""
        down = upper_bound(self.failures, self.probes), lower_bound(self.failures, self.probes)
        return round(100 * (1 - down[0]), 4), round(100 * (1 - down[1]), 4)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the figure rests on."""
        independent = "probes are taken as independent of each other"
        if self.systems == 1:
            return (
                f"one probe a second of {', '.join(self.parts)}; up means that every one of them answers",
                independent,
            )
        minutes = self.probes / 60
        return (
            f"one probe a second of each of {self.systems} systems side by side: {', '.join(self.parts)}",
            f"the share is of {minutes:,.0f} minutes of all systems together, {minutes / self.systems:,.1f} of each: "
            "what shows only after longer than that in one of them is not in it",
            f"{independent}; systems on one machine share what stops the machine",
        )

    def judge(self, *, fault_planned: bool, fault_seen: bool) -> tuple[str, str] | None:
        """Verdict and reason for 99.9%; None where the run says nothing of it: no fault, and no failure to speak of."""
        if not self.probes:
            return None
        finding, least = decide(self.failures, self.probes, DOWN_SHARE_MAX), trials_needed(0, DOWN_SHARE_MAX)
        low, high = self.interval
        counted = f"{self.failures:,} of {self.probes:,} probes failed; "
        if finding is Outcome.NOT_MET and (not fault_seen or self.probes >= least):
            return "FAIL", f"{counted}at most {high:.4g}% up with 95% confidence"
        if not fault_planned:
            return None
        if not fault_seen:
            return "UNKNOWN", f"{counted}no fault acted in this run: the planned restart was not seen"
        if finding is Outcome.MET:
            return "LAB PASS", f"{counted}at least {low:.6g}% up with 95% confidence, a node restart included"
        needed = trials_needed(self.failures, DOWN_SHARE_MAX)
        rate = "one comes" if self.systems == 1 else f"{self.systems} come"
        return "UNKNOWN", f"{counted}with no more failures {needed:,} probes would show 99.9%, {rate} each second"


def probe(samples: Sequence[Sample], *, per_network: bool = False) -> Uptime:
    """From the sampler's lines, oldest first. A probe that hung counts for each second that it took.

    With `per_network` each node is a system of its own, the relayer a part of all of them.
    """
    answers = [_answers(sample) for sample in samples]
    parts = sorted({name for answered in answers for name in answered})
    nodes = sorted({name for sample in samples for name in sample.chains})
    systems = [[node, *(part for part in parts if part not in nodes)] for node in nodes] if per_network else [parts]
    probes = failures = 0
    previous: float | None = None
    for sample, answered in zip(samples, answers, strict=True):
        seconds = max(1, round(sample.at - previous)) if previous is not None else 1
        failed = sum(not all(answered.get(part, False) for part in system) for system in systems)
        probes, failures = probes + len(systems) - failed + failed * seconds, failures + failed * seconds
        previous = sample.at
    return Uptime(probes=probes, failures=failures, parts=tuple(parts), systems=max(1, len(systems)))


def _answers(sample: Sample) -> dict[str, bool]:
    """The nodes and the relayer; the generator is no part of the system."""
    relayer = sample.processes.get("relayer")
    answers = {name: row.up for name, row in sample.chains.items()}
    return answers if relayer is None else {**answers, "relayer": relayer.up}
