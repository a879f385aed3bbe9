"""Writes what a load run leaves behind: load.json, series.csv, rows.json, the page, and a manifest with digests."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.bounded_files import write_atomically
from lab.evidence.repository import lab_state
from lab.evidence.seal import write_sealed
from lab.load.analyse.reconcile import Result
from lab.load.analyse.rows import rows_of
from lab.load.analyse.statistics import summary
from lab.load.report.page import render

LOAD, SERIES, ROWS, PAGE = "load.json", "series.csv", "rows.json", "report.html"
_COLUMNS = ("t", "offered", "mined", "succeeded", "inclusion_p50", "inclusion_p95", "inclusion_p99", "gas_share",
            "base_fee_gwei")  # fmt: skip


def write_files(result: Result, folder: Path) -> Path:
    """Everything, the manifest last; the page's path."""
    rows = rows_of(result)
    facts = {
        "profile": result.context.name, "item": f"load {result.context.name}", "run_id": result.context.run_id,
        "started": result.context.made_of.get("started"), "lab": lab_state(),
        "contract": result.context.made_of.get("contract", {}),
    }  # fmt: skip
    write_atomically(folder / LOAD, json.dumps(as_json(result), indent=1) + "\n")
    write_atomically(folder / SERIES, _csv(result))
    write_atomically(folder / ROWS, json.dumps({"schema_version": 1, **facts, "rows": rows}, indent=1) + "\n")
    write_atomically(folder / PAGE, render(result, rows, folder))
    manifest = {
        "schema_version": 1,
        **facts,
        "made_of": result.context.made_of,
        "outcome": str(result.judged.outcome),
    }
    write_sealed(folder, manifest, (LOAD, SERIES, ROWS, PAGE))
    point_latest(folder)
    return folder / PAGE


def point_latest(folder: Path) -> None:
    """Let `load/latest` lead to this run. A file system without links goes without."""
    temporary = folder.parent / f".latest.{folder.name}"
    try:
        temporary.symlink_to(folder.name)
        temporary.replace(folder.parent / "latest")
    except OSError:
        temporary.unlink(missing_ok=True)


def as_json(result: Result) -> dict[str, Any]:
    """What load.json holds."""
    flows = None
    if result.flows is not None:
        flows = {
            "latency_ms": summary(result.flows.latencies_ms), "bound_ms_max": round(result.flows.bound_ms_max, 1),
            "ended": len(result.flows.latencies_ms), "open": result.flows.open,
            "per_second": round(result.flows.per_second, 2), "relayer_calls": result.flows.relayer_calls,
            "relayer_reverts": result.flows.relayer_reverts,
        }  # fmt: skip
    return {
        "schema_version": 1,
        "run_id": result.context.run_id,
        "name": result.context.name,
        "outcome": str(result.judged.outcome),
        "bottleneck": result.judged.bottleneck,
        "invalid": list(result.judged.invalid),
        "unexplained": list(result.judged.unexplained),
        "problems": list(result.problems),
        "criteria": [{**asdict(verdict), "outcome": str(verdict.outcome)} for verdict in result.judged.verdicts],
        "totals": result.totals,
        "chains": result.chains,
        "ceilings": {name: {**asdict(ceiling), "tps": round(ceiling.tps, 1)}
                     for name, ceiling in ((n, c.ceiling_of(n)) for n, c in result.context.chains.items())},
        "network_ceilings": {c.network: round(c.tps, 1) for c in result.network_ceilings},
        "flows": flows,
        "outages": list(result.outages),
        "costs": result.costs,
        "generator": result.generator,
        "resources": result.resources,
        "signing": result.context.signing,
        "operators": result.context.operators,
        "workers": result.context.workers,
        "profile": result.context.profile,
        "made_of": result.context.made_of,
        "series": result.series,
    }  # fmt: skip


def _csv(result: Result) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("chain", *_COLUMNS))
    for name, rows in result.series.items():
        for row in rows:
            writer.writerow((name, *(row.get(column, "") for column in _COLUMNS)))
    return text.getvalue()
