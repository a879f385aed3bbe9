"""`lab attest ROW`: writes an attestation or a waiver, with the sha256 of its document, and checks it right away."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import sha256_file, write_atomically
from lab.commands.release.current import shipping_contract
from lab.commands.release.report import parse_day
from lab.errors import UsageError
from lab.evidence.newest import newest_runs
from lab.report.catalogue.rows import CHECKLIST, Row, load_catalogue
from lab.report.evidence.attestations import load_statements
from lab.report.schemas import ATTESTATION, schema_text
from lab.session.under_test import system_under_test
from lab.validation import suggestion

Ask = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class AttestRequest:
    """The command line; None is asked for."""

    row: str
    owner: str | None
    document: Path | None
    expires: str | None
    note: str | None
    link: str | None
    waive: bool
    approver: str | None
    reason: str | None
    folder: Path
    checklist: Path | None
    results: Path


def attest(request: AttestRequest, ask: Ask | None) -> Path:
    """Write the file; returns its path. `ask` None: nobody can be asked. Raises UsageError."""
    rows = {row.id: row for row in load_catalogue(request.checklist or CHECKLIST).rows}
    row = rows.get(request.row.upper())
    if row is None:
        raise UsageError(f"expected the id of a row, got '{request.row}'{suggestion(request.row.upper(), rows)}")
    _allowed(row, request.waive)
    answers = _answers(row, request, ask)
    document = Path(answers["document"])
    if not document.is_file():
        raise UsageError(f"{document}: expected the document that shows it, there is no such file")
    today = dt.datetime.now(dt.UTC).date()
    expires = parse_day(answers["expires"], "--expires")
    if expires <= today:
        raise UsageError(f"--expires: expected a day after today ({today}), got {expires}")
    kind = "waiver" if request.waive else "attestation"
    about = "contract" in row.depends_on
    contract = _shipping(request.results) if about else None
    path = _free(request.folder, f"{row.id}-{kind}-{today}")
    relative = _relative(document.resolve(), request.folder.resolve())
    lines = [f"# yaml-language-server: $schema={ATTESTATION}", f"# {row.item}: {row.proof}"]
    lines += [f"row: {row.id}", f"kind: {kind}", f"owner: {_quoted(answers['owner'])}"]
    lines += [f"date: {_quoted(str(today))}", f"document: {_quoted(relative)}", f"sha256: {sha256_file(document)}"]
    lines += [f"expires: {_quoted(str(expires))}"]
    lines += [f"{name}: {_quoted(answers[name])}" for name in ("note", "link", "approver", "reason") if answers[name]]
    lines += [f"contract_sha256: {contract}"] if contract else []
    write_atomically(path, "\n".join(lines) + "\n")
    _check(path, rows, today, contract)
    # Beside the statements, so that the editor of whoever checks the repository out finds it.
    write_atomically(request.folder / ATTESTATION, schema_text(ATTESTATION))
    return path


def _shipping(results: Path) -> str | None:
    system = system_under_test(contract=None, relayer_cmd=None, beside=[results])
    return shipping_contract(newest_runs(results).runs, system).sha256


def _allowed(row: Row, waive: bool) -> None:
    if waive and row.must_pass:
        raise UsageError(f"{row.id} must pass: it cannot be waived")
    if not waive and row.row_class in ("lab", "lab-bounded"):
        raise UsageError(f"{row.id} is proven by runs, nobody's word replaces them: run its proofs, or --waive it")


def _answers(row: Row, request: AttestRequest, ask: Ask | None) -> dict[str, str]:
    """Options first; what is missing is asked for, where there is somebody to ask."""
    given = {
        "owner": request.owner,
        "document": str(request.document) if request.document else None,
        "expires": request.expires,
        "approver": request.approver if request.waive else "",
        "reason": request.reason if request.waive else "",
        "note": request.note,
        "link": request.link,
    }
    needed = [name for name in ("owner", "document", "expires", "approver", "reason") if given[name] is None]
    if ask is None:
        if needed:
            options = ", ".join(f"--{name}" for name in needed)
            raise UsageError(f"{row.id}: nobody to ask here, so expected the options {options}")
        return {name: value or "" for name, value in given.items()}
    print(f"{row.id}  {row.item}: {row.detail}\n  what shows it: {row.proof}", file=sys.stderr)
    words = {
        "owner": "Who answers for it",
        "document": "Document that shows it (a file)",
        "expires": "Last day on which it counts (YYYY-MM-DD)",
        "approver": "Who allows the waiver",
        "reason": "Why it may stay open",
        "note": "Note",
        "link": "Link (https://…)",
    }
    return {
        name: ask(words[name], "" if name not in needed else "?") if value is None else value
        for name, value in given.items()
    }


def _free(folder: Path, stem: str) -> Path:
    path = folder / f"{stem}.yaml"
    number = 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.yaml", number + 1
    return path


def _relative(document: Path, folder: Path) -> str:
    return Path(os.path.relpath(document, folder)).as_posix()


def _check(path: Path, rows: dict[str, Row], today: dt.date, contract: str | None) -> None:
    """What was written must count, or it is taken away again with the reason."""
    statements = load_statements(path.parent, rows, today, contract)
    written = next(statement for statement in statements if statement.file == path.name)
    if written.problem:
        path.unlink()
        raise UsageError(f"{path.name}: not written, it would not count: {written.problem}")


def _quoted(text: str) -> str:
    """A JSON string is a YAML string, too."""
    return json.dumps(text, ensure_ascii=False)
