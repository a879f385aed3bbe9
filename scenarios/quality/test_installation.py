"""The lab installs from its lock into an empty environment, with every hash checked."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.deploy.vyper.isolated_tool import find_uv, tool_environment
from lab.paths import CHECKOUT
from lab.runner.script import Script

SETUP = """
name: Installation from the lock
description: >
  Everything that requirements.lock names is installed into an empty environment, each file checked against its hash,
  then the lab itself, which says its version there. A lock with one wrong hash is refused.
rows: [ENV-01]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: [default]
"""

TIMEOUT_S = 300


def uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run uv, which the lab depends on; its cache is the user's."""
    return subprocess.run(
        [find_uv(), *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, env=tool_environment(), check=False
    )


def install(folder: Path, lock: Path) -> subprocess.CompletedProcess[str]:
    """Into an environment of its own."""
    python = folder / "env" / "bin" / "python"
    made = uv("venv", "--clear", "--python", sys.executable, str(folder / "env"))
    if made.returncode != 0:
        return made
    return uv("pip", "install", "--python", str(python), "--require-hashes", "-r", str(lock))


def wrong(lock: Path, folder: Path) -> Path:
    """The lock with the hashes of its first package turned into others."""
    first, rest = lock.read_text(encoding="utf-8").split("\n", 1)
    block, sep, others = rest.partition("\n    # via")
    forged = folder / "forged.lock"
    forged.write_text(f"{first}\n{re.sub('sha256:[0-9a-f]{64}', 'sha256:' + '0' * 64, block)}{sep}{others}", "utf-8")
    return forged


def play(script: Script) -> None:
    """Install, ask for the version, then try the forged lock."""
    assert CHECKOUT is not None
    with tempfile.TemporaryDirectory() as name:
        folder, lock = Path(name), CHECKOUT / "requirements.lock"
        refused = install(folder, wrong(lock, folder))
        met = refused.returncode != 0 and "ash mismatch" in refused.stderr
        script.expect("a lock with a wrong hash to be refused", refused.stderr[-300:] or "it was taken", met=met)
        done = install(folder, lock)
        # Without a network and a filled cache nothing can be shown.
        offline = "fetch" in done.stderr or "dns" in done.stderr
        installed = True if done.returncode == 0 else None if offline else False
        script.expect("the lock to install", done.stderr.strip()[-300:], met=installed)
        if installed:
            python = str(folder / "env" / "bin" / "python")
            uv("pip", "install", "--python", python, "--no-deps", "--no-build-isolation", "--editable", str(CHECKOUT))
            said = subprocess.run([python, "-m", "lab.cli", "--version"], capture_output=True, text=True, check=False)
            script.expect("the lab to run there", said.stdout or said.stderr[-300:], met="tesseract-lab" in said.stdout)


def test_installation(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Do it."""
    if CHECKOUT is None:
        pytest.skip("an installed lab has no lock; a checkout has")
    lab_run(SETUP, play)
