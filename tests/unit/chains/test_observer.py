"""The observer on a real chain: what a block did to the coordinator, by whom, and why it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.coordinator import Codec, Fees, created_address, role_account, sign_transaction
from lab.model.records import Block, EmptyBlocks, Note, Tx
from lab.rpc import RpcRefused
from lab.session.lab import Lab
from tests.compiling import compile_once

from ..conftest import StartLab
from ..real_chains import GAS, buffer, buffer_args, head, send, tx_id

NAME = "base"
FORWARDER = """# pragma version 0.4.3
@external
def forward(target: address, data: Bytes[1024], times: uint256) -> uint256:
    good: uint256 = 0
    for i: uint256 in range(times, bound=4):
        if raw_call(target, data, revert_on_failure=False):
            good += 1
    return good
"""


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """A Base five seconds after genesis."""
    lab = start_lab(NAME)
    lab.scheduler.advance_to(5000)
    return lab


def seen(lab: Lab, tx_hash: str) -> Tx:
    """What was recorded of a transaction."""
    lab.scheduler.sleep(2)
    lab.chains[NAME].look()
    return lab.chains[NAME].observer.observed[tx_hash][1]


def test_a_direct_call(lab: Lab) -> None:
    """Call and event decoded; a plain success needs no trace."""
    tx = seen(lab, buffer(lab, NAME, 1))
    operator = role_account("operator").address
    (call,) = tx.calls
    assert (tx.sender, tx.to, tx.status, tx.nonce, tx.traced) == (operator, lab.chains[NAME].contract, 1, 0, False)
    assert (call.caller, call.function, call.ok, call.args["tx_id"]) == (operator, "buffer_transaction", True, tx_id(1))
    assert [(log.event, log.args["tx_id"]) for log in tx.logs] == [("TransactionBuffered", tx_id(1))]
    assert tx.gas_used > 21_000
    assert list(lab.chains[NAME].observer.tx_ids) == [tx_id(1)]


def test_a_revert_has_its_reason(lab: Lab) -> None:
    """Taken from a trace."""
    tx = seen(lab, send(lab, NAME, "attacker", "resolve_dependency", tx_id(1)))
    (call,) = tx.calls
    assert (tx.status, tx.traced, call.ok, call.revert) == (0, True, False, "Not authorized")
    assert tx.logs == ()


def test_a_batch_is_its_single_calls(lab: Lab) -> None:
    """With their arguments, whether it succeeds or not."""
    requests = [buffer_args(lab, NAME, number) for number in (1, 2, 3)]
    good = seen(lab, send(lab, NAME, "operator", "buffer_batch", requests))
    assert [(call.function, call.args["tx_id"], call.ok) for call in good.calls] == [
        ("buffer_transaction", tx_id(number), True) for number in (1, 2, 3)
    ]
    assert [log.index for log in good.logs] == [0, 1, 2]
    bad = seen(lab, send(lab, NAME, "operator", "execute_batch", [tx_id(1), tx_id(2)]))
    assert [(call.function, call.ok, call.revert) for call in bad.calls] == [
        ("mark_executed", False, "Transaction not ready")
    ] * 2


def test_calls_from_another_contract(lab: Lab, tmp_path: Path) -> None:
    """The caller is that contract, not the account that began it; a failed inner call is no success."""
    path = tmp_path / "Forwarder.vy"
    path.write_text(FORWARDER)
    compiled = compile_once(path)
    chain, user, codec = lab.chains[NAME], role_account("user"), Codec(compiled.abi)
    forwarder = created_address(user.address, 0)

    def by_user(nonce: int, to: str | None, data: str) -> str:
        fees = Fees(10**10, 10**9)
        raw, _ = sign_transaction(
            user, chain_id=chain.profile.chain_id, nonce=nonce, to=to, data=data, gas=GAS, fees=fees
        )
        return chain.send(raw)

    assert seen(lab, by_user(0, None, compiled.bytecode)).status == 1
    send(lab, NAME, "owner", "add_operator", forwarder)
    inner = lab.spec.target.codec.encode("buffer_transaction", buffer_args(lab, NAME, 7))
    lab.scheduler.sleep(2)
    tx = seen(lab, by_user(1, forwarder, codec.encode("forward", [chain.contract, inner, 2])))
    assert (tx.sender, tx.to, tx.status, tx.traced) == (user.address, forwarder, 1, True)
    assert [(call.caller, call.function, call.ok, call.revert) for call in tx.calls] == [
        (forwarder, "buffer_transaction", True, None),
        (forwarder, "buffer_transaction", False, "Transaction already exists"),
    ]
    assert [log.event for log in tx.logs] == ["TransactionBuffered"]


def test_an_unknown_function_is_recorded_as_such(lab: Lab) -> None:
    """A call that the ABI does not explain is a call all the same."""
    chain, user = lab.chains[NAME], role_account("user")
    raw, _ = sign_transaction(
        user, chain_id=chain.profile.chain_id, nonce=0, to=chain.contract, data="0xdeadbeef", gas=GAS,
        fees=Fees(10**10, 10**9),
    )  # fmt: skip
    tx = seen(lab, chain.send(raw))
    assert [(call.function, call.ok) for call in tx.calls] == [("unknown", False)]


def test_a_trace_that_cannot_be_had(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction is recorded without calls, and says why."""
    rpc = lab.chains[NAME].observer.rpc
    whole = rpc.call

    def call(method: str, *params: object, timeout_s: float | None = None) -> object:
        if method == "debug_traceTransaction":
            raise RpcRefused(method, -32000, "required historical state unavailable")
        return whole(method, *params, timeout_s=timeout_s)

    tx_hash = send(lab, NAME, "attacker", "resolve_dependency", tx_id(1))
    monkeypatch.setattr(rpc, "call", call)
    tx = seen(lab, tx_hash)
    assert (tx.calls, tx.traced, tx.status) == ((), False, 0)
    assert tx.trace_error is not None
    assert "historical state" in tx.trace_error


def test_empty_blocks_are_told_as_runs(lab: Lab) -> None:
    """A run ends at a block with transactions, or when it is flushed; nothing is told twice."""
    sent = buffer(lab, NAME, 1)
    seen(lab, sent)
    observer = lab.chains[NAME].observer
    observer.flush()
    observer.flush()
    number = observer.observed[sent][0]
    spans = [
        (span.first, span.last) if isinstance(span, EmptyBlocks) else (span.number, span.number)
        for span in lab.recorder.records
        if isinstance(span, (Block, EmptyBlocks))
    ]
    assert spans == [(1, 1), (2, number - 1), (number, number), (number + 1, head(lab, NAME))]


def test_reverts_like_many_before_them_are_not_traced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same sender, function and gas, one reason so far: taken to be the same, and recorded how often."""
    monkeypatch.setattr("lab.chains.observer.ALIKE_MAX", 2)
    made = [seen(lab, send(lab, NAME, "attacker", "resolve_dependency", tx_id(1))) for _ in range(4)]
    assert [(tx.status, tx.traced, tx.calls[0].revert) for tx in made] == [
        (0, number < 2, "Not authorized") for number in range(4)
    ]
    other = seen(lab, send(lab, NAME, "operator", "resolve_dependency", tx_id(1)))
    assert (other.traced, other.calls[0].revert) == (True, "Transaction not in buffered state")
    lab.chains[NAME].observer.flush()
    (note,) = [record for record in lab.recorder.records if isinstance(record, Note)]
    assert (note.kind, note.text.partition(":")[0]) == (
        "untraced",
        "2 reverted calls of resolve_dependency were not traced",
    )
