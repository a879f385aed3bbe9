"""How well the alerts detect: for each fault that one is made for, runs with it and the same runs without.

A drawn case is run twice: without any fault, where nothing may fire, and with one fault that lasts. Only samples are
taken while runs go; the alerts of many runs come from one evaluation.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, write_atomically
from lab.checks import CHECKS
from lab.errors import LabError
from lab.evidence.folder import SAMPLES
from lab.evidence.seal import write_sealed
from lab.explore.bench import Bench
from lab.explore.swarm.case import Document, Drawing, draw, drawn_contract, to_text
from lab.faults.drawing import NOTHING_LACKING, DrawnContract
from lab.model.outcome import Outcome
from lab.monitor.alerting.timeline import INTERVAL_S, AlertSpan, SeriesLog, timelines
from lab.networks import load_network
from lab.scenario.resolve import load_scenario

QUIET_S, LASTING_S = 180, 240
# Half as often as by default: it is half of what a run costs, and only makes everything later.
POLL = "4s"
AT_ONCE, RECALL_MIN = 25, 0.95
# Fewer runs than these prove nothing either way.
QUIET_MIN, RUNS_MIN = 300, 20
FILE = "monitor/detection.json"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is to raise one of these alerts, from a second of the run on."""

    kind: str
    alerts: tuple[str, ...]
    begin_s: int
    steps: tuple[Document, ...]
    chain: str | None = None


def _fault(kind: str, *alerts: str, begin_s: int, chain: str | None = None, **words: Any) -> Wrong:
    on = {"chain": chain} if chain is not None else {}
    step = {"id": "wrong", "at": f"{begin_s}s", "fault": kind, **on, **words}
    return Wrong(kind, alerts, begin_s, (step,), chain)


def _call(kind: str, alert: str, begin_s: int, chain: str, **words: Any) -> Wrong:
    return Wrong(kind, (alert,), begin_s, ({"at": f"{begin_s}s", **words},), chain)


# What an alert is made for. `begin_s` lies before the first leg is due, `chain` is one of the case's.
KINDS: dict[str, Callable[[int, str], Wrong]] = {
    "node_kill": lambda at, on: _fault("node_kill", "ChainDown", begin_s=at, chain=on, **{"for": "3m"}),
    "node_pause": lambda at, on: _fault("node_pause", "ChainDown", begin_s=at, chain=on, **{"for": "3m"}),
    "halt": lambda at, on: _fault("halt", "ChainStalled", begin_s=at, chain=on, **{"for": "5m"}),
    "base_fee_spike": lambda at, on: _fault(
        "base_fee_spike", "BaseFeeHigh", begin_s=at, chain=on, factor=100, **{"for": "8m"}
    ),
    "relayer_kill": lambda at, on: _fault("relayer_kill", "RelayerDown", begin_s=at, restart_after="3m"),
    "relayer_pause": lambda at, on: _fault(
        "relayer_pause", "LegsOverdue", "CrossChainStuck", begin_s=at, **{"for": "7m"}
    ),
    "attacker": lambda at, on: _call(
        "attacker",
        "UnauthorizedCalls",
        at,
        on,
        call={"chain": on, "function": "pause", "args": []},
        **{"as": "attacker", "expect": "fail"},
    ),
    "operator added": lambda at, on: _call(
        "operator added",
        "UndeclaredOperator",
        at,
        on,
        admin={"chain": on, "action": "add_operator", "value": "attacker"},
    ),
    "emergency stop": lambda at, on: _call(
        "emergency stop", "ContractPaused", at, on, admin={"chain": on, "action": "pause"}
    ),
}
# A network without empty blocks cannot be seen to stand still.
NEEDS_BLOCKS = ("halt",)
NEEDS_FUNCTIONS = {"attacker": ("pause",), "operator added": ("add_operator",), "emergency stop": ("pause",)}


def kinds_for(contract: DrawnContract) -> tuple[str, ...]:
    """The kinds that a contract has the functions for."""
    return tuple(kind for kind in KINDS if contract.has(NEEDS_FUNCTIONS.get(kind, ())))


@dataclass(frozen=True, slots=True)
class Watched:
    """The samples of one run. `wrong` None: a run in which nothing may fire. `broke`: why there is no run."""

    seed: int
    wrong: Wrong | None
    log: SeriesLog | None
    broke: str = ""


def cases(seed: int, contract: DrawnContract = NOTHING_LACKING) -> list[tuple[Wrong | None, Document]]:
    """The drawn flows without anything wrong, and with one thing that lasts."""
    drawn = draw(Drawing(seed, contract=contract))
    rng = random.Random(f"{seed}/swarm/monitor")
    chains = sorted({leg["chain"] for flow in drawn["flows"].values() for leg in flow.values()})
    mining = [name for name in chains if load_network(name).mines_empty_blocks]
    kind = rng.choice([kind for kind in kinds_for(contract) if mining or kind not in NEEDS_BLOCKS])
    due_s = min(int(leg["at"][1:-1]) for flow in drawn["flows"].values() for leg in flow.values())
    wrong = KINDS[kind](rng.randint(15, due_s - 10), rng.choice(mining if kind in NEEDS_BLOCKS else chains))
    return [(None, _document(drawn, None)), (wrong, _document(drawn, wrong))]


def _document(drawn: Document, wrong: Wrong | None) -> Document:
    """Long enough for every alert; where a leg is to be late its window is short, else nothing is."""
    late = wrong is not None and wrong.kind == "relayer_pause"
    last_s = max(int(leg["at"][1:-1]) for flow in drawn["flows"].values() for leg in flow.values())
    end_s = last_s + QUIET_S if wrong is None else max(last_s, wrong.begin_s) + LASTING_S
    end_s += LASTING_S if wrong is not None and wrong.kind == "base_fee_spike" else 0
    steps: list[Document] = [{"at": "0s", "buffer": flow} for flow in drawn["flows"]]
    steps += [*(wrong.steps if wrong is not None else ()), {"at": f"{end_s}s", "wait": "1s"}]
    kept = {key: drawn[key] for key in ("name", "description", "networks", "seed", "flows")}
    return {
        **kept,
        "relayer": {"poll": POLL},
        "timeout": "60m",
        "window": "30s" if late else "5m",
        "monitor": True,
        "timeline": steps,
        "checks": [],
    }


def watch_seed(bench: Bench, seed: int) -> list[Watched]:
    """Run both."""
    contract = drawn_contract(bench.suite.target)
    return [_watch(bench, seed, wrong, document) for wrong, document in cases(seed, contract)]


def _watch(bench: Bench, seed: int, wrong: Wrong | None, document: Document) -> Watched:
    path = bench.folder / "case" / f"{seed}.yaml"
    write_atomically(path, to_text(document))
    (item,) = load_scenario(path, known_checks=CHECKS)
    try:
        result = bench.run(item, samples_only=True)
        return Watched(seed, wrong, SeriesLog.read(read_object(result.folder.path / SAMPLES)))
    except LabError as error:
        return Watched(seed, wrong, None, f"{type(error).__name__}: {error}")


@dataclass
class Detection:
    """Of one kind: runs, those in which one of its alerts fired, and after how many seconds."""

    alerts: tuple[str, ...]
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
        return {**asdict(self), "kinds": kinds, "verdict": self.verdict, "interval_s": INTERVAL_S}

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
            _count(measured, run, [span for span in spans if span.firing_s is not None])
    return measured


def _count(measured: Measured, run: Watched, fired: list[AlertSpan]) -> None:
    if run.wrong is None:
        measured.quiet_runs += 1
        measured.false_alarms += [(run.seed, str(span)) for span in fired if span.severity != "none"]
        return
    wrong = run.wrong
    detection = measured.kinds.setdefault(wrong.kind, Detection(wrong.alerts))
    detection.runs += 1
    seconds = [
        span.firing_s - wrong.begin_s
        for span in fired
        if span.alert in wrong.alerts
        and wrong.chain in (None, *span.labels.values())
        and span.firing_s is not None
        and span.firing_s >= wrong.begin_s
    ]
    if seconds:
        detection.fired += 1
        detection.seconds.append(min(seconds))
    else:
        detection.missed_seeds.append(run.seed)
