"""`lab contract --write-map` on correct contracts in styles of their own, measured against what their authors wrote.

Nothing that is written as sure is wrong, with a trial and without one; with a trial hardly anything is left open.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.proposal import propose
from lab.session.project import read_project
from lab.session.smoke_run import fresh_node
from tests.compiling import compile_once

from ..renamed import LAB_YAML, renamed_source
from .measured_map import Measured, measured, table

HERE = Path(__file__).parent
STYLES = ("courier", "lane", "ledger", "mapped", "mask", "metered", "packed", "rich", "scribe", "turnstile")
# What nothing can tell: how many failures the author of that contract allows.
RIGHT_BY_NAMES = 30
OPEN = {"mapped": ("constructor",)}


def source_of(which: str) -> Path:
    """The contract in a folder."""
    return next((HERE / which).glob("*.vy"))


def proposal(path: Path, backend: ProcessBackend | None, shown: str = "C.vy") -> str:
    """With a node the contract is tried out."""
    contract, source = compile_once(path), path.read_text()
    if backend is None:
        return propose(contract, shown, source)
    with fresh_node(backend, "proposal", "a test") as rpc:
        return propose(contract, shown, source, rpc)


@pytest.mark.parametrize("which", STYLES)
def test_a_trial_finds_what_the_author_wrote(shared_backend: ProcessBackend, tmp_path: Path, which: str) -> None:
    """Each entry rightly, whatever the names; and the file fits the contract."""
    path = source_of(which)
    text = proposal(path, shared_backend, str(path))
    found = measured((HERE / which / "lab.yaml").read_text(), text, compile_once(path).abi)
    assert (found.wrong, found.open) == ((), OPEN.get(which, ())), str(found)
    if which not in OPEN:
        (tmp_path / "lab.yaml").write_text(text)
        read_project(tmp_path / "lab.yaml").check(compile_once(path).abi)


def test_names_alone_say_nothing_wrong() -> None:
    """Without a node less is found; nothing of it is wrong, and what is uncertain is a comment."""
    found: dict[str, Measured] = {}
    for which in STYLES:
        path = source_of(which)
        text = proposal(path, None)
        assert all(line.lstrip().startswith("#") for line in text.splitlines() if "# uncertain" in line)
        found[which] = measured((HERE / which / "lab.yaml").read_text(), text, compile_once(path).abi)
    assert not any(one.wrong or one.more for one in found.values()), table(found)
    assert sum(len(one.right) for one in found.values()) >= RIGHT_BY_NAMES, table(found)


def test_each_line_says_why(shared_backend: ProcessBackend) -> None:
    """What was tried, or what is alike, and what else it may be."""
    for backend in (shared_backend, None):
        for line in proposal(source_of("mapped"), backend).splitlines():
            assert line.startswith(("#", "contract:")) or line.rstrip().endswith(":") or "  # " in line
    text = proposal(source_of("lane"), shared_backend)
    assert "add_operator: add_sequencer  # tried: who is given this can buffer, and could not before" in text


def test_what_has_other_names_only(shared_backend: ProcessBackend, tmp_path: Path) -> None:
    """The plain contract told otherwise: its map, and nothing else."""
    path = tmp_path / "Bridge.vy"
    path.write_text(renamed_source())
    found = measured(LAB_YAML, proposal(path, shared_backend), compile_once(path).abi)
    assert (found.wrong, found.open, found.more) == ((), (), ())


def test_two_addresses_that_nothing_tells_apart_are_asked_about(shared_backend: ProcessBackend, tmp_path: Path) -> None:
    """The order is a guess then: the line is a comment, and the question stands there."""
    text = source_of("courier").read_text()
    for old, new in (("sender", "one"), ("recipient", "other")):
        text = re.sub(rf"(?<!msg\.)\b{old}\b", new, text).replace(f"Courier: {new}", "Courier: rollup")
    path = tmp_path / "Courier.vy"
    path.write_text(text)
    lines = proposal(path, shared_backend).splitlines()
    (buffer,) = (line for line in lines if "buffer_transaction" in line)
    assert buffer.startswith("  # buffer_transaction: {name: submit_message")
    assert "uncertain: nothing says which of one and other is the origin" in buffer
    assert [line for line in lines if re.search("origin.rollup", line) and "# uncertain" not in line] == []
