"""Reads the state of a contract as of a block, through public getters and events; what cannot change is read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.coordinator import Reader
from lab.errors import DeployFailure, UsageError
from lab.live.execution.finality import final_block
from lab.ops.backup.file import SETTINGS, Backup, Saved
from lab.ops.chain import OperatedChain
from lab.ops.operation import Operation
from lab.ops.procedures.operators import event_file, ever_operators

# A transaction that ended stays as it is.
ENDED = ("EXECUTED", "EXPIRED")


def take(
    operation: Operation, chain: OperatedChain, *, block: int | None = None, earlier: Backup | None = None
) -> Backup:
    """As of a final block; `earlier` spares what it has of transactions that ended.

    Raises an RpcFailure, UsageError for a block that is not there and for an earlier backup of another contract,
    DeployFailure where the contract answers in another shape.
    """
    try:
        return _take(operation, chain, block, earlier)
    except ValueError as error:
        raise DeployFailure(f"{chain.name}: expected the documented getters to answer: {error}") from error


def _take(operation: Operation, chain: OperatedChain, block: int | None, earlier: Backup | None) -> Backup:
    reader = chain.reader
    if block is None:
        block = max(chain.start_block, final_block(chain.rpc, chain.target.finality, operation.timing.unix()).number)
    head = chain.rpc.block(block)
    if head is None:
        raise UsageError(f"expected a block {block} to take the backup of, the chain has none: name an earlier one")
    known = _kept(chain, earlier)
    buffered: list[str] = []
    ready: list[str] = []
    for event, args in event_file(operation, chain).events(block):
        if event == "TransactionBuffered":
            buffered.append(args["tx_id"])
        elif event == "TransactionReady":
            ready.append(args["tx_id"])
    order = {tx_id: position for position, tx_id in enumerate(ready)}
    return Backup(
        chain_id=chain.chain_id,
        contract=chain.contract,
        block=block,
        block_hash=str(head["hash"]),
        block_time=int(head["timestamp"], 16),
        settings=settings_of(chain, block),
        operators=operators_of(operation, chain, block),
        transactions=tuple(
            known.get(tx_id) or _saved(reader, tx_id, block, order.get(tx_id)) for tx_id in dict.fromkeys(buffered)
        ),
    )


def settings_of(chain: OperatedChain, block: int) -> dict[str, Any]:
    """What the contract has getters for. Raises an RpcFailure, ValueError."""
    reader = chain.reader
    return {name: reader.get(name, block=block) for name in SETTINGS if reader.codec.has(name)}


def operators_of(operation: Operation, chain: OperatedChain, block: int) -> tuple[str, ...]:
    """Of those that are declared, or that an event made one up to a final block. Raises an RpcFailure, ValueError."""
    reader = chain.reader
    accounts = dict.fromkeys((*operation.declared[chain.name].operators, *ever_operators(operation, chain)))
    return tuple(sorted(one for one in accounts if reader.get("authorized_operators", one, block=block)))


def _kept(chain: OperatedChain, earlier: Backup | None) -> dict[str, Saved]:
    """What an earlier backup has for good, if its block is still the chain's."""
    if earlier is None:
        return {}
    if (earlier.chain_id, earlier.contract) != (chain.chain_id, chain.contract):
        raise UsageError(
            f"expected an earlier backup of {chain.contract} on chain {chain.chain_id}, it is of {earlier.contract} on "
            f"chain {earlier.chain_id}: name another file"
        )
    if (chain.rpc.block(earlier.block) or {}).get("hash") != earlier.block_hash:
        return {}
    return {saved.tx_id: saved for saved in earlier.transactions if saved.state in ENDED}


def _saved(reader: Reader, tx_id: str, block: int, ready_order: int | None) -> Saved:
    view = reader.transaction(tx_id, block=block)
    return Saved(
        tx_id, view.state, view.origin, view.target, view.payload, view.dependency, view.timestamp, ready_order
    )


def unfit(there: Backup, saved: Iterable[Saved]) -> list[str]:
    """Why a contract cannot be restored onto: it holds what the backup has not, or has otherwise."""
    saved_by_id = {one.tx_id: one for one in saved}
    problems = []
    for one in there.transactions:
        other = saved_by_id.get(one.tx_id)
        if other is None or (one.origin, one.target, one.payload, one.dependency) != (
            other.origin,
            other.target,
            other.payload,
            other.dependency,
        ):
            problems.append(f"{one.tx_id} is there, and not of this backup")
    return problems
