"""Getters of many transactions, several in one request where the connection carries them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.coordinator import Reader
from lab.ops.chain import OperatedChain
from lab.rpc import Rpc
from lab.rpc.client import BlockRef
from lab.rpc.prefetch import AT_ONCE_MAX, Prefetching


def reading(
    chain: OperatedChain, tx_ids: Sequence[str], getters: Sequence[str], block: BlockRef = "latest"
) -> Iterator[tuple[str, Reader]]:
    """Each id with a reader that has the answers of these getters for it already. Raises an RpcFailure."""
    prefetching = Prefetching(chain.rpc.transport)
    reader = Reader(Rpc(prefetching), chain.codec, chain.contract, chain.numbering)
    at_once = max(1, AT_ONCE_MAX // len(getters))
    for start in range(0, len(tx_ids), at_once):
        some = tx_ids[start : start + at_once]
        requests = [
            request for tx_id in some for getter in getters for request in reader.requests(getter, tx_id, block=block)
        ]
        with prefetching.asked(requests):
            yield from ((tx_id, reader) for tx_id in some)
