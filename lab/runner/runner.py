"""One run from start to verdict: set up, play the timeline, settle, read, judge, and leave the evidence."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from lab.bounded_files import write_atomically
from lab.chains.nodes.backend import Backend
from lab.checks.verdict import judge_recorded, without_expectations
from lab.coordinator import ROLES, role_account, rollup_address
from lab.deploy.deployer import Deployable
from lab.deploy.smoke import Smoke
from lab.errors import DISK_IS_FULL, EnvironmentFailure, LabError, RelayerFailure
from lab.evidence import HistoryFull, Recorder, RunFolder
from lab.evidence.folder import HISTORY, METRICS, VERDICT
from lab.evidence.seal import write_started
from lab.faults import Fault
from lab.faults.spec import OnEndpoint
from lab.garbage import collecting_seldom
from lab.metrics import summarise
from lab.model.contract.capabilities import recorded
from lab.model.history import History
from lab.model.records import NO_FAILOVER, NO_RELAYER, RELAYER_ENDED, RELAYER_KILLED, TOO_LONG, Header, Leg
from lab.model.under_test import UnderTest
from lab.model.verdict import RunVerdict
from lab.relayer import Relayer
from lab.runner.conclusion.manifest import Origin, ended_manifest, started_manifest
from lab.runner.conclusion.settle import read_finals, settle
from lab.runner.monitoring.run_monitor import RunMonitor
from lab.runner.operations import Operations
from lab.runner.requirements.fitting import crowded, fitted
from lab.runner.requirements.needs import blocked, lacks, unexercised
from lab.runner.requirements.optional import of_scenario
from lab.runner.run import Run
from lab.runner.steps.timeline import play_timeline
from lab.scenario.item import ScenarioItem
from lab.session.lab import Lab, LabSpec, open_lab
from lab.session.relayer.actor import RelayerFactory
from lab.session.relayer.command import RelayerCommand
from lab.session.relayer.declared import DeclaredRelayer
from lab.session.relayer.start import RPC_TIMEOUT_S

DISK_ERRORS = (*DISK_IS_FULL, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides for all runs.

    `scenario_items` names every run that the scenario's file means, `recorded_as` that file as the manifest does
    (omitted: as seen from the working folder), `project` what its project is known by.

    With the contract's `smoke` run, scenarios that need an operation which never succeeds are not played.
    `relayer_factory` makes another relayer than the reference, under the virtual clock; `relayer_command` is one of the
    user's own, and means the real clock. `samples_only` takes the samples of a monitored run and evaluates no alert.
    Without `expectations` the checks alone judge, whatever the scenario expects.
    """

    backend: Backend
    backend_reason: str
    target: Deployable
    run_id: str
    clock: Literal["virtual", "real"] | None = None
    speed: float = 1.0
    progress: Callable[[str], None] = lambda text: None
    scenario_items: tuple[str, ...] = ()
    recorded_as: str | None = None
    project: tuple[str, ...] = ()
    smoke: Smoke | None = None
    relayer_factory: RelayerFactory = Relayer
    relayer_command: RelayerCommand | None = None
    under_test: UnderTest | None = None
    samples_only: bool = False
    expectations: bool = True

    def clock_of(self, item: ScenarioItem) -> Literal["virtual", "real"]:
        """The clock that the item runs under. Nobody can hold the clock of a process, where one is started."""
        own = self.relayer_command is not None and item.relayer is not None
        return "real" if own else self.clock or item.clock


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run."""

    folder: RunFolder
    verdict: RunVerdict
    history: History
    digest: str


@collecting_seldom()
def run_item(
    item: ScenarioItem, options: Options, folder: Path, repeat: str, play: Callable[[Run], None] | None = None
) -> Result:
    """Run one scenario item into `folder`. Raises LabError when it cannot be carried out; evidence so far stays.

    `play` takes the place of the item's timeline: a scenario written in Python.
    """
    try:
        return _run_item(item, options, folder, repeat, play)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise EnvironmentFailure(
            f"cannot write evidence to {folder}: {error.strerror}; what was written so far is kept. "
            "Free some space (`lab doctor` shows how much there is), or name another folder with --results"
        ) from error


def origin_of(options: Options) -> Origin:
    """Where the runs of a command line come from, for their manifests."""
    return Origin(
        options.backend_reason, options.under_test, options.scenario_items, options.recorded_as, options.project
    )


def _run_item(
    item: ScenarioItem, options: Options, folder: Path, repeat: str, play: Callable[[Run], None] | None
) -> Result:
    begin = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    item = fitted(replace(item, clock=options.clock_of(item)), options.target.limits)
    unplayed = _unplayed(item, options)
    for stale in (*folder.glob("relayer.sqlite*"), folder / VERDICT, folder / METRICS):
        # The store of an earlier run in the same folder would make this relayer believe in another past.
        stale.unlink(missing_ok=True)
    spec = spec_of(item, options, folder, relayer=not unplayed)
    origin = origin_of(options)
    started = started_manifest(item, spec, options.backend, origin)
    write_started(folder, started.as_json())
    recorder = Recorder(folder / HISTORY)
    try:
        with open_lab(spec, options.backend, recorder) as lab:
            run = _begin(item, options, lab, recorder)
            if not unplayed:
                _play_as_far_as_it_goes(run, play or partial(play_timeline, progress=options.progress), options)
            recorder.end()
            for kind, text in unplayed:
                run.note(kind, text)
            read_finals(run)
            if excess := recorder.excess():
                run.note(TOO_LONG, f"the history of this run has {excess}: make the scenario shorter, or divide it")
            history = recorder.history()
            manifest = ended_manifest(started, run, time.monotonic() - begin)
    finally:
        recorder.close()
    judged = history if options.expectations else without_expectations(history)
    verdict = judge_recorded(judged, item.checks, repeat)
    write_atomically(folder / VERDICT, verdict.model_dump_json(indent=2) + "\n")
    write_atomically(folder / METRICS, json.dumps(summarise(history), indent=2) + "\n")
    evidence = RunFolder(folder)
    evidence.seal(manifest.as_json())
    return Result(evidence, verdict, history, recorder.digest())


def _play_as_far_as_it_goes(run: Run, play: Callable[[Run], None], options: Options) -> None:
    """To the end, or until the history is full or the user's relayer fails, which is what the run shows then."""
    try:
        _play_to_its_end(run, play, options)
    except HistoryFull:
        return
    except RelayerFailure as failure:
        kind = RELAYER_KILLED if failure.killed else RELAYER_ENDED
        run.note(kind if failure.began else NO_RELAYER, failure.reason)
        return
    proxy, command = run.lab.proxy, run.lab.spec.own_relayer
    if proxy is None or command is None or command.declared.failover:
        return
    specs = [spec for spec, _ in run.faults.values()]
    disturbed = {spec.chain for spec in specs if isinstance(spec, OnEndpoint) and spec.endpoint is not None}
    for chain in proxy.asked_at_one_endpoint():
        if chain in disturbed:
            run.note(NO_FAILOVER, f"the relayer asks one endpoint alone of {chain}, which has several", chain)


def _play_to_its_end(run: Run, play: Callable[[Run], None], options: Options) -> None:
    run.lab.start_relayer()
    _note_late_start(run)
    monitor = RunMonitor(run) if run.item.model.monitor else None
    run.monitor = monitor
    play(run)
    settle(run)
    if monitor is not None:
        monitor.close(evaluate=not options.samples_only)


def _unplayed(item: ScenarioItem, options: Options) -> list[tuple[str, str]]:
    """Why an item is not played: kinds and texts of the notes that say so; none where it is."""
    if (missing := unexercised(item)) is not None:
        return [("not exercised", missing)]
    if parts := (*of_scenario(item, options.target), *crowded(item, options.target.limits)):
        return [("lacking", part) for part in parts]
    if (useless := blocked(item, options.smoke, options.target.codec)) is not None:
        return [("blocked", useless)]
    own = options.relayer_command is not None
    unsupported = lacks(item, own_relayer=own)
    # What reaches into the reference relayer says nothing of another one.
    return [("not exercised" if own else "unsupported", unsupported)] if unsupported is not None else []


def _note_late_start(run: Run) -> None:
    """Steps begin after their time where the machine took longer for the start than was set aside for it."""
    if run.item.clock == "real" and run.now_ms > run.usual_lateness_ms:
        text = f"the relayer was ready {run.now_ms / 1000:.1f} s after the run's beginning: steps due before came late"
        run.note("late start", text)


def spec_of(item: ScenarioItem, options: Options, folder: Path, *, relayer: bool) -> LabSpec:
    """What the run needs; without the relayer where the scenario is not played."""
    states = (_states_blocks(step.action, item) for step in item.steps if isinstance(step.action, Fault))
    return LabSpec(
        run_id=options.run_id,
        chains=item.chains,
        target=options.target,
        seed=item.seed,
        window_s=item.window_s,
        folder=folder,
        clock=item.clock,
        speed=options.speed if item.clock == "real" else 1.0,
        relayer=item.relayer if relayer else None,
        relayer_factory=options.relayer_factory,
        relayer_command=options.relayer_command,
        deepest_reorg=max(states, default=0),
    )


def _begin(item: ScenarioItem, options: Options, lab: Lab, recorder: Recorder) -> Run:
    """The header, and the chains set up."""
    recorder.add(_header(item, lab))
    lab.set_up()
    target = options.target
    operations = Operations(
        lab.chains, lab.scheduler, recorder, target.codec, target.address, per_block=target.limits.per_block
    )
    return Run(item, lab, recorder, operations)


def _states_blocks(fault: Fault, item: ScenarioItem) -> int:
    chain = fault.chain_name()
    return fault.states_blocks(item.chains[chain].profile, item.timeout_ms) if chain is not None else 0


def _header(item: ScenarioItem, lab: Lab) -> Header:
    parents = {leg.name: leg.after for leg in item.legs}
    command = lab.spec.own_relayer
    declared = command.declared if command is not None else DeclaredRelayer()
    return Header(
        t_ms=0,
        scenario=item.name,
        item=item.item,
        checks=item.checks,
        seed=item.seed,
        clock=item.clock,
        genesis_time=lab.genesis_time,
        window_s=item.window_s,
        chains=lab.facts(),
        roles={role: role_account(role).address for role in ROLES},
        operators={name: lab.operators() for name in lab.chains},
        legs=tuple(
            Leg(
                name=leg.name,
                flow=leg.flow,
                chain=leg.chain,
                tx_id=leg.tx_id,
                origin=rollup_address(leg.chain),
                target=rollup_address(leg.target_chain or "elsewhere"),
                payload="0x" + leg.payload.hex(),
                after=parents[leg.name],
                timestamp=lab.genesis_time + leg.at_ms // 1000,
            )
            for leg in item.legs
        ),
        capabilities=recorded(lab.spec.target.capabilities),
        poll_ms=max(item.relayer.poll_ms, declared.poll_ms or 0) if item.relayer else 0,
        relayer_steps=declared.steps if item.relayer else None,
        relayer_confirmations=declared.confirmations if item.relayer else None,
        requests_per_minute=declared.requests_per_minute if item.relayer else None,
        rpc_budget_ms=round(RPC_TIMEOUT_S * 1000),
        execution_order=item.relayer.execution_order if item.relayer else "ready",
    )


__all__ = ["LabError", "Options", "Result", "run_item"]
