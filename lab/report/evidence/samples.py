"""Samples for the success criteria, taken from recorded histories of runs in which no fault acted.

Scenarios are made to prove order and safety, not speed: a child waits for its own earliest time. So a latency here has
two bounds, and only what both of them say is counted as known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from lab.errors import LabError
from lab.evidence.manifest import Count
from lab.evidence.seal import DID_NOT_END
from lab.html.text import clean
from lab.model.effects import Step, steps
from lab.model.history import History
from lab.model.records import FaultMark, Leg, Submit
from lab.report.catalogue.rows import Dependency
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.runs import Run
from lab.report.records.folder import Folder

DEPENDS_ON: tuple[Dependency, ...] = ("contract", "relayer", "networks", "lab")
CORE = ("buffer_transaction", "resolve_dependency", "mark_executed")


@dataclass(frozen=True, slots=True)
class Latency:
    """One leg's way from its parent's READY to its execution on another chain.

    `most_ms` counts from the parent's READY; `least_ms` only from when nothing but the system could keep it waiting.
    """

    origin: str
    target: str
    finality: str
    least_ms: Count
    most_ms: Count


@dataclass(slots=True)
class Samples:
    """What all runs together show. `gas` is network -> function -> gas of each single successful call.

    `lost` are runs that may have shown something, and whose evidence was damaged. `other_finality` counts executions
    that are left out: their scenario calls something else final than the profile of the parent's network does.
    """

    runs: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    gas: dict[str, dict[str, list[Count]]] = field(default_factory=dict)
    outdated: int = 0
    other_finality: int = 0
    relayer_sent: Count = 0
    relayer_failed: Count = 0

    def add(self, other: Samples, finality: Callable[[str], str | None] | None = None) -> None:
        """What another run measured, with `finality` as Baseline has it."""
        for latency in other.latencies:
            if finality is not None and finality(latency.origin) not in (latency.finality, None):
                self.other_finality += 1
            else:
                self.latencies.append(latency)
        for network, functions in other.gas.items():
            by_function = self.gas.setdefault(network, {})
            for function, gas in functions.items():
                by_function.setdefault(function, []).extend(gas)
        self.relayer_sent += other.relayer_sent
        self.relayer_failed += other.relayer_failed


_FORM = TypeAdapter(Samples)
_MEASURED = {"latencies", "gas", "relayer_sent", "relayer_failed"}
# Of JSON in a line: some 10,000 calls.
LINE_MAX = 128 << 10


def stated_samples(history: History) -> dict[str, Any] | None:
    """What a run measured, for the line beside its folder; None where a fault acted, or where it is too much."""
    if _fault_acted(history):
        return None
    stated: dict[str, Any] = _FORM.dump_python(_measured(history), mode="json", include=_MEASURED)
    return stated if len(json.dumps(stated)) <= LINE_MAX else None


def collect(folders: Iterable[Folder], runs: Sequence[Run], baseline: Baseline) -> tuple[Samples, Samples]:
    """Of all runs, and of those alone that are not damaged.

    Runs that did not end, are out of date, or had a fault are left out. Of a damaged one a whole history counts, or the
    line beside its folder.
    """
    outdated = {run.path for run in runs if baseline.outdated(run, DEPENDS_ON)}
    usable = {run.path: run for run in runs if run.path not in outdated and not run.faults and _is_sample(run)}
    everything, whole = Samples(outdated=len(outdated)), Samples(outdated=len(outdated))
    for folder in folders:
        run = usable.get(folder.path)
        if run is None:
            continue
        measured = _of_history(folder, run)
        damage = run.problems[0] if run.is_damaged else "history.jsonl cannot be read" if measured is None else ""
        if damage:
            everything.lost.append(clean(f"{run.folder} ({damage})", 200))
            measured = measured or _of_line(folder)
        for samples in (everything,) if damage else (everything, whole):
            if measured is not None:
                samples.runs.append(run.folder)
                samples.add(measured, baseline.finality)
    return everything, whole


def _of_history(folder: Folder, run: Run) -> Samples | None:
    """None where it cannot be read, or is another one than the run wrote, as far as is known."""
    try:
        if run.is_damaged and folder.history_is_contradicted():
            return None
        history = folder.history()
        # What the manifest said of faults is lost with it.
        return None if not run.manifest_is_whole and _fault_acted(history) else _measured(history)
    except (LabError, OSError, ValueError):
        return None


def _of_line(folder: Folder) -> Samples | None:
    try:
        samples = _FORM.validate_python(folder.outcome().samples)
    except ValueError:
        return None
    return samples if samples.relayer_failed <= samples.relayer_sent else None


def _is_sample(run: Run) -> bool:
    """Whether it measured something, as far as is known."""
    ended = DID_NOT_END not in run.problems
    return ended and (run.made.clock is not None or not run.manifest_is_whole)


def _fault_acted(history: History) -> bool:
    return any(mark.activations for mark in history.of(FaultMark))


def _measured(history: History) -> Samples:
    samples = Samples()
    _add(samples, history)
    return samples


def _add(samples: Samples, history: History) -> None:
    own = {submit.tx for submit in history.of(Submit)}
    seen: dict[tuple[str, str], dict[str, int]] = {}
    for chain, facts in history.header.chains.items():
        by_function = samples.gas.setdefault(facts.network, {})
        for _, tx in history.transactions(chain):
            # A scenario may act as the relayer; what the relayer itself sent is on record.
            if tx.hash in own:
                samples.relayer_sent += 1
                samples.relayer_failed += tx.status == 0
            if tx.status == 1 and len(tx.calls) == 1 and tx.calls[0].function in CORE:
                by_function.setdefault(tx.calls[0].function, []).append(tx.gas_used)
        for step in steps(history, chain):
            what = _reached(step)
            if what is not None and step.tx_id is not None:
                seen.setdefault((chain, step.tx_id), {}).setdefault(what, step.block.t_ms)
    for leg in history.header.legs:
        samples.latencies += _latency(history, leg, seen)


def _reached(step: Step) -> str | None:
    if step.log("TransactionBuffered"):
        return "buffered"
    if step.log("TransactionReady"):
        return "ready"
    return "executed" if step.ok and step.function == "mark_executed" else None


def _latency(history: History, leg: Leg, seen: dict[tuple[str, str], dict[str, int]]) -> list[Latency]:
    parent = history.leg(leg.after) if leg.after else None
    if parent is None or parent.chain == leg.chain:
        return []
    origin, target = (history.header.chains[name] for name in (parent.chain, leg.chain))
    times = seen.get((leg.chain, leg.tx_id), {})
    ready = seen.get((parent.chain, parent.tx_id), {}).get("ready")
    executed, buffered = times.get("executed"), times.get("buffered")
    if ready is None or executed is None or buffered is None or executed < ready:
        return []
    earliest = max(ready, buffered, (leg.timestamp - history.header.genesis_time) * 1_000)
    return [
        Latency(
            origin=origin.network,
            target=target.network,
            finality=str(origin.finality),
            least_ms=max(0, executed - earliest),
            most_ms=executed - ready,
        )
    ]
