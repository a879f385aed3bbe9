"""One load run from start to result: nodes, contract, plan, Locust, drain, reconciliation. Interrupted too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lab.chains.processes.reaper import Reaper
from lab.chains.wall_clock import WallClockWatch
from lab.errors import UsageError
from lab.evidence.repository import package_sha256
from lab.load.analyse.facts import Ending
from lab.load.analyse.reconcile import Result, reconcile_run
from lab.load.drive.interrupts import Interrupts
from lab.load.drive.locust_process import WORKERS_WITHIN_S, LocustProcess
from lab.load.drive.outage import Restart
from lab.load.drive.relayer_process import LoadRelayer
from lab.load.drive.watch import Watch
from lab.load.prepare.context import RelayerKind, context_of
from lab.load.prepare.made_of import MadeOf
from lab.load.prepare.prepare import Prepared, check_operators, prepare
from lab.load.prepare.sources import LoadEnvironment, own_nodes, parse_urls, running_nodes
from lab.load.profile.profile import LoadProfile, NetworkUse, changed_profile
from lab.load.profile.shapes import Soak
from lab.load.record.begun import new_folder
from lab.load.record.plan import Plan
from lab.networks.profile import NetworkProfile
from lab.session.suite import cache_folder, compile_target, open_suite
from lab.session.under_test import SystemUnderTest, system_under_test
from lab.traffic.signer import require_fast_backend

SLICE_S = 0.5
FLOW_QUIET_S = 8.0
INTERRUPTED_DRAIN_S = 15.0
ENDS_WITHIN_S = 60.0
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


Notify = Callable[[str], None]
Progress = Callable[[int, int, float], None]


def run_load(
    profile: LoadProfile, options: Options, notify: Notify, progress: Progress | None = None
) -> tuple[Result, Path]:
    """Run it on nodes of its own; the result and the run's folder. Raises a LabError with nothing left running."""
    require_fast_backend()
    networks = profile.resolved_networks()
    check_operators(profile, networks, 1 if profile.workers == "auto" else profile.workers)
    system = system_of(options, profile)
    run_id, folder = new_folder(options.results, profile, system.project, options.beside)
    with Interrupts() as interrupts, ExitStack() as stack:
        # What a contract of the user's own asks for, and a load does not have, is said before anything runs.
        suite = open_suite(
            run_id=run_id,
            backend=options.backend,
            image=options.image,
            system=system,
            notify=notify,
            smoke=not system.is_reference,
        )
        stack.callback(suite.close)
        for line in (suite.under_test.line, *suite.trouble()):
            notify(line)
        notify(f"backend {suite.reason}")
        environment = stack.enter_context(own_nodes(profile, networks, suite, folder))
        backend = {**suite.backend.describe(), "reason": suite.reason}
        made_of = MadeOf.here(backend, suite.target, suite.under_test, _relayer_facts(system, options, profile))
        run = LoadRun(profile, options, system, environment, made_of, folder, interrupts, suite.reaper, notify)
        run.networks, run.progress = networks, progress
        return run.execute(), folder


def run_remote(
    profile: LoadProfile, options: Options, urls: Sequence[str], allow_remote: bool, notify: Notify
) -> tuple[Result, Path]:
    """Run it on nodes that somebody else runs. Raises a LabError."""
    require_fast_backend()
    nodes = parse_urls(urls, allow_remote=allow_remote)
    system = system_of(options, profile)
    _, folder = new_folder(options.results, profile, system.project, options.beside)
    with Interrupts() as interrupts, Reaper.start() as reaper:
        target = compile_target(system)
        under_test = system.described(target.contract.name)
        notify(under_test.line)
        environment = running_nodes(profile, nodes, target)
        used = changed_profile(profile, networks={name: NetworkUse() for name in environment.chains})
        backend = {"backend": "url", "urls": [f"{name}={url}" for name, url in nodes.items()]}
        made_of = MadeOf.here(backend, target, under_test, _relayer_facts(system, options, profile))
        return LoadRun(
            used, options, system, environment, made_of, folder, interrupts, reaper, notify
        ).execute(), folder


@dataclass
class LoadRun:
    """A run whose nodes are there. `networks` are the profiles of those that are its own."""

    profile: LoadProfile
    options: Options
    system: SystemUnderTest
    environment: LoadEnvironment
    made_of: MadeOf
    folder: Path
    interrupts: Interrupts
    reaper: Reaper
    notify: Notify
    progress: Progress | None = None
    networks: dict[str, NetworkProfile] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    relayer: LoadRelayer | None = None
    locust: LocustProcess | None = None

    def execute(self) -> Result:
        """Prepare, drive, reconcile with the chains."""
        prepared = self._prepare()
        with self._relayer():
            self._drive(prepared)
        self.notify("reconciling with the chains")
        return reconcile_run(self.folder, Ending(self.interrupts.count > 0, tuple(self.problems), tuple(self.lost)))

    def _prepare(self) -> Prepared:
        prepared = prepare(
            self.profile,
            self.environment.targets,
            self.environment.owner,
            run_id=self.folder.name,
            folder=self.folder,
            cache=cache_folder() / SIGNED,
            progress=self.progress,
            notify=self.notify,
        )
        signing = prepared.signing
        rate = f", {signing.per_second:,.0f} a second" if signing.per_second else ""
        done = f"signed {signing.signed:,} transactions in {signing.seconds:.1f} s{rate}; {signing.cached:,} cached"
        self.notify(done)
        for warning in ceiling_warnings(prepared):
            self.notify(f"warning: {warning}")
        return prepared

    @contextmanager
    def _relayer(self) -> Iterator[None]:
        if self.profile.has_flows or self.options.relayer_cmd:
            session, log = self.environment.session, self.folder / "logs" / "relayer.log"
            if session is None:
                raise UsageError("flows and --relayer-cmd need networks that this command starts: leave --url out")
            self.relayer = LoadRelayer(self.system.relayer, session, self.folder / "relayer.sqlite", log)
            self.relayer.start(self.folder.name, self.reaper)
        try:
            yield
        finally:
            if self.relayer is not None:
                self.relayer.stop()

    def _relayer_kind(self) -> RelayerKind:
        if self.relayer is None:
            return "none"
        return "command" if self.system.relayer is not None else "reference"

    def _drive(self, prepared: Prepared) -> None:
        chains, targets = self.environment.chains, self.environment.targets
        command, kind = self.options.command, self._relayer_kind()
        context = context_of(prepared, targets, command=command, relayer=kind, made_of=self.made_of)
        context.write(self.folder)
        real = {name: p for name, p in self.networks.items() if not self.profile.synthetic(name)}
        nodes = {name: chain.node for name, chain in chains.items() if chain.node is not None}
        watch = Watch(self.folder, context, nodes=nodes, processes=self._pids, profiles=real)
        locust = LocustProcess(prepared.plan, self.folder, self.reaper, web_port=self.options.web_port)
        restart, self.locust = self._restart(prepared), locust
        self.interrupts.graceful = True
        clock = WallClockWatch()
        try:
            watch.start()
            locust.start()
            if restart is not None:
                restart.start()
            self.notify(f"load runs for {prepared.plan.seconds:g} s; Ctrl-C ends it early, with a report")
            self._await(locust, restart, prepared.plan, clock)
            self.notify("draining")
            quiet_s = FLOW_QUIET_S if self.relayer is not None else 0.0
            within_s = INTERRUPTED_DRAIN_S if self.interrupts.count or self.lost else self.profile.drain_ms / 1000
            if not self.problems and not watch.drain(within_s, quiet_s):
                self.notify(f"not everything was mined within {within_s:g} s")
            self._look_at_clock(clock)
        finally:
            locust.kill()
            if restart is not None:
                restart.close()
                if restart.problem:
                    self.problems.append(restart.problem)
            watch.stop()
            for chain in chains.values():
                chain.stop_mining()

    def _restart(self, prepared: Prepared) -> Restart | None:
        shape = prepared.profile.shape
        if not isinstance(shape, Soak) or shape.restart_at_ms is None:
            return None
        chains = self.environment.chains
        chosen = {name: chain for name, chain in chains.items() if not shape.restart or name in shape.restart}
        return Restart(chosen, self.folder, time.time() + 3 + shape.restart_at_ms / 1000)

    def _look_at_clock(self, clock: WallClockWatch) -> None:
        if trouble := clock_trouble(clock):
            self.lost.append(trouble)
            self.notify(trouble)

    def _await(self, locust: LocustProcess, restart: Restart | None, plan: Plan, clock: WallClockWatch) -> None:
        latest = max(time.time(), plan.starts_at or 0.0) + WORKERS_WITHIN_S + plan.latest_s + ENDS_WITHIN_S
        while not locust.wait(SLICE_S):
            self._look_at_clock(clock)
            if dead := self._dead_nodes(restart):
                logs = ", ".join(f"logs/{name}.log" for name in dead)
                self.problems.append(f"node {', '.join(dead)} died while load ran; see {logs}")
                self.notify(f"node {', '.join(dead)} died: ending the run")
            elif lost := locust.lost_workers():
                self.lost.append(f"{lost} of {plan.workers} generator workers died; see logs/locust.log")
                self.notify("a generator worker died: ending the run")
            elif time.time() > latest and self.options.web_port is None:
                self.lost.append("Locust did not end with its schedule; see logs/locust.log")
            if self.problems or self.lost or self.interrupts.count:
                locust.interrupt()
                return
        if not self.interrupts.count and (failure := locust.failure()) is not None:
            self.lost.append(f"{failure}; see logs/locust.log")

    def _dead_nodes(self, restart: Restart | None) -> list[str]:
        return [
            name
            for name, chain in self.environment.chains.items()
            if chain.node is not None and not (restart and restart.under_way(name)) and not chain.node.alive()
        ]

    def _pids(self) -> dict[str, int]:
        pids = {
            "generator": self.locust.pid if self.locust else None,
            "relayer": self.relayer.look() if self.relayer else None,
        }
        return {name: pid for name, pid in pids.items() if pid is not None}


def clock_trouble(clock: WallClockWatch) -> str:
    """That the machine's clock was set since the last look; empty where it was not."""
    jump_s = clock.jump_s()
    if jump_s is None:
        return ""
    return (
        f"the machine's clock was set by {jump_s:+.1f} s, or the machine slept: times of this run mean nothing; run it "
        "again"
    )


def _relayer_facts(system: SystemUnderTest, options: Options, profile: LoadProfile) -> dict[str, Any]:
    """As the manifest has them."""
    if not (profile.has_flows or options.relayer_cmd):
        return {"kind": "none"}
    reference = {"kind": "reference", "sha256": package_sha256("relayer")}
    return reference if system.relayer is None else system.relayer.manifest()


def ceiling_warnings(prepared: Prepared) -> list[str]:
    """A sentence for each chain that is offered more than fits into its blocks."""
    offered_tps = prepared.plan.peak_tps_by_chain()
    return [
        f"{offered_tps[name]:,.0f} a second are offered to {ceiling}: INFEASIBLE"
        for name, ceiling in prepared.ceilings.items()
        if offered_tps.get(name, 0.0) > ceiling.tps
    ]


def system_of(options: Options, profile: LoadProfile) -> SystemUnderTest:
    """Contract and relayer of a load run. A relayer is started where there are flows, or where the options name one."""
    system = system_under_test(contract=options.contract, relayer_cmd=options.relayer_cmd, beside=options.beside)
    return system if profile.has_flows or options.relayer_cmd else system.without_relayer("the profile has no flows")
