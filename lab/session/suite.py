"""What all runs of one command share: backend and reaper, the compiled contract, the folder that evidence goes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lab.chains.nodes.backend import Backend
from lab.chains.nodes.select import RequestedBackend, choose_backend
from lab.chains.processes.leftovers import sweep
from lab.chains.processes.reaper import Reaper
from lab.deploy.compile import compile_contract
from lab.deploy.compiled import CompiledContract
from lab.deploy.deployer import Deployable, deployable
from lab.deploy.interface import inspect
from lab.deploy.placement import SetUpFailure
from lab.deploy.proxied import minimal_proxy
from lab.deploy.smoke import Smoke
from lab.environment import cache_folder as cache_folder
from lab.evidence.newest import LATEST
from lab.model.contract.names import ProxyForm
from lab.model.run_names import new_run_id as new_run_id
from lab.model.under_test import UnderTest
from lab.session.refusal import misfits, refuse, set_up_problem
from lab.session.smoke_run import smoke_run
from lab.session.under_test import SystemUnderTest


def point_latest(results: Path, run_id: str) -> None:
    """Let `results/latest` lead to this run's folder. A file system without links goes without."""
    link, temporary = results / LATEST, results / f".{LATEST}.{run_id}"
    try:
        temporary.symlink_to(run_id)
        temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Suite:
    """Open it with `open_suite`, and close it: the reaper takes what is left."""

    run_id: str
    backend: Backend
    reason: str
    target: Deployable
    reaper: Reaper
    system: SystemUnderTest
    smoke: Smoke | None = None

    @property
    def under_test(self) -> UnderTest:
        """What the run is about, and why."""
        return self.system.described(self.target.contract.name)

    def contract_lines(self) -> list[str]:
        """What a run should say of the contract before anything else, the worst first."""
        lines = self.trouble()
        known = self.smoke.numbering if self.smoke is not None and self.smoke.failure is None else None
        lines += inspect(self.target.contract, self.target.codec).lines(known)
        return lines + ([f"  limits: {', '.join(self._limits())}"] if self._limits() else [])

    def trouble(self) -> list[str]:
        """What never succeeds, and what is mapped wrongly."""
        return [*self.smoke.lines(), *self.misfits()] if self.smoke is not None else []

    def misfits(self) -> list[str]:
        """What the project maps wrongly, where the contract was tried."""
        interface = inspect(self.target.contract, self.target.codec)
        return misfits(self.system, self.smoke, interface) if self.smoke is not None else []

    def _limits(self) -> list[str]:
        declared = self.system.names.limits.lines
        return [line if line in declared else f"{line} (learnt)" for line in self.target.limits.lines]

    def stopping(self) -> str | None:
        """Why no scenario need be run: a core operation of the contract never succeeds. None where they all do."""
        if self.smoke is None or self.smoke.failure is None:
            return None
        return f"not run, for the smoke run showed that {self.smoke.failure}"

    def close(self) -> None:
        """Stop all nodes and the reaper."""
        self.backend.close()
        self.reaper.close()


def open_suite(
    *,
    run_id: str,
    backend: RequestedBackend,
    image: str | None,
    system: SystemUnderTest,
    notify: Callable[[str], None] | None = None,
    smoke: bool = False,
) -> Suite:
    """Compile the contract, remove what dead runs left, choose the backend, start the reaper.

    Raises a LabError with nothing left running.

    With `smoke` the contract's core operations are tried once, on a node of their own, unless they passed before.
    """
    target = compile_target(system)
    sweep(notify)
    reaper = Reaper.start()
    try:
        chosen, reason = choose_backend(backend, image, reaper=reaper, notify=notify)
    except BaseException:
        reaper.close()
        raise
    suite = Suite(run_id, chosen, reason, target, reaper, system)
    if not smoke:
        return suite
    try:
        tried = smoke_run(target, chosen, run_id=run_id, cache_dir=cache_folder() / "smoke")
        refuse(system, tried)
    except SetUpFailure as failure:
        suite.close()
        raise set_up_problem(system, failure) from failure
    except BaseException:
        suite.close()
        raise
    return replace(suite, smoke=tried, target=replace(target, limits=tried.limits))


def compile_target(system: SystemUnderTest) -> Deployable:
    """The contract under test, with the names that the project gives it. Raises CompileFailure, InvalidFile."""
    compiled = compile_contract(system.contract, cache_dir=cache_folder() / "compiled")
    proxy = None if system.is_reference else compile_proxy(system.names.proxy)
    if system.project is not None and system.is_projects_contract:
        system.project.check(compiled.abi, proxy)
    return deployable(compiled, system.names, proxy=proxy)


def compile_proxy(form: ProxyForm | None) -> CompiledContract | None:
    """The proxy that lab.yaml names. Raises CompileFailure."""
    if form is None:
        return None
    if form.contract is None:
        return minimal_proxy()
    return compile_contract(Path(form.contract), cache_dir=cache_folder() / "compiled")
