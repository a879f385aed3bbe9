"""What the workers of a run say of themselves: waits for their files, and adds them up."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from lab.load.analyse.statistics import percentile
from lab.load.record.plan import START


def await_accounts(folder: Path, within_s: float = 10.0) -> bool:
    """Wait for every worker's account: with several hosts or processes the last may come after the end of the run."""
    started = folder / START
    if not started.is_file():
        return False
    wanted = json.loads(started.read_text(encoding="utf-8"))["workers"]
    deadline = time.monotonic() + within_s
    while len(list(folder.glob("worker-*.json"))) < wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def settings_against(folder: Path) -> tuple[str, ...]:
    """What of Locust's own settings made the run another than its profile's."""
    started = folder / START
    found = json.loads(started.read_text(encoding="utf-8")) if started.is_file() else {}
    return tuple(found.get("contradictions", ()))


def generator_account(folder: Path) -> dict[str, Any]:
    """What the workers said of themselves, together."""
    accounts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("worker-*.json"))]
    lags = sorted(lag for a in accounts for s in a["streams"].values() for lag in s["tick_lag_us"])
    tallies = [s for a in accounts for s in a["streams"].values()]
    memory = [[bytes_ for _, bytes_ in a["memory"]] for a in accounts]
    counts = ("arrivals", "dropped", "held", "resent", "requests", "recoveries", "senders_blocked")
    refusals: dict[str, int] = {}
    for tally in tallies:
        for kind in ("refusals", "failures"):
            for reason, count in tally[kind].items():
                refusals[reason] = refusals.get(reason, 0) + count
    return {
        "workers": len(accounts),
        "cpu_seconds": round(sum(a["cpu_seconds"] for a in accounts), 3),
        **{name: sum(tally[name] for tally in tallies) for name in counts},
        "finished": bool(tallies) and all(tally["finished"] for tally in tallies),
        "tick_lag_ms": {
            "n": len(lags),
            "p50": percentile(lags, 50) / 1000,
            "p99": percentile(lags, 99) / 1000,
            "max": lags[-1] / 1000,
        }
        if lags
        else {"n": 0},
        "memory_first": sum(rows[min(1, len(rows) - 1)] for rows in memory if rows),
        "memory_last": sum(rows[-1] for rows in memory if rows),
        "memory_max": sum(max(rows) for rows in memory if rows),
        "refusals": dict(sorted(refusals.items(), key=lambda item: -item[1])),
    }
