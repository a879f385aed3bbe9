"""A project of a user's, in which the tests of the plugin run pytest in a process of its own."""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
from pathlib import Path

import pytest

from lab.environment import cache_folder
from lab.plugin import sharing

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


def run_pytest(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    """pytest in a fork of this process, with output of its own: what the lab imports is there, which is most of a run.

    Where it matters that the plugin is loaded afresh, it is `runpytest_subprocess`.
    """
    streams = project.path / "stdout", project.path / "stderr"
    for stream in streams:
        stream.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _become_pytest(streams, args)
    _, status = os.waitpid(child, 0)
    out, err = (stream.read_text(encoding="utf-8", errors="replace").splitlines() for stream in streams)
    return pytest.RunResult(os.waitstatus_to_exitcode(status), out, err, duration=0)


def _become_pytest(streams: tuple[Path, ...], args: tuple[str, ...]) -> None:
    code = 70
    try:
        # What this process holds is not looked through for rubbish again and again.
        gc.freeze()
        for number, path in enumerate((Path(os.devnull), *streams)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
        sharing.STANDARD_ERROR = os.dup(2)
        logging.getLogger().handlers.clear()
        sys.path.insert(0, str(Path.cwd()))
        code = pytest.main(list(args))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def evidence(project: pytest.Pytester) -> Path:
    """The folder of the last session."""
    return (project.path / "results" / "latest").resolve()


def listed(result: pytest.RunResult) -> list[str]:
    """What `--collect-only -q` lists."""
    return [line for line in result.outlines if "::" in line]
