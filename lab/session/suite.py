"""What all runs of one command share: backend and reaper, the compiled contract, the folder that evidence goes to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import lab
from lab.chains.backend import Backend
from lab.chains.reaper import Reaper
from lab.chains.select import Wanted, choose_backend
from lab.deploy.compile import compile_contract
from lab.deploy.deployer import Deployable, deployable
from lab.deploy.interface import inspect
from lab.deploy.smoke import Smoke
from lab.environment import cache_folder as cache_folder
from lab.evidence.newest import LATEST
from lab.session.project import Project
from lab.session.smoke_run import smoke_run

REFERENCE_CONTRACT = Path(lab.__file__).parent.parent / "contracts" / "TesseractCoordinator.vy"


def new_run_id() -> str:
    """A name for the evidence of one command: sorts by time, and two started in the same second differ."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def item_folder_name(item: str) -> str:
    """A run folder's name from an item's: no separators, nothing that a shell or a URL minds."""
    return re.sub(r"[^A-Za-z0-9_.=-]+", "_", item).strip("_")


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
    smoke: Smoke | None = None

    def contract_lines(self) -> list[str]:
        """What a run should say of the contract before anything else, the worst first."""
        told = self.smoke.lines() if self.smoke is not None else []
        known = self.smoke.numbering if self.smoke is not None and self.smoke.failure is None else None
        return told + inspect(self.target.contract, self.target.codec).lines(known)

    def close(self) -> None:
        """Stop all nodes and the reaper."""
        self.backend.close()
        self.reaper.close()


def open_suite(
    *,
    run_id: str,
    backend: Wanted,
    image: str | None,
    contract: Path | None,
    notify: Callable[[str], None] | None = None,
    smoke: bool = False,
    project: Project | None = None,
) -> Suite:
    """Compile the contract, choose the backend, start the reaper. Raises a LabError with nothing left running.

    The contract is the one given, else the project's, else the reference. With `smoke` its core operations are tried
    once, on a node of their own, unless they passed before.
    """
    target = _target(contract, project)
    reaper = Reaper.start()
    try:
        chosen, reason = choose_backend(backend, image, reaper=reaper, notify=notify)
    except BaseException:
        reaper.close()
        raise
    suite = Suite(run_id, chosen, reason, target, reaper)
    if not smoke:
        return suite
    try:
        tried = smoke_run(target, chosen, run_id=run_id, cache_dir=cache_folder() / "smoke")
    except BaseException:
        suite.close()
        raise
    return replace(suite, smoke=tried)


def _target(contract: Path | None, project: Project | None) -> Deployable:
    """The contract under test. The project's names hold for another contract, too, as far as that has them."""
    own = project.contract if project is not None else None
    compiled = compile_contract(contract or own or REFERENCE_CONTRACT, cache_dir=cache_folder() / "compiled")
    if project is None:
        return deployable(compiled)
    if contract is None and own is not None:
        project.check(compiled.abi)
    return deployable(compiled, project.names)
