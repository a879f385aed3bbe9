"""What a run was made of: the manifest, so that evidence can be traced, repeated, and recognised as stale."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from lab.bounded_files import sha256_file
from lab.chains.nodes.backend import Backend
from lab.evidence.folder import SCHEMA_VERSION
from lab.evidence.manifest import (
    BackendFacts,
    CheckChoice,
    ContractFacts,
    FaultRecord,
    HostFacts,
    LabFacts,
    LagFacts,
    RelayerFacts,
    RunManifest,
)
from lab.evidence.names import library_name, recorded_path
from lab.evidence.repository import git_state, lab_state, own_state, package_sha256
from lab.model.records import Block, Lag
from lab.model.under_test import UnderTest
from lab.paths import CHECKOUT, base_of, real_path
from lab.runner.run import Run
from lab.scenario.item import ScenarioItem
from lab.session.lab import LabSpec

PACKAGES = ("vyper", "web3", "pydantic", "pytest", "greenlet")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from: why this backend, whose system, what else its file means and is called; its project."""

    backend_reason: str
    under_test: UnderTest | None = None
    scenario_items: tuple[str, ...] = ()
    recorded_as: str | None = None
    project: tuple[str, ...] = ()


def started_manifest(item: ScenarioItem, lab_spec: LabSpec, backend: Backend, origin: Origin) -> RunManifest:
    """All that is known of a run before it does anything: from it a report knows which rows a run would have served."""
    contract = lab_spec.target.contract
    profiles = "\n".join(spec.profile.model_dump_json() for spec in item.chains.values())
    return RunManifest(
        schema_version=SCHEMA_VERSION,
        item=item.item,
        project=origin.project,
        scenario_file=origin.recorded_as or recorded_path(item.file, base_of(item.file, Path.cwd())),
        scenario_sha256=sha256_file(item.file),
        library=library_name(item.file),
        scenario_items=origin.scenario_items or (item.item,),
        name=item.name,
        description=item.description,
        rows=tuple(item.rows),
        matrix=dict(item.matrix_values),
        checks=CheckChoice(**asdict(item.checks)),
        seed=item.seed,
        clock=lab_spec.clock,
        speed=lab_spec.speed if lab_spec.clock == "real" else None,
        backend=BackendFacts(**{**backend.describe(), "name": backend.name, "reason": origin.backend_reason}),
        contract=ContractFacts(
            name=contract.name,
            path=_relative(contract.source_path),
            bytecode_sha256=contract.bytecode_sha256,
            source_sha256=contract.source_sha256,
            compiler=contract.compiler,
        ),
        relayer=RelayerFacts(**_relayer(lab_spec)),
        under_test=origin.under_test,
        networks={name: spec.profile.name for name, spec in item.chains.items()},
        profiles_sha256=hashlib.sha256(profiles.encode()).hexdigest(),
        engine_sha256=engine_sha256(),
        lab=LabFacts(**lab_state()),
        user_repository=_user_repository(),
        versions={"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        host=HostFacts(
            system=platform.system(),
            machine=platform.machine(),
            cpus=os.cpu_count(),
            memory_bytes=psutil.virtual_memory().total,
        ),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def ended_manifest(started: RunManifest, run: Run, duration_s: float) -> RunManifest:
    """The same with what only the end of a run knows, without the digests of its files."""
    return started.model_copy(
        update={
            "duration_s": round(duration_s, 3),
            "simulated_s": max(0, run.now_ms) / 1000,
            "transactions": sum(len(record.txs) for record in run.recorder.records if isinstance(record, Block)),
            "lag": _lag(run),
            "node_memory_bytes": run.lab.memory_bytes(),
            "faults": tuple(
                FaultRecord(id=mark.id, fault=mark.fault, activations=mark.activations, proof=mark.proof)
                for mark in run.healed.values()
            ),
        }
    )


def _lag(run: Run) -> LagFacts | None:
    if run.lab.scheduler.clock == "virtual":
        return None
    lags = [record for record in run.recorder.records if isinstance(record, Lag)]
    worst = max((lag.turns_ms for lag in lags), default=0)
    return LagFacts(turns_ms_max=worst, starved_ms=sum(lag.starved_ms for lag in lags))


def _relayer(lab_spec: LabSpec) -> dict[str, Any]:
    if lab_spec.own_relayer is not None:
        return lab_spec.own_relayer.manifest()
    return {"kind": "reference" if lab_spec.relayer else "none", "sha256": package_sha256("relayer")}


def _user_repository() -> LabFacts | None:
    """The repository of the working directory, unless that is the lab's own."""
    here = git_state(str(Path.cwd()))
    if here["commit"] is None or here == own_state(CHECKOUT):
        return None
    return LabFacts(**here)


@lru_cache(maxsize=1)
def engine_sha256() -> str:
    """One digest over the sources that a verdict comes from."""
    return hashlib.sha256("".join(map(package_sha256, ("checks", "model"))).encode()).hexdigest()


@lru_cache(maxsize=64)
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _relative(path: Path) -> str:
    """The path as it reads from the working directory, so that no user's home folder gets into evidence."""
    try:
        return str(real_path(path).relative_to(Path.cwd()))
    except ValueError:
        return path.name
