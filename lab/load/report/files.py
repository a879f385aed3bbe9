"""Writes what a load run leaves behind: load.json, series.csv, rows.json, the page, and a manifest with digests."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from lab.bounded_files import write_atomically
from lab.evidence.manifest import Against, MeasuredRow, MeasurementManifest
from lab.evidence.outcomes import note_outcome
from lab.evidence.repository import lab_state
from lab.evidence.seal import MANIFEST, read_manifest, write_sealed
from lab.load.analyse.reconcile import Result
from lab.load.analyse.rows import rows_of
from lab.load.analyse.series import Second
from lab.load.report.page import render

LOAD, SERIES, ROWS, PAGE = "load.json", "series.csv", "rows.json", "report.html"


def write_files(result: Result, folder: Path) -> Path:
    """Everything, the manifest last; the page's path."""
    rows, made_of = rows_of(result), result.context.made_of
    begun = read_manifest(folder)[0] if (folder / MANIFEST).is_file() else {}
    facts = {
        "profile": result.context.name,
        "profile_file": begun.get("profile_file"),
        "project": begun.get("project"),
        "item": f"load {result.context.name}",
        "run_id": result.context.run_id,
        "started": made_of.started,
        "lab": lab_state(),
        "contract": {} if made_of.contract is None else made_of.contract.to_json(),
        "relayer": dict(made_of.relayer or {}),
        "profile_sha256": hashlib.sha256(result.context.profile.model_dump_json().encode()).hexdigest(),
    }
    entries = [{**asdict(row), "evidence": list(row.evidence)} for row in rows]
    write_atomically(folder / LOAD, json.dumps(as_json(result), indent=1) + "\n")
    write_atomically(folder / SERIES, _csv(result))
    write_atomically(folder / ROWS, json.dumps({"schema_version": 1, **facts, "rows": entries}, indent=1) + "\n")
    write_atomically(folder / PAGE, render(result, rows, folder))
    manifest: dict[str, Any] = {
        "schema_version": 1,
        **facts,
        "made_of": made_of.to_json(),
        "outcome": str(result.judged.outcome),
        **Against.of(map(MeasuredRow.read, entries)).as_json(),
    }
    write_sealed(folder, manifest, (LOAD, SERIES, ROWS, PAGE))
    made_with = MeasurementManifest.read(manifest).made_with
    note_outcome(folder, manifest, None, made_with=made_with)
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
    context, judged, flows = result.context, result.judged, result.flows
    ceilings = {name: chain.ceiling_of(name) for name, chain in context.chains.items()}
    content: dict[str, Any] = to_jsonable_python(
        {
            "schema_version": 1,
            "run_id": context.run_id,
            "name": context.name,
            "outcome": judged.outcome,
            "bottleneck": judged.bottleneck,
            "invalid": judged.invalid,
            "unexplained": judged.unexplained,
            "problems": result.problems,
            "criteria": judged.verdicts,
            "totals": result.totals,
            "chains": {name: chain.to_json() for name, chain in result.chains.items()},
            "ceilings": {name: {**asdict(one), "tps": round(one.tps, 1)} for name, one in ceilings.items()},
            "network_ceilings": {one.network: round(one.tps, 1) for one in result.network_ceilings},
            "flows": None if flows is None else flows.to_json(),
            "outages": result.outages,
            "costs": result.costs,
            "generator": result.generator,
            "resources": result.resources,
            "signing": context.signing,
            "operators": context.operators,
            "workers": context.workers,
            "profile": context.profile.model_dump(),
            "made_of": context.made_of,
            "series": result.series,
        },
        by_alias=True,
    )
    return content


def _csv(result: Result) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("chain", *Second.model_fields))
    for name, rows in result.series.items():
        # An empty cell where there is no figure.
        writer.writerows((name, *(value for _, value in row)) for row in rows)
    return text.getvalue()
