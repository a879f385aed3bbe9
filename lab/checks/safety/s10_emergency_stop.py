"""S10: while paused only owner functions succeed, and those still do; the breaker trips exactly at its threshold.

The breaker counts failures that succeed as transactions: expiries and failed executions, within a period that starts
with the first failure and anew when the stop is lifted. A contract whose trips and counters follow another rule all the
time (`breaker.RULES`) counts by that one. A contract that answers an expiry with a revert rolls back whatever it
counted, so its breaker never trips.
"""

from __future__ import annotations

from lab.checks.facts import block_at, clock, name_of, replays, timestamp_of
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, ObservedStep, lifts_stop
from lab.checks.safety.breaker import DEMANDED, RULES, Count, Counted, CountingRule, count, is_failure, reaches
from lab.model.effects import OPERATOR_FUNCTIONS, OWNER_FUNCTIONS, PENDING_OWNER_FUNCTIONS, Step, blind
from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.verdict import CheckResult

# Owner functions with no other reason to refuse their owner; the setters may refuse a value, pause a second stop.
UNCONDITIONAL = frozenset(
    {"add_operator", "remove_operator", "propose_owner", "unpause", "reset_breaker", "accept_ownership"}
)


def concerns(history: History) -> bool:
    """Whether the contract can be stopped at all."""
    return not {"stop", "breaker"}.isdisjoint(history.header.capabilities)


def judge(history: History) -> CheckResult:
    """Judges every call made while paused, every counted failure and every automatic stop."""
    judgement = Judgement("S10", "emergency-stop case", "contract")
    has_breaker = "breaker" in history.header.capabilities
    for replayed in replays(history):
        for seen in replayed.seen:
            if seen.before.paused:
                _judge_paused(judgement, replayed, seen)
            _judge_unexpected_stop(judgement, replayed, seen, has_breaker)
            if has_breaker:
                _judge_rolled_back(history, judgement, replayed, seen)
        _doubt_hidden(history, judgement, replayed)
    if has_breaker:
        _judge_breaker(history, judgement)
    return judgement.result("nothing was ever paused, and the breaker counted no failure")


def _judge_breaker(history: History, judgement: Judgement) -> None:
    """By the first rule that explains what all chains show; by the demanded one where none does."""
    judged = {rule: _by_rule(history, rule) for rule in RULES}
    rule = next((rule for rule, one in judged.items() if not one.failures), DEMANDED)
    judgement.judged += judged[rule].judged
    judgement.failures += judged[rule].failures
    judgement.doubts += judged[rule].doubts
    if rule != DEMANDED:
        judgement.note(f"the breaker counts in a way of its own: {rule}")


def _by_rule(history: History, rule: CountingRule) -> Judgement:
    judgement = Judgement("S10", "failure", "contract")
    for replayed in replays(history):
        result = count(replayed, rule)
        for counted in result.counted:
            if not counted.tripped and _stopped_silently(history, replayed, counted.step):
                _doubt_silent(judgement, replayed, counted)
            else:
                _judge_counted(judgement, replayed, counted)
        _judge_final_count(history, judgement, replayed, result)
    return judgement


def _judge_paused(judgement: Judgement, replayed: ChainReplay, seen: ObservedStep) -> None:
    step = seen.step
    if step.skipped or step.call is None:
        return
    function, caller, revert = step.call.function, step.call.caller, step.call.revert
    where = f"on {replayed.chain} in {block_at(step.block)}"
    message = None
    if function in OPERATOR_FUNCTIONS:
        judgement.judged += 1
        if step.ok:
            message = f"expected {function} to be refused while paused, it succeeded {where}"
    elif function in OWNER_FUNCTIONS | PENDING_OWNER_FUNCTIONS:
        holder = seen.before.pending_owner if function in PENDING_OWNER_FUNCTIONS else seen.before.owner
        if caller != holder or function == "pause":
            return
        judgement.judged += 1
        blames_pause = "paused" in (revert or "").lower()
        if not step.ok and (function in UNCONDITIONAL or blames_pause):
            why = revert or "without a reason"
            message = f"expected {function} by its owner to work while paused, it failed {where} ({why})"
    if message is not None:
        judgement.fail(message, step.block, step.tx_id)


def _judge_unexpected_stop(judgement: Judgement, replayed: ChainReplay, seen: ObservedStep, has_breaker: bool) -> None:
    """A stop that neither a counted failure nor the owner explains, who may stop it by a threshold below the count."""
    step = seen.step
    if step.log("EmergencyStop") is None or step.function == "pause":
        return
    if step.function == "set_breaker_threshold" and reaches(replayed, step, seen.after.threshold):
        return
    if has_breaker and is_failure(step):
        return
    if not has_breaker and step.log("TransactionFailed") is not None:
        message = (
            f"{replayed.chain} stopped itself in {block_at(step.block)} as it reported a failure: its breaker's "
            "threshold is not known (lab.yaml can declare it, as defaults: breaker_threshold)"
        )
        judgement.doubt(message, replayed.chain, step.tx_id, step.block.seq)
        return
    judgement.judged += 1
    judgement.fail(
        f"expected an emergency stop on {replayed.chain} only by the owner or at the breaker's threshold; block "
        f"{step.block.number} at {clock(step.block.t_ms)} stopped it",
        step.block,
    )


def _judge_rolled_back(history: History, judgement: Judgement, replayed: ChainReplay, seen: ObservedStep) -> None:
    """An expiry that an operator reported, and that reverted although nothing else was wrong with the call."""
    step = seen.step
    if step.ok or step.call is None or step.tx_id is None or len(step.tx.calls) != 1:
        return
    if step.call.function not in ("resolve_dependency", "expire_transaction") or "gas" in (step.call.revert or ""):
        return
    entry = replayed.entry(step.tx_id)
    timestamp = timestamp_of(entry)
    before = [move.after for move in entry.moves if move.step.order < step.order]
    if timestamp is None or before[-1:] != ["BUFFERED"] or step.block.timestamp <= timestamp + seen.before.window_s:
        return
    if seen.before.paused or step.call.caller not in seen.before.operators:
        return
    if "paused" in (step.call.revert or "").lower():
        return  # stopped, and no event said so
    judgement.judged += 1
    message = (
        f"expected the breaker of {replayed.chain} to count the expiry of "
        f"{name_of(history, replayed.chain, step.tx_id)}; {step.call.function} in block {step.block.number} at "
        f"{clock(step.block.t_ms)} reverted ({step.call.revert or 'without a reason'}), which rolls a count back"
    )
    judgement.fail(message, step.block, step.tx_id, entry.moves[0].step.block.seq)


def _judge_counted(judgement: Judgement, replayed: ChainReplay, counted: Counted) -> None:
    block = counted.step.block
    if counted.threshold is None:
        if counted.tripped:
            message = (
                f"the breaker of {replayed.chain} tripped at {counted.count} failures, but its threshold then is not "
                f"known"
            )
            judgement.doubt(message, replayed.chain, None, block.seq)
        return
    judgement.judged += 1
    due = counted.threshold > 0 and counted.count >= counted.threshold
    if due == counted.tripped:
        return
    happened = "it tripped" if counted.tripped else "it did not trip"
    limit = str(counted.threshold) if counted.threshold else "none (switched off)"
    message = (
        f"expected the breaker of {replayed.chain} to trip exactly at its threshold, {limit}; {happened} at failure "
        f"{counted.count} in {block_at(block)}"
    )
    judgement.fail(message, block, counted.step.tx_id)


def _stopped_silently(history: History, replayed: ChainReplay, step: Step) -> bool:
    """Whether calls that follow a failure are refused for a stop, in a history in which no event ever tells of one."""
    if any(seen.step.log("EmergencyStop") for other in replays(history) for seen in other.seen):
        return False
    for seen in replayed.seen:
        later = seen.step
        if later.order <= step.order or later.call is None:
            continue
        operators = later.call.function in OPERATOR_FUNCTIONS
        if not later.ok and operators and "paused" in (later.call.revert or "").lower():
            return True
        if later.ok and (operators or later.call.function == "pause" or lifts_stop(later)):
            return False
    return False


def _doubt_silent(judgement: Judgement, replayed: ChainReplay, counted: Counted) -> None:
    judgement.doubt(
        f"the breaker of {replayed.chain} tripped at failure {counted.count}, as the refusals after it show: no event "
        "EmergencyStop tells when",
        replayed.chain,
        counted.step.tx_id,
        counted.step.block.seq,
    )


def _judge_final_count(history: History, judgement: Judgement, replayed: ChainReplay, result: Count) -> None:
    final = history.final(replayed.chain)
    if not result.counted or final is None or final.failure_count is None:
        return
    expected = result.at(final.timestamp)
    if final.failure_count not in expected:
        message = (
            f"expected the breaker of {replayed.chain} to have counted {expected[0]} failures, it reads "
            f"{final.failure_count}"
        )
        lines = (counted.step.block.seq for counted in result.counted)
        judgement.fail(message, final, None, *lines, about=About(field="failure_count"))


def _doubt_hidden(history: History, judgement: Judgement, replayed: ChainReplay) -> None:
    stopped = False
    changes = {seen.step.block.number: seen.after.paused for seen in replayed.seen}
    for block, tx in history.transactions(replayed.chain):
        if stopped and blind(tx):
            judgement.doubt(
                f"transaction {tx.hash[:10]} in block {block.number} of {replayed.chain} came while paused, untraced",
                replayed.chain,
                None,
                block.seq,
            )
        stopped = changes.get(block.number, stopped)
