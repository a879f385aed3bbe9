"""The one anvil that the lab provisions, and on which machines: version and digests are in `anvil.json`.

One version is pinned because same seed, same digest only holds on the same node.
"""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PINS: dict[str, Any] = json.loads(Path(__file__).with_name("anvil.json").read_text(encoding="utf-8"))
PINNED_VERSION: str = PINS["version"]
# The linux binaries ask for symbols of this version (`objdump -T`, 2026-11-26).
GLIBC_MIN = (2, 35)
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Pin:
    """A platform's npm package: its integrity as npm states it, and the sha256 of the binary in it."""

    key: str
    integrity: str
    sha256: str

    @property
    def package(self) -> str:
        """What npm calls it."""
        return f"@foundry-rs/anvil-{self.key}@{PINNED_VERSION}"


PACKAGES: dict[str, Pin] = {key: Pin(key, **digests) for key, digests in PINS["platforms"].items()}


def platform_key() -> str:
    """This machine as the packages are called: `linux-amd64`, `darwin-arm64`."""
    return f"{sys.platform}-{architecture(platform.machine())}"


def architecture(machine: str) -> str:
    """`amd64` or `arm64`, whatever the system calls it; another machine's own name else."""
    return _ARCHITECTURES.get(machine.lower(), machine.lower())


def why_not_here() -> str | None:
    """Why no package runs on this machine, with the way out; None where one does, as far as can be told before."""
    key = platform_key()
    if sys.platform in ("win32", "cygwin"):
        return "the lab does not run on Windows itself: run it in WSL 2, where it is at home as on Linux"
    if key not in PACKAGES:
        return (
            f"there is no package of anvil {PINNED_VERSION} for {key} (there are: {', '.join(PACKAGES)}). "
            "Build anvil yourself and set LAB_ANVIL to its path"
        )
    return _libc_trouble() if sys.platform == "linux" else None


def _libc_trouble() -> str | None:
    name, version = platform.libc_ver()
    least = ".".join(map(str, GLIBC_MIN))
    if name != "glibc":
        return (
            f"the package of anvil {PINNED_VERSION} needs glibc {least} or newer, and this system has {name or 'musl'} "
            "(Alpine and its like). Set LAB_ANVIL to a build for it (Foundry's release calls it alpine), or use an "
            "image with glibc, such as Debian's"
        )
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < GLIBC_MIN:
        return (
            f"the package of anvil {PINNED_VERSION} needs glibc {least} or newer, and this system has {version}. "
            "Use a newer system (Debian 12, Ubuntu 22.04), or set LAB_ANVIL to an anvil built for this one"
        )
    return None
