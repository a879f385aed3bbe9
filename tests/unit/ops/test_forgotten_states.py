"""A backup of a node that keeps a state for some requests only: as of a newer block, or refused with what is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.errors import DeployFailure
from lab.ops.backup.file import differences
from lab.ops.backup.take import take
from lab.rpc import HttpTransport, RpcRefused
from lab.rpc.refusals import is_forgotten

from .conftest import Site
from .many import SOURCE, Filling

Start = Callable[..., Site]
COUNT, ENDED = 50, 30


def forgetting(here: Site, monkeypatch: pytest.MonkeyPatch, answers: int) -> list[int]:
    """A node that answers so often of a state, and takes no batches; the blocks that it was asked of."""
    plain, left, asked = HttpTransport.call, dict[str, int](), list[int]()

    def call(transport: HttpTransport, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        if method == "eth_call" and str(params[1]).startswith("0x"):
            block = params[1]
            if block not in left:
                asked.append(int(block, 16))
                here.mine()
            left[block] = left.get(block, answers) - 1
            if left[block] < 0:
                raise RpcRefused(method, -32000, f"missing trie node 0x00 (path ) state {block} is not available")
        return plain(transport, method, params, timeout_s)

    def many(transport: HttpTransport, calls: Any) -> Any:
        raise RpcRefused("eth_call", -32600, "no batches here")

    monkeypatch.setattr(HttpTransport, "call", call)
    monkeypatch.setattr(HttpTransport, "many", many)
    return asked


def test_what_ended_is_not_read_again_as_of_a_newer_block(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a node of few states is enough where most transactions have ended; the backup is of one block."""
    here = site(SOURCE)
    Filling(here, COUNT).run()
    operation = here.operation()
    (chain,) = operation.chains
    whole = take(operation, chain)
    assert sum(one.state in ("EXECUTED", "EXPIRED") for one in whole.transactions) == ENDED
    with monkeypatch.context() as patched:
        asked = forgetting(here, patched, 70)
        taken = take(operation, chain)
    assert len(asked) > 1
    assert taken.block == asked[-1]
    assert differences(whole, taken) == []


def test_a_node_that_forgets_too_soon_is_named(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had not ended has to be read of one block: said, with what helps, and no further request is made."""
    here = site(SOURCE)
    Filling(here, COUNT).run()
    operation = here.operation()
    (chain,) = operation.chains
    with monkeypatch.context() as patched:
        asked = forgetting(here, patched, 20)
        with pytest.raises(DeployFailure, match="an archive node"):
            take(operation, chain)
    assert len(asked) < COUNT


@pytest.mark.parametrize(
    "reason",
    [
        "missing trie node 1f (path ) state 0x2e is not available, not found",
        "state at block #5 is pruned",
        "old data not available due to pruning",
        "No state available for block 0x5",
        "BlockOutOfRangeError: block height is 5028 but requested was 4888",
    ],
)
def test_every_node_s_words_for_it_are_known(reason: str) -> None:
    """Of five clients; a revert is none of them."""
    assert is_forgotten(RpcRefused("eth_call", -32000, reason))
    assert not is_forgotten(RpcRefused("eth_call", 3, "execution reverted: Not authorized"))
