"""In real time an item more begins once the cores have room for it.

What a relayer takes of them nobody knows before it runs. So the lab starts more workers of pytest-xdist than there are
cores, and those that are more begin an item only when the machine has idled for a while. The higher its number, the
longer a worker looks: it sees what the one before it has begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from lab.plugin.side_by_side import ADMISSION, usable_cores

# An item more begins where this share of the cores idled in each of some looks. Runs are late where none is left.
IDLE_SHARE = 0.4
LOOK_S, LOOKS_MAX = 0.5, 4
# Whatever else keeps the machine busy may last.
PATIENCE_S = 60.0


def admit(config: pytest.Config) -> None:
    """Wait until this worker may begin its next item: not at all unless the lab chose how many workers there are."""
    given = getattr(config, "workerinput", {})
    if not given.get(ADMISSION):
        return
    cores = usable_cores()
    beyond = int(given["workerid"].removeprefix("gw")) + 1 - len(cores)
    if beyond > 0:
        await_room(min(beyond, LOOKS_MAX), lambda: _idle_share(cores))


def await_room(looks: int, idle_share: Callable[[], float], now_s: Callable[[], float] = time.monotonic) -> None:
    """Until so many looks on end have found room, or patience ends. `idle_share` looks for a while."""
    begun_s, idle = now_s(), 0
    while idle < looks and now_s() - begun_s < PATIENCE_S:
        idle = idle + 1 if idle_share() >= IDLE_SHARE else 0


def _idle_share(cores: list[int]) -> float:
    """How much of their time these cores do nothing, during one look."""
    import psutil

    spent = psutil.cpu_times_percent(interval=LOOK_S, percpu=True)
    idle = [core.idle for number, core in enumerate(spent) if number in cores]
    return sum(idle) / len(idle) / 100 if idle else 1.0
