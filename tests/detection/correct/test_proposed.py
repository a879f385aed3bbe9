"""`lab contract --write-map` on correct contracts in styles of their own, measured against what their authors wrote.

Nothing that is written as sure is wrong, with a trial and without one; with a trial hardly anything is left open.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.proposal import propose
from lab.deploy.proposal.bench import Bench
from lab.session.project import read_project
from lab.session.smoke_run import fresh_node
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test
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
def test_a_trial_finds_what_the_author_wrote(open_backend: ProcessBackend, tmp_path: Path, which: str) -> None:
    """Each entry rightly, whatever the names; and the file fits the contract."""
    path = source_of(which)
    text = proposal(path, open_backend, str(path))
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


def test_each_line_says_why(open_backend: ProcessBackend) -> None:
    """What was tried, or what is alike, and what else it may be."""
    for backend in (open_backend, None):
        for line in proposal(source_of("mapped"), backend).splitlines():
            assert line.startswith(("#", "contract:")) or line.rstrip().endswith(":") or "  # " in line
    text = proposal(source_of("lane"), open_backend)
    assert "add_operator: add_sequencer  # tried: who is given this can buffer, and could not before" in text


def test_what_has_other_names_only(open_backend: ProcessBackend, tmp_path: Path) -> None:
    """The plain contract told otherwise: its map, and nothing else."""
    path = tmp_path / "Bridge.vy"
    path.write_text(renamed_source())
    found = measured(LAB_YAML, proposal(path, open_backend), compile_once(path).abi)
    assert (found.wrong, found.open, found.more) == ((), (), ())


def test_two_addresses_that_nothing_tells_apart_are_asked_about(open_backend: ProcessBackend, tmp_path: Path) -> None:
    """The order is a guess then: the line is a comment, and the question stands there."""
    text = source_of("courier").read_text()
    for old, new in (("sender", "one"), ("recipient", "other")):
        text = re.sub(rf"(?<!msg\.)\b{old}\b", new, text).replace(f"Courier: {new}", "Courier: rollup")
    path = tmp_path / "Courier.vy"
    path.write_text(text)
    lines = proposal(path, open_backend).splitlines()
    (buffer,) = (line for line in lines if "buffer_transaction" in line)
    assert buffer.startswith("  # buffer_transaction: {name: submit_message")
    assert "uncertain: nothing says which of one and other is the origin" in buffer
    assert [line for line in lines if re.search("origin.rollup", line) and "# uncertain" not in line] == []


def test_an_implementation_that_its_constructor_locked_stands_behind_a_proxy(
    open_backend: ProcessBackend, tmp_path: Path
) -> None:
    """By itself nobody sets it up; behind a minimal proxy it is tried out like any other."""
    path = HERE / "proxy" / "Engine.vy"
    text = proposal(path, open_backend, str(path))
    assert "proxy: {}  # tried: by itself it refuses initialize, behind a minimal proxy it takes it" in text
    assert (
        "  - {call: initialize, args: [owner, 30], first: true}  # tried: before it the contract had no owner" in text
    )
    (tmp_path / "lab.yaml").write_text(text)
    project = read_project(tmp_path / "lab.yaml")
    project.check(compile_once(path).abi)
    target = compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=tmp_path))
    with fresh_node(open_backend, "proposal", "a test") as rpc:
        assert (bench := Bench.deployed(rpc, target.contract.bytecode)) is not None
        assert rpc.call("eth_getCode", bench.address, "latest").startswith("0x363d3d37")
    found = measured((HERE / "proxy" / "lab.yaml").read_text(), text, compile_once(path).abi)
    assert (found.wrong, found.open) == ((), ()), str(found)


BATCH_NAMES = {"buffer_batch": "take", "resolve_batch": "settle_all", "execute_batch": "close_all"}


@pytest.mark.parametrize("left", [(), ("resolve_batch",), ("buffer_batch", "execute_batch")], ids=str)
def test_batches_under_other_names(open_backend: ProcessBackend, tmp_path: Path, left: tuple[str, ...]) -> None:
    """Each is known by what it does to several, whatever the names of the others."""
    text = source_of("metered").read_text()
    names = {name: own for name, own in BATCH_NAMES.items() if name not in left}
    for name, own in names.items():
        text = re.sub(rf"\b{name}\b", own, text)
    path = tmp_path / "Metered.vy"
    path.write_text(text)
    lines = proposal(path, open_backend).splitlines()
    shown = {name: own for name in BATCH_NAMES for own in BATCH_NAMES.values() if any(
        line.startswith(f"  {name}: {own}  # tried: ") for line in lines
    )}  # fmt: skip
    assert shown == names


def test_requests_in_another_order_are_said_to_have_no_map(open_backend: ProcessBackend, tmp_path: Path) -> None:
    """What `lab.yaml` has no words for is told, and left out."""
    text = source_of("metered").read_text()
    first, second = "    tx_id: bytes32\n", "    origin_rollup: address\n"
    assert text.count(first + second) == 1
    text = text.replace(first + second, second + first).replace("buffer_batch", "take")
    made = "Request(tx_id=tx_id, origin_rollup=origin_rollup,"
    assert text.count(made) == 1
    path = tmp_path / "Metered.vy"
    path.write_text(text.replace(made, "Request(origin_rollup=origin_rollup, tx_id=tx_id,"))
    lines = proposal(path, open_backend).splitlines()
    (line,) = (line for line in lines if "buffer_batch" in line)
    assert line.startswith("  # buffer_batch: take  # uncertain: its requests are (address,bytes32,")
    assert "can be said, so leave it out" in line


def test_natspec_tells_two_addresses_apart(open_backend: ProcessBackend, tmp_path: Path) -> None:
    """Where the arguments' names say nothing, what is said of them does; either way round."""
    text = source_of("courier").read_text()
    for old, new in (("sender", "one"), ("recipient", "other")):
        text = re.sub(rf"(?<!msg\.)\b{old}\b", new, text).replace(f"Courier: {new}", "Courier: rollup")
    body = "    self._only(CLERK)\n    assert channel == 3"
    assert text.count(body) == 1
    said = '    """\n    @param one The {}.\n    @param other The {}.\n    """'
    for number, words in enumerate((("source rollup", "destination"), ("destination", "source rollup"))):
        path = tmp_path / f"Courier{number}.vy"
        path.write_text(text.replace(body, f"{said.format(*words)}\n{body}"))
        (line,) = (line for line in proposal(path, open_backend).splitlines() if "buffer_transaction" in line)
        assert "# uncertain" not in line
        order = [word for word in re.findall(r"\w+", line) if word in ("origin_rollup", "target_rollup")]
        assert order == (["origin_rollup", "target_rollup"] if number == 0 else ["target_rollup", "origin_rollup"])
