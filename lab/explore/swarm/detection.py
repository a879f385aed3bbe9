"""How well the alerts detect: for each fault that one is made for, runs with it and the same runs without.

A drawn case is run twice: without any fault, where nothing may fire or be about to, and with one fault that lasts. Only
samples are taken while runs go; the alerts of many runs come from one evaluation.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, write_atomically
from lab.checks import CHECKS
from lab.errors import LabError
from lab.evidence.folder import SAMPLES
from lab.evidence.seal import write_sealed
from lab.explore.bench import Bench
from lab.explore.swarm.alert_cases import KINDS, Wrong, cases
from lab.explore.swarm.case import Document, drawn_contract, to_text
from lab.model.outcome import Outcome
from lab.model.verdict import Verdict
from lab.monitor.alerting.timeline import INTERVAL_S, AlertSpan, SeriesLog, timelines
from lab.scenario.resolve import load_scenario

AT_ONCE, RECALL_MIN = 25, 0.95
# Fewer runs than these prove nothing either way.
QUIET_MIN, RUNS_MIN = 300, 20
FILE = "monitor/detection.json"


@dataclass(frozen=True, slots=True)
class Watched:
    """The samples of one run. `wrong` None: a run in which nothing may fire. `broke`: why there is no run."""

    seed: int
    wrong: Wrong | None
    log: SeriesLog | None
    broke: str = ""


def watch_seed(bench: Bench, seed: int) -> list[Watched]:
    """Run both."""
    contract = drawn_contract(bench.suite.target)
    return [_watch(bench, seed, wrong, document) for wrong, document in cases(seed, contract)]


def _watch(bench: Bench, seed: int, wrong: Wrong | None, document: Document) -> Watched:
    path = bench.folder / "case" / f"{seed}.yaml"
    try:
        write_atomically(path, to_text(document))
        (item,) = load_scenario(path, known_checks=CHECKS)
        result = bench.run(item, samples_only=True)
        if result.verdict.verdict is Verdict.FAIL:
            why = "; ".join(result.verdict.reasons)[:300]
            return Watched(seed, wrong, None, f"what was to go wrong did not: {why}")
        return Watched(seed, wrong, SeriesLog.read(read_object(result.folder.path / SAMPLES)))
    except LabError as error:
        return Watched(seed, wrong, None, f"{type(error).__name__}: {error}")


@dataclass
class Detection:
    """Of one kind: runs, those in which one of its alerts fired within `within_s`, and after how many seconds."""

    alerts: tuple[str, ...]
    within_s: int
    runs: int = 0
    fired: int = 0
    seconds: list[int] = field(default_factory=list)
    missed_seeds: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of runs in which it fired."""
        return self.fired / self.runs if self.runs else 0.0

    @property
    def median_s(self) -> float | None:
        """Time to detect, None where nothing fired."""
        return statistics.median(self.seconds) if self.seconds else None


@dataclass
class Measured:
    """What came of all runs. `wanted` are all kinds, `false_alarms` (seed, alert) of runs without a fault."""

    kinds: dict[str, Detection] = field(default_factory=dict)
    quiet_runs: int = 0
    false_alarms: list[tuple[int, str]] = field(default_factory=list)
    broke: list[tuple[int, str]] = field(default_factory=list)
    wanted: tuple[str, ...] = tuple(KINDS)

    @property
    def verdict(self) -> Outcome:
        """MET: every kind was seen often enough, each with a recall of 95% or more, and no false alarm."""
        if self.false_alarms or any(kind.runs and kind.recall < RECALL_MIN for kind in self.kinds.values()):
            return Outcome.NOT_MET
        enough = self.quiet_runs >= QUIET_MIN and all(
            kind in self.kinds and self.kinds[kind].runs >= RUNS_MIN for kind in self.wanted
        )
        return Outcome.MET if enough else Outcome.UNKNOWN

    def as_json(self) -> dict[str, Any]:
        """For a file, which reports read."""
        kinds = {
            name: {**asdict(kind), "recall": kind.recall, "median_s": kind.median_s}
            for name, kind in sorted(self.kinds.items())
        }
        return {"schema_version": 1, **asdict(self), "kinds": kinds, "verdict": self.verdict, "interval_s": INTERVAL_S}

    def write(self, results: Path) -> None:
        """Write `results/monitor/detection.json`, and the manifest with its digest last. Raises OSError."""
        path = results / FILE
        write_atomically(path, json.dumps(self.as_json(), indent=2) + "\n")
        write_sealed(path.parent, {"schema_version": 1, "item": "lab swarm --monitor"}, (path.name,))


def measure(watched: Sequence[Watched], wanted: tuple[str, ...] = tuple(KINDS)) -> Measured:
    """Evaluate the rules over all runs, many at a time. Raises EnvironmentFailure without promtool."""
    measured = Measured(wanted=wanted)
    whole = [(run, run.log) for run in watched if run.log is not None]
    measured.broke = [(run.seed, run.broke) for run in watched if run.log is None]
    for first in range(0, len(whole), AT_ONCE):
        part = whole[first : first + AT_ONCE]
        for (run, _), spans in zip(part, timelines([log for _, log in part]), strict=True):
            _count(measured, run, spans)
    return measured


def _count(measured: Measured, run: Watched, spans: list[AlertSpan]) -> None:
    wrong = run.wrong
    if wrong is None:
        measured.quiet_runs += 1
        # One that is pending when the run ends may have been about to fire.
        alarms = [span for span in spans if span.firing_s is not None or span.end_s is None]
        measured.false_alarms += [(run.seed, str(span)) for span in alarms if span.severity != "none"]
        return
    kind = KINDS[wrong.kind]
    detection = measured.kinds.setdefault(wrong.kind, Detection(kind.alerts, kind.within_s))
    detection.runs += 1
    seconds = [
        span.firing_s - wrong.begin_s
        for span in spans
        if span.firing_s is not None
        and span.alert in kind.alerts
        and wrong.chain in (None, *span.labels.values())
        and 0 <= span.firing_s - wrong.begin_s <= kind.within_s
    ]
    if seconds:
        detection.fired += 1
        detection.seconds.append(min(seconds))
    else:
        detection.missed_seeds.append(run.seed)
