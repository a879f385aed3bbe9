"""What several checks must know of a run: names, mirrors, who sent what when, and which flows a reorg suspends."""

from __future__ import annotations

from lab.checks.replay import ChainReplay, Entry, replay
from lab.model.effects import Step, argument, steps
from lab.model.history import History, kept_with_history
from lab.model.records import Block, Leg, Operation, Submit
from lab.model.verdict import Actor

ZERO_ID = "0x" + "00" * 32


def replays(history: History) -> list[ChainReplay]:
    """Every chain replayed, in the header's order."""
    return [replay(history, chain) for chain in history.header.chains]


def leg_at(history: History, chain: str, tx_id: str) -> Leg | None:
    """The leg declared on this chain with this id."""
    return next((leg for leg in history.header.legs if (leg.chain, leg.tx_id) == (chain, tx_id)), None)


def name_of(history: History, chain: str, tx_id: str) -> str:
    """How people know a transaction: its leg's name, also for a mirror of it; else both ends of its id."""
    leg = leg_at(history, chain, tx_id)
    if leg is not None:
        return leg.name
    elsewhere = next((leg for leg in history.header.legs if leg.tx_id == tx_id), None)
    return f"the mirror of {elsewhere.name}" if elsewhere else f"transaction {tx_id[:8]}…{tx_id[-4:]}"


def name_at(history: History, chain: str, tx_id: str) -> str:
    """The name with the chain: `swap.pay on ethereum`."""
    return f"{name_of(history, chain, tx_id)} on {chain}"


def origin_of(entry: Entry) -> str | None:
    """The origin rollup that the transaction was buffered with."""
    buffered = entry.first("BUFFERED")
    log = buffered.step.log("TransactionBuffered") if buffered else None
    return str(log.args["origin_rollup"]) if log else None


def is_mirror(history: History, chain: str, entry: Entry) -> bool:
    """Buffered on a chain whose rollup is not its origin."""
    origin = origin_of(entry)
    return origin is not None and origin != history.header.chains[chain].rollup


def buffered_with(entry: Entry, name: str) -> str | None:
    """An argument of the call that buffered a transaction; None where no call is known."""
    buffered = entry.first("BUFFERED")
    if buffered is None or buffered.step.call is None:
        return None
    return argument(buffered.step.call, name)


def timestamp_of(entry: Entry) -> int | None:
    """The contract timestamp that the transaction was buffered with, in unix seconds."""
    buffered = entry.first("BUFFERED")
    log = buffered.step.log("TransactionBuffered") if buffered else None
    return int(log.args["timestamp"]) if log else None


def payload_bytes(payload: str) -> int:
    """The length of a payload in 0x hex."""
    return len(payload.removeprefix("0x")) // 2


def clock(t_ms: int) -> str:
    """A time of the run for people."""
    return f"{t_ms / 1000:.3f} s"


def block_at(block: Block) -> str:
    """A block and when it appeared, for people."""
    return f"block {block.number} at {clock(block.t_ms)}"


def unix_ms(history: History, timestamp: int) -> int:
    """A contract timestamp as a time of the run."""
    return (timestamp - history.header.genesis_time) * 1000


def ready_is_kept(history: History, chain: str) -> bool:
    """Whether what is READY never expires: the contract is known to have no deadline for executions."""
    said = [log for step in steps(history, chain) if (log := step.log("ExecutionWindowSet")) is not None]
    known = bool(said) or "deadline" not in history.header.capabilities
    return known and all(log.args.get("window") == 0 for log in said)


def actor_of(history: History, step: Step) -> Actor | None:
    """Whose act a step is that the contract was right to take: the relayer's, or nobody's that is under test."""
    return "relayer" if step.tx.sender == history.header.roles.get("relayer") else None


def sent(history: History, step: Step) -> tuple[int, tuple[int, ...]]:
    """When the transaction of a step was first handed to the chain, with its evidence.

    The first submission with its nonce that was not refused (a replacement only repeats the decision); else the
    scenario's operation; else, for a sender that nobody watched, the block's own time.
    """
    tx = step.tx
    of_sender = [record for record in history.of(Submit) if (record.chain, record.sender) == (step.chain, tx.sender)]
    mined = next((record for record in of_sender if record.tx == tx.hash), None)
    # After a reorg a nonce may carry something else: only what asks for the same belongs together.
    tried = [record for record in of_sender if record.nonce == tx.nonce]
    if mined is not None:
        tried = [record for record in tried if (record.function, record.args) == (mined.function, mined.args)]
    accepted = [record for record in tried if record.outcome != "fail"] or tried
    if accepted:
        return accepted[0].t_ms, (accepted[0].seq, step.block.seq)
    operation = next((record for record in history.of(Operation) if record.tx == tx.hash), None)
    if operation is not None:
        return operation.t_ms, (operation.seq, step.block.seq)
    return step.block.t_ms, (step.block.seq,)


@kept_with_history
def suspended_flows(history: History) -> frozenset[str]:
    """Flows with a transaction in a range that a reorg beyond the declared finality orphaned."""
    lost = {tx for reorg in history.reorgs if reorg.beyond_finality for tx in reorg.orphaned_txs}
    ids = {
        str(args["tx_id"])
        for block in history.orphans
        for tx in block.txs
        if tx.hash in lost
        for args in [call.args for call in tx.calls] + [log.args for log in tx.logs]
        if "tx_id" in args
    }
    return frozenset(leg.flow for leg in history.header.legs if leg.tx_id in ids)


def is_suspended(history: History, *legs: Leg | None) -> bool:
    """True if one of the legs belongs to a suspended flow."""
    return any(leg is not None and leg.flow in suspended_flows(history) for leg in legs)


def suspension_note(history: History) -> str:
    """Says which flows a reorg beyond finality took out of judgement."""
    flows = ", ".join(sorted(suspended_flows(history)))
    return f"not judged: flow {flows}, which had transactions in a reorg deeper than the declared finality"
