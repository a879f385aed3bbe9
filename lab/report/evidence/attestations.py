"""Attestations and waivers: YAML files in which a person answers for a row, until a date, with a document.

Whatever is expired, malformed or tampered with counts as missing, and says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from lab.bounded_files import sha256_file
from lab.errors import InvalidFile
from lab.html.text import clean
from lab.report.catalogue.rows import Row
from lab.report.records.row_result import StatementView
from lab.validation import suggestion
from lab.yamlsource import load_yaml, validate

FOLDER = Path("attestations")
SUFFIXES = (".yaml", ".yml")
# All that is said is kept in memory, of each file.
WORDS_MAX = 8_000
# What the validators below ask for, for an editor that only knows the schema.
_WORDS: JsonDict = {"type": "string", "pattern": "\\S"}
_KINDS: JsonDict = {
    "if": {"properties": {"kind": {"const": "waiver"}}, "required": ["kind"]},
    "then": {"properties": {"approver": _WORDS, "reason": _WORDS}, "required": ["approver", "reason"]},
    "else": {"properties": {"approver": {"const": ""}, "reason": {"const": ""}}},
}


class Attestation(BaseModel):
    """One file. `document` is relative to the file's own folder; `expires` is the last day on which it counts."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", json_schema_extra=_KINDS)

    row: str = Field(pattern=r"^[A-Z]{2,4}-\d{2,5}$")
    kind: Literal["attestation", "waiver"] = "attestation"
    owner: str = Field(min_length=1, max_length=WORDS_MAX, description="who answers for it")
    date: dt.date
    document: str = Field(min_length=1, max_length=WORDS_MAX, description="what was looked at, relative to this file")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the document")
    expires: dt.date
    note: str = Field(default="", max_length=WORDS_MAX)
    link: str = Field(
        default="",
        max_length=WORDS_MAX,
        description="where the document lives, such as a page of an explorer",
        json_schema_extra={"pattern": "^(https://.*)?$"},
    )
    contract_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="bytecode it speaks of")
    approver: str = Field(default="", max_length=WORDS_MAX, description="of a waiver")
    reason: str = Field(default="", max_length=WORDS_MAX, description="of a waiver")

    @field_validator("link")
    @classmethod
    def _web_link(cls, value: str) -> str:
        if value and not value.startswith("https://"):
            raise ValueError("expected a link that starts with https://")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Attestation:
        if self.expires <= self.date:
            raise ValueError(f"expected an expiry after the date {self.date}, got {self.expires}")
        if self.kind == "waiver" and not (self.approver.strip() and self.reason.strip()):
            raise ValueError("expected approver and reason: a waiver names who allows it, and why")
        if self.kind == "attestation" and (self.approver or self.reason):
            raise ValueError("approver and reason belong to a waiver: expected kind: waiver, or neither of them")
        return self


@dataclass(frozen=True, slots=True)
class Statement:
    """A file of the folder. `problem` is empty where it counts; `row` is None where that cannot be read."""

    file: str
    row: str | None
    attestation: Attestation | None
    problem: str

    @property
    def view(self) -> StatementView:
        """As `readiness.json` shows it: every text cleaned and cut."""
        said = self.attestation
        return StatementView(
            file=clean(self.file, 200),
            kind=said.kind if said else "attestation",
            row=self.row,
            owner=clean(said.owner, 120) if said else "",
            date=str(said.date) if said else "",
            expires=str(said.expires) if said else "",
            document=clean(said.document, 200) if said else "",
            sha256=said.sha256 if said else "",
            note=clean(said.note, 600) if said else "",
            link=clean(said.link, 300) if said else "",
            approver=clean(said.approver, 120) if said else "",
            reason=clean(said.reason, 600) if said else "",
            problem=self.problem,
        )


def load_statements(
    folder: Path, rows: Mapping[str, Row], today: dt.date, contract_sha256: str | None = None
) -> list[Statement]:
    """Every file of the folder in the order of names; nothing in a file makes this raise."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    except OSError as error:
        return [Statement(folder.name, None, None, f"the folder cannot be read: {error.strerror}")]
    return [_read(path, folder, rows, today, contract_sha256) for path in files]


def _read(path: Path, folder: Path, rows: Mapping[str, Row], today: dt.date, contract: str | None) -> Statement:
    name = path.relative_to(folder).as_posix()
    row = None
    try:
        source = load_yaml(path)
        stated = source.value.get("row") if isinstance(source.value, dict) else None
        row = stated if isinstance(stated, str) and stated in rows else None
        said = validate(source, Attestation)
    except (InvalidFile, RecursionError) as error:
        problems = [
            f"line {problem.line}: {f'{problem.path}: ' if problem.path else ''}{problem.message}"
            for problem in getattr(error, "problems", ())
        ]
        return Statement(name, row, None, clean("malformed: " + "; ".join(problems[:3]), 400))
    return Statement(name, said.row, said, _objection(said, path, rows, today, contract))


def _objection(said: Attestation, path: Path, rows: Mapping[str, Row], today: dt.date, contract: str | None) -> str:
    """Why a well-formed statement does not count; empty where it does."""
    row = rows.get(said.row)
    if row is None:
        return f"no row has the id {said.row}{suggestion(said.row, rows)}"
    if said.kind == "waiver" and row.must_pass:
        return f"{said.row} must pass: it cannot be waived"
    if said.kind == "attestation" and row.row_class in ("lab", "lab-bounded"):
        return f"{said.row} is proven by runs: nobody's word replaces them"
    if said.date > today + dt.timedelta(days=1):
        return f"dated {said.date}, in the future"
    if said.expires < today:
        return f"expired on {said.expires}"
    if "contract" in row.depends_on and said.contract_sha256 and contract and said.contract_sha256 != contract:
        return f"it speaks of another contract ({said.contract_sha256[:12]})"
    document = path.parent / said.document
    try:
        if not document.is_file():
            return f"its document {clean(said.document, 120)} is not there"
        sha256 = sha256_file(document)
    except (OSError, ValueError) as error:
        return f"its document {clean(said.document, 120)} cannot be read: {type(error).__name__}"
    if sha256 != said.sha256:
        return f"its document {clean(said.document, 120)} was changed: the sha256 differs"
    return ""
