"""Hosts that are network namespaces of this machine: a hub and others, each with a cable to it that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4


def ip(*words: str) -> None:
    """Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_not() -> str | None:
    """Why there can be no namespaces here; None where there can."""
    if shutil.which("ip") is None:
        return "the program ip (iproute2) is not installed"
    name = f"lab-try-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"network namespaces are not permitted: {done.stderr.strip()}"
    ip("netns", "del", name)
    return None


@dataclass
class Hosts:
    """Close it. The hub has the address ADDRESS.1, host number N has ADDRESS.(N + 1)."""

    count: int
    prefix: str = field(default_factory=lambda: f"lab{uuid4().hex[:5]}")
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)
    address = "10.201.77"

    @property
    def hub(self) -> str:
        return f"{self.prefix}h"

    def host(self, number: int) -> str:
        return f"{self.prefix}{number}"

    def open(self) -> None:
        """All hosts, with their cables in the hub's switch. Raises CalledProcessError."""
        for name in (self.hub, *map(self.host, range(1, self.count + 1))):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", self.hub, "link", "add", "switch", "type", "bridge")
        ip("-n", self.hub, "addr", "add", f"{self.address}.1/24", "dev", "switch")
        ip("-n", self.hub, "link", "set", "switch", "up")
        for number in range(1, self.count + 1):
            cable, name = f"cable{number}", self.host(number)
            ip("-n", self.hub, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", self.hub, "link", "set", cable, "master", "switch", "up")
            ip("-n", name, "addr", "add", f"{self.address}.{number + 1}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")

    def cut(self, number: int) -> None:
        """Neither side hears of it: packets go nowhere from now on."""
        ip("-n", self.hub, "link", "set", f"cable{number}", "nomaster")

    def start(self, name: str, words: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """A program on a host."""
        with log.open("wb") as output:
            program = subprocess.Popen(
                ["ip", "netns", "exec", name, *words],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.programs.append(program)
        return program

    def close(self) -> None:
        """End what still runs, and take the hosts away."""
        for program in self.programs:
            program.kill()
            program.wait()
        for name in (self.hub, *map(self.host, range(1, self.count + 1))):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
