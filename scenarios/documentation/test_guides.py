"""The guides are followed, block by block, in an empty folder: what they show is what comes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.documents.blocks import BlockFailed, Reader, read_blocks
from lab.paths import DOCS
from lab.runner.script import Script

SETUP = """
name: The {name} is followed
description: >
  Every block of docs/{path} is carried out in an empty folder, in the order of the page; where output is shown, it is
  compared. Blocks that cannot run there say why.
rows: [{row}]
networks: {{ethereum: {{}}}}
relayer: none
timeout: 10m
checks: [default]
"""

GUIDES = {
    "deployment": ("deployment guide", "deployment.md", "TDO-02"),
    "integration": ("integration guide", "integration.md", "UDO-01"),
    "python": ("Python SDK's page", "sdk/python/README.md", "UDO-02"),
    "javascript": ("JavaScript SDK's page", "sdk/javascript/README.md", "UDO-02"),
}
JAVASCRIPT = DOCS / "sdk" / "javascript"
# The networks are processes, whatever the machine has: a reader's own choice changes no output that is shown.
ENVIRONMENT = {"DOCKER_HOST": "unix:///nonexistent.sock"}


def follow(script: Script, page: Path) -> None:
    """Carry out a page; the first block that fails ends it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "node_modules").mkdir()
        (folder / "node_modules" / "tesseract-coordinator").symlink_to(JAVASCRIPT)
        reader = Reader(folder, ENVIRONMENT)
        try:
            carried_out = blocks(script, reader, page)
        finally:
            reader.shell("lab down")
    script.expect("blocks of the page to be carried out", f"{carried_out}", met=carried_out > 0)


def blocks(script: Script, reader: Reader, page: Path) -> int:
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


@pytest.mark.parametrize("guide", list(GUIDES))
def test_guide(guide: str, lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Follow it."""
    name, path, row = GUIDES[guide]
    if guide == "javascript" and (shutil.which("node") is None or not (JAVASCRIPT / "node_modules" / "viem").is_dir()):
        pytest.skip("no JavaScript SDK: it needs Node.js 20, and `npm ci` in docs/sdk/javascript")
    lab_run(SETUP.format(name=name, path=path, row=row), lambda script: follow(script, DOCS / path))
