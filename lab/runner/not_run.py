"""The evidence of a scenario that was not run at all: a verdict with the reason, made without a chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.checks.verdict import judge_recorded
from lab.coordinator import ROLES, role_account
from lab.evidence import Recorder, RunFolder
from lab.evidence.folder import HISTORY, METRICS, VERDICT
from lab.evidence.seal import write_started
from lab.model.records import Header, Note
from lab.runner.conclusion.manifest import started_manifest
from lab.runner.runner import Options, Result, origin_of, spec_of
from lab.scenario.item import ScenarioItem


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why no scenario can show anything: the kind of note that says so, and its words."""

    kind: str
    reason: str


def not_run(item: ScenarioItem, options: Options, folder: Path, repeat: str, blocked: Blocked) -> Result:
    """UNKNOWN for that reason alone, so that the rows of the scenario are UNKNOWN, too, and not as they were before."""
    folder.mkdir(parents=True, exist_ok=True)
    item = replace(item, clock=options.clock_of(item))
    origin = origin_of(options)
    made = started_manifest(item, spec_of(item, options, folder, relayer=False), options.backend, origin)
    made = made.model_copy(update={"networks": {}, "duration_s": 0.0, "simulated_s": 0.0})
    write_started(folder, made.as_json())
    recorder = Recorder(folder / HISTORY)
    try:
        recorder.add(_header(item))
        recorder.add(Note(t_ms=0, kind=blocked.kind, text=blocked.reason))
        history = recorder.history()
    finally:
        recorder.close()
    verdict = judge_recorded(history, item.checks, repeat)
    write_atomically(folder / VERDICT, verdict.model_dump_json(indent=2) + "\n")
    write_atomically(folder / METRICS, "{}\n")
    evidence = RunFolder(folder)
    evidence.seal(made.as_json())
    return Result(evidence, verdict, history, recorder.digest())


def _header(item: ScenarioItem) -> Header:
    """Of a run without chains, and so without legs."""
    return Header(
        t_ms=0,
        scenario=item.name,
        item=item.item,
        seed=item.seed,
        clock=item.clock,
        genesis_time=0,
        window_s=item.window_s,
        chains={},
        roles={role: role_account(role).address for role in ROLES},
        operators={},
        legs=(),
        capabilities=(),
        poll_ms=0,
        rpc_budget_ms=0,
        execution_order="ready",
    )
