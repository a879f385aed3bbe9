"""Turns a scan into knowledge: which transactions appeared, became ready or ended, and what a reorg took away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lab.coordinator import DecodedLog
from lab.model.chain.facts import CoreState, StoredTransaction
from lab.relayer.deciding.decisions import ZERO_ID
from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import BlockId, Entry, Head, Key
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.headers import RawLog
from lab.relayer.reading.scan import Scan
from lab.rpc import RpcMalformed
from lab.rpc.prefetch import Request

# The reasons of TransactionFailed after which a transaction never gets ready; any other only says "not now".
END_REASONS = ("Transaction expired", "Execution failed")


@dataclass(slots=True)
class Findings:
    """One scan's news of one chain, not yet applied.

    `unreadable`: ids whose log the contract's getters deny. `unannounced`: those that it calls READY, or EXECUTED, and
    that no log made READY.
    """

    changed: dict[Key, Entry] = field(default_factory=dict)
    gone: list[Key] = field(default_factory=list)
    window_touched: bool = False
    resumed: bool = False
    unreadable: list[str] = field(default_factory=list)
    unannounced: list[str] = field(default_factory=list)


def apply_scan(chain: Chain, ledger: Ledger, scan: Scan) -> Findings:
    """Read the details of new transactions and sort the events in. Raises an RpcFailure; changes nothing."""
    findings = Findings()
    if scan.ancestor is not None:
        changed, findings.gone = ledger.without_orphans(chain.name, scan.ancestor)
        findings.changed = {entry.key: entry for entry in changed}
        findings.window_touched = findings.resumed = True
    if "CoordinationWindowSet" not in chain.codec.events:
        findings.window_touched = True
    decoded = chain.decoded(scan.logs)
    details = _details(chain, ledger, scan.head, findings, decoded)
    with chain.ahead.asked(details, (scan.head.number, scan.head.hash)):
        for raw, log in zip(scan.logs, decoded, strict=True):
            if log is not None:
                _take(chain, ledger, scan.head, findings, raw, log)
    findings.gone = [key for key in findings.gone if key not in findings.changed]
    ready = (findings.changed[chain.name, tx_id].ready for tx_id in findings.unannounced)
    findings.unannounced = [tx_id for tx_id, at in zip(findings.unannounced, ready, strict=True) if at is None]
    return findings


def read_transaction(chain: Chain, tx_id: str, head: Head | BlockId) -> StoredTransaction:
    """A stored transaction as of exactly this block. Raises an RpcFailure, also when that block is orphaned."""
    block = {"blockHash": head.hash}
    try:
        whole = chain.ahead.batches and chain.reader.has_whole
        return chain.reader.whole(tx_id, block=block) if whole else chain.reader.transaction(tx_id, block=block)
    except ValueError as error:
        raise RpcMalformed("eth_call", str(error)) from error


def read_state(chain: Chain, tx_id: str, head: Head | BlockId) -> CoreState:
    """A stored transaction's state alone, in one call where the contract has a getter for it. As `read_transaction`."""
    if not chain.codec.has("get_transaction_state"):
        return read_transaction(chain, tx_id, head).state
    try:
        return chain.reader.state(tx_id, block={"blockHash": head.hash})
    except ValueError as error:
        raise RpcMalformed("eth_call", str(error)) from error


def _details(
    chain: Chain, ledger: Ledger, head: Head, findings: Findings, logs: Sequence[DecodedLog | None]
) -> list[Request]:
    """What `_take` is going to ask for: the details of all new transactions."""
    gone = set(findings.gone)
    buffered = (log.args.get("tx_id") for log in logs if log is not None and log.event == "TransactionBuffered")
    keys = {(chain.name, tx_id): None for tx_id in buffered if isinstance(tx_id, str)}
    block, getters = {"blockHash": head.hash}, ("get_transaction_details", "transactions")
    return [
        request
        for key in keys
        if key in gone or key not in ledger.entries
        for getter in (getters[1:] if chain.reader.has_whole else getters)
        for request in chain.reader.requests(getter, key[1], block=block)
    ]


def _take(chain: Chain, ledger: Ledger, head: Head, findings: Findings, raw: RawLog, log: DecodedLog) -> None:
    if log.event == "CoordinationWindowSet":
        findings.window_touched = True
    elif log.event == "EmergencyStopLifted" or (log.event == "OperatorAdded"):
        findings.resumed = True
    tx_id = log.args.get("tx_id")
    if not isinstance(tx_id, str):
        return
    key, block = (chain.name, tx_id), BlockId(chain.name, raw.number, raw.hash)
    entry = findings.changed.get(key) or (None if key in findings.gone else ledger.entries.get(key))
    if log.event == "TransactionBuffered":
        if entry is None:
            _take_new(chain, head, findings, tx_id, block)
    elif entry is None:
        return
    elif log.event == "TransactionReady":
        findings.changed[key] = replace(entry, ready=block)
    elif log.event == "TransactionFailed" and log.args.get("reason") in END_REASONS:
        findings.changed[key] = replace(entry, ended=block, end_state="EXPIRED")


def _take_new(chain: Chain, head: Head, findings: Findings, tx_id: str, block: BlockId) -> None:
    stored = read_transaction(chain, tx_id, head)
    if stored.state == "EMPTY":
        findings.unreadable.append(tx_id)
        return
    findings.changed[chain.name, tx_id] = _entry(chain, stored, block, head)
    if stored.state in ("READY", "EXECUTED"):
        findings.unannounced.append(tx_id)


def _entry(chain: Chain, stored: StoredTransaction, block: BlockId, head: Head) -> Entry:
    dependency = None if stored.dependency == ZERO_ID else stored.dependency
    origin, target, payload = stored.origin, stored.target, stored.payload
    entry = Entry(chain.name, stored.tx_id, origin, target, dependency, stored.timestamp, payload, block)
    if stored.state in ("EXECUTED", "EXPIRED"):
        at = BlockId(chain.name, head.number, head.hash)
        return replace(entry, ended=at, end_state="EXECUTED" if stored.state == "EXECUTED" else "EXPIRED")
    return entry
