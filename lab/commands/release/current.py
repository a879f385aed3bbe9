"""What is in force on this machine now, to tell which recorded evidence is stale."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab.deploy.compile import compile_contract
from lab.errors import LabError, UsageError
from lab.evidence import RunFolder
from lab.evidence.in_force import InForce
from lab.evidence.manifest import RelayerFacts, RunManifest
from lab.evidence.projects import project_marks
from lab.evidence.repository import lab_state, package_sha256
from lab.html.text import clean
from lab.model.under_test import UnderTest
from lab.networks import BUILT_IN, load_network
from lab.paths import real_path
from lab.report.evidence.attestations import FOLDER
from lab.report.evidence.baseline import Baseline
from lab.report.judge.commands import is_file
from lab.session.project_search import upwards
from lab.session.suite import cache_folder, compile_target
from lab.session.under_test import SystemUnderTest


def in_force(contract_sha256: str | None, system: SystemUnderTest) -> InForce:
    """The bytecode that would ship, and the relayer as it stands."""
    own = system.relayer
    return InForce(contract_sha256, RelayerFacts.read(own.manifest()).digest if own else package_sha256("relayer"))


def current_of(
    contract_sha256: str | None, system: SystemUnderTest, under_test: UnderTest | None, root: Path
) -> Baseline:
    """The lab, the relayer and the network profiles as they stand, and the bytecode that would ship.

    `root` is what recorded paths of scenarios are relative to.
    """
    state = lab_state()
    return Baseline(
        contract_sha256=contract_sha256,
        relayer_sha256=in_force(contract_sha256, system).relayer_sha256,
        lab_commit=state["commit"],
        lab_version=state["version"],
        dirty=state["dirty"],
        profiles=_profiles,
        finality=_finality,
        root=root,
        project=project_marks(real_path(root), real_path(root)),
        under_test=under_test,
    )


def scenario_root(runs: Sequence[RunFolder], results: Path) -> Path:
    """The folder that recorded paths of scenarios are relative to: the root of the project, from wherever in it.

    That is the one above the working folder or the results folder in which most of the files are.
    """
    files = set()
    for run in runs:
        with suppress(LabError, OSError, ValueError, RecursionError):
            files.add(RunManifest.read(run.manifest()).scenario_file)
    folders = dict.fromkeys(folder for start in (Path.cwd(), results) for folder in upwards(start))
    return max(folders, key=lambda folder: sum(is_file(folder / path) for path in files if path))


def attestations_folder(
    given: Path | None, system: SystemUnderTest, runs: Sequence[RunFolder], results: Path, *, must_exist: bool = True
) -> Path:
    """The one that was named; else the working folder's if there is one, else that of the project.

    Raises UsageError where the one that was named `must_exist` and does not.
    """
    if given is not None and not given.is_dir() and must_exist:
        raise UsageError(f"{given}: expected the folder of attestations, there is none")
    if given is not None or FOLDER.is_dir():
        return given or FOLDER
    root = system.project.path.parent if system.project is not None else scenario_root(runs, results)
    return FOLDER if real_path(root) == Path.cwd() else root / FOLDER


@dataclass(frozen=True, slots=True)
class Shipping:
    """The contract that would ship: its name, its bytecode, and how that is known."""

    name: str
    sha256: str | None
    how: str

    def under_test(self, system: SystemUnderTest) -> UnderTest:
        """For the first line of a report."""
        return system.described(self.name, self.how)


def shipping_contract(runs: Sequence[RunFolder], system: SystemUnderTest) -> Shipping:
    """The contract that would ship.

    The one that the command line or lab.yaml names; else the one that the newest run names, compiled as it is now; else
    what that run recorded. Raises a LabError for a named contract that does not compile.
    """
    if not system.is_reference:
        contract = compile_target(system).contract
        return Shipping(contract.name, contract.bytecode_sha256, system.contract_why)
    newest = _newest_contract(runs)
    if newest is None:
        return Shipping("unknown", None, "no run says which contract it was made with")
    path, name, recorded = newest
    if path is not None and path.is_file():
        try:
            contract = compile_contract(path, cache_dir=cache_folder())
        except LabError:
            return Shipping(name, recorded, f"as the newest run recorded it: {path} does not compile any more")
        return Shipping(contract.name, contract.bytecode_sha256, f"{path}, as it is now, from the newest run")
    return Shipping(name, recorded, "as the newest run recorded it")


def _newest_contract(runs: Sequence[RunFolder]) -> tuple[Path | None, str, str] | None:
    contracts = []
    for run in runs:
        try:
            made = RunManifest.read(run.manifest())
        except LabError:
            continue
        if made.started and made.contract.bytecode_sha256:
            contracts.append((made.started, made.contract))
    if not contracts:
        return None
    _, contract = max(contracts, key=lambda entry: entry[0])
    # A bare name was made so to keep a home folder out of the evidence: it does not say where the file is.
    path = Path(contract.path) if contract.path and "/" in contract.path else None
    return path, clean(contract.name or "unknown", 80), str(contract.bytecode_sha256)


def _profiles(networks: Mapping[str, str]) -> str | None:
    """As a manifest records it; None where a profile is not one of the lab's own."""
    return _digest(tuple(networks.values()))


@lru_cache(maxsize=256)
def _digest(names: tuple[str, ...]) -> str | None:
    if any(name not in BUILT_IN for name in names):
        return None
    texts = (load_network(name).model_dump_json() for name in names)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _finality(network: str) -> str | None:
    """None where its profile is not one of the lab's own."""
    return str(load_network(network).finality) if network in BUILT_IN else None
