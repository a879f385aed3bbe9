"""Builds a local image for places that cannot pull one: the anvil binary, its libraries, nothing else."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.chains.engine.client import connect, engine_errors
from lab.chains.nodes.docker import VERSION_LABEL
from lab.chains.nodes.pinned import GLIBC_MIN, PACKAGES, PINNED_VERSION, architecture
from lab.chains.nodes.provision import AnvilBinary, fetch, locate_anvil
from lab.errors import EnvironmentFailure
from lab.owner import temporary_directory
from lab.paths import COMPOSE

if TYPE_CHECKING:
    import docker

LOCAL_IMAGE = f"tesseract-lab/anvil:{PINNED_VERSION}"
DOCKERFILE = COMPOSE / "anvil.Dockerfile"
# glibc 2.36, for amd64 and arm64.
BASE_IMAGE = "debian:12-slim"
SHA256_LABEL = "dev.tesseract-lab.anvil-sha256"


@dataclass(frozen=True, slots=True)
class _Content:
    """What goes into an image: a Linux binary, and its libraries, or None where those of a base image serve it."""

    binary: Path
    version: str
    libraries: dict[str, Path] | None


def build_image(
    tag: str = LOCAL_IMAGE,
    anvil: AnvilBinary | None = None,
    notify: Callable[[str], None] | None = None,
    base: str = BASE_IMAGE,
) -> str:
    """Build and tag the image; returns its id. Raises EnvironmentFailure, with the engine's words where it refuses.

    On Linux it holds this machine's anvil with this machine's libraries and needs no registry. Where the engine runs
    Linux in a virtual machine (macOS), or on another processor, it holds the package for the engine on top of `base`.
    """
    notify = notify or (lambda line: None)
    if anvil is not None:
        elf_architecture(anvil.path)
    client = connect(timeout_s=120)
    try:
        with engine_errors("say on which processor it runs"):
            processor = architecture(str(client.version()["Arch"]))
        with temporary_directory("image") as work:
            content = _content(processor, anvil, work, notify)
            return _build(client, tag, content, base, notify)
    finally:
        client.close()


def _content(processor: str, anvil: AnvilBinary | None, work: Path, notify: Callable[[str], None]) -> _Content:
    if anvil is None and (runs_here(processor) or os.environ.get("LAB_ANVIL")):
        anvil = locate_anvil(notify)
    if anvil is None:
        if (pin := PACKAGES.get(f"linux-{processor}")) is None:
            raise EnvironmentFailure(
                f"the engine runs on {processor}, for which there is no package of anvil {PINNED_VERSION}: build anvil "
                "for it, and name it in LAB_ANVIL"
            )
        return _Content(fetch(pin, work, notify), PINNED_VERSION, None)
    if (made_for := elf_architecture(anvil.path)) != processor:
        raise EnvironmentFailure(
            f"the engine runs on {processor}, and {anvil.path} is for {made_for}: name another one in LAB_ANVIL, or "
            "unset it to have the package for the engine fetched"
        )
    return _Content(anvil.path, anvil.version, linked_libraries(anvil.path) if runs_here(processor) else None)


def runs_here(processor: str) -> bool:
    """Whether this machine runs what the engine runs, and so has the libraries for it."""
    return sys.platform == "linux" and architecture(platform.machine()) == processor


def elf_architecture(binary: Path) -> str:
    """`amd64` or `arm64`, from the header of a Linux binary. Raises EnvironmentFailure for any other file."""
    with binary.open("rb") as stream:
        header = stream.read(20)
    if header[:4] != b"\x7fELF" or len(header) < 20:
        raise EnvironmentFailure(
            f"an image needs a Linux binary, got {binary}, which is none. Unset LAB_ANVIL to have the package for the "
            f"engine fetched, set it to a Linux anvil {PINNED_VERSION}, or pull an image."
        )
    machine = int.from_bytes(header[18:20], "little")
    return {62: "amd64", 183: "arm64"}.get(machine, f"ELF machine {machine}")


def _build(client: docker.DockerClient, tag: str, content: _Content, base: str, notify: Callable[[str], None]) -> str:
    import docker.errors

    binary, libraries = content.binary, content.libraries
    upon = f"on {base}" if libraries is None else f"with {len(libraries)} libraries"
    notify(f"building {tag} from {binary} ({content.version}) {upon}")
    labels = {VERSION_LABEL: content.version, SHA256_LABEL: hashlib.sha256(binary.read_bytes()).hexdigest()}
    try:
        image, _ = client.images.build(
            fileobj=_context(binary, libraries or {}),
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            labels=labels,
            buildargs={"BASE": "scratch" if libraries is not None else base},
        )
    except docker.errors.BuildError as error:
        said = "\n".join(str(line.get("stream") or line.get("error") or "").rstrip() for line in error.build_log)
        raise EnvironmentFailure(f"building {tag} failed: {error.msg}{_help(content, base)}\n{said}") from error
    except docker.errors.APIError as error:
        raise EnvironmentFailure(
            f"building {tag} failed: {error.explanation or error}{_help(content, base)}"
        ) from error
    notify(f"{tag} is ready: {image.id}")
    return str(image.id)


def _help(content: _Content, base: str) -> str:
    if content.libraries is not None:
        return ""
    least = ".".join(map(str, GLIBC_MIN))
    return f". If {base} cannot be pulled, name an image that the engine has, with glibc {least} or newer, by --base."


def linked_libraries(binary: Path) -> dict[str, Path]:
    """Path in the image -> file here, for each shared library and the loader, as `ldd` lists them."""
    elf_architecture(binary)
    try:
        run = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailure(f"cannot list the libraries of {binary}: {error}") from error
    if "not a dynamic executable" in run.stdout + run.stderr or "statically linked" in run.stdout:
        return {}
    if run.returncode != 0 or "not found" in run.stdout:
        raise EnvironmentFailure(f"cannot list the libraries of {binary}; ldd says:\n{run.stdout}{run.stderr}")
    libraries = re.findall(r"(/\S+) \(0x", run.stdout)
    return {path: Path(path).resolve() for path in sorted(set(libraries))}


def _context(binary: Path, libraries: dict[str, Path]) -> io.BytesIO:
    """The build context of compose/anvil.Dockerfile: a folder `root` laid out as the image's root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, "Dockerfile", DOCKERFILE.read_bytes(), 0o644)
        _add(tar, "root/usr/local/bin/anvil", binary.read_bytes(), 0o755)
        for path, source in libraries.items():
            _add(tar, f"root{path}", source.read_bytes(), 0o755)
        directory = tarfile.TarInfo("root/tmp")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(directory)
    buffer.seek(0)
    return buffer


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
