"""The recorded history of a run: one frozen record per line of `history.jsonl`, and nothing that a check must guess.

Times `t_ms` are milliseconds of the run's clock since its genesis; `timestamp` values are the chains' own, in unix
seconds. Hashes, addresses and tx_ids are lower-case hex with 0x. Wei and gas are integers. Lines are appended in the
order in which the lab learnt of things, which under lazy block production need not be the order of `t_ms`: readers
sort by (t_ms, seq). Everything here is covered by the digest, so no wall time, port, path or process id may enter.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from lab.model.chain.facts import StoredTransaction
from lab.model.frozen import Frozen
from lab.model.frozen import Record as Record
from lab.model.record_parts.contract_read import ContractRead
from lab.model.record_parts.expectation import Expectation as Expectation
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.record_parts.header import Header as Header
from lab.model.record_parts.header import Leg as Leg
from lab.model.record_parts.requests import Requests as Requests
from lab.model.record_parts.store import Place, StoredBelief, StoredIntent

Outcome = Literal["ok", "fail", "info"]
RelayerEvent = Literal["start", "ready", "stop", "kill", "crash"]


class Call(Frozen):
    """One call into the coordinator, direct or from another contract. `args` are decoded by parameter name."""

    caller: str
    function: str
    args: dict[str, Any]
    ok: bool
    revert: str | None = None


class Log(Frozen):
    """One event of the coordinator, decoded. `index` is its position in the block."""

    event: str
    args: dict[str, Any]
    index: int


class Tx(Frozen):
    """One mined transaction, with the calls it made into the coordinator and the events the coordinator emitted."""

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
    """A fault was injected, or healed with the number of times that it really acted and the proof of it.

    `unasked`: methods of reading that it hits, and that a relayer of the user's never used while it used others.
    """

    type: Literal["fault"] = "fault"
    id: str
    fault: str
    chain: str | None
    phase: Literal["inject", "heal"]
    # `bites` is what earlier versions wrote.
    activations: int = Field(default=0, validation_alias=AliasChoices("activations", "bites"))
    proof: str | None = None
    unasked: tuple[str, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    effects: FaultEffects | None = None

    @model_validator(mode="after")
    def _says_what_it_disturbs(self) -> FaultMark:
        if self.phase == "inject" and self.effects is None:
            raise ValueError(
                f"expected the effects of fault {self.id} ({self.fault}), got none: an earlier version of the lab "
                "recorded it; run the scenario again"
            )
        return self


# A note about a row of the checklist, before its colon, of which a contract lacks what it is about.
ROW_LEFT_OUT = "row left out"
# About a part that a contract lacks, for want of which the rest of a script was not played.
CUT_SHORT = "cut short"
# That of a run whose history is larger than what is read of one.
TOO_LONG = "too long"
# A relayer of the user's never worked at all; ended by itself after it had; was ended by somebody else.
NO_RELAYER, RELAYER_ENDED, RELAYER_KILLED = "no relayer", "relayer ended", "relayer killed"
# It asked the first of a chain's endpoints alone, to the run's end.
NO_FAILOVER = "no failover"
# Those after which a run shows nothing, whatever else it says.
UNDECIDED = ("timeout", "unsupported", "stray", "clock", TOO_LONG, RELAYER_KILLED)


class Note(Record):
    """A mark on the time line: `settle`, `timeout`, a clock that was moved."""

    type: Literal["note"] = "note"
    kind: str
    text: str
    chain: str | None = None


class RelayerMark(Note):
    """A relayer started, stopped as it was asked to, was killed, or crashed by itself. `kind` is which relayer.

    One that is a process is `ready` with its first request after a start; one in process is so at once, unrecorded.
    """

    type: Literal["relayer"] = "relayer"  # type: ignore[assignment]  # the tag distinguishes it from other notes
    event: RelayerEvent

    @property
    def is_death(self) -> bool:
        """Whether it had no chance to clean up."""
        return self.event in ("kill", "crash")


class Lag(Record):
    """How late the machine itself was since the line before, under the real clock: nobody's fault but its own.

    `turns_ms` is the most that a turn of the lab was late, `starved_ms` how long lab, nodes and relayer together were
    ready to run while others ran. Left out where both are nothing.
    """

    type: Literal["lag"] = "lag"
    turns_ms: int
    starved_ms: int


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

    def transaction(self, tx_id: str) -> StoredTransaction | None:
        """What was read of one transaction; None if it was not read."""
        return next((stored for stored in self.transactions if stored.tx_id == tx_id), None)


class StoreRead(Record):
    """The relayer's store of one chain at rest, read by the lab after the relayer ended; `error` says why if it failed.

    `position` is the last block scanned, `checkpoint` the last one that the relayer took for final. A relayer whose
    store the lab cannot read leaves no such line.
    """

    type: Literal["store"] = "store"
    chain: str
    checkpoint: Place | None = None
    position: Place | None = None
    beliefs: tuple[StoredBelief, ...] = ()
    intents: tuple[StoredIntent, ...] = ()
    error: str | None = None


AnyRecord = Annotated[
    Header
    | ContractRead
    | Block
    | EmptyBlocks
    | Reorg
    | Submit
    | Operation
    | FaultMark
    | Expectation
    | Note
    | RelayerMark
    | Lag
    | Requests
    | FinalRead
    | StoreRead,
    Field(discriminator="type"),
]
RECORD: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord, config=ConfigDict(defer_build=True))
