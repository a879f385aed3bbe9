"""What is wrong with the map of a contract is said before anything is explored, once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.commands.explore import swarm_monitor

DEPOT = Path(__file__).parents[2] / "detection/correct/depot"


@pytest.mark.parametrize(
    "command",
    [
        ("swarm", "--seeds", "4", "--minutes", "0"),
        ("swarm", "--seeds", "4", "--minutes", "0", "--monitor"),
        ("mutate", "--only", "nonesuch"),
    ],
)
def test_what_is_mapped_wrongly_is_said_before_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """At its place in the file, though nothing was run; of a right map nothing is said."""
    monkeypatch.setattr(swarm_monitor, "missing", lambda: None)
    monkeypatch.chdir(shutil.copytree(DEPOT, tmp_path / "depot"))
    assert "map:" not in CliRunner().invoke(app, command).output
    text = Path("lab.yaml").read_text()
    Path("lab.yaml").write_text(text.replace("paused: shut", "paused: inaugurated"))
    said = CliRunner().invoke(app, command).output
    line = 1 + text[: text.index("paused: shut")].count("\n")
    assert said.count("map:") == 1
    assert f"lab.yaml:{line}:11 functions.paused: expected false before any stop, it returns true" in said
