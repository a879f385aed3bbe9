"""Removes what a dead run leaves behind. A watcher process per run does it at once; `remove_leftovers` does it later.

The watcher reads from its stdin what there is to remove. When the pipe closes without `done`, the run died (SIGKILL
included), and the watcher kills its processes and removes its directories and containers. It is started as a plain
file, isolated: only the standard library is loaded until a container has to go.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

RUN_VARIABLE = "TESSERACT_LAB_RUN"
OWNER_VARIABLE = "TESSERACT_LAB_OWNER"
LAB_LABEL = "dev.tesseract-lab"
RUN_LABEL = "dev.tesseract-lab.run"
OWNER_LABEL = "dev.tesseract-lab.owner"
DIRECTORY_PREFIX = "tesseract-lab."
OWNER_POLL_S = 0.5
PROC = Path("/proc")
# A container may still be on its way into the engine when its run dies, so there is a second and a third look.
SWEEPS_AFTER_S = (0.0, 1.0, 3.0)


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is no such process or only its zombie.

    Where there is no /proc (macOS) it is hundredths of a second since 1970.
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
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 100)
    except psutil.Error:
        return None


def owner_mark() -> str:
    """`<pid>:<start ticks>` of this process, the mark its children, directories and containers carry."""
    return f"{os.getpid()}:{start_ticks(os.getpid()) or 0}"


def owner_alive(mark: str) -> bool:
    """Whether the process of an owner mark still runs; a mark that cannot be read has no owner."""
    pid, _, ticks = mark.partition(":")
    return pid.isdigit() and start_ticks(int(pid)) == int(ticks if ticks.isdigit() else -1)


def child_environment(run_id: str) -> dict[str, str]:
    """This process's environment plus the marks by which a child is found, and killed, once this process is gone.

    No proxy stands before the loopback address in it. Not for a child that is meant to outlive this process.
    """
    # Not at the top: the watcher runs this file without the lab around it.
    from lab.chains.loopback import without_proxy

    return {**without_proxy(os.environ), RUN_VARIABLE: run_id, OWNER_VARIABLE: owner_mark()}


def make_directory(name: str) -> Path:
    """A temporary directory whose name tells its owner, so that it is found even if nobody was told of it."""
    return Path(tempfile.mkdtemp(prefix=f"{DIRECTORY_PREFIX}{owner_mark().replace(':', '-')}.{name}."))


class Reaper:
    """The handle of a run on its watcher. Tell it of a thing before or right after the thing exists."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def start(cls) -> Reaper:
        """Start the watcher of this process. It has a session of its own, so that Ctrl-C does not reach it."""
        command = [sys.executable, "-I", str(Path(__file__).resolve()), owner_mark()]
        return cls(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def watch_pid(self, pid: int) -> None:
        if ticks := start_ticks(pid):
            self._tell(f"pid {pid} {ticks}")

    def watch_dir(self, path: Path) -> None:
        self._tell(f"dir {path}")

    def watch_label(self, run_id: str) -> None:
        self._tell(f"container-label {run_id}")

    def close(self) -> None:
        """The run has cleaned up after itself: the watcher goes without touching anything. May be called twice."""
        if self._closed:
            return
        self._tell("done")
        self._closed = True
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Reaper:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        """A watcher that is gone takes no lines; the run goes on, and `remove_leftovers` is there for the rest."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process.stdin:
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()


def remove_leftovers(force: bool = False) -> list[str]:
    """Remove what dead runs of this user left: processes, directories, containers. Returns a line for each.

    `force` takes the things of living runs too, those of the calling process excepted.
    """
    removed = []
    for pid, mark, run_id in _marked_processes():
        if (force or not owner_alive(mark)) and mark != owner_mark() and _kill(pid):
            removed.append(f"process {pid} of run {run_id}")
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*")):
        mark = path.name.removeprefix(DIRECTORY_PREFIX).partition(".")[0].replace("-", ":")
        if (force or not owner_alive(mark)) and mark != owner_mark() and path.is_dir() and _remove_directory(path):
            removed.append(f"directory {path}")
    return removed + _remove_containers(LAB_LABEL, force=force)


def _marked_processes() -> list[tuple[int, str, str]]:
    """(pid, owner mark, run id) of every process of this user that a run started."""
    if not (PROC / "self/stat").exists():
        return _marked_by_psutil()
    found = []
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        try:
            if pid == os.getpid() or folder.stat().st_uid != os.getuid():
                continue
            pairs = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        environment = dict(pair.partition("=")[::2] for pair in pairs)
        if RUN_VARIABLE in environment and OWNER_VARIABLE in environment:
            found.append((pid, environment[OWNER_VARIABLE], environment[RUN_VARIABLE]))
    return sorted(found)


def _marked_by_psutil() -> list[tuple[int, str, str]]:
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ() if process.pid != os.getpid() else {}
        except (psutil.Error, OSError):
            continue
        if RUN_VARIABLE in environment and OWNER_VARIABLE in environment:
            found.append((process.pid, environment[OWNER_VARIABLE], environment[RUN_VARIABLE]))
    return sorted(found)


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def _remove_directory(path: Path) -> bool:
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def _remove_containers(label: str, force: bool) -> list[str]:
    """By label, through the engine if one answers."""
    removed: list[str] = []
    try:
        from lab.chains.engine.client import connect

        client = connect(timeout_s=5)
    except Exception:
        return removed
    import docker.errors

    try:
        for container in client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
            mark = container.labels.get(OWNER_LABEL, "")
            if (force or not owner_alive(mark)) and mark != owner_mark():
                with contextlib.suppress(docker.errors.APIError):
                    container.remove(force=True, v=True)
                    removed.append(f"container {container.short_id} of run {container.labels.get(RUN_LABEL, '?')}")
    except Exception:
        return removed
    finally:
        client.close()
    return removed


def _watch(owner: str) -> None:
    """Read until the pipe closes or the owner is gone, then remove what was announced.

    The owner is looked at too: a process it forked may hold the pipe open after its death.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    pids: dict[int, int] = {}
    directories: list[Path] = []
    labels: list[str] = []
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], OWNER_POLL_S)
        chunk = os.read(0, 65536) if readable else None
        if chunk == b"" or (chunk is None and not owner_alive(owner)):
            break
        *lines, pending = (pending + (chunk or b"")).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "done":
                return
            if word == "pid":
                pid, _, ticks = rest.partition(" ")
                pids[int(pid)] = int(ticks)
            elif word == "dir":
                directories.append(Path(rest))
            elif word == "container-label":
                labels.append(rest)
    began = time.monotonic()
    for after_s in SWEEPS_AFTER_S:
        time.sleep(max(0.0, began + after_s - time.monotonic()))
        _sweep(owner, pids, directories, labels)


def _sweep(owner: str, pids: dict[int, int], directories: list[Path], labels: list[str]) -> None:
    for pid, ticks in pids.items():
        if start_ticks(pid) == ticks:
            _kill(pid)
    for pid, mark, _ in _marked_processes():
        if mark == owner:
            _kill(pid)
    for path in directories:
        _remove_directory(path)
    for label in labels:
        _remove_containers(f"{RUN_LABEL}={label}", force=True)


if __name__ == "__main__":
    # Isolated as it is, the watcher knows no folder but the environment's, and the lab may lie elsewhere (PYTHONPATH).
    sys.path.append(str(Path(__file__).resolve().parents[3]))
    _watch(sys.argv[1])
