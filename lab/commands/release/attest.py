"""`lab attest ROW`: writes an attestation or a waiver, with the sha256 of its document, and checks it right away."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path

from lab.bounded_files import sha256_file, write_atomically
from lab.commands.release.current import attestations_folder, shipping_contract
from lab.commands.release.report import parse_day
from lab.commands.release.requests import AttestRequest
from lab.errors import UsageError
from lab.evidence.newest import newest_runs
from lab.paths import real_path
from lab.report.catalogue.rows import CHECKLIST, Row, load_catalogue
from lab.report.evidence.attestations import load_statements
from lab.report.schemas import ATTESTATION, schema_text
from lab.session.under_test import system_under_test
from lab.validation import suggestion
from lab.yamlsource import quoted

# Asks a question; whether it has to be answered.
Ask = Callable[[str, bool], str]
QUESTIONS = {
    "owner": "Who answers for it",
    "document": "Document that shows it (a file)",
    "expires": "Last day on which it counts (YYYY-MM-DD)",
    "approver": "Who allows the waiver",
    "reason": "Why it may stay open",
    "note": "Note",
    "link": "Link (https://…)",
}
OPTIONAL = ("note", "link")
OF_WAIVERS = ("approver", "reason")


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
        raise UsageError(f"{document}: expected the supporting document, found no such file")
    today = dt.datetime.now(dt.UTC).date()
    expires = parse_day(answers["expires"], "--expires")
    if expires <= today:
        raise UsageError(f"--expires: expected a day after today ({today}), got {expires}")
    kind = "waiver" if request.waive else "attestation"
    system = system_under_test(contract=None, relayer_cmd=None, beside=[request.results])
    runs = newest_runs(request.results).runs
    contract = shipping_contract(runs, system).sha256 if "contract" in row.depends_on else None
    folder = attestations_folder(request.folder, system, runs, request.results, must_exist=False)
    path = _free(folder, f"{row.id}-{kind}-{today}")
    relative = _relative(real_path(document), real_path(folder))
    lines = [f"# yaml-language-server: $schema={ATTESTATION}", f"# {row.item}: {row.proof}"]
    lines += [f"row: {row.id}", f"kind: {kind}", f"owner: {quoted(answers['owner'])}"]
    lines += [f"date: {quoted(str(today))}", f"document: {quoted(relative)}", f"sha256: {sha256_file(document)}"]
    lines += [f"expires: {quoted(str(expires))}"]
    lines += [f"{name}: {quoted(answers[name])}" for name in ("note", "link", "approver", "reason") if answers[name]]
    lines += [f"contract_sha256: {contract}"] if contract else []
    write_atomically(path, "\n".join(lines) + "\n")
    _check(path, rows, today, contract)
    # Beside the statements, so that the editor of whoever checks the repository out finds it.
    write_atomically(folder / ATTESTATION, schema_text(ATTESTATION))
    return path


def _allowed(row: Row, waive: bool) -> None:
    if waive and row.must_pass:
        raise UsageError(f"{row.id} must pass: it cannot be waived")
    if not waive and row.row_class in ("lab", "lab-bounded"):
        raise UsageError(f"{row.id} is proven by runs and cannot be attested: run its scenarios, or use --waive")


def _answers(row: Row, request: AttestRequest, ask: Ask | None) -> dict[str, str]:
    """Options first; what is missing is asked for, where there is somebody to ask."""
    given = {name: getattr(request, name) for name in QUESTIONS}
    if not request.waive:
        given |= dict.fromkeys(OF_WAIVERS, "")
    answers = {name: str(value) for name, value in given.items() if value is not None}
    missing = [name for name in QUESTIONS if name not in answers]
    if ask is None:
        if options := [f"--{name}" for name in missing if name not in OPTIONAL]:
            raise UsageError(f"{row.id}: expected the options {', '.join(options)}")
        return answers | dict.fromkeys(missing, "")
    print(f"{row.id}  {row.item}: {row.detail}\n  evidence: {row.proof}", file=sys.stderr)
    return answers | {name: ask(QUESTIONS[name], name not in OPTIONAL) for name in missing}


def _free(folder: Path, stem: str) -> Path:
    suffixes = chain([""], (f"-{number}" for number in count(2)))
    return next(path for suffix in suffixes if not (path := folder / f"{stem}{suffix}.yaml").exists())


def _relative(document: Path, folder: Path) -> str:
    return Path(os.path.relpath(document, folder)).as_posix()


def _check(path: Path, rows: dict[str, Row], today: dt.date, contract: str | None) -> None:
    """What was written must count, or it is taken away again with the reason."""
    statements = load_statements(path.parent, rows, today, contract)
    if problem := next(statement.problem for statement in statements if statement.file == path.name):
        path.unlink()
        raise UsageError(f"{path.name}: not written, because it would not count: {problem}")
