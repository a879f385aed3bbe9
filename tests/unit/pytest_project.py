"""A project of a user's, in which the tests of the plugin run pytest in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lab.environment import cache_folder
from lab.plugin import sharing

from .forked import forked

# Node and contracts are the user's: read before pytester puts HOME elsewhere, or every test makes them again.
CACHE = cache_folder().parent
# What else is installed here is there for the tests that ask for it; Hypothesis' report alone is half a second.
ADDOPTS = "-p no:randomly -p no:rerunfailures -p no:timeout -p no:hypothesispytest"

GOOD = """
name: Pays
description: One transaction, buffered.
networks: {ethereum: {}}
relayer: none
checks: [default, -L1, -L2]
flows:
  f: {pay: {chain: ethereum, at: +30s, payload: 64B}}
timeline:
  - buffer: f
  - expect: {leg: f.pay, state: BUFFERED}
"""
BAD = GOOD.replace("state: BUFFERED}", "state: READY}\n    because: somebody should have resolved it").replace(
    "name: Pays", "name: Waits in vain"
)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty one; the plugin comes by its entry point, as for every user."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", ADDOPTS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    return pytester


def write(project: pytest.Pytester, name: str, text: str) -> Path:
    """A file of the project."""
    path = project.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def forked_pytest(folder: Path, *args: str) -> tuple[int, str, str]:
    """pytest in a fork of this process, in its working folder: exit code and output, which goes through `folder`."""

    def session() -> int:
        sharing.STANDARD_ERROR = os.dup(2)
        sys.path.insert(0, str(Path.cwd()))
        return int(pytest.main(list(args)))

    return forked(session, folder)


def run_pytest(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    """The same in a project. Where it matters that the plugin is loaded afresh: `runpytest_subprocess`."""
    code, out, err = forked_pytest(project.path, *args)
    return pytest.RunResult(code, out.splitlines(), err.splitlines(), duration=0)


def evidence(project: pytest.Pytester) -> Path:
    """The folder of the last session."""
    return (project.path / "results" / "latest").resolve()


def listed(result: pytest.RunResult) -> list[str]:
    """What `--collect-only -q` lists."""
    return [line for line in result.outlines if "::" in line]
