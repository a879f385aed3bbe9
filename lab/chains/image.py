"""Builds a local image for places that cannot pull one: the anvil binary, its libraries, nothing else."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from lab.chains.docker import VERSION_LABEL, connect
from lab.chains.provision import PINNED_VERSION, AnvilBinary, locate_anvil
from lab.errors import EnvironmentFailure
from lab.paths import COMPOSE

LOCAL_IMAGE = f"tesseract-lab/anvil:{PINNED_VERSION}"
DOCKERFILE = COMPOSE / "anvil.Dockerfile"
SHA256_LABEL = "dev.tesseract-lab.anvil-sha256"


def build_image(
    tag: str = LOCAL_IMAGE, anvil: AnvilBinary | None = None, notify: Callable[[str], None] | None = None
) -> str:
    """Build and tag the image; returns its id. Raises EnvironmentFailure, with the engine's words where it refuses."""
    tell = notify or (lambda line: None)
    anvil = anvil or locate_anvil(notify)
    libraries = linked_libraries(anvil.path)
    client = connect(timeout_s=120)
    import docker.errors

    tell(f"building {tag} from {anvil.path} ({anvil.version}) and {len(libraries)} libraries")
    labels = {VERSION_LABEL: anvil.version, SHA256_LABEL: hashlib.sha256(anvil.path.read_bytes()).hexdigest()}
    try:
        image, _ = client.images.build(
            fileobj=_context(anvil.path, libraries), custom_context=True, tag=tag, rm=True, forcerm=True, labels=labels
        )
    except docker.errors.BuildError as error:
        said = "\n".join(str(line.get("stream") or line.get("error") or "").rstrip() for line in error.build_log)
        raise EnvironmentFailure(f"building {tag} failed: {error.msg}\n{said}") from error
    except docker.errors.APIError as error:
        raise EnvironmentFailure(f"building {tag} failed: {error.explanation or error}") from error
    finally:
        client.close()
    tell(f"{tag} is ready: {image.id}")
    return str(image.id)


def linked_libraries(binary: Path) -> dict[str, Path]:
    """Path in the image -> file here, for each shared library and the loader, as `ldd` lists them."""
    if binary.read_bytes()[:4] != b"\x7fELF":
        raise EnvironmentFailure(
            f"an image needs a Linux binary, got {binary}, which is none. Build it here with "
            f"LAB_ANVIL set to a Linux anvil {PINNED_VERSION}, or pull an image."
        )
    try:
        run = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailure(f"cannot list the libraries of {binary}: {error}") from error
    if "not a dynamic executable" in run.stdout + run.stderr or "statically linked" in run.stdout:
        return {}
    if run.returncode != 0 or "not found" in run.stdout:
        raise EnvironmentFailure(f"cannot list the libraries of {binary}; ldd says:\n{run.stdout}{run.stderr}")
    found = re.findall(r"(/\S+) \(0x", run.stdout)
    return {path: Path(path).resolve() for path in sorted(set(found))}


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
