"""S7: the stored payload is the given one; 512 bytes pass, or as many as the project declares, and 513 do not.

The relayer's mirror is a copy of its parent. It has its parent's origin, the chain that it stands on as target, and no
dependency. Its timestamp is the relayer's choice: a late one is late for L1.
"""

from __future__ import annotations

from lab.checks.facts import (
    ZERO_ID,
    actor_of,
    block_at,
    buffered_with,
    is_mirror,
    leg_at,
    name_at,
    name_of,
    origin_of,
    payload_bytes,
    replays,
)
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, Entry, ObservedStep
from lab.model.effects import argument
from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.records import Operation
from lab.model.verdict import CheckResult

PAYLOAD_BYTES_MAX = 512
PAYLOAD = About(field="payload")
# What nodes say of a revert without data, in lower case.
NO_REASON = frozenset({"", "revert", "execution reverted", "evmerror: revert"})


def judge(history: History) -> CheckResult:
    """Judges every buffered transaction, and every attempt to buffer a payload at the limit or above it."""
    judgement = Judgement("S7", "payload", "contract")
    for replayed in replays(history):
        for entry in replayed.entries.values():
            if entry.first("BUFFERED") is not None:
                _judge_stored(history, judgement, replayed, entry)
                _judge_copy(history, judgement, replayed, entry)
        for seen in replayed.seen:
            _judge_size(history, judgement, replayed, seen)
    for operation in history.of(Operation):
        payload = operation.args.get("payload")
        if operation.function == "buffer_transaction" and operation.tx is None and isinstance(payload, str):
            _judge_unsent(judgement, operation, payload_bytes(payload), _longest(history, operation.chain))
    return judgement.result("no payload was ever given")


def _longest(history: History, chain: str) -> int:
    """What has to be accepted: the documented length, or what the project declares of its contract."""
    contract = history.contract(chain)
    declared = contract.limits.get("payload_bytes") if contract is not None else None
    return longest_payload(declared)


def longest_payload(declared: int | None) -> int:
    """Bytes of payload that a contract has to take, by what its project declares; the documented ones at most."""
    return PAYLOAD_BYTES_MAX if declared is None else min(declared, PAYLOAD_BYTES_MAX)


def _judge_stored(history: History, judgement: Judgement, replayed: ChainReplay, entry: Entry) -> None:
    name = name_at(history, replayed.chain, entry.tx_id)
    given = _given(history, replayed, entry)
    final = history.final(replayed.chain)
    stored = final.transaction(entry.tx_id) if final else None
    if given is None or final is None or stored is None or stored.payload is None:
        missing = "the payload given" if given is None else "a final read of its payload"
        unread = f": {final.error.partition(': ')[2]}" if final is not None and final.error else ""
        why = ": the contract has no getter of payloads (`transactions`)" if stored is not None and given else unread
        judgement.doubt(f"{missing} is missing for {name}{why}", replayed.chain, entry.tx_id)
        return
    judgement.judged += 1
    if stored.payload != given:
        message = (
            f"expected {name} to hold the payload given, {payload_bytes(given)} bytes {given[:18]}; buffered in "
            f"{block_at(entry.moves[0].step.block)} it holds {payload_bytes(stored.payload)} bytes "
            f"{stored.payload[:18]}, {_difference(given, stored.payload)}"
        )
        # Read at the end, and as wrong since it was buffered: by the contract, or by whoever called it.
        buffered = entry.moves[0].step
        actor = actor_of(history, buffered) if buffered_with(entry, "payload") == stored.payload else None
        block = buffered.block
        judgement.fail(message, final, entry.tx_id, block.seq, t_ms=block.t_ms, actor=actor, about=PAYLOAD)


def _difference(given: str, stored: str) -> str:
    """Where two payloads part."""
    first, second = (bytes.fromhex(payload.removeprefix("0x")) for payload in (given, stored))
    same = next((place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), None)
    if same is not None:
        return f"another one from byte {same} on"
    return f"the first {len(second)} of them" if len(second) < len(first) else f"{len(second) - len(first)} more"


def _judge_copy(history: History, judgement: Judgement, replayed: ChainReplay, entry: Entry) -> None:
    """What the relayer buffered under the id of a leg of other chains must be the mirror of one."""
    homes = [leg.chain for leg in history.header.legs if leg.tx_id == entry.tx_id]
    buffered, chains = entry.first("BUFFERED"), history.header.chains
    log = buffered.step.log("TransactionBuffered") if buffered is not None else None
    if buffered is None or log is None or not homes or replayed.chain in homes:
        return
    if buffered.step.tx.sender != history.header.roles.get("relayer"):
        return
    origin, target = str(log.args["origin_rollup"]), str(log.args["target_rollup"])
    parent = buffered_with(entry, "dependency_tx_id")
    wrong = []
    if origin not in [chains[home].rollup for home in homes] or target != chains[replayed.chain].rollup:
        names = [history.chain_of_rollup(rollup) or rollup for rollup in (origin, target)]
        wrong.append(f"to go from {' or '.join(homes)} to {replayed.chain}, it goes from {' to '.join(names)}")
    if parent not in (None, ZERO_ID):
        wrong.append(f"to have no dependency, it depends on {name_of(history, replayed.chain, str(parent))}")
    if wrong:
        name = name_at(history, replayed.chain, entry.tx_id)
        judgement.fail(f"expected {name} {' and '.join(wrong)}", buffered.step.block, entry.tx_id, actor="relayer")


def _given(history: History, replayed: ChainReplay, entry: Entry) -> str | None:
    """The declared payload for a leg and for the relayer's mirror of one; the call's for what others buffered."""
    leg = leg_at(history, replayed.chain, entry.tx_id)
    buffered = entry.first("BUFFERED")
    if leg is None and buffered is not None and buffered.step.tx.sender == history.header.roles.get("relayer"):
        home = history.chain_of_rollup(origin_of(entry) or "")
        leg = leg_at(history, home, entry.tx_id) if home is not None else None
    elif is_mirror(history, replayed.chain, entry):
        leg = None
    return leg.payload if leg is not None else buffered_with(entry, "payload")


def _judge_size(history: History, judgement: Judgement, replayed: ChainReplay, seen: ObservedStep) -> None:
    step = seen.step
    payload = argument(step.call, "payload") if step.call and step.function == "buffer_transaction" else None
    if payload is None or step.call is None:
        return
    size = payload_bytes(payload)
    where = f"on {replayed.chain} in {block_at(step.block)}"
    message = None
    if size > PAYLOAD_BYTES_MAX:
        judgement.judged += 1
        if step.ok:
            message = f"expected a payload of {size} bytes to be refused, it was buffered {where}"
    elif size == _longest(history, replayed.chain) and not step.ok and not _excused(history, replayed, seen):
        judgement.judged += 1
        message = (
            f"expected a payload of {size} bytes to be accepted, it was refused {where} "
            f"({step.call.revert or 'without a reason'})"
        )
    if message is not None:
        judgement.fail(message, step.block, step.tx_id, about=PAYLOAD)


def _blames_size(revert: str | None) -> bool:
    text = (revert or "").lower()
    return "payload" in text or "too long" in text or "too large" in text


def _excused(history: History, replayed: ChainReplay, seen: ObservedStep) -> bool:
    """True if the call broke another rule, or says so itself."""
    call = seen.step.call
    assert call is not None
    if _blames_size(call.revert):
        return False
    if (call.revert or "").lower() not in NO_REASON:
        return True
    args = call.args
    known = [move for move in replayed.entry(str(args.get("tx_id"))).moves if move.step.order < seen.step.order]
    zero = any(int(str(args.get(key, "0x0")), 16) == 0 for key in ("tx_id", "origin_rollup", "target_rollup"))
    return (
        call.caller not in seen.before.operators
        or seen.before.paused
        or bool(known)
        or zero
        or args.get("origin_rollup") == args.get("target_rollup")
        or int(args.get("timestamp", 0)) < seen.step.block.timestamp
    )


def _judge_unsent(judgement: Judgement, operation: Operation, size: int, longest: int) -> None:
    """An operation that ended before a transaction was mined: refused at the estimate, or never heard of again."""
    message = None
    if size > PAYLOAD_BYTES_MAX and operation.outcome != "info":
        judgement.judged += 1
        if operation.outcome == "ok":
            message = f"expected a payload of {size} bytes to be refused, operation {operation.id} succeeded"
    elif size == longest and operation.outcome == "fail" and _blames_size(operation.revert):
        judgement.judged += 1
        message = f"expected a payload of {size} bytes to be accepted, {operation.id} failed: {operation.revert}"
    if message is not None:
        judgement.fail(message, operation, operation.args.get("tx_id"), about=PAYLOAD)
