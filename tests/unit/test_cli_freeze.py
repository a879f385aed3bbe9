"""`lab freeze`: the audited source, and what would ship."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.deploy.compile import compile_contract
from lab.paths import REFERENCE_CONTRACT
from lab.session.suite import cache_folder


def test_the_audited_source_is_kept_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    digest = compile_contract(REFERENCE_CONTRACT, cache_dir=cache_folder() / "compiled").source_sha256

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
