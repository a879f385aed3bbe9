"""`lab freeze`: the audited source, and what would ship."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.paths import REFERENCE_CONTRACT, SCENARIOS
from tests.compiling import compile_once


def test_the_audited_source_is_kept_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    digest = compile_once(REFERENCE_CONTRACT).source_sha256

    assert CliRunner().invoke(app, ["freeze"]).exit_code == 3
    assert CliRunner().invoke(app, ["freeze", "--audited", "f" * 64]).exit_code == 1
    done = CliRunner().invoke(app, ["freeze", "--audited", digest])
    assert done.exit_code == 0
    assert "unchanged since the audit" in done.output
    assert CliRunner().invoke(app, ["freeze"]).exit_code == 0


def test_what_is_no_digest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    refused = CliRunner().invoke(app, ["freeze", "--audited", "latest"])

    assert refused.exit_code == 2
    assert "expected a sha256 of 64 hex digits" in refused.output
    assert "docs/troubleshooting.md#e-usageerror" in refused.output
    assert not (tmp_path / "attestations").exists()


def test_the_row_wants_an_attested_audit_beside_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/readiness.md walks it: a digest alone shows nothing; an audit that somebody answers for counts."""
    monkeypatch.chdir(tmp_path)
    scenario = run_path(str(SCENARIOS / "quality" / "test_code_freeze.py"))
    digest = compile_once(REFERENCE_CONTRACT).source_sha256
    played: list[str] = []

    def judge() -> None:
        scenario["test_code_freeze"](lambda setup, play: played.append(setup))

    with pytest.raises(pytest.skip.Exception, match="no audited source is on record"):
        judge()
    assert CliRunner().invoke(app, ["freeze", "--audited", digest]).exit_code == 0
    with pytest.raises(pytest.skip.Exception, match="no audit is attested: `lab attest SCS-01`"):
        judge()
    (tmp_path / "audit.pdf").write_text("all findings closed")
    attested = ["attest", "SCS-01", "--owner", "Jo", "--document", "audit.pdf", "--expires", "2999-01-01"]
    assert CliRunner().invoke(app, attested).exit_code == 0
    judge()
    assert len(played) == 1
    (tmp_path / "audit.pdf").write_text("another audit")
    with pytest.raises(pytest.skip.Exception, match="no audit is attested"):
        judge()
