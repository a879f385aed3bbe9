"""Nodes kept from one run to the next, and made equal in between to one that was just started: a fortieth of a start.

`anvil_reset` alone does not make them so: it leaves out the contract that deploys others at known addresses, and takes
base fee, gas limit and fee recipient of the new genesis from whatever was set last. So those are set before, what a
fresh node said of itself is loaded on top, and the node is asked for all of it again (Anvil 1.7.1). Of what it does not
tell, its source says that reset or the other calls here undo it, or that it is looked up by the number of a block that
is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from lab.chains.nodes.backend import Node, NodeSpec
from lab.rpc import HttpTransport, RpcFailure

KEPT_MAX = 6
TIMEOUT_S = 60.0
# Of longer chains the node keeps fees that later blocks never push out.
BLOCKS_MAX = 1_024
# All that a node tells of what decides its next block.
VIEWS: tuple[tuple[str, list[Any]], ...] = (
    ("anvil_dumpState", [True]),
    ("eth_getBlockByNumber", ["0x0", True]),
    ("anvil_nodeInfo", []),
    ("anvil_getAutomine", []),
    ("anvil_getIntervalMining", []),
    ("eth_accounts", []),
    ("eth_gasPrice", []),
    ("eth_blobBaseFee", []),
    ("txpool_content", []),
)


class Keepable(Node, Protocol):
    """A node whose `stop` may keep it, for a run of another spec with the same flags."""

    spec: NodeSpec

    def ready(self) -> bool:
        """Whether it answers."""
        ...


AnyNode = TypeVar("AnyNode", bound=Keepable)
Views = list[Any]
Key = tuple[str, tuple[str, ...], bool]


class KeptNodes(Generic[AnyNode]):
    """Those of one backend that have done a run, the one that waits longest first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Key, AnyNode]] = []
        self._starts: dict[Key, Views] = {}

    def take(self, spec: NodeSpec) -> AnyNode | None:
        """A fresh one for a run, if there is one."""
        for entry in list(self._waiting) if spec.lasting else ():
            if entry[0] == _key(spec):
                self._waiting.remove(entry)
                if entry[1].ready():
                    entry[1].spec = spec
                    return entry[1]
                entry[1].stop()
        return None

    def started(self, node: AnyNode, spec: NodeSpec) -> None:
        """Remember what a node says of itself that was just started."""
        if spec.lasting and _key(spec) not in self._starts:
            with contextlib.suppress(RpcFailure), _connected(node) as transport:
                self._starts[_key(spec)] = transport.many(VIEWS)

    def keep(self, node: AnyNode, spec: NodeSpec) -> bool:
        """Make it fresh and keep it, if that can be done; the one that waits longest is ended when there are many."""
        start = self._starts.get(_key(spec))
        if start is None or not _made_fresh(node, start):
            return False
        self._waiting.append((_key(spec), node))
        if len(self._waiting) > KEPT_MAX:
            self._waiting.pop(0)[1].stop()
        return True


def _key(spec: NodeSpec) -> Key:
    return spec.run_id, spec.args, spec.private


@contextlib.contextmanager
def _connected(node: Node) -> Iterator[HttpTransport]:
    transport = HttpTransport(node.url, timeout_s=TIMEOUT_S, connect=node.connect)
    with contextlib.closing(transport):
        yield transport


def _made_fresh(node: Node, start: Views) -> bool:
    """Whether it now says what it said at its start. It is of no use otherwise."""
    state, genesis = start[:2]
    try:
        base_fee = int(genesis["baseFeePerGas"], 16)
        with _connected(node) as transport:
            if int(transport.call("eth_blockNumber", []), 16) > BLOCKS_MAX:
                return False
            for method, *params in (
                ("anvil_autoImpersonateAccount", False),
                ("anvil_removeBlockTimestampInterval",),
                ("anvil_setCoinbase", genesis["miner"]),
                ("evm_setBlockGasLimit", genesis["gasLimit"]),
                ("anvil_setNextBlockBaseFeePerGas", base_fee),
                ("anvil_reset",),
                ("anvil_loadState", state),
                ("anvil_setNextBlockBaseFeePerGas", base_fee),
            ):
                transport.call(method, params)
            return transport.many(VIEWS) == start
    except (RpcFailure, KeyError, TypeError, ValueError):
        return False
