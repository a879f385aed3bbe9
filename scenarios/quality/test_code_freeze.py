"""What would ship is what was audited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.commands.release.freeze import FILE, audited_digest
from lab.report.catalogue.rows import load_catalogue
from lab.report.evidence.attestations import FOLDER, load_statements
from lab.runner.script import Script

SETUP = """
name: Code freeze
description: >
  The source of the contract under test has the digest that `lab freeze --audited` put on record, and somebody answers
  for the audit: an attestation of SCS-01 that counts. Every file that the compilation reads counts, a comment included.
  Without a digest and an audit on record nothing is shown.
rows: [SCS-04]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: [default]
"""
AUDIT = "SCS-01"


def attested_audits(folder: Path) -> list[str]:
    """The attestations of an audit that count today, whatever contract ships."""
    rows = {row.id: row for row in load_catalogue().rows}
    statements = load_statements(folder, rows, dt.datetime.now(dt.UTC).date())
    return [one.file for one in statements if one.row == AUDIT and not one.problem]


def test_code_freeze(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Compare the digests."""
    audited = audited_digest(Path.cwd())
    if audited is None:
        pytest.skip(f"no audited source is on record in {FILE}: `lab freeze --audited SHA256`")
    audits = attested_audits(Path.cwd() / FOLDER)
    if not audits:
        pytest.skip(f"no audit is attested: `lab attest {AUDIT}`")

    def play(script: Script) -> None:
        contract = script.run.lab.spec.target.contract
        script.note("audit", f"attested in {', '.join(audits)}")
        script.expect_equal(f"the digest of {contract.name}'s source", contract.source_sha256, audited)

    lab_run(SETUP, play)
