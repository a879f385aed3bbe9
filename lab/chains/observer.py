"""Turns mined blocks into history: decoded calls and events of the coordinator, internal senders from traces, orphans.

Traces are taken as the block arrives, since they vanish with pruned state. Batch calls are recorded as the single
calls that they stand for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from lab.chains.kept_calls import kept_calls
from lab.chains.mined import Mined
from lab.coordinator import Codec
from lab.coordinator.codec import DecodedCall
from lab.coordinator.opcodes import calls_out
from lab.evidence import Recorder
from lab.model.records import Block, Call, EmptyBlocks, Log, Note, Reorg, Tx
from lab.rpc import Rpc, RpcFailure

NO_CODE = ("0x", "0x0")
# Below it a trace for each transaction costs little.
TRACED_AT_ONCE_MIN = 8
# Holds what the lab itself sends before anybody else is there.
SETUP_BLOCK = 1
# So many transactions of one sender, function and gas are traced that all revert for one reason; the next ones are not:
# a node executes a block again for every trace, and a contract that always reverts would cost minutes.
ALIKE_MAX = 10
Kind = tuple[str, str, str]

Traced = tuple[list[Call], bool, str | None]
"""Calls, whether they come from a trace, and why there is none."""


def _kind(tx: dict[str, Any], receipt: dict[str, Any]) -> Kind:
    """What transactions have in common that come to the same end: sender, function and the gas that it took."""
    return tx["from"], tx["input"][:10], receipt["gasUsed"]


class Observer:
    """Records one chain. `observed` gives every canonical transaction seen so far with the number of its block."""

    def __init__(self, chain: str, rpc: Rpc, recorder: Recorder, codec: Codec, contract: str) -> None:
        self.rpc = rpc
        self.observed: dict[str, tuple[int, Tx]] = {}
        self.tx_ids: dict[str, None] = {}
        # Transactions that were given to the node by a way that the lab sees, before they reach it.
        self.expected: set[str] = set()
        # By the hash of their block, as the node showed them, if any: for whoever looks at the chain beside it.
        self.receipts: dict[str, list[dict[str, Any]]] | None = None
        self._strays: list[tuple[int, Tx]] = []
        self._chain = chain
        self._recorder = recorder
        self._codec = codec
        self._contract = contract
        self._has_code: dict[str, bool] = {}
        self._outward: bool | None = None
        self._body: dict[str, Any] = {}
        self._kept: dict[str, dict[str, Any]] | None = None
        self._alike: defaultdict[Kind, Counter[str | None]] = defaultdict(Counter)
        self._untraced: Counter[tuple[str, str]] = Counter()
        self._empty: list[Mined] = []
        self._last_ms = 0

    def on_block(self, mined: Mined) -> None:
        """Record a block, or extend the current run of empty ones."""
        if mined.body is None:
            # Of a run of empty blocks only its ends are recorded.
            self._empty[1:] = [mined]
            return
        self._last_ms = mined.t_ms
        self.flush(last_hash=mined.body["parentHash"])
        txs = self._transactions(mined.body)
        self.note_strays()
        for tx in txs:
            self.observed[tx.hash] = (mined.number, tx)
            if mined.number > SETUP_BLOCK and tx.hash not in self.expected:
                self._strays.append((mined.t_ms, tx))
        self._recorder.add(
            Block(
                t_ms=mined.t_ms,
                chain=self._chain,
                number=mined.number,
                hash=mined.body["hash"],
                parent=mined.body["parentHash"],
                timestamp=int(mined.body["timestamp"], 16),
                base_fee=int(mined.body["baseFeePerGas"], 16),
                gas_used=int(mined.body["gasUsed"], 16),
                gas_limit=int(mined.body["gasLimit"], 16),
                txs=tuple(txs),
            )
        )

    def note_strays(self) -> None:
        """Record what is in a block and came to the node by no way that the lab sees: past every fault and every rule.

        Called a block late, as a transaction may be mined before its sender has the node's answer.
        """
        strays, self._strays = self._strays, []
        for t_ms, tx in strays:
            if tx.hash not in self.expected:
                text = (
                    f"transaction {tx.hash} of {tx.sender} (nonce {tx.nonce}) is in a block of {self._chain}, and "
                    "reached its node past the lab's endpoint: no fault could act on it"
                )
                self._recorder.add(Note(t_ms=t_ms, kind="stray", text=text, chain=self._chain))

    def _note_untraced(self) -> None:
        """Record how many reverted transactions were taken to be like those before them."""
        untraced, self._untraced = self._untraced, Counter()
        for (function, reason), count in untraced.items():
            text = (
                f"{count} reverted calls of {function} were not traced: {ALIKE_MAX} like them were, and all "
                f"reverted for one reason ({reason})"
            )
            self._recorder.add(Note(t_ms=self._last_ms, kind="untraced", text=text, chain=self._chain))

    def flush(self, *, last_hash: str | None = None) -> None:
        """Write the current run of empty blocks, if there is one; at a pause or the end, without `last_hash`, all."""
        if last_hash is None:
            self.note_strays()
            self._note_untraced()
        if not self._empty:
            return
        first, last = self._empty[0], self._empty[-1]
        self._empty = []
        if last_hash is None:
            block = self.rpc.block(last.number)
            last_hash = str(block["hash"]) if block else "unknown"
        self._recorder.add(
            EmptyBlocks(
                t_ms=last.t_ms,
                chain=self._chain,
                first=first.number,
                last=last.number,
                first_t_ms=first.t_ms,
                first_timestamp=first.timestamp,
                last_timestamp=last.timestamp,
                last_hash=last_hash,
                last_base_fee=last.base_fee,
            )
        )

    def orphaned_by(self, ancestor: int) -> tuple[str, ...]:
        """The transactions above `ancestor`, in chain order."""
        return tuple(tx_hash for tx_hash, (number, _) in self.observed.items() if number > ancestor)

    def on_reorg(
        self,
        t_ms: int,
        ancestor: int,
        depth: int,
        orphaned: tuple[str, ...],
        requeued: tuple[str, ...],
        *,
        beyond: bool,
    ) -> None:
        """Record that all blocks above `ancestor` are gone. Call `flush` before the chain is rolled back."""
        for tx_hash in orphaned:
            del self.observed[tx_hash]
        self._recorder.add(
            Reorg(
                t_ms=t_ms,
                chain=self._chain,
                depth=depth,
                ancestor=ancestor,
                orphaned_txs=orphaned,
                requeued_txs=requeued,
                beyond_finality=beyond,
            )
        )

    def _transactions(self, body: dict[str, Any]) -> list[Tx]:
        receipts = self.rpc.call("eth_getBlockReceipts", body["number"])
        if self.receipts is not None:
            self.receipts[body["hash"]] = receipts
        self._kept = None
        self._body = body
        return [
            self._transaction(tx, receipt, index)
            for index, (tx, receipt) in enumerate(zip(body["transactions"], receipts, strict=True))
        ]

    def _transaction(self, tx: dict[str, Any], receipt: dict[str, Any], index: int) -> Tx:
        ok = receipt["status"] == "0x1"
        to = tx["to"].lower() if tx.get("to") else None
        calls, traced, trace_error = self._known_calls(tx, to, receipt) or self._calls(tx, to, ok)
        if not ok and traced and to == self._contract and calls:
            self._alike[_kind(tx, receipt)][calls[0].revert] += 1
        logs = []
        for log in receipt["logs"]:
            decoded = self._codec.decode_log(log) if log["address"].lower() == self._contract else None
            if decoded is not None:
                logs.append(Log(event=decoded.event, args=decoded.args, index=int(log["logIndex"], 16)))
        for args in [call.args for call in calls] + [log.args for log in logs]:
            if isinstance(args.get("tx_id"), str):
                self.tx_ids.setdefault(args["tx_id"])
        return Tx(
            hash=tx["hash"],
            sender=tx["from"].lower(),
            to=to,
            nonce=int(tx["nonce"], 16),
            status=1 if ok else 0,
            gas_used=int(receipt["gasUsed"], 16),
            gas_price=int(receipt["effectiveGasPrice"], 16),
            index=index,
            calls=tuple(calls),
            logs=tuple(logs),
            traced=traced,
            trace_error=trace_error,
        )

    def _known_calls(self, tx: dict[str, Any], to: str | None, receipt: dict[str, Any]) -> Traced | None:
        """The call of a transaction like many before it that were traced: it reverted for the same reason."""
        if receipt["status"] == "0x1" or to != self._contract:
            return None
        reasons = self._alike[_kind(tx, receipt)]
        if len(reasons) != 1 or reasons.total() < ALIKE_MAX:
            return None
        (reason,) = reasons
        calls = self._expanded(self._codec.decode_call(tx["input"]), tx["from"], ok=False, revert=reason)
        self._untraced[calls[0].function, reason or "no reason"] += 1
        return calls, False, None

    def _calls(self, tx: dict[str, Any], to: str | None, ok: bool) -> Traced:
        """The calls into the coordinator. A plain success needs no trace; a revert's reason and an inner call do.

        Inner calls come about behind another contract, or behind a coordinator that calls out and is called back.
        """
        if ok and to == self._contract and not self._calls_out():
            return self._expanded(self._codec.decode_call(tx["input"]), tx["from"], ok=True, revert=None), False, None
        if to is None or (to != self._contract and not self._is_contract(to)):
            return [], False, None
        try:
            trace = self._trace(tx["hash"])
        except RpcFailure as error:
            return [], False, str(error)
        calls: list[Call] = []
        self._walk(trace, calls, reverted=False)
        return calls, True, None

    def _trace(self, tx_hash: str) -> dict[str, Any]:
        """Of a transaction of the block at hand. Raises an RpcFailure.

        The node traces one by executing all before it in its block again. In a block of many the calls that it kept
        from the execution serve as well, but where one of them failed: those do not give the reason.
        """
        if len(self._body["transactions"]) >= TRACED_AT_ONCE_MIN:
            if self._kept is None:
                self._kept = kept_calls(self.rpc.call("trace_block", self._body["number"]))
            if (known := self._kept.get(tx_hash)) is not None:
                return known
        trace: dict[str, Any] = self.rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
        return trace

    def _walk(self, frame: dict[str, Any], calls: list[Call], *, reverted: bool) -> None:
        reverted = reverted or "error" in frame
        writes = frame.get("type") in ("CALL", "DELEGATECALL", "CALLCODE")
        if writes and (frame.get("to") or "").lower() == self._contract:
            reason = self._codec.reasons.traced(frame) if reverted else None
            decoded = self._codec.decode_call(frame.get("input", "0x"))
            calls.extend(self._expanded(decoded, frame["from"], ok=not reverted, revert=reason))
        for inner in frame.get("calls", ()):
            self._walk(inner, calls, reverted=reverted)

    def _expanded(self, call: DecodedCall | None, caller: str, *, ok: bool, revert: str | None) -> list[Call]:
        if call is None:
            return [Call(caller=caller.lower(), function="unknown", args={}, ok=ok, revert=revert)]
        return [
            Call(caller=caller.lower(), function=single.function, args=single.args, ok=ok, revert=revert)
            for single in self._codec.singles(call)
        ]

    def _calls_out(self) -> bool:
        if self._outward is None:
            code = self.rpc.call("eth_getCode", self._contract, "latest")
            if code in NO_CODE:
                return False
            self._outward = calls_out(code)
        return self._outward

    def _is_contract(self, address: str) -> bool:
        if address not in self._has_code:
            self._has_code[address] = self.rpc.call("eth_getCode", address, "latest") not in NO_CODE
        return self._has_code[address]
