"""Which engine a command line asks for, and that each mistake in it is one error, before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.explore.dask import cluster

DASK = ("--engine", "dask")


@pytest.mark.parametrize("command", ["swarm", "mutate"])
@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (DASK, 2, "--engine dask: expected the address of the cluster's scheduler"),
        (("--scheduler", "tcp://127.0.0.1:8786"), 2, "expected --engine dask with it"),
        ((*DASK, "--scheduler", "127.0.0.1:8786"), 2, "such as tcp://127.0.0.1:8786"),
        ((*DASK, "--scheduler", "tcp://127.0.0.1"), 2, "such as tcp://127.0.0.1:8786"),
        ((*DASK, "--scheduler", "ftp://h:1"), 2, "such as tcp://127.0.0.1:8786"),
    ],
)
def test_options_that_do_not_go_together(command: str, words: tuple[str, ...], code: int, error: str) -> None:
    """Nothing is compiled before they are seen."""
    result = CliRunner().invoke(app, [command, *words])
    said = f"{result.output} {result.exception}"
    assert error in " ".join(said.split()), said
    assert getattr(result.exception, "exit_code", result.exit_code) == code


def test_the_missing_extra_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = CliRunner().invoke(app, ["swarm", *DASK, "--scheduler", "tcp://127.0.0.1:8786"])
    assert "pip install 'tesseract-lab[scale]'" in f"{result.output} {result.exception}"
    assert getattr(result.exception, "exit_code", result.exit_code) == 4


def test_no_scheduler_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to start is said. Of a port that nobody listens on."""
    monkeypatch.setattr(cluster, "CONNECTED_WITHIN_S", 0.5)
    words = ["swarm", "--seeds", "1", *DASK, "--scheduler", "tcp://127.0.0.1:1", "--results", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    said = " ".join(f"{result.output} {result.exception}".split())
    assert "expected a Dask scheduler, none answers" in said
    assert "dask worker" in said
    assert getattr(result.exception, "exit_code", result.exit_code) == 4
