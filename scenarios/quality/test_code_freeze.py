"""What would ship is what was audited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.commands.release.freeze import FILE, audited_digest
from lab.runner.script import Script

SETUP = """
name: Code freeze
description: >
  The source of the contract under test has the digest that `lab freeze --audited` put on record. Every file that the
  compilation reads counts, a comment included. Without a digest on record nothing is shown.
rows: [SCS-04]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: [default]
"""


def test_code_freeze(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Compare the digests."""
    audited = audited_digest(Path.cwd())
    if audited is None:
        pytest.skip(f"no audited source is on record in {FILE}: `lab freeze --audited SHA256`")

    def play(script: Script) -> None:
        contract = script.run.lab.wanted.target.contract
        script.expect_equal(f"the digest of {contract.name}'s source", contract.source_sha256, audited)

    lab_run(SETUP, play)
