"""Stands between the lab and a guest's program on Linux, and ends all of that when the lab ends, however that is.

Whatever the program starts stays below this process, in sessions of its own and with a cleared environment, too: it is
their subreaper. It ends when the last of them has ended, with the exit code of the program. Run as a plain file, with
the standard library alone: the number of a pipe, the process to live with, the run's id, the program's words. The pipe
gets the program's process id, or the number of the error that kept it from starting.
"""

import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOOK_AGAIN_S = 0.005
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def main(pipe: int, lab: int, run_variable: str, run_id: str, words: list[str]) -> None:
    """Run the program; does not return."""
    signal.signal(signal.SIGUSR1, lambda *_: _end_all())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
    if os.getppid() != lab:
        os._exit(1)
    os.set_inheritable(pipe, False)
    # This process does without the mark, so that the run's watcher leaves it to its work.
    os.environ[run_variable] = run_id
    # Python sets this one under the C locale (PEP 538).
    if not any(pair.startswith(b"LC_CTYPE=") for pair in Path("/proc/self/environ").read_bytes().split(b"\0")):
        os.environ.pop("LC_CTYPE", None)
    program = os.fork()
    if program == 0:
        _become(pipe, words)
    os.write(pipe, f"pid {program}\n".encode())
    os.close(pipe)
    # The log is the program's: one that was removed or closed is no longer held open by this process.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    _exit_as(_wait_for_all(program))


def _become(pipe: int, words: list[str]) -> None:
    """In the child: never returns."""
    keeper = os.getppid()
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == keeper:
            os.execvp(words[0], words)
    except OSError as error:
        os.write(pipe, f"error {error.errno}\n".encode())
    finally:
        os._exit(127)


def _wait_for_all(program: int) -> int:
    """The program's wait status, once nothing of it is left."""
    status = 0
    while True:
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if pid == program:
            status = ended


def _exit_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _end_all() -> None:
    """The lab is gone."""
    while True:
        for pid in _descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            os._exit(1)
        time.sleep(LOOK_AGAIN_S)


def _descendants() -> set[int]:
    parents: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        parents[int(process.name)] = int(fields[1])
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return below - {os.getpid()}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
