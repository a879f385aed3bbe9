"""The recorded history of a run: one frozen record per line of `history.jsonl`, and nothing that a check must guess.

Times `t_ms` are milliseconds of the run's clock since its genesis; `timestamp` values are the chains' own, in unix
seconds. Hashes, addresses and tx_ids are lower-case hex with 0x. Wei and gas are integers. Lines are appended in the
order in which the lab learnt of things, which under lazy block production need not be the order of `t_ms`: readers
sort by (t_ms, seq). Everything here is covered by the digest, so no wall time, port, path or process id may enter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lab.model.finality import Finality

Outcome = Literal["ok", "fail", "info"]
CoreState = Literal["EMPTY", "BUFFERED", "READY", "EXECUTED", "EXPIRED"]


class Record(BaseModel):
    """A line of the history. `seq` counts lines from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int = -1
    t_ms: int


class ChainFacts(BaseModel):
    """What a reader must know of one chain. `network` is its profile; the key in `Header.chains` is its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    chain_id: int
    contract: str
    rollup: str
    finality: Finality
    tag_depth_blocks: int | None = None
    block_time_ms: int
    mines_empty_blocks: bool
    deploy_block: int


class Leg(BaseModel):
    """One declared transaction of a flow; `after` is the name of its parent leg (`flow.leg`), at most one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    flow: str
    chain: str
    tx_id: str
    origin: str
    target: str
    payload: str
    after: str | None = None
    timestamp: int


class Header(Record):
    """First line: everything that the run was set up with."""

    type: Literal["header"] = "header"
    scenario: str
    item: str
    seed: int
    clock: Literal["virtual", "real"]
    genesis_time: int
    window_s: int
    chains: dict[str, ChainFacts]
    roles: dict[str, str]
    operators: dict[str, tuple[str, ...]] = Field(description="chain -> operator addresses after set-up")
    legs: tuple[Leg, ...]
    capabilities: tuple[str, ...] = Field(
        description="optional parts of this contract: breaker, expiry, handover, batch"
    )
    poll_ms: int
    rpc_budget_ms: int
    execution_order: Literal["ready", "executed"] = Field(
        description="S3: the state that a child's execution needs of its parent"
    )


class Call(BaseModel):
    """One call into the coordinator, direct or from another contract. `args` are decoded by parameter name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    caller: str
    function: str
    args: dict[str, Any]
    ok: bool
    revert: str | None = None


class Log(BaseModel):
    """One event of the coordinator, decoded. `index` is its position in the block."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: str
    args: dict[str, Any]
    index: int


class Tx(BaseModel):
    """One mined transaction, with the calls it made into the coordinator and the events the coordinator emitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str
    sender: str
    to: str | None
    nonce: int
    status: Literal[0, 1]
    gas_used: int
    gas_price: int
    index: int
    calls: tuple[Call, ...] = ()
    logs: tuple[Log, ...] = ()
    traced: bool = Field(default=False, description="calls come from a trace; where it failed: False, and no calls")
    trace_error: str | None = None


class Block(Record):
    """A block with transactions. Canonical unless a later `reorg` of its chain reaches it."""

    type: Literal["block"] = "block"
    chain: str
    number: int
    hash: str
    parent: str
    timestamp: int
    base_fee: int
    gas_used: int
    gas_limit: int
    txs: tuple[Tx, ...] = ()


class EmptyBlocks(Record):
    """Consecutive empty blocks, numbers first..last; `t_ms` is when the last appeared, `first_t_ms` the first."""

    type: Literal["empty_blocks"] = "empty_blocks"
    chain: str
    first: int
    last: int
    first_t_ms: int
    first_timestamp: int
    last_timestamp: int
    last_hash: str
    last_base_fee: int


class Reorg(Record):
    """All blocks of `chain` above `ancestor` recorded so far are orphaned; their replacements follow as new lines."""

    type: Literal["reorg"] = "reorg"
    chain: str
    depth: int
    ancestor: int
    orphaned_txs: tuple[str, ...]
    requeued_txs: tuple[str, ...]
    beyond_finality: bool


class Submit(Record):
    """A raw transaction handed to a chain's endpoint by the relayer, as the fault layer saw it."""

    type: Literal["submit"] = "submit"
    chain: str
    sender: str
    tx: str
    nonce: int
    function: str | None
    args: dict[str, Any]
    max_fee_per_gas: int
    outcome: Outcome
    error: str | None = None


class Operation(Record):
    """A client operation of the scenario, from `t_ms` to `end_ms`. `info`: it may or may not have happened."""

    type: Literal["operation"] = "operation"
    id: str
    actor: str
    chain: str
    function: str
    args: dict[str, Any]
    leg: str | None = None
    end_ms: int
    outcome: Outcome
    tx: str | None = None
    block: int | None = None
    revert: str | None = None


class FaultMark(Record):
    """A fault was injected, or healed with the number of times that it really acted and the proof of it."""

    type: Literal["fault"] = "fault"
    id: str
    fault: str
    chain: str | None
    phase: Literal["inject", "heal"]
    bites: int = 0
    proof: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class Expectation(Record):
    """A scenario's own expectation, judged. `expected` and `actual` are for people."""

    type: Literal["expectation"] = "expectation"
    id: str
    where: str
    expected: str
    actual: str
    met: bool
    because: str | None = None


class Note(Record):
    """A mark on the time line: `relayer` start, crash and restart, `settle`, `timeout`, a clock that was moved."""

    type: Literal["note"] = "note"
    kind: str
    text: str
    chain: str | None = None


class StoredTransaction(BaseModel):
    """One transaction as the contract's getters return it at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tx_id: str
    state: CoreState
    raw_state: int
    origin: str
    target: str
    payload: str | None
    dependency: str
    timestamp: int


class FinalRead(Record):
    """Final reads of one chain over the unfaulted connection, at block `number`; `error` says why if they failed."""

    type: Literal["final"] = "final"
    chain: str
    number: int
    hash: str
    timestamp: int
    transaction_count: int | None
    window_s: int | None
    owner: str | None
    paused: bool | None
    breaker_threshold: int | None = None
    failure_count: int | None = None
    operators: dict[str, bool] = Field(default_factory=dict)
    transactions: tuple[StoredTransaction, ...] = ()
    error: str | None = None


AnyRecord = Annotated[
    Header | Block | EmptyBlocks | Reorg | Submit | Operation | FaultMark | Expectation | Note | FinalRead,
    Field(discriminator="type"),
]
RECORD: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)


class History:
    """A whole run, ready to be judged: canonical blocks apart from orphaned ones, times of every block.

    Raises ValueError if the records do not start with a header.
    """

    def __init__(self, records: Iterable[AnyRecord]) -> None:
        lines = list(records)
        if not lines or not isinstance(lines[0], Header):
            raise ValueError("a history starts with its header line")
        self.header: Header = lines[0]
        self.records: list[AnyRecord] = sorted(lines, key=lambda record: (record.t_ms, record.seq))
        self._spans: dict[str, list[Block | EmptyBlocks]] = {name: [] for name in self.header.chains}
        self.orphans: list[Block] = []
        self.reorgs: list[Reorg] = []
        for record in sorted(lines, key=lambda record: record.seq):
            if isinstance(record, (Block, EmptyBlocks)):
                self._spans[record.chain].append(record)
            elif isinstance(record, Reorg):
                self.reorgs.append(record)
                self._cut(record.chain, record.ancestor)

    def _cut(self, chain: str, ancestor: int) -> None:
        kept: list[Block | EmptyBlocks] = []
        for span in self._spans[chain]:
            if isinstance(span, Block):
                if span.number <= ancestor:
                    kept.append(span)
                else:
                    self.orphans.append(span)
            elif span.last <= ancestor:
                kept.append(span)
            elif span.first <= ancestor:
                # The line holds only the times of its two ends: the new end's lie between them.
                seconds = span.last_timestamp - span.first_timestamp
                share = (ancestor - span.first, span.last - span.first)
                cut = {
                    "last": ancestor,
                    "t_ms": _appeared(span, ancestor),
                    "last_timestamp": span.first_timestamp + seconds * share[0] // share[1],
                }
                kept.append(span.model_copy(update=cut))
        self._spans[chain] = kept

    def spans(self, chain: str) -> list[Block | EmptyBlocks]:
        """The canonical chain, ascending, empty blocks as runs.

        A run cut by a reorg keeps its last hash; its last times are interpolated.
        """
        return self._spans[chain]

    def blocks(self, chain: str) -> list[Block]:
        """The canonical blocks that hold transactions, ascending."""
        return [span for span in self._spans[chain] if isinstance(span, Block)]

    def of(self, kind: type[Record]) -> list[Any]:
        """All records of one kind, by time."""
        return [record for record in self.records if isinstance(record, kind)]

    def transactions(self, chain: str) -> list[tuple[Block, Tx]]:
        """Canonical transactions with their block, in chain order."""
        return [(block, tx) for block in self.blocks(chain) for tx in block.txs]

    def final(self, chain: str) -> FinalRead | None:
        """The last final read of a chain, if there is one."""
        reads = [record for record in self.records if isinstance(record, FinalRead) and record.chain == chain]
        return reads[-1] if reads else None

    def head_at(self, chain: str, t_ms: int) -> int:
        """The highest block number that had appeared on the chain by `t_ms`, orphaned blocks included; -1 for none.

        Inside a run of empty blocks the number is interpolated by the block time, exact to one block.
        """
        best = -1
        for record in self.records:
            if isinstance(record, Block) and record.chain == chain and record.t_ms <= t_ms:
                best = max(best, record.number)
            elif isinstance(record, EmptyBlocks) and record.chain == chain and record.first_t_ms <= t_ms:
                if record.t_ms <= t_ms:
                    best = max(best, record.last)
                else:
                    share = (t_ms - record.first_t_ms) / max(1, record.t_ms - record.first_t_ms)
                    best = max(best, record.first + int(share * (record.last - record.first)))
        return best

    def final_since(self, chain: str, block: Block) -> int | None:
        """The earliest `t_ms` at which `block` was final by the chain's policy; None if it never was in this run.

        Where finality came with a block inside a run of empty ones, the time is interpolated.
        """
        facts = self.header.chains[chain]
        finality = facts.finality
        if finality.seconds is not None:
            since = (block.timestamp - self.header.genesis_time) * 1000 + int(finality.seconds * 1000)
            since = max(since, block.t_ms)
            return since if since <= self.end_ms else None
        depth = finality.blocks if finality.blocks is not None else facts.tag_depth_blocks
        if depth is None:
            return None
        if depth == 0:
            return block.t_ms
        wanted = block.number + depth
        return min((_appeared(span, wanted) for span in self.reaching(chain, block, wanted)), default=None)

    def reaching(self, chain: str, block: Block, number: int) -> list[Block | EmptyBlocks]:
        """The lines after `block`'s own with which its chain's head reached `number`, orphaned ones included.

        Lines before it hold what a reorg has replaced, at the same heights.
        """
        return [
            record
            for record in self.records
            if isinstance(record, (Block, EmptyBlocks))
            and (record.chain, record.seq > block.seq) == (chain, True)
            and (record.number if isinstance(record, Block) else record.last) >= number
        ]

    @property
    def end_ms(self) -> int:
        """When the run ended: the latest time in any line."""
        ends = [record.end_ms for record in self.records if isinstance(record, Operation)]
        return max([record.t_ms for record in self.records] + ends)

    def leg(self, name: str) -> Leg | None:
        """The declared leg of that name (`flow.leg`)."""
        return next((leg for leg in self.header.legs if leg.name == name), None)

    def chain_of_rollup(self, rollup: str) -> str | None:
        """The chain that a rollup address stands for; None for an address of no chain."""
        return next((name for name, facts in self.header.chains.items() if facts.rollup == rollup), None)


def _appeared(span: Block | EmptyBlocks, number: int) -> int:
    """When a line's first block at `number` or above appeared; interpolated inside a run, exact to one block."""
    if isinstance(span, Block) or number <= span.first:
        return span.t_ms if isinstance(span, Block) else span.first_t_ms
    return span.first_t_ms + (span.t_ms - span.first_t_ms) * (number - span.first) // (span.last - span.first)
