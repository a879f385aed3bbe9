"""What dead runs left behind: processes, temporary directories, containers. Found by their marks, named, removed.

Normally there is nothing: the kernel ends children with the lab (`child`), its watcher removes the rest (`reaper`).
Both may be killed with it; then the next run that starts sweeps, and `lab doctor` and `lab down --all` say what is
left.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lab import owner as marks
from lab.owner import Owner, owner_in, owner_of_directory, remove_directory, this_process

# A directory of this name stands for the containers of its owner.
CONTAINERS = "containers"
PLURALS = {"process": "processes", "directory": "directories", "container": "containers"}


@dataclass(frozen=True, slots=True)
class Leftover:
    """A thing that carries a mark. `run_id` is empty for a directory."""

    kind: Literal["process", "directory", "container"]
    name: str
    owner: Owner
    run_id: str = ""
    remove: Callable[[], bool] = field(default=lambda: False, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" of run {self.run_id}" if self.run_id else "")


def find_leftovers(*, ask_engine: bool = False) -> list[Leftover]:
    """What dead runs of this user left here, in the order in which it is removed.

    The engine takes a while to answer, so it is asked only where a directory says that there may be containers.
    """
    dead = [thing for thing in (*marked_processes(), *_directories()) if thing.owner.state == "dead"]
    if not (ask_engine or any(map(_stands_for_containers, dead))):
        return dead
    containers = _containers()
    if containers is None:
        return [thing for thing in dead if not _stands_for_containers(thing)]
    return [thing for thing in containers if thing.owner.state == "dead"] + dead


def remove_leftovers(*, force: bool = False) -> list[str]:
    """Remove what dead runs of this user left; a line for each thing.

    `force` takes the things of living runs too, those of the calling process excepted. What belongs to another machine,
    boot or namespace is left alone, and said.
    """
    own, lines = this_process(), list[str]()
    for thing in (*(_containers() or ()), *marked_processes(), *_directories()):
        state = thing.owner.state
        if state == "elsewhere":
            if thing.kind == "container":
                lines.append(
                    f"left {thing}: it is of another machine, or of an earlier boot of this one "
                    f"(`docker rm -f {thing.name}` if nobody needs it)"
                )
        elif (state == "dead" or (force and thing.owner != own)) and thing.remove():
            lines.append(f"removed {thing}")
    return lines


def sweep(notify: Callable[[str], None] | None = None) -> None:
    """Before a run starts: remove what dead ones left, and say so in one line."""
    removed = [thing for thing in find_leftovers() if thing.remove()]
    if removed and notify is not None:
        notify(f"removed what a run that was killed had left: {summary(removed)}")


def summary(things: list[Leftover]) -> str:
    """`2 processes, 1 directory (run 20261126-1)`."""
    counts = Counter(thing.kind for thing in things)
    text = ", ".join(f"{count} {kind if count == 1 else PLURALS[kind]}" for kind, count in sorted(counts.items()))
    runs = sorted({thing.run_id for thing in things if thing.run_id})
    return f"{text} ({'runs' if len(runs) > 1 else 'run'} {', '.join(runs)})" if runs else text


def end_marked(owner: Owner) -> None:
    """Kill every process that carries this owner's mark."""
    for thing in marked_processes():
        if thing.owner == owner:
            thing.remove()


def remove_containers(owner: Owner) -> bool:
    """Remove every container that carries this owner's mark; whether an engine answered."""
    containers = _containers()
    for thing in containers or ():
        if thing.owner == owner:
            thing.remove()
    return containers is not None


def _stands_for_containers(thing: Leftover) -> bool:
    return thing.kind == "directory" and f".{CONTAINERS}." in thing.name


def marked_processes() -> list[Leftover]:
    """Every process of this user that a run started, in this place or another that is seen from here."""
    processes = []
    for pid, environment in _environments():
        if marks.RUN_VARIABLE in environment and marks.OWNER_VARIABLE in environment:
            owner = owner_in(environment, marks.OWNER_VARIABLE, marks.PLACE_VARIABLE)
            run_id = environment[marks.RUN_VARIABLE]
            processes.append(Leftover("process", str(pid), owner, run_id, partial(kill, pid, marks.start_ticks(pid))))
    return sorted(processes, key=lambda thing: int(thing.name))


def _environments() -> Iterator[tuple[int, dict[str, str]]]:
    """The processes of this user, this one excepted, with their environments."""
    if not (marks.PROC / "self/stat").exists():
        yield from _environments_by_psutil()
        return
    for folder in marks.PROC.glob("[0-9]*"):
        try:
            if int(folder.name) == os.getpid() or folder.stat().st_uid != os.getuid():
                continue
            pairs = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        yield int(folder.name), dict(pair.partition("=")[::2] for pair in pairs)


def _environments_by_psutil() -> Iterator[tuple[int, dict[str, str]]]:
    import psutil

    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid():
                yield process.pid, process.environ()
        except (psutil.Error, OSError):
            continue


def kill(pid: int, ticks: int | None) -> bool:
    """Kill the process that started then, and no other of the same number; whether there was one."""
    if ticks is None or marks.start_ticks(pid) != ticks:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def _directories() -> list[Leftover]:
    """In the temporary folder, and in the cache, where a node's binary is unpacked."""
    directories = []
    cache = _provisioning()
    versions = () if cache is None else map(cache.joinpath, _names(cache))
    for parent, prefix in ((Path(tempfile.gettempdir()), ""), *((version, ".") for version in versions)):
        for name in _names(parent):
            path = parent / name
            if name.startswith(prefix + marks.DIRECTORY_PREFIX) and path.is_dir() and not path.is_symlink():
                remove = partial(remove_directory, path)
                directories.append(Leftover("directory", str(path), owner_of_directory(path), remove=remove))
    return directories


def _names(folder: Path) -> list[str]:
    """What lies in a folder, in order; nothing if there is none, for other labs remove theirs meanwhile."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def _provisioning() -> Path | None:
    from lab.environment import cache_folder
    from lab.errors import LabError

    try:
        return cache_folder() / "anvil"
    except LabError:
        return None


def _containers() -> list[Leftover] | None:
    """Those that the engine has; None where none answers."""
    try:
        from lab.chains.engine.client import connect

        client = connect(timeout_s=5)
    except Exception:
        return None
    try:
        described = client.api.containers(all=True, filters={"label": marks.LAB_LABEL})
        return [_container(entry["Id"], entry.get("Labels") or {}) for entry in described]
    except Exception:
        return None
    finally:
        client.close()


def _container(number: str, labels: dict[str, Any]) -> Leftover:
    owner = owner_in(labels, marks.OWNER_LABEL, marks.PLACE_LABEL)
    remove = partial(_remove_container, number)
    return Leftover("container", number[:12], owner, labels.get(marks.RUN_LABEL, "?"), remove)


def _remove_container(number: str) -> bool:
    from lab.chains.engine.client import connect

    try:
        client = connect(timeout_s=30)
    except Exception:
        return False
    try:
        client.api.remove_container(number, force=True, v=True)
    except Exception:
        return False
    finally:
        client.close()
    return True
