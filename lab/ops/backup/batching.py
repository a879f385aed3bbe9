"""Many calls of one kind as few transactions, where the contract has batches; else each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.model.contract.batches import BATCHES
from lab.ops.chain import OperatedChain
from lab.ops.executors import Call
from lab.ops.planning import CallRequest, calls_of
from lab.rpc import RpcRefused
from lab.rpc.refusals import is_trouble

# As the lab's own contract bounds a batch of requests.
BATCH_MAX = 32
# A batch is kept far below the cap of a transaction: 2**24 gas on Ethereum.
BATCH_GAS_MAX = 8_000_000
# Rounded up from measurements of the lab's contract: a call, and a word of payload.
GAS_OF = {"buffer_transaction": 190_000, "resolve_dependency": 90_000, "mark_executed": 60_000}
WORD_GAS, CALL_GAS = 23_000, 120_000
# An id that turns out to be late takes more than one that becomes ready, which is what was estimated: of 32 in a batch
# each 10,175 gas for 8,448 (contracts/gas-snapshot.json), a factor of 1.20, times the usual room of 1.2.
GAS_ROOM_IF_LATE = 1.5
PAYLOAD_PLACE = 3


def gas_of(request: CallRequest) -> int:
    """What a call takes at most, about: for plans, and for the size of a batch."""
    function, args = request
    words = -(-len(str(args[PAYLOAD_PLACE])) // 64) if function == "buffer_transaction" else 0
    return GAS_OF.get(function, CALL_GAS) + WORD_GAS * words


def batched(
    chain: OperatedChain, sender: str, requests: Sequence[CallRequest], block_gas: int | None = None
) -> tuple[Call, ...]:
    """The calls to send, in order; a batch takes a quarter of `block_gas` at most. Raises an RpcFailure.

    A contract that refuses a batch gets single calls; an endpoint in trouble says nothing about the contract.
    """
    by_single = {single: batch for batch, single in BATCHES.items() if chain.codec.has(batch)}
    batch = by_single.get(requests[0][0]) if requests else None
    if batch is None or len(requests) < 2 or len({function for function, _ in requests}) > 1:
        return calls_of(chain, requests)
    gas_max = BATCH_GAS_MAX if block_gas is None else min(BATCH_GAS_MAX, block_gas // 4)
    groups = [(batch, (_items(group),)) for group in _groups(requests, gas_max)]
    calls = calls_of(chain, groups)
    try:
        chain.rpc.eth_call(calls[0].to, calls[0].data, sender=sender)
    except RpcRefused as refused:
        if is_trouble(refused):
            raise
        # Its batches are smaller, or not meant for this: one by one it is clear which call is refused.
        return calls_of(chain, requests)
    return calls


def _items(group: Sequence[CallRequest]) -> list[object]:
    return [args if len(args) > 1 else args[0] for _, args in group]


def _groups(requests: Sequence[CallRequest], gas_max: int) -> Iterator[list[CallRequest]]:
    group: list[CallRequest] = []
    gas = 0
    for request in requests:
        if group and (len(group) == BATCH_MAX or gas + gas_of(request) > gas_max):
            yield group
            group, gas = [], 0
        group.append(request)
        gas += gas_of(request)
    yield group
