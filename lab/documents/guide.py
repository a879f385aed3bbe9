"""Follows a guide inside of a run: every block is carried out, and the run's verdict says whether they did."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from lab.documents.blocks import BlockFailed, Reader, read_blocks
from lab.owner import temporary_directory
from lab.paths import DOCS
from lab.runner.script import Script

JAVASCRIPT = DOCS / "sdk" / "javascript"
NO_JAVASCRIPT = "no JavaScript SDK: it needs Node.js 20, and `npm ci --ignore-scripts` in docs/sdk/javascript"
SETUP = """
name: {name}
description: >
  {description}
rows: [{rows}]
networks: {{ethereum: {{}}}}
relayer: none
timeout: 10m
checks: [default]
"""
# The networks are processes, whatever the machine has: a reader's own choice changes no output that is shown.
_ENVIRONMENT = {"DOCKER_HOST": "unix:///nonexistent.sock"}


def node() -> str | None:
    """Node.js, where it and the packages of the JavaScript client are there."""
    return shutil.which("node") if (JAVASCRIPT / "node_modules" / "viem").is_dir() else None


def follow(script: Script, page: Path) -> None:
    """Carry out a page in an empty folder; the first block that fails ends it."""
    with temporary_directory("guide") as folder:
        (folder / "node_modules").mkdir()
        (folder / "node_modules" / "tesseract-coordinator").symlink_to(JAVASCRIPT)
        reader = Reader(folder, _ENVIRONMENT)
        try:
            carried_out = _blocks(script, reader, page)
        finally:
            reader.shell("lab down")
    script.expect("blocks of the page to be carried out", f"{carried_out}", met=carried_out > 0)


def _blocks(script: Script, reader: Reader, page: Path) -> int:
    """How many blocks were carried out."""
    done = 0
    for block in read_blocks(page):
        if block.skip is not None:
            script.note("skip", f"{block}: {block.skip}")
            continue
        try:
            if block.language == "yaml":
                (reader.folder / "deployment.yaml").write_text(block.text, encoding="utf-8")
            reader.follow(block)
        except BlockFailed as failed:
            script.expect(f"{block} to do what it says", str(failed), met=False)
            return done
        done += 1
    return done


def judge(script: Script, what: str, wrong: Iterable[str]) -> None:
    """Expect that nothing is wrong; the first five of what is are shown."""
    differing = list(wrong)
    script.expect(what, "; ".join(differing[:5]) or "none", met=not differing)


def read(name: str) -> str:
    """A document's text; nothing where it is missing, which no comparison survives."""
    path = DOCS / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""
