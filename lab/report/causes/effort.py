"""Which runs took far more than the same scenario takes with the reference: a fault that no check looks for.

The basis is recorded: the transactions and the seconds of each library scenario with the reference contract and relayer
(`effort.json`). Transactions do not depend on the machine. Seconds do, so that nothing below a minute is mentioned.
`python -m lab.report.causes.effort SESSION...` records them again; of several sessions the least counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pydantic import Field

from lab.bounded_files import read_model, write_atomically
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import runs_of
from lab.evidence.recorded import Recorded
from lab.html.text import clean

EFFORT = Path(__file__).with_name("effort.json")
TIMES, SECONDS_MIN, TRANSACTIONS_MIN = 20, 60.0, 200


class Effort(Recorded):
    """Of one item with the reference."""

    transactions: int = 0
    seconds: float = 0.0


class Efforts(Recorded):
    """By scenario, as its file is called in the library, and item."""

    scenarios: dict[str, dict[str, Effort]] = Field(default_factory=dict)


def excesses(runs: Iterable[RunManifest]) -> tuple[str, ...]:
    """A sentence for each run that took TIMES as much or more; nothing of scenarios that have no basis."""
    return tuple(sentence for made in runs for sentence in _excess(made))


def _excess(made: RunManifest) -> Iterable[str]:
    basis = _recorded().scenarios.get(made.scenario_file or "", {}).get(made.item or "")
    if basis is None:
        return
    name, sent, took = clean(made.item or "", 120), made.transactions or 0, made.duration_s or 0.0
    if sent >= max(TRANSACTIONS_MIN, TIMES * basis.transactions):
        yield f"{name} made {sent:,} transactions; with the reference it makes {basis.transactions:,}"
    if made.clock == "virtual" and took >= max(SECONDS_MIN, TIMES * basis.seconds):
        yield f"{name} took {took:.0f} s; with the reference it took {basis.seconds:.1f} s where that was recorded"


@cache
def _recorded() -> Efforts:
    return read_model(EFFORT, Efforts)


def record(sessions: Iterable[Path]) -> Efforts:
    """From sessions with the reference, of runs that ended; the least of several."""
    scenarios: dict[str, dict[str, Effort]] = {}
    for run in (run for session in sessions for run in runs_of(session)):
        made = RunManifest.read(run.manifest())
        if made.scenario_file and made.item and made.duration_s is not None:
            effort = Effort(transactions=made.transactions or 0, seconds=round(made.duration_s, 1))
            items = scenarios.setdefault(made.scenario_file, {})
            items[made.item] = min(effort, items.get(made.item, effort), key=lambda one: one.seconds)
    return Efforts(scenarios={name: dict(sorted(items.items())) for name, items in sorted(scenarios.items())})


if __name__ == "__main__":
    write_atomically(EFFORT, json.dumps(record(map(Path, sys.argv[1:])).as_json(), indent=1) + "\n")
