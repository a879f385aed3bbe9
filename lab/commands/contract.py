"""`lab contract`: what a contract offers of the documented interface, and whether its core operations ever succeed."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.chains.nodes.select import choose_backend
from lab.chains.processes.reaper import Reaper
from lab.deploy.compile import compile_contract
from lab.deploy.compiled import CompiledContract
from lab.deploy.proposal import propose
from lab.deploy.text import read_text
from lab.environment import cache_folder
from lab.errors import EnvironmentFailure, UsageError
from lab.paths import REFERENCE_CONTRACT, real_path
from lab.session.project import PROJECT_FILE
from lab.session.smoke_run import fresh_node
from lab.session.suite import new_run_id, open_suite
from lab.session.under_test import system_under_test

PROPOSED_FILE = "lab.proposed.yaml"


def show_contract(path: Path | None, backend: str, image: str | None) -> int:
    """Print the report; 1 if an operation never succeeds, something is mapped wrongly, or the deployment fails."""
    system = system_under_test(contract=path, relayer_cmd=None)
    suite = open_suite(
        run_id=new_run_id(),
        backend=backend,  # type: ignore[arg-type]  # the command line lets only backends through
        image=image,
        system=system,
        notify=lambda text: print(text, file=sys.stderr),
        smoke=True,
    )
    try:
        print("\n".join([suite.under_test.line, *suite.contract_lines()]))
        wrong = suite.stopping() is not None or bool(suite.misfits())
    finally:
        suite.close()
    return 1 if wrong else 0


def write_proposal(path: Path | None, folder: Path, backend: str = "auto", image: str | None = None) -> int:
    """Write a proposed project file into the folder, beside one that is there already. Raises a LabError.

    The contract is tried out where a node can be had.
    """
    system = system_under_test(contract=path, relayer_cmd=None)
    if path is None and system.contract == REFERENCE_CONTRACT:
        raise UsageError("no contract to propose a lab.yaml for: give its path, or name it by `contract` in lab.yaml")
    contract = compile_contract(system.contract, cache_dir=cache_folder() / "compiled")
    source = read_text(contract.source_path) if contract.source_path.suffix == ".vy" else ""
    place, here = real_path(contract.source_path), real_path(folder)
    shown = place.relative_to(here) if place.is_relative_to(here) else place
    text = _proposed(contract, str(shown), source, backend, image)
    target = folder / PROJECT_FILE
    if target.exists():
        print(f"{target} already exists and was not changed")
        target = folder / PROPOSED_FILE
    replaced = " (replaced)" if target.exists() else ""
    write_atomically(target, text)
    marked = text.count("  # uncertain")
    print(f"wrote {target}{replaced}: {marked} {'line is' if marked == 1 else 'lines are'} uncertain; review all of it")
    return 0


def _proposed(contract: CompiledContract, shown: str, source: str, backend: str, image: str | None) -> str:
    """By trial on a node; by the ABI alone, with a word on the terminal, where none can be had."""
    reaper = Reaper.start()
    try:
        chosen, _ = choose_backend(backend, image, reaper=reaper)  # type: ignore[arg-type]  # as in show_contract
        try:
            with fresh_node(chosen, "proposal", new_run_id()) as rpc:
                return propose(contract, shown, source, rpc)
        finally:
            chosen.close()
    except EnvironmentFailure as failure:
        print(f"not tried out, names and types alone decide: {str(failure).splitlines()[0]}", file=sys.stderr)
        return propose(contract, shown, source)
    finally:
        reaper.close()
