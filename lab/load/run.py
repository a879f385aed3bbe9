"""One load run from start to result: nodes, contract, plan, Locust, drain, reckoning. Interrupted, it ends so too."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

import lab
from lab.chains.processes.reaper import Reaper
from lab.deploy.deployer import Deployable
from lab.errors import UsageError
from lab.evidence.repository import lab_state
from lab.evidence.seal import write_started
from lab.load.analyse.reconcile import Result, reconcile_run
from lab.load.drive.interrupts import Interrupts
from lab.load.drive.locust_process import LocustProcess
from lab.load.drive.outage import Restart
from lab.load.drive.relayer_process import LoadRelayer
from lab.load.drive.watch import Watch
from lab.load.prepare.context import context_of
from lab.load.prepare.prepare import Prepared, check_operators, prepare
from lab.load.prepare.sources import Sourced, own_nodes, parse_urls, running_nodes
from lab.load.prepare.targets import Target
from lab.load.profile.profile import LoadProfile, NetworkUse
from lab.load.profile.shapes import Soak
from lab.model.under_test import UnderTest
from lab.networks.profile import NetworkProfile
from lab.session.load_chains.interval import IntervalChain
from lab.session.suite import Suite, cache_folder, compile_target, new_run_id, open_suite
from lab.session.under_test import SystemUnderTest, system_under_test
from lab.traffic.signer import require_fast_backend

SLICE_S = 0.5
FLOW_QUIET_S = 8.0
INTERRUPTED_DRAIN_S = 15.0
SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to a profile. `beside` is the user's own profile file, where it is one."""

    results: Path
    backend: Literal["auto", "process", "docker"] = "auto"
    image: str | None = None
    contract: Path | None = None
    relayer_cmd: str | None = None
    beside: tuple[Path, ...] = ()
    web_port: int | None = None
    command: str = "lab load"


Tell = Callable[[str], None]
Progress = Callable[[int, int, float], None]


def run_load(
    profile: LoadProfile, options: Options, tell: Tell, progress: Progress | None = None
) -> tuple[Result, Path]:
    """Run it on nodes of its own; the result and the run's folder. Raises a LabError with nothing left running."""
    require_fast_backend()
    networks = profile.resolved_networks()
    check_operators(profile, networks, 1 if profile.workers == "auto" else profile.workers)
    system = system_of(options, profile)
    run_id, folder = new_folder(options.results, profile)
    with Interrupts() as interrupts, ExitStack() as stack:
        suite = open_suite(run_id=run_id, backend=options.backend, image=options.image, system=system, notify=tell)
        stack.callback(suite.close)
        tell(suite.under_test.line)
        tell(f"backend {suite.reason}")
        sourced = stack.enter_context(own_nodes(profile, networks, suite, folder))
        run = _Run(profile, networks, options, system, sourced, run_id, folder, interrupts, tell, progress,
                   suite.reaper, made_of(suite))  # fmt: skip
        return run.execute(), folder


def run_remote(
    profile: LoadProfile, options: Options, urls: Sequence[str], allow_remote: bool, tell: Tell
) -> tuple[Result, Path]:
    """Run it on nodes that somebody else runs. Raises a LabError."""
    require_fast_backend()
    parse_urls(urls, allow_remote=allow_remote)
    system = system_of(options, profile)
    run_id, folder = new_folder(options.results, profile)
    with Interrupts() as interrupts, Reaper.start() as reaper:
        target = compile_target(system)
        under_test = system.described(target.contract.name)
        tell(under_test.line)
        sourced = running_nodes(profile, urls, target, allow_remote=allow_remote)
        used = profile.model_copy(update={"networks": {name: NetworkUse() for name in sourced.chains}}).checked()
        run = _Run(used, {}, options, system, sourced, run_id, folder, interrupts, tell, None, reaper,
                   {"backend": {"backend": "url", "urls": list(urls)}, **made_here(target, under_test)})  # fmt: skip
        return run.execute(), folder


def new_folder(results: Path, profile: LoadProfile) -> tuple[str, Path]:
    """A run's name and its folder, which says already what is going to be measured: a run that dies is known."""
    run_id = new_run_id()
    folder = (results / "load" / run_id).absolute()
    folder.mkdir(parents=True)
    facts = {"profile": profile.name, "item": f"load {profile.name}", "run_id": run_id, "lab": lab_state()}
    started = datetime.now(UTC).isoformat(timespec="seconds")
    write_started(folder, {"schema_version": 1, **facts, "started": started})
    return run_id, folder


class _Run:
    def __init__(
        self, profile: LoadProfile, networks: dict[str, NetworkProfile], options: Options, system: SystemUnderTest,
        sourced: Sourced, run_id: str, folder: Path, interrupts: Interrupts, tell: Tell, progress: Progress | None,
        reaper: Reaper, made: dict[str, Any],
    ) -> None:  # fmt: skip
        self.profile, self.networks, self.options, self.sourced = profile, networks, options, sourced
        self.system = system
        self.run_id, self.folder, self.interrupts = run_id, folder, interrupts
        self.tell, self.progress, self.reaper, self.made = tell, progress, reaper, made
        self.problems: list[str] = []
        self.relayer: LoadRelayer | None = None
        self.locust: LocustProcess | None = None

    def execute(self) -> Result:
        """Prepare, drive, reckon."""
        prepared = self._prepare()
        with self._relayer():
            self._drive(self.sourced.chains, self.sourced.targets, prepared)
        self.tell("reckoning up")
        return reconcile_run(self.folder, interrupted=self.interrupts.count > 0, problems=tuple(self.problems))

    def _prepare(self) -> Prepared:
        prepared = prepare(
            self.profile, self.sourced.targets, self.sourced.owner, run_id=self.run_id, folder=self.folder,
            cache=cache_folder() / SIGNED, workers=self.profile.workers, progress=self.progress, tell=self.tell,
        )  # fmt: skip
        signing = prepared.signing
        rate = f", {signing.per_second:,.0f} a second" if signing.per_second else ""
        self.tell(f"signed {signing.signed:,} transactions in {signing.seconds:.1f} s{rate}; {signing.cached:,} cached")
        for warning in ceiling_warnings(prepared):
            self.tell(f"warning: {warning}")
        return prepared

    @contextmanager
    def _relayer(self) -> Iterator[None]:
        if self.profile.has_flows or self.options.relayer_cmd:
            if self.sourced.session is None:
                raise UsageError("flows and --relayer-cmd need networks that this command starts: leave --url out")
            self.relayer = LoadRelayer(
                self.system.relayer, self.sourced.session, self.folder / "relayer.sqlite",
                self.folder / "logs" / "relayer.log",
            )  # fmt: skip
            self.relayer.start(self.run_id, self.reaper)
        try:
            yield
        finally:
            if self.relayer is not None:
                self.relayer.stop()

    def _drive(self, chains: dict[str, IntervalChain], targets: dict[str, Target], prepared: Prepared) -> None:
        kind: Literal["none", "reference", "command"] = (
            "none" if self.relayer is None else "command" if self.system.relayer is not None else "reference"
        )
        context = context_of(
            prepared, targets, run_id=self.run_id, command=self.options.command, relayer=kind, made_of=self.made,
        )  # fmt: skip
        context.write(self.folder)
        real = {name: p for name, p in self.networks.items() if not self.profile.synthetic(name)}
        nodes = {name: chain.node for name, chain in chains.items() if chain.node is not None}
        watch = Watch(self.folder, context, nodes=nodes, processes=self._pids, profiles=real)
        locust = self.locust = LocustProcess(prepared.plan, self.folder, self.reaper,
                                             web_port=self.options.web_port)  # fmt: skip
        restart = self._restart(chains, prepared)
        self.interrupts.graceful = True
        try:
            watch.start()
            locust.start()
            if restart is not None:
                restart.start()
            self.tell(f"load runs for {prepared.plan.seconds:g} s; Ctrl-C ends it early, with a report")
            self._await(locust, chains, restart)
            if not self.interrupts.count and not self.problems:
                locust.check()
            self.tell("draining")
            quiet_s = FLOW_QUIET_S if self.relayer is not None else 0.0
            within_s = INTERRUPTED_DRAIN_S if self.interrupts.count else self.profile.drain_ms / 1000
            if not self.problems and not watch.drain(within_s, quiet_s):
                self.tell(f"not everything was mined within {within_s:g} s")
        finally:
            locust.kill()
            if restart is not None:
                restart.close()
                if restart.problem:
                    self.problems.append(restart.problem)
            watch.stop()
            for chain in chains.values():
                chain.stand_still()

    def _restart(self, chains: dict[str, IntervalChain], prepared: Prepared) -> Restart | None:
        shape = prepared.profile.shape
        if not isinstance(shape, Soak) or shape.restart_at_ms is None:
            return None
        return Restart(chains, self.folder, time.time() + 3 + shape.restart_at_ms / 1000)

    def _await(self, locust: LocustProcess, chains: dict[str, IntervalChain], restart: Restart | None) -> None:
        while not locust.wait(SLICE_S):
            dead = [
                name for name, chain in chains.items()
                if chain.node is not None and not (restart and restart.under_way(name)) and not chain.node.alive()
            ]  # fmt: skip
            if dead:
                logs = ", ".join(f"logs/{name}.log" for name in dead)
                self.problems.append(f"node {', '.join(dead)} died while load ran; see {logs}")
                self.tell(f"node {', '.join(dead)} died: ending the run")
            if dead or self.interrupts.count:
                locust.interrupt()
                return

    def _pids(self) -> dict[str, int]:
        found = {"generator": self.locust.pid if self.locust else None,
                 "relayer": self.relayer.pid if self.relayer else None}  # fmt: skip
        return {name: pid for name, pid in found.items() if pid is not None}


def ceiling_warnings(prepared: Prepared) -> list[str]:
    """A sentence for each chain that is offered more than fits into its blocks."""
    peak = max(max(s.from_tps, s.to_tps) for s in prepared.plan.segments)
    found = []
    for name, ceiling in prepared.ceilings.items():
        offered = peak * sum(s.share for s in prepared.plan.streams for leg in s.legs if leg.chain == name)
        if offered > ceiling.tps:
            found.append(f"{offered:,.0f} a second are offered to {ceiling}: INFEASIBLE")
    return found


def system_of(options: Options, profile: LoadProfile) -> SystemUnderTest:
    """Contract and relayer of a load run. A relayer is started where there are flows, or where the options name one."""
    found = system_under_test(contract=options.contract, relayer_cmd=options.relayer_cmd, beside=options.beside)
    return found if profile.has_flows or options.relayer_cmd else found.without_relayer("the profile has no flows")


def made_of(suite: Suite) -> dict[str, Any]:
    """What the figures were made with."""
    return {
        "backend": {**suite.backend.describe(), "reason": suite.reason}, **made_here(suite.target, suite.under_test)
    }  # fmt: skip


def made_here(target: Deployable, under_test: UnderTest) -> dict[str, Any]:
    """The same without the nodes."""
    contract = target.contract
    return {
        "under_test": under_test.model_dump(),
        "contract": {
            "name": contract.name, "bytecode_sha256": contract.bytecode_sha256, "source_sha256": contract.source_sha256,
            "compiler": contract.compiler,
        },
        **host_facts(),
    }  # fmt: skip


def host_facts() -> dict[str, Any]:
    """This machine, this lab, now."""
    return {
        "lab": lab.__version__,
        "host": {
            "system": platform.system(), "machine": platform.machine(), "cpus": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total, "python": platform.python_version(),
        },
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
