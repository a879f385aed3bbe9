"""A whole report: what `readiness.json` holds. Its JSON schema is committed in `lab/report`."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_core import to_json

from lab.bounded_files import JSON_BYTES_MAX, JSON_VALUES_MAX, UnfitFile, parse_model, read_bytes, read_object
from lab.json_values import json_values
from lab.model.under_test import UnderTest
from lab.report.catalogue.frozen import Frozen
from lab.report.catalogue.rows import Stage
from lab.report.records.criterion import Criterion
from lab.report.records.measured import Measured
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import Decision, RowVerdict


class StageDecision(Frozen):
    """A stage includes the rows of the stages before it."""

    stage: Stage
    decision: Decision
    rows: int
    settled: int
    counts: dict[RowVerdict, int]
    reasons: tuple[str, ...]


class PathStep(Frozen):
    """One thing to do on the way to GO, and the rows that it can settle; most urgent first."""

    rank: int
    rows: tuple[str, ...]
    must_pass: int
    verdict: RowVerdict
    owner: str
    action: str
    needs: str = Field(default="", description="what has to be there before the command can settle the rows")
    command: str


class RowChange(Frozen):
    """A row whose verdict is another one than in the report that is compared with."""

    row: str
    before: RowVerdict | None
    now: RowVerdict
    worse: bool


class Comparison(Frozen):
    """This report beside an earlier one."""

    generated: str
    decision: Decision
    rows: tuple[RowChange, ...]
    moved: tuple[str, ...] = Field(description="what the evidence was made with, where that changed")


class Expiry(Frozen):
    """Something that counts today and no longer does on the release date."""

    row: str
    what: str
    expires: str


class Contradiction(Frozen):
    """A statement of the checklist beside what was found."""

    id: str
    rows: tuple[str, ...]
    stated: str
    found: str


class TrendPoint(Frozen):
    """One earlier report, in short."""

    generated: str
    stage: Stage
    decision: Decision
    settled: dict[Stage, int]
    failing: int


class Provenance(Frozen):
    """What the evidence was made with; several values where runs differ."""

    contract_sha256: str | None = Field(description="the contract that the report is about")
    lab_commit: str | None = Field(default=None, description="of the lab that wrote the report")
    lab_version: str | None = None
    contracts: tuple[str, ...]
    compilers: tuple[str, ...] = ()
    lab_commits: tuple[str, ...]
    dirty: bool
    backends: tuple[str, ...]
    nodes: tuple[str, ...] = Field(default=(), description="node version, and digest of its binary or image")
    clocks: tuple[str, ...]
    seeds: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    versions: dict[str, tuple[str, ...]]
    runs: int
    first_started: str | None
    last_started: str | None


class Readiness(Frozen):
    """Decisions with their reasons, the rows that they rest on, and what the evidence was made with."""

    schema_version: Literal[1] = 1
    document: str
    under_test: UnderTest | None = Field(default=None, description="contract, relayer and project, and why these")
    generated: str
    stage: Stage = Field(description="the stage that `decision` is about")
    decision: Decision
    release_date: str | None = None
    stages: tuple[StageDecision, ...]
    counts: dict[RowVerdict, int]
    path_to_go: tuple[PathStep, ...] = ()
    since_last: Comparison | None = None
    since_go: Comparison | None = None
    expiring: tuple[Expiry, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    measured: Measured = Measured()
    contradictions: tuple[Contradiction, ...]
    problems: tuple[str, ...] = Field(description="evidence that could not be read or attributed to a row")
    notes: tuple[str, ...] = Field(default=(), description="what was left out of account, and why; changes no decision")
    trend: tuple[TrendPoint, ...] = ()
    provenance: Provenance
    rows: tuple[RowResult, ...]


def read_readiness(path: Path) -> Readiness:
    """A report. Raises OSError, or UnfitFile with the first thing that does not fit.

    Row by row, so that one of thousands of runs can be read: what does not fit takes much memory for each value, and a
    single row has few values.
    """
    if trouble := oversize(path):
        raise UnfitFile(path, trouble, code=errno.EFBIG)
    value = read_object(path)
    rows = value.get("rows")
    if not isinstance(rows, list):
        return parse_model(to_json(value), Readiness, path)
    head = parse_model(to_json(value | {"rows": []}), Readiness, path)
    read = tuple(parse_model(to_json(row), RowResult, f"{path}: rows.{number}") for number, row in enumerate(rows))
    return head.model_copy(update={"rows": read})


def oversize(path: Path) -> str:
    """Why a report cannot be read again, and so neither signed nor bundled; empty where it can. Raises OSError."""
    if (
        path.stat().st_size <= JSON_BYTES_MAX
        and json_values(read_bytes(path, max_bytes=JSON_BYTES_MAX)) <= JSON_VALUES_MAX
    ):
        return ""
    return (
        f"expected at most {JSON_BYTES_MAX >> 20} MB and {JSON_VALUES_MAX:,} values in a report to sign or bundle, "
        "got more: have it judge fewer runs (another --results, `lab prune`)"
    )
