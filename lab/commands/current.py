"""What is in force on this machine now, to tell which recorded evidence is stale."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from lab.deploy.compile import compile_contract
from lab.errors import LabError
from lab.evidence import RunFolder
from lab.evidence.manifest import RunManifest
from lab.evidence.repository import lab_state
from lab.networks import BUILT_IN, load_network
from lab.report.evidence.baseline import Baseline
from lab.runner.manifest import package_sha256
from lab.session.project import find_project
from lab.session.suite import cache_folder


def current_of(contract_sha256: str | None) -> Baseline:
    """The lab, its relayer and its network profiles as they stand, and the bytecode that would ship."""
    state = lab_state()
    return Baseline(
        contract_sha256=contract_sha256,
        relayer_sha256=_relayer_sha256(),
        lab_commit=state["commit"],
        lab_version=state["version"],
        dirty=state["dirty"],
        profiles=_profiles,
        root=Path.cwd(),
    )


def _relayer_sha256() -> str | None:
    """The relayer's that lab.yaml names, else the reference's."""
    project = find_project(Path.cwd())
    own = project.relayer if project is not None else None
    return own.sha256() if own is not None else package_sha256("relayer")


def shipping_contract(runs: Sequence[RunFolder], given: Path | None) -> tuple[str | None, str]:
    """The bytecode that would ship, and how that is known.

    The given contract; else the one that the newest run names, compiled as it is now; else what that run recorded.
    Raises a LabError for a given contract that does not compile.
    """
    if given is not None:
        return compile_contract(given, cache_dir=cache_folder()).bytecode_sha256, f"{given}, as it is now"
    newest = _newest_contract(runs)
    if newest is None:
        return None, "no run says which contract it was made with"
    path, recorded = newest
    if path is not None and path.is_file():
        try:
            return compile_contract(path, cache_dir=cache_folder()).bytecode_sha256, f"{path}, as it is now"
        except LabError:
            return recorded, f"as the newest run recorded it: {path} does not compile any more"
    return recorded, "as the newest run recorded it"


def _newest_contract(runs: Sequence[RunFolder]) -> tuple[Path | None, str] | None:
    found = []
    for run in runs:
        try:
            made = RunManifest.read(run.manifest())
        except LabError:
            continue
        if made.started and made.contract.bytecode_sha256:
            found.append((made.started, made.contract))
    if not found:
        return None
    _, contract = max(found, key=lambda entry: entry[0])
    # A bare name was made so to keep a home folder out of the evidence: it does not say where the file is.
    path = Path(contract.path) if contract.path and "/" in contract.path else None
    return path, str(contract.bytecode_sha256)


def _profiles(networks: Mapping[str, str]) -> str | None:
    """As a manifest records it; None where a profile is not one of the lab's own."""
    return _digest(tuple(networks.values()))


@lru_cache(maxsize=256)
def _digest(names: tuple[str, ...]) -> str | None:
    if any(name not in BUILT_IN for name in names):
        return None
    texts = (load_network(name).model_dump_json() for name in names)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
