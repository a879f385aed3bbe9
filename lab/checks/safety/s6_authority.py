"""S6: every state change was sent by an account that held the role at that moment: the direct caller, never the origin.

An event that no call explains means that somebody changed the state past the documented functions; it is proof only
where the history shows every call of that transaction.
"""

from __future__ import annotations

from lab.checks.facts import clock, replays, timestamp_of
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, ObservedStep, Settings
from lab.model.effects import OPERATOR_FUNCTIONS, OWNER_FUNCTIONS, PENDING_OWNER_FUNCTIONS, STATE_CHANGING
from lab.model.history import History
from lab.model.verdict import CheckResult

VIEWS = frozenset(
    {
        "is_transaction_ready",
        "get_transaction_state",
        "get_transaction_details",
        "owner",
        "authorized_operators",
        "transactions",
        "transaction_count",
        "coordination_window",
        "paused",
        "breaker_threshold",
        "failure_count",
        "pending_owner",
        "execution_window",
        "breaker_tripped",
    }
)


def judge(history: History) -> CheckResult:
    """Judges every successful state-changing call; the deployment itself is none."""
    judgement = Judgement("S6", "state-changing call", "contract")
    for replayed in replays(history):
        deploy_block = history.header.chains[replayed.chain].deploy_block
        for seen in replayed.seen:
            step = seen.step
            if not step.ok or step.skipped or step.tx.to is None:
                continue
            if step.call is None:
                if step.block.number > deploy_block:
                    _judge_event(judgement, replayed, seen)
            elif step.function in STATE_CHANGING:
                judgement.judged += 1
                _judge_call(history, judgement, replayed, seen)
        for block, tx in replayed.blind:
            if tx.trace_error is not None and not tx.logs:
                message = (
                    f"transaction {tx.hash[:10]} in block {block.number} of {replayed.chain} could not be traced "
                    f"({tx.trace_error}), so its calls are not known"
                )
                judgement.doubt(message, replayed.chain, None, block.seq)
    return judgement.result("nobody changed the coordinator's state")


def _judge_call(history: History, judgement: Judgement, replayed: ChainReplay, seen: ObservedStep) -> None:
    call, block = seen.step.call, seen.step.block
    assert call is not None
    role, held = _authority(call.function, call.caller, seen.before, replayed.role_of.get(call.function))
    if held or (call.function == "expire_transaction" and _is_late(replayed, seen)):
        return
    names = {address: name for name, address in history.header.roles.items()}
    via = ""
    if seen.step.tx.sender != call.caller:
        via = f" (in a transaction of {names.get(seen.step.tx.sender, seen.step.tx.sender)})"
    message = (
        f"expected {call.function} on {replayed.chain} to succeed only for {role}; "
        f"{names.get(call.caller, call.caller)}{via}, which was not, succeeded in block {block.number} at "
        f"{clock(block.t_ms)}"
    )
    judgement.fail(message, block, seen.step.tx_id)


def _authority(function: str, caller: str, now: Settings, second: str | None) -> tuple[str, bool]:
    if function in OWNER_FUNCTIONS:
        return "the owner", caller == now.owner
    if function in PENDING_OWNER_FUNCTIONS:
        return "the proposed owner", caller == now.pending_owner
    assert function in OPERATOR_FUNCTIONS
    return f"a holder of the role {second}" if second else "an operator", now.may_operate(caller, second)


def _is_late(replayed: ChainReplay, seen: ObservedStep) -> bool:
    """Whether what the call ended was BUFFERED past its window: time alone decides that, so anybody may say so."""
    if seen.step.tx_id is None:
        return False
    entry = replayed.entry(seen.step.tx_id)
    timestamp, before = timestamp_of(entry), [move.after for move in entry.moves if move.step.order < seen.step.order]
    late = timestamp is not None and seen.step.block.timestamp > timestamp + seen.before.window_s
    return late and before[-1:] == ["BUFFERED"]


def _judge_event(judgement: Judgement, replayed: ChainReplay, seen: ObservedStep) -> None:
    step = seen.step
    event = f"{step.logs[0].event} in block {step.block.number} of {replayed.chain} at {clock(step.block.t_ms)}"
    unknown = [call.function for call in step.tx.calls if call.function not in STATE_CHANGING | VIEWS]
    if unknown:
        why = f"{event} may come from {unknown[0]}, of which it is not documented who may call it"
    elif not step.tx.traced and not step.tx.calls:
        why = f"{event} comes from a transaction that was not traced ({step.tx.trace_error or 'no trace'})"
    else:
        judgement.judged += 1
        judgement.fail(
            f"expected every event to come from a call of a documented function; {event} has none",
            step.block,
            step.tx_id,
        )
        return
    judgement.doubt(why, replayed.chain, step.tx_id, step.block.seq)
