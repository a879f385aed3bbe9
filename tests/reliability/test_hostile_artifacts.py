"""`lab contract` with artifacts that nobody would deploy: refused or found wanting, in words fit for a terminal."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from psutil import Process

from lab.chains.nodes.provision import AnvilBinary
from lab.cli import main
from tests.unit.forked import forked

from .artifacts import ARTIFACTS
from .caller import ADDRESS_SPACE_BYTES, MEMORY_MB_MAX
from .figures import Trials

pytestmark = pytest.mark.reliability


def trying(folder: Path) -> Callable[[], int]:
    """`lab contract Mine.json`, which writes down what memory it took beyond that of this process."""

    def body() -> int:
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
        before = Process().memory_info().rss
        try:
            sys.argv = ["lab", "contract", "Mine.json", "--backend", "process"]
            main()
        finally:
            took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
            (folder / "memory").write_text(str(took / (1 << 20)))
        return 0

    return body


@pytest.mark.parametrize("what", ARTIFACTS)
def test_a_hostile_artifact(what: str, anvil: AnvilBinary, tmp_path: Path, trials: Trials) -> None:
    """On a real node: never exit code 0, no traceback, no hang, nothing that a terminal must not be sent."""
    (tmp_path / "Mine.json").write_text(json.dumps(ARTIFACTS[what]()))
    code, out, err = forked(trying(tmp_path), tmp_path)
    peak_mb = float((tmp_path / "memory").read_text())
    trials.add(peak_mb=peak_mb)
    said = out + err
    assert code in (1, 2), said
    assert "Traceback" not in said
    assert all(line.replace("\t", "").isprintable() for line in said.splitlines()), ascii(said)
    assert peak_mb < MEMORY_MB_MAX
