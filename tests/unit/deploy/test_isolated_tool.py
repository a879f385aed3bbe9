"""Programs that uv fetches, beside a stand-in for uv that says what it was given."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
import uv

from lab.analysis.slither import run_slither
from lab.deploy.compile import compile_contract
from lab.deploy.vyper.source import VyperSource, read_source
from lab.errors import EnvironmentFailure
from lab.live.verify.bundle import bundle_of, recompiled

SOURCE = "# @version 0.3.10\nx: public(uint256)\n"
GIVEN = {"language": "Vyper", "sources": {"a.vy": {"content": SOURCE}}, "settings": {}}
USERS: dict[str, Callable[[Path], object]] = {
    "compile": lambda path: compile_contract(path, cache_dir=path.parent / "cache"),
    "bundle": lambda path: bundle_of(read_source(path)),
    "bundle of its own": lambda path: bundle_of(newer(path)),
    "recompile": lambda path: recompiled(GIVEN, "0.3.10", "a.vy", path.parent.name),
    "slither": lambda path: run_slither(read_source(path)),
    "installation": lambda path: import_module("scenarios.quality.test_installation").install(path.parent, path),
}


def newer(path: Path) -> VyperSource:
    """A source of a release that makes bundles by itself, and is not the installed one."""
    path.write_text("# pragma version 0.4.0\nx: public(uint256)\n", "utf-8")
    return read_source(path)


@pytest.mark.parametrize("user", USERS)
def test_uv_trusts_what_the_machine_trusts(user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy that opens TLS nothing could be fetched otherwise."""
    said, program, source = tmp_path / "said.json", tmp_path / "uv", tmp_path / "a.vy"
    source.write_text(SOURCE, "utf-8")
    program.write_text(
        "#!/usr/bin/env python3\nimport json, os, sys\n"
        f"json.dump([os.environ.get('UV_SYSTEM_CERTS'), os.environ.get('PYTHONUTF8')], open({str(said)!r}, 'w'))\n"
        "sys.exit('error: Failed to fetch')\n",
        "utf-8",
    )
    program.chmod(0o700)
    monkeypatch.setattr(uv, "find_uv_bin", lambda: str(program))
    monkeypatch.delenv("UV_SYSTEM_CERTS", raising=False)
    # A compiler that cannot be had is not the contract's fault.
    with suppress(EnvironmentFailure):
        USERS[user](source)
    assert json.loads(said.read_text("utf-8")) == ["1", "1"]
