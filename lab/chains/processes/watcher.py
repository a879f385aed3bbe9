"""The program that `reaper` describes: it waits for the end of a run, and removes what the run has announced.

Every run starts one, and most need none. So it is a plain file, started isolated, and loads next to nothing before a
run has died.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

OWNER_POLL_S = 0.5
# A container may still be on its way into the engine when its run dies, so there is a second and a third look.
SWEEPS_AFTER_S = (0.0, 1.0, 3.0)


def watch(owner: int) -> list[str] | None:
    """What the run announced, once the pipe has closed or the owner is gone; None if it has cleaned up after itself.

    The owner, which started this process, is looked at too: one that it forked may hold the pipe open after its death.
    """
    announced: list[str] = []
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], OWNER_POLL_S)
        chunk = os.read(0, 65536) if readable else None
        if chunk == b"" or (chunk is None and os.getppid() != owner):
            return announced
        *lines, pending = (pending + (chunk or b"")).split(b"\n")
        for line in lines:
            if line == b"done":
                return None
            announced.append(os.fsdecode(line))


def remove(announced: Sequence[str], mark: str) -> None:
    """Remove all of it, and what carries the owner's mark."""
    from pathlib import Path

    from lab.chains.processes.leftovers import CONTAINERS, end_marked, kill, remove_containers
    from lab.owner import Owner, remove_directory, this_process

    owner = Owner.parse(mark, this_process().place)
    done = True
    for line in announced:
        if line.startswith("pid "):
            _, pid, ticks = line.split(" ")
            kill(int(pid), int(ticks))
    end_marked(owner)
    if "containers" in announced:
        done = remove_containers(owner)
    for line in announced:
        # Where no engine answers, the directory that stands for its containers is left for the next run.
        if line.startswith("dir ") and (done or f".{CONTAINERS}." not in Path(line[4:]).name):
            remove_directory(Path(line[4:]))


def main(root: str, mark: str) -> None:
    """Isolated as it is, it knows no folder but the environment's, and the lab, in `root`, may lie elsewhere."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    announced = watch(int(mark.partition(":")[0]))
    if announced is None:
        return
    sys.path.append(root)
    began = time.monotonic()
    for after_s in SWEEPS_AFTER_S:
        time.sleep(max(0.0, began + after_s - time.monotonic()))
        remove(announced, mark)


if __name__ == "__main__":
    main(*sys.argv[1:])
