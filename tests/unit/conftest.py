"""Real things for the tests: an anvil, a Docker engine where one answers, an image in it, and labs on real chains."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from lab.chains.engine import connect
from lab.chains.image import build_image
from lab.chains.process import ProcessBackend
from lab.chains.provision import AnvilBinary, locate_anvil
from lab.chains.select import find_image
from lab.deploy.compile import compile_contract
from lab.deploy.deployer import Deployable, deployable
from lab.errors import EnvironmentFailure
from lab.evidence import Recorder
from lab.model.finality import Finality
from lab.networks import load_network
from lab.networks.profile import NetworkProfile
from lab.paths import REFERENCE_CONTRACT
from lab.scenario.item import ChainSpec, RelayerSpec
from lab.session.lab import Lab, Wanted, open_lab
from lab.session.suite import cache_folder


@pytest.fixture(scope="session")
def anvil() -> AnvilBinary:
    return locate_anvil()


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips where there is no Docker engine, with the lab's own reason."""
    try:
        connect(timeout_s=2).close()
    except EnvironmentFailure as failure:
        pytest.skip(f"needs a Docker engine: {failure}")


@pytest.fixture(scope="session")
def image(engine: None, anvil: AnvilBinary) -> Iterator[str]:
    """The image that the lab would use; where there is none, one built for this test session and removed after it."""
    try:
        name, _ = find_image(pull=False)
    except EnvironmentFailure:
        name = f"tesseract-lab/anvil-test:{os.getpid()}"
        build_image(name, anvil)
        yield name
        client = connect()
        client.images.remove(name, force=True)
        client.close()
    else:
        yield name


@pytest.fixture
def backend(anvil: AnvilBinary) -> Iterator[ProcessBackend]:
    backend = ProcessBackend(anvil)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def shared_backend(anvil: AnvilBinary) -> Iterator[ProcessBackend]:
    """One for all tests that only want a chain; each of their nodes is stopped by the test that started it."""
    backend = ProcessBackend(anvil)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def reference() -> Deployable:
    """The lab's own contract, compiled."""
    return deployable(compile_contract(REFERENCE_CONTRACT, cache_dir=cache_folder() / "compiled"))


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
def start_lab(shared_backend: ProcessBackend, reference: Deployable, tmp_path: Path) -> Iterator[StartLab]:
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
            wanted = Wanted(
                run_id="test",
                chains={p.name: ChainSpec(p.name, p, finality or p.finality) for p in profiles},
                target=target or reference,
                seed=seed,
                window_s=60,
                folder=folder,
                relayer=relayer,
                deepest_reorg=deepest_reorg,
            )
            lab = stack.enter_context(open_lab(wanted, shared_backend, Recorder(None)))
            lab.set_up()
            return lab

        yield start


# YAML below this folder is there for tests to read; none is a test by itself.
collect_ignore_glob = ["*.yaml"]
