"""Real things for the tests: the lab's own contract, and labs on real chains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.chains.nodes.provision import AnvilBinary
from lab.deploy.deployer import Deployable, deployable
from lab.evidence import Recorder
from lab.model.chain.finality import Finality
from lab.networks import load_network
from lab.networks.profile import NetworkProfile
from lab.paths import REFERENCE_CONTRACT
from lab.scenario.item import ChainSpec, RelayerSpec
from lab.session.lab import Lab, LabSpec, open_lab
from tests.compiling import compile_once


@pytest.fixture
def backend(anvil: AnvilBinary) -> Iterator[ProcessBackend]:
    backend = ProcessBackend(anvil)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def reference() -> Deployable:
    """The lab's own contract, compiled."""
    return deployable(compile_once(REFERENCE_CONTRACT))


class StartLab(Protocol):
    """Starts a lab on real chains, by their profiles or the names of these, with the contract in block 1."""

    def __call__(
        self,
        *networks: str | NetworkProfile,
        seed: int = 1,
        finality: Finality | None = None,
        relayer: RelayerSpec | None = None,
        target: Deployable | None = None,
        deepest_reorg: int = 0,
    ) -> Lab: ...


@pytest.fixture
def start_lab(
    shared_backend: ProcessBackend, open_backend: ProcessBackend, reference: Deployable, tmp_path: Path
) -> Iterator[StartLab]:
    """Labs under the virtual clock, at genesis; stopped at the end of the test."""
    with ExitStack() as stack:

        def start(
            *networks: str | NetworkProfile,
            seed: int = 1,
            finality: Finality | None = None,
            relayer: RelayerSpec | None = None,
            target: Deployable | None = None,
            deepest_reorg: int = 0,
        ) -> Lab:
            profiles = [load_network(named) if isinstance(named, str) else named for named in networks]
            folder = tmp_path / f"lab{len(list(tmp_path.glob('lab*')))}"
            folder.mkdir()
            wanted = LabSpec(
                run_id="test",
                chains={p.name: ChainSpec(p.name, p, finality or p.finality) for p in profiles},
                target=target or reference,
                seed=seed,
                window_s=60,
                folder=folder,
                relayer=relayer,
                deepest_reorg=deepest_reorg,
            )
            # A relayer is to find no way to a node but the endpoint.
            backend = open_backend if relayer is None else shared_backend
            lab = stack.enter_context(open_lab(wanted, backend, Recorder(None)))
            lab.set_up()
            return lab

        yield start


# YAML below this folder is there for tests to read; none is a test by itself.
collect_ignore_glob = ["*.yaml"]
