"""Each patch changes the code that a chain would hold, and nothing that the bug is not about."""

from __future__ import annotations

import difflib

import pytest

from lab.broken import Bug, read_bugs
from lab.broken.patch import split_lines
from lab.deploy.compiled import CompiledContract
from lab.deploy.vyper.compilers import run_compiler
from lab.deploy.vyper.source import read_source
from lab.paths import CONTRACTS
from tests.compiling import compile_once

BUGS = read_bugs()
# What else than `resolve_dependency` and its like a bug needs to exist; everything else keeps the base's ABI.
ADDED = {
    "breaker_rolled_back": {"breaker_threshold", "failure_count", "set_breaker_threshold"},
    "expiry_by_window_at_buffering": {"expire_transaction"},
    "expiry_spares_ids": {"expire_transaction"},
}


def code_lines(text: str) -> list[str]:
    """A source without the documentation at its top."""
    before, _, rest = text.partition('"""\n')
    return split_lines(before + rest.partition('"""\n')[2])


def compiled(name: str) -> CompiledContract:
    """From the user's own cache, as the detection tests compile it."""
    return compile_once(CONTRACTS / name)


def deployed_code(contract: CompiledContract) -> bytes:
    """What a chain would hold: the end of the creation code but for a trailer, which has a digest of the source.

    The trailer ends with its length in two bytes, themselves included.
    """
    assert contract.runtime_size_bytes is not None
    code = bytes.fromhex(contract.bytecode.removeprefix("0x"))
    return code[: -int.from_bytes(code[-2:], "big")][-contract.runtime_size_bytes :]


@pytest.mark.parametrize(
    "name", ["plain/PlainCoordinator.vy", pytest.param("plain/LegacyCoordinator.vy", marks=pytest.mark.older_vyper)]
)
def test_the_deployed_code_is_the_compilers_runtime_code(name: str) -> None:
    """Of both releases, as they give it in a process of their own."""
    output = run_compiler(read_source(CONTRACTS / name))
    assert compiled(name).bytecode == output.bytecode
    assert f"0x{deployed_code(compiled(name)).hex()}" == output.runtime_bytecode


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_patch_changes_the_deployed_code_and_no_interface(bug: Bug) -> None:
    """The runtime code holds no digest of the source, so it differs by what the contract does."""
    broken, base = (compiled(name) for name in (f"broken/{bug.name}.vy", bug.base))
    assert deployed_code(broken) != deployed_code(base)
    added = [entry for entry in broken.abi if entry not in base.abi]
    assert {entry["name"] for entry in added} == ADDED.get(bug.name, set())
    assert [entry for entry in base.abi if entry not in broken.abi] == []


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_contract_differs_from_its_base_by_the_lines_of_the_patch(bug: Bug) -> None:
    """And by its documentation, which says what is broken."""
    base = (CONTRACTS / bug.base).read_text(encoding="utf-8")
    difference = difflib.unified_diff(code_lines(base), code_lines(bug.source()), n=0)
    found = [line for line in list(difference)[2:] if not line.startswith("@@")]
    changes = [change for hunk in bug.hunks for change in hunk.changes if change.tag != " "]
    assert sorted(found) == sorted(change.tag + change.text for change in changes)
    assert f"@notice Bug: {bug.summary.splitlines()[0]}" in bug.source()
