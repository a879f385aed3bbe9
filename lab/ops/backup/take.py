"""Reads the state of a contract as of a block, through public getters and events; what cannot change is read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.coordinator import Reader
from lab.errors import DeployFailure, UsageError
from lab.live.execution.finality import final_block
from lab.ops.backup.file import SETTINGS, Backup, Saved
from lab.ops.backup.reading import reading
from lab.ops.chain import OperatedChain
from lab.ops.operation import Operation
from lab.ops.procedures.operators import event_file, ever_operators
from lab.rpc import RpcRefused
from lab.rpc.refusals import is_forgotten

# A transaction that ended stays as it is.
ENDED = ("EXECUTED", "EXPIRED")
GETTERS = ("get_transaction_details", "transactions")


def take(
    operation: Operation,
    chain: OperatedChain,
    *,
    block: int | None = None,
    earlier: Backup | None = None,
    latest: bool = False,
) -> Backup:
    """As of the newest final block, the `latest` one, or a given `block`; `earlier` spares what ended before it.

    A node that forgets the state of the block meanwhile is asked as of a newer one, for what had not ended then.
    Raises an RpcFailure, UsageError for a block that is not there and for an earlier backup of another contract,
    DeployFailure where the contract answers in another shape, or the node forgets sooner than it can be read.
    """
    known, forgotten = _kept(chain, earlier), None
    try:
        while True:
            number, before = block if block is not None else _newest(operation, chain, latest=latest), len(known)
            try:
                return _take(operation, chain, number, known)
            except RpcRefused as refused:
                if not is_forgotten(refused):
                    raise
                if block is not None or (forgotten is not None and (number <= forgotten or len(known) == before)):
                    raise DeployFailure(
                        f"{chain.name}: expected the state of block {number}, the node has forgotten it before all was "
                        f"read ({refused.reason}): use an endpoint that keeps states for longer (an archive node)"
                    ) from refused
                forgotten = number
    except ValueError as error:
        raise DeployFailure(f"{chain.name}: expected the documented getters to answer: {error}") from error


def _newest(operation: Operation, chain: OperatedChain, *, latest: bool) -> int:
    if latest:
        return chain.rpc.block_number()
    return max(chain.start_block, final_block(chain.rpc, chain.target.finality, operation.timing.unix()).number)


def _take(operation: Operation, chain: OperatedChain, block: int, known: dict[str, Saved]) -> Backup:
    """What ended is added to `known`."""
    head = chain.rpc.block(block)
    if head is None:
        raise UsageError(f"expected a block {block} to take the backup of, the chain has none: name an earlier one")
    buffered: list[str] = []
    ready: list[str] = []
    for event, args in event_file(operation, chain).events(block):
        if event == "TransactionBuffered":
            buffered.append(args["tx_id"])
        elif event == "TransactionReady":
            ready.append(args["tx_id"])
    order = {tx_id: position for position, tx_id in enumerate(ready)}
    settings, operators = settings_of(chain, block), operators_of(operation, chain, block)
    ids, present = dict.fromkeys(buffered), dict[str, Saved]()
    for tx_id, reader in reading(chain, [one for one in ids if one not in known], GETTERS, block):
        present[tx_id] = _saved(reader, tx_id, block, order.get(tx_id))
        if present[tx_id].state in ENDED:
            known[tx_id] = present[tx_id]
    return Backup(
        chain_id=chain.chain_id,
        contract=chain.contract,
        block=block,
        block_hash=str(head["hash"]),
        block_time=int(head["timestamp"], 16),
        settings=settings,
        operators=operators,
        transactions=tuple(present.get(tx_id) or known[tx_id] for tx_id in ids),
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
