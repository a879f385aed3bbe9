"""What the figures of a load run were made with: nodes, contract, this lab, this machine, and when."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import psutil
from pydantic import Field

import lab
from lab.deploy.deployer import Deployable
from lab.load.record.frozen import Frozen, Sparse
from lab.model.under_test import UnderTest


class ContractFacts(Frozen):
    """The contract under test."""

    name: str
    bytecode_sha256: str
    source_sha256: str | None
    compiler: str | None


class Host(Frozen):
    """The machine that the generator ran on."""

    system: str = Field(default_factory=platform.system)
    machine: str = Field(default_factory=platform.machine)
    cpus: int | None = Field(default_factory=os.cpu_count)
    memory_bytes: int = Field(default_factory=lambda: psutil.virtual_memory().total)
    python: str = Field(default_factory=platform.python_version)


class MadeOf(Sparse):
    """`backend` is what the backend says of itself. Plain Locust may not know contract, relayer and system under test.

    `relayer` is what a manifest says of it: its kind, and the command and digest of a user's own.
    """

    backend: Mapping[str, Any]
    under_test: UnderTest | None = None
    contract: ContractFacts | None = None
    relayer: Mapping[str, Any] | None = None
    lab: str = lab.__version__
    host: Host = Field(default_factory=Host)
    started: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def here(
        cls, backend: Mapping[str, Any], target: Deployable, under_test: UnderTest, relayer: Mapping[str, Any]
    ) -> MadeOf:
        """Of a run on this machine, now."""
        contract = target.contract
        facts = ContractFacts(
            name=contract.name,
            bytecode_sha256=contract.bytecode_sha256,
            source_sha256=contract.source_sha256,
            compiler=contract.compiler,
        )
        return cls(backend=backend, under_test=under_test, contract=facts, relayer=relayer)
