"""Scenarios in real time run side by side: they mostly wait. How many workers of pytest-xdist, and in which order.

Where somebody says how many (`-n`, `--dist`, `--tx`), where pytest-xdist is switched off, or with a debugger, nothing
is chosen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from lab.plugin.collecting import scenario_files
from lab.plugin.items import ScenarioTest
from lab.plugin.options import plain, runs_nothing
from lab.plugin.sharing import in_real_time, is_worker, speed

Item = TypeVar("Item")
# Whether workers look for room before they begin an item, and what they are told of it.
CHOSEN, ADMISSION = pytest.StashKey[bool](), "lab_admission"

# What an item takes of a core while it runs, nodes and the reference relayer as a process included, at the wall's own
# speed: measured, see docs/own-relayer.md. Where a relayer takes more, `admission` lets fewer items begin.
ITEM_CORES = 0.03
# Each worker loads the lab and collects all items before its first run.
WORKERS_MAX = 16
# pytest's own options for another order.
ORDERS = ("failedfirst", "newfirst", "stepwise")


def choose_workers(config: pytest.Config) -> None:
    """Let pytest-xdist start as many workers as this machine bears, unless somebody chose."""
    chosen = plain(config, "numprocesses") is not None or plain(config, "dist") != "no" or plain(config, "tx")
    alone = runs_nothing(config) or any(plain(config, name) for name in ("usepdb", "trace"))
    if chosen or alone or not config.pluginmanager.hasplugin("xdist") or not in_real_time(config):
        return
    workers = workers_of(len(usable_cores()), speed(config))
    if (workers := min(workers, _items(config, workers))) > 1:
        config.option.tx, config.option.dist = ["popen"] * workers, "worksteal"
        config.stash[CHOSEN] = True


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use: a container or taskset may leave it fewer than there are."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _items(config: pytest.Config, enough: int) -> int:
    """How many items that last are asked for, about; no more than `enough` are counted."""
    from lab.plugin.estimating import scenarios_of, seconds_of

    named = sum("::" in argument for argument in config.args)
    if named == len(config.args):
        return named
    items, wanted = 0, _keywords(config)
    for path in scenario_files(config):
        items += sum(seconds_of(config, item) > 0 for item in scenarios_of(path) if wanted(path, item.item))
        if items >= enough:
            break
    return items


def _keywords(config: pytest.Config) -> Callable[[Path, str], bool]:
    """What `-k` leaves of the items of files, about: pytest itself selects once the workers are there."""
    from _pytest.mark.expression import Expression

    given = plain(config, "keyword")
    if not given:
        return lambda path, item: True
    try:
        wanted = Expression.compile(given)
    except SyntaxError:  # pytest reports it, with the place
        return lambda path, item: True

    def selects(path: Path, item: str) -> bool:
        below = path.is_relative_to(config.rootpath)
        parts = path.relative_to(config.rootpath).parts if below else path.parts[-2:]
        names = [name.lower() for name in (*parts, item)]
        return wanted.evaluate(lambda word, /, **_: any(word.lower() in name for name in names))

    return selects


def workers_of(cores: int, factor: float) -> int:
    """How many items so many cores bear at once: fewer, the faster time passes; always one for each core."""
    return max(cores, min(WORKERS_MAX, int(cores / (ITEM_CORES * factor))))


def put_longest_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In real time, unless somebody wants another order; what does not wait keeps its own."""
    scenarios = [item for item in items if isinstance(item, ScenarioTest)]
    if not scenarios or any(plain(config, name) for name in ORDERS) or not in_real_time(config):
        return
    from lab.plugin.estimating import seconds_of

    lasting = {item.nodeid: seconds_of(config, item.scenario) for item in scenarios}
    workers = config.workerinput["workercount"] if is_worker(config) else 1  # type: ignore[attr-defined]
    items[:] = dealt(items, lambda item: lasting.get(item.nodeid, 0.0), workers)


def dealt(items: Sequence[Item], seconds: Callable[[Item], float], workers: int) -> list[Item]:
    """Equal shares of neighbours, one for each worker. Those that last begin the shares, the longest first.

    Each goes to the share that has least to do so far. What comes second in a share cannot be taken from a worker that
    is busy with the first: it does not last.
    """
    lasting = sorted((item for item in items if seconds(item) > 0), key=seconds, reverse=True)
    others = [item for item in items if seconds(item) <= 0]
    sizes: list[int] = []
    for number in range(workers):
        # What is left is shared by the workers that are left, as pytest-xdist does it.
        sizes.append((len(items) - sum(sizes)) // (workers - number))
    room = [max(size - (len(others) >= workers), 0) for size in sizes]
    begin: list[list[Item]] = [[] for _ in sizes]
    for item in lasting:
        free = [number for number, first in enumerate(begin) if len(first) < room[number]] or range(workers)
        begin[min(free, key=lambda number: sum(map(seconds, begin[number])))].append(item)
    shares: list[Item] = []
    for size, first in zip(sizes, begin, strict=True):
        rest = max(size - len(first), 0)
        short, others = others[:rest], others[rest:]
        shares += [*first[:1], *short[:1], *first[1:], *short[1:]]
    return shares + others
