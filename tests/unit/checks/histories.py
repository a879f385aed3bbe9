"""Hand-written histories: two chains, blocks at given seconds, transactions with their calls and events.

`one` has blocks of 12 s and is final after 2 blocks, `two` has blocks of 2 s. Final reads are stated by the test, never
computed: the replayed under test must not be its own witness.
"""

from __future__ import annotations

from typing import Any

from lab.faults import FAULTS
from lab.model.chain.facts import ChainFacts, CoreState, StoredTransaction
from lab.model.chain.finality import Finality
from lab.model.history import History
from lab.model.record_parts.contract_read import ContractRead
from lab.model.record_parts.store import StoredBelief
from lab.model.records import (
    AnyRecord,
    Block,
    Call,
    EmptyBlocks,
    Expectation,
    FaultMark,
    FinalRead,
    Header,
    Leg,
    Log,
    Note,
    Operation,
    Outcome,
    RelayerEvent,
    RelayerMark,
    Reorg,
    Requests,
    StoreRead,
    Submit,
    Tx,
)

GENESIS = 1_800_000_000
ZERO = "0x" + "00" * 32
ROLES = {
    role: f"0x{number:040x}"
    for number, role in enumerate(("owner", "operator", "relayer", "attacker", "operator2", "user", "newowner"), 0xA0)
}
CONTRACT = f"0x{0xC0:040x}"
PROXY = f"0x{0xD0:040x}"
STATES: dict[str, int] = {"EMPTY": 1, "BUFFERED": 2, "READY": 4, "EXECUTED": 8, "EXPIRED": 16}
BLOCK_TIME_S = {"one": 12, "two": 2, "three": 2}
TWO = ("one", "two")


def tx_id(number: int) -> str:
    """A transaction id."""
    return f"0x{number:064x}"


def rollup(chain: str) -> str:
    """The address that stands for a chain."""
    return f"0x{0xF0 + list(BLOCK_TIME_S).index(chain):040x}"


class Story:
    """Appends records in order; every method that makes a record returns it."""

    def __init__(
        self,
        *legs: Leg,
        finality: Finality | None = None,
        tag_depth: int | None = None,
        names: tuple[str, ...] = TWO,
        **header: Any,
    ) -> None:
        chains = {
            name: ChainFacts(
                network=name,
                chain_id=number,
                contract=CONTRACT,
                rollup=rollup(name),
                finality=finality or Finality(blocks=2),
                tag_depth_blocks=tag_depth,
                block_time_ms=BLOCK_TIME_S[name] * 1000,
                mines_empty_blocks=True,
                deploy_block=0,
            )
            for number, name in enumerate(names, 1)
        }
        operators = tuple(ROLES[role] for role in ("owner", "operator", "operator2", "relayer"))
        fields: dict[str, Any] = {
            "scenario": "story",
            "item": "story",
            "seed": 1,
            "clock": "virtual",
            "genesis_time": GENESIS,
            "window_s": 60,
            "chains": chains,
            "roles": ROLES,
            "operators": dict.fromkeys(chains, operators),
            "legs": legs,
            "capabilities": ("breaker", "expiry", "handover", "batch"),
            "poll_ms": 2000,
            "rpc_budget_ms": 1000,
            "execution_order": "ready",
        }
        self.records: list[AnyRecord] = [Header(seq=0, t_ms=0, **{**fields, **header})]
        self.heads = dict.fromkeys(chains, 0)
        self.nonces: dict[tuple[str, str], int] = {}
        self.count = 0

    def _add(self, record: Any) -> Any:
        self.records.append(record.model_copy(update={"seq": len(self.records)}))
        return self.records[-1]

    def history(self) -> History:
        """The story as a check gets it."""
        return History(self.records)

    def mine(self, chain: str, at: int, *txs: Tx, timestamp: int | None = None) -> Block:
        """The block of second `at`, empty blocks before it included."""
        number = at // BLOCK_TIME_S[chain]
        self.idle(chain, at - BLOCK_TIME_S[chain])
        self.heads[chain] = number
        block: Block = self._add(
            Block(
                t_ms=at * 1000,
                chain=chain,
                number=number,
                hash=f"0x{chain}{number}{len(self.records)}",
                parent="0x",
                timestamp=GENESIS + at if timestamp is None else timestamp,
                base_fee=1,
                gas_used=sum(tx.gas_used for tx in txs),
                gas_limit=30_000_000,
                txs=tuple(tx.model_copy(update={"index": index}) for index, tx in enumerate(txs)),
            )
        )
        return block

    def idle(self, chain: str, until: int) -> None:
        """Empty blocks up to second `until`."""
        seconds = BLOCK_TIME_S[chain]
        first, last = self.heads[chain] + 1, until // seconds
        if last < first:
            return
        self.heads[chain] = last
        self._add(
            EmptyBlocks(
                t_ms=last * seconds * 1000,
                chain=chain,
                first=first,
                last=last,
                first_t_ms=first * seconds * 1000,
                first_timestamp=GENESIS + first * seconds,
                last_timestamp=GENESIS + last * seconds,
                last_hash="0x",
                last_base_fee=1,
            )
        )

    def tx(self, chain: str, by: str, *calls: tuple[Call, tuple[Log, ...]], **fields: Any) -> Tx:
        """One transaction of calls with their events; it succeeds if any of its calls does."""
        sender = ROLES.get(by, by)
        nonce = self.nonces.get((chain, sender), 0)
        self.nonces[chain, sender] = nonce + 1
        self.count += 1
        logs = tuple(log for _, own in calls for log in own)
        made: dict[str, Any] = {
            "hash": f"0x{self.count:064x}",
            "sender": sender,
            "to": CONTRACT,
            "nonce": nonce,
            "status": int(not calls or any(call.ok for call, _ in calls)),
            "gas_used": 100_000,
            "gas_price": 2,
            "index": 0,
            "calls": tuple(call for call, _ in calls),
            "logs": tuple(log.model_copy(update={"index": index}) for index, log in enumerate(logs)),
            "traced": True,
        }
        return Tx(**{**made, **fields})

    def submit(self, at: float, chain: str, tx: Tx, outcome: Outcome = "ok") -> Submit:
        """The relayer hands a transaction to a chain."""
        call = tx.calls[0]
        record: Submit = self._add(
            Submit(
                t_ms=int(at * 1000),
                chain=chain,
                sender=tx.sender,
                tx=tx.hash,
                nonce=tx.nonce,
                function=call.function,
                args=call.args,
                max_fee_per_gas=1,
                outcome=outcome,
            )
        )
        return record

    def requests(self, since: int, until: int, chain: str, calls: int, limited: int = 0) -> Requests:
        """What the relayer asked in periods of five seconds: so many calls in each."""
        for start in range(since, until, 5):
            at_ms = (start + 5) * 1000
            line: Requests = self._add(
                Requests(t_ms=at_ms, chain=chain, since_ms=start * 1000, calls=calls, limited=limited)
            )
        return line

    def reorg(self, at: int, chain: str, ancestor: int, *, beyond: bool = False) -> Reorg:
        """Orphans every block above `ancestor`; the head is `ancestor` again."""
        orphaned = tuple(
            tx.hash
            for record in self.records
            if isinstance(record, Block) and record.chain == chain and record.number > ancestor
            for tx in record.txs
        )
        depth, self.heads[chain] = self.heads[chain] - ancestor, ancestor
        reorg: Reorg = self._add(
            Reorg(
                t_ms=at * 1000,
                chain=chain,
                depth=depth,
                ancestor=ancestor,
                orphaned_txs=orphaned,
                requeued_txs=(),
                beyond_finality=beyond,
            )
        )
        return reorg

    def fault(
        self, at: int, phase: Any, *, fault: str = "rpc_error", chain: str | None = None, id: str = "f", **params: Any
    ) -> FaultMark:
        """Injects or heals a fault."""
        given: dict[str, Any] = {"fault": fault, **params} | ({"chain": chain} if chain is not None else {})
        spec = FAULTS[fault].spec.model_construct(**given)
        effects = spec.effects() if phase == "inject" else None
        line = FaultMark(t_ms=at * 1000, id=id, fault=fault, chain=chain, phase=phase, params=params, effects=effects)
        mark: FaultMark = self._add(line)
        return mark

    def note(self, at: int, kind: str, text: str = "") -> Note:
        """A mark on the time line."""
        note: Note = self._add(Note(t_ms=at * 1000, kind=kind, text=text))
        return note

    def relayer(self, at: int, event: RelayerEvent, text: str = "", *, name: str = "relayer") -> RelayerMark:
        """The relayer starts, stops or dies."""
        mark: RelayerMark = self._add(RelayerMark(t_ms=at * 1000, kind=name, event=event, text=text or event))
        return mark

    def expectation(self, at: int) -> Expectation:
        """A line that no check looks at: it only makes the run last."""
        line = Expectation(t_ms=at * 1000, id="end", where="", expected="", actual="", met=True)
        return self._add(line)  # type: ignore[no-any-return]

    def operation(
        self, at: int, chain: str, function: str, args: dict[str, Any], outcome: Outcome, **more: Any
    ) -> Operation:
        """A client operation of the scenario."""
        fields = {"id": "op", "actor": "operator", "end_ms": at * 1000, **more}
        line = Operation(t_ms=at * 1000, chain=chain, function=function, args=args, outcome=outcome, **fields)
        return self._add(line)  # type: ignore[no-any-return]

    def contract(self, chain: str, **fields: Any) -> ContractRead:
        """What is particular about a chain's contract."""
        operators = tuple(ROLES[role] for role in ("owner", "operator", "operator2", "relayer"))
        made: dict[str, Any] = {"operators": operators, "owner": ROLES["owner"], "window_s": 60}
        record: ContractRead = self._add(ContractRead(t_ms=0, chain=chain, **{**made, **fields}))
        return record

    def final(self, chain: str, at: int, *stored: StoredTransaction, **fields: Any) -> FinalRead:
        """The final reads; `transaction_count` defaults to the number of stored transactions that are not EMPTY."""
        self.idle(chain, at)
        operators = {ROLES[role]: role in ("owner", "operator", "operator2", "relayer") for role in ROLES}
        made: dict[str, Any] = {
            "number": self.heads[chain],
            "hash": "0x",
            "timestamp": GENESIS + at,
            "transaction_count": sum(each.state != "EMPTY" for each in stored),
            "window_s": 60,
            "owner": ROLES["owner"],
            "paused": False,
            "breaker_threshold": 25,
            "failure_count": 0,
            "operators": operators,
            "transactions": stored,
        }
        record: FinalRead = self._add(FinalRead(t_ms=at * 1000, chain=chain, **{**made, **fields}))
        return record

    def store(self, chain: str, at: int, *beliefs: StoredBelief, **fields: Any) -> StoreRead:
        """The relayer's store, scanned up to the head, with a checkpoint two blocks below it."""
        self.idle(chain, at)
        head = self.heads[chain]
        made: dict[str, Any] = {"position": (head, "0x"), "checkpoint": (head - 2, "0x"), "beliefs": beliefs}
        record: StoreRead = self._add(StoreRead(t_ms=at * 1000, chain=chain, **{**made, **fields}))
        return record


def leg(name: str, chain: str, at: int, *, id: int, after: str | None = None, payload: str = "0xaabb") -> Leg:
    """A declared leg with its timestamp `at` seconds after genesis; its target is the other chain."""
    other = next(each for each in BLOCK_TIME_S if each != chain)
    return Leg(
        name=name,
        flow=name.split(".")[0],
        chain=chain,
        tx_id=tx_id(id),
        origin=rollup(chain),
        target=rollup(other),
        payload=payload,
        after=after,
        timestamp=GENESIS + at,
    )


def believed(of: Leg, state: Any, buffered: Block, ready: Block | None = None) -> StoredBelief:
    """A leg as the relayer's store has it."""
    return StoredBelief(
        tx_id=of.tx_id,
        state=state,
        origin=of.origin,
        timestamp=of.timestamp,
        buffered=(buffered.number, buffered.hash),
        ready=(ready.number, ready.hash) if ready is not None else None,
    )


def stored(of: Leg, state: CoreState, *, dependency: str = ZERO, **fields: Any) -> StoredTransaction:
    """A leg as the contract returns it."""
    made: dict[str, Any] = {
        "tx_id": of.tx_id,
        "state": state,
        "raw_state": STATES[state],
        "origin": of.origin,
        "target": of.target,
        "payload": of.payload,
        "dependency": dependency,
        "timestamp": of.timestamp,
    }
    return StoredTransaction(**{**made, **fields})
