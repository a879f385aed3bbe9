"""S4: a transaction becomes READY within its timestamp and timestamp + the window then in force, and all that time.

What a resolve says on the outside of the window is judged too: an expiry inside of it, or a refusal although the time
has come and the dependency is met, is a window that is shorter than promised.
"""

from __future__ import annotations

from lab.checks.facts import ZERO_ID, block_at, buffered_with, name_at, name_of, replays, timestamp_of
from lab.checks.judgement import Judgement
from lab.checks.replay import EXPIRED_REASON, ChainReplay, Entry, ObservedStep, Transition
from lab.model.effects import Step
from lab.model.history import History
from lab.model.verdict import CheckResult

TOO_EARLY_REASON = "Dependencies not satisfied"


def judge(history: History) -> CheckResult:
    """Judges every step into READY, mirrors included, and every refused resolve; both ends belong to the window."""
    judgement = Judgement("S4", "resolve", "contract")
    for replayed in replays(history):
        for entry in replayed.entries.values():
            for move in entry.into("READY"):
                _judge_ready(history, judgement, replayed, entry, move)
        for seen in replayed.seen:
            _judge_refused(history, judgement, replayed, seen)
    return judgement.result("no transaction ever became READY or expired")


def _judge_ready(history: History, judgement: Judgement, replayed: ChainReplay, entry: Entry, move: Transition) -> None:
    name, block = name_of(history, replayed.chain, entry.tx_id), move.step.block
    timestamp = timestamp_of(entry)
    if timestamp is None:
        message = (
            f"{name} became READY on {replayed.chain}, but the history does not show with which timestamp it was "
            f"buffered"
        )
        judgement.doubt(message, replayed.chain, entry.tx_id, block.seq)
        return
    judgement.judged += 1
    late = block.timestamp - timestamp
    if 0 <= late <= move.window_s:
        return
    side = f"{-late} s before its timestamp" if late < 0 else f"{late} s after its timestamp"
    message = (
        f"expected {name} on {replayed.chain} to become READY from its timestamp {timestamp} until {move.window_s} s "
        f"after it; {block_at(block)} made it READY {side}"
    )
    judgement.fail(message, block, entry.tx_id, entry.moves[0].step.block.seq)


def _judge_refused(history: History, judgement: Judgement, replayed: ChainReplay, seen: ObservedStep) -> None:
    step = seen.step
    failed = step.log("TransactionFailed")
    if failed is None or step.tx_id is None:
        return
    reason = failed.args.get("reason")
    entry = replayed.entry(step.tx_id)
    timestamp = timestamp_of(entry)
    if timestamp is None or reason not in (EXPIRED_REASON, TOO_EARLY_REASON):
        return
    late, window_s = step.block.timestamp - timestamp, seen.before.window_s
    if reason == EXPIRED_REASON:
        judgement.judged += 1
        wrong = late <= window_s
    else:
        wrong = 0 <= late <= window_s and _dependency_met(replayed, entry, step) and not _delayed(history, entry, step)
    if wrong:
        message = (
            f"expected {name_at(history, replayed.chain, entry.tx_id)} to become READY when "
            f"resolved from its timestamp {timestamp} until {window_s} s after it; {block_at(step.block)}, {late} s "
            f'after it, says "{reason}"'
        )
        judgement.fail(message, step.block, entry.tx_id, entry.moves[0].step.block.seq)


def _delayed(history: History, entry: Entry, step: Step) -> bool:
    """Whether the contract is known to want more time between buffering and resolve."""
    buffered, contract = entry.first("BUFFERED"), history.contract(step.block.chain)
    if buffered is None or contract is None:
        return False
    since, limits = buffered.step.block, contract.limits
    blocks, seconds = limits.get("resolve_after_blocks", 0), limits.get("resolve_after_seconds", 0)
    return step.block.number < since.number + blocks or step.block.timestamp < since.timestamp + seconds


def _dependency_met(replayed: ChainReplay, entry: Entry, step: Step) -> bool:
    """Whether nothing but time was left to wait for; False where the dependency is not known."""
    dependency = buffered_with(entry, "dependency_tx_id")
    if dependency is None or dependency == ZERO_ID:
        return dependency is not None
    before = [move.after for move in replayed.entry(dependency).moves if move.step.order < step.order]
    return bool(before) and before[-1] in ("READY", "EXECUTED")
