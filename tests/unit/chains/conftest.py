"""Fixtures of the backend tests: a real anvil, a real engine where one answers, and an image in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.chains.docker import connect
from lab.chains.image import build_image
from lab.chains.process import ProcessBackend
from lab.chains.provision import AnvilBinary, locate_anvil
from lab.chains.select import find_image
from lab.errors import EnvironmentFailure


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
