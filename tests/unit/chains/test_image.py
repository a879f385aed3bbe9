"""The local image: a real build, and what cannot be built."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.chains.engine.client import connect
from lab.chains.nodes import image
from lab.chains.nodes.backend import NodeSpec, ask
from lab.chains.nodes.docker import VERSION_LABEL, DockerBackend
from lab.chains.nodes.image import SHA256_LABEL, build_image, linked_libraries
from lab.chains.nodes.pinned import Pin, architecture
from lab.chains.nodes.provision import AnvilBinary
from lab.errors import EnvironmentFailure


def test_a_built_image_runs_and_names_its_binary(engine: None, anvil: AnvilBinary) -> None:
    """The image starts a node on the docker backend, and its labels carry the binary's version and digest."""
    tag = f"tesseract-lab/image-test:{os.getpid()}"
    told: list[str] = []
    client = connect()
    try:
        assert build_image(tag, anvil, told.append) == client.images.get(tag).id
        assert any(tag in line for line in told)
        labels = client.images.get(tag).labels
        assert labels[VERSION_LABEL] == anvil.version
        assert labels[SHA256_LABEL] == hashlib.sha256(anvil.path.read_bytes()).hexdigest()
        backend = DockerBackend(tag)
        try:
            (node,) = backend.start_all([NodeSpec("n", f"image-{os.getpid()}", ("--chain-id", "9"))])
            assert ask(node.port, "eth_chainId") == "0x9"
        finally:
            backend.close()
    finally:
        client.images.remove(tag, force=True)
        client.close()


def test_elsewhere_the_package_for_the_engine_is_put_on_a_base(
    engine: None, anvil: AnvilBinary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: neither this machine's binary nor its libraries are the engine's. The base here has them."""
    base, tag = f"tesseract-lab/base-test:{os.getpid()}", f"tesseract-lab/elsewhere-test:{os.getpid()}"
    build_image(base, anvil)
    asked: list[Pin] = []

    def fetched(pin: Pin, work: Path, tell: object) -> Path:
        asked.append(pin)
        return Path(shutil.copy(anvil.path, work / "anvil"))

    monkeypatch.delenv("LAB_ANVIL", raising=False)
    monkeypatch.setattr(image, "runs_here", lambda processor: False)
    monkeypatch.setattr(image, "fetch", fetched)
    client = connect()
    try:
        build_image(tag, base=base)
        assert [pin.key for pin in asked] == [f"linux-{architecture(str(client.version()['Arch']))}"]
        backend = DockerBackend(tag)
        try:
            (node,) = backend.start_all([NodeSpec("n", f"elsewhere-{os.getpid()}", ("--chain-id", "9"))])
            assert ask(node.port, "eth_chainId") == "0x9"
        finally:
            backend.close()
        with pytest.raises(EnvironmentFailure, match=r"glibc 2\.35 or newer, by --base"):
            build_image(tag, base=f"tesseract-lab/none:{os.getpid()}")
    finally:
        client.images.remove(tag, force=True)
        client.images.remove(base, force=True)
        client.close()


def test_a_binary_for_another_processor_is_refused(
    engine: None, anvil: AnvilBinary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would only fail inside of the container."""
    other = tmp_path / "anvil"
    header = bytearray(anvil.path.read_bytes()[:64])
    header[18] = 183 if header[18] == 62 else 62
    other.write_bytes(header)
    with pytest.raises(EnvironmentFailure, match=r"the engine runs on \w+, and .* is for \w+"):
        build_image("tesseract-lab/never:1", AnvilBinary(other, "1.7.1", "LAB_ANVIL"))


def test_every_library_is_a_real_file_and_the_loader_is_among_them(anvil: AnvilBinary) -> None:
    """Without its loader the binary would not start in an empty image."""
    libraries = linked_libraries(anvil.path)

    assert all(source.is_file() and path.startswith("/") for path, source in libraries.items())
    assert any("ld-linux" in path for path in libraries)
    assert any(path.endswith("libc.so.6") for path in libraries)


def test_a_binary_of_another_system_is_refused(tmp_path: Path) -> None:
    """A macOS binary or a script cannot go into a Linux image: said before the engine is asked."""
    script = tmp_path / "anvil"
    script.write_text("#!/bin/sh\n")

    with pytest.raises(EnvironmentFailure, match=r"needs a Linux binary, got .*LAB_ANVIL"):
        build_image("tesseract-lab/never:1", AnvilBinary(script, "1.7.1", "LAB_ANVIL"))


def test_a_missing_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anvil: AnvilBinary) -> None:
    """What ldd does not find would only fail inside the container."""

    def ldd(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, "\tlibgone.so.1 => not found\n", "")

    monkeypatch.setattr(subprocess, "run", ldd)
    with pytest.raises(EnvironmentFailure, match=r"(?s)cannot list the libraries.*libgone.so.1 => not found"):
        linked_libraries(anvil.path)
