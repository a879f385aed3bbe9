"""Who started a thing: the mark that children, temporary directories and containers carry of the process they are of.

A process is known by its number and its start, and both only in one place: a boot of a machine, and a namespace of
processes in it. An engine or a folder may be shared between places, so what comes from another one is never judged.
Only the standard library is loaded here, since the watcher of `reaper` does without anything else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

RUN_VARIABLE = "TESSERACT_LAB_RUN"
OWNER_VARIABLE = "TESSERACT_LAB_OWNER"
PLACE_VARIABLE = "TESSERACT_LAB_PLACE"
LAB_LABEL = "dev.tesseract-lab"
RUN_LABEL = "dev.tesseract-lab.run"
OWNER_LABEL = "dev.tesseract-lab.owner"
PLACE_LABEL = "dev.tesseract-lab.place"
DIRECTORY_PREFIX = "tesseract-lab."
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: `ticks` is its start as `start_ticks` has it, `place` what `this_place` was for it."""

    pid: int
    ticks: int
    place: str

    @classmethod
    def parse(cls, mark: str, place: str) -> Owner:
        """Read a mark. One that cannot be read is of a process that nobody here knows: its place is empty."""
        pid, _, ticks = mark.partition(":")
        if not (pid.isascii() and pid.isdigit() and ticks.isascii() and ticks.isdigit()):
            return cls(0, 0, "")
        return cls(int(pid), int(ticks), place)

    @property
    def mark(self) -> str:
        """`<pid>:<start ticks>`."""
        return f"{self.pid}:{self.ticks}"

    @property
    def state(self) -> Literal["alive", "dead", "elsewhere"]:
        """Whether it runs. Of a process on another machine, in another namespace or boot nothing can be said."""
        if self.place != this_place():
            return "elsewhere"
        return "alive" if start_ticks(self.pid) == self.ticks else "dead"

    def labels(self, run_id: str) -> dict[str, str]:
        """What a container of it carries."""
        return {LAB_LABEL: "1", RUN_LABEL: run_id, OWNER_LABEL: self.mark, PLACE_LABEL: self.place}

    def variables(self, run_id: str) -> dict[str, str]:
        """What a child of it has in its environment."""
        return {RUN_VARIABLE: run_id, OWNER_VARIABLE: self.mark, PLACE_VARIABLE: self.place}


def this_process() -> Owner:
    """The owner of what this process starts."""
    return Owner(os.getpid(), start_ticks(os.getpid()) or 0, this_place())


def owner_in(marks: Mapping[str, str], mark: str, place: str) -> Owner:
    """The owner that an environment or labels name, under these names."""
    return Owner.parse(marks.get(mark, ""), marks.get(place, ""))


def owner_of_directory(path: Path) -> Owner:
    """The owner that a directory of `make_directory` names."""
    mark, _, rest = path.name.removeprefix(".").removeprefix(DIRECTORY_PREFIX).partition(".")
    return Owner.parse(mark.replace("-", ":"), rest.partition(".")[0])


@lru_cache(maxsize=1)
def this_place() -> str:
    """Names this boot of this machine, and this namespace of processes."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str((PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        boot, namespace = f"{socket.gethostname()} {_boot_session()}", "0"
    return f"{hashlib.sha256(boot.encode()).hexdigest()[:16]}-{namespace}"


def _boot_session() -> str:
    """The name that macOS gives this boot; empty where there is none."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ["sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    return ""


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is no such process or only its zombie.

    Where there is no /proc (macOS) it is the start by which psutil knows a process again, in hundredths of a second.
    """
    if not (PROC / "self/stat").exists():
        return _start_by_psutil(pid)
    try:
        # The command name in parentheses may itself hold spaces and parentheses: read behind the last one.
        fields = (PROC / f"{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _start_by_psutil(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        # What `create_time` tells moves with a clock that is set; this does not.
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process._ident[1] * 100)  # type: ignore[attr-defined]
    except psutil.Error:
        return None


def make_directory(name: str, parent: Path | None = None) -> Path:
    """A temporary directory that names its owner, so that it is removed after the owner's death.

    In `parent`, where other things lie, it is hidden. Raises OSError.
    """
    owner = this_process()
    hidden = "" if parent is None else "."
    prefix = f"{hidden}{DIRECTORY_PREFIX}{owner.mark.replace(':', '-')}.{owner.place}.{name}."
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


@contextlib.contextmanager
def temporary_directory(name: str, parent: Path | None = None) -> Iterator[Path]:
    """A directory of `make_directory`, removed at the end. Raises OSError."""
    folder = make_directory(name, parent)
    try:
        yield folder
    finally:
        remove_directory(folder)


def remove_directory(path: Path) -> bool:
    """Remove it with all that is in it; whether it is gone."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()
