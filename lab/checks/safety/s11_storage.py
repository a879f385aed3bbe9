"""S11: folding the events and the successful `mark_executed` calls reproduces the storage, field by field.

`transaction_count` equals the Buffered events; roles and controls equal what their events and calls set. A call that
must emit and succeeded without an event leaves nothing to replay, so it fails by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable

from lab.checks.facts import clock, name_at
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, replay
from lab.checks.safety.storage import Differing, about, differences, hidden_execution
from lab.model.chain.facts import StoredTransaction
from lab.model.effects import EVENTS, OPERATOR_FUNCTIONS
from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.records import FinalRead, Log
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every transaction read at the end and the settings of every chain."""
    judgement = Judgement("S11", "stored transaction", "contract")
    for chain in history.header.chains:
        final = history.final(chain)
        if final is None or final.error is not None:
            why = final.error if final is not None else "no line"
            judgement.doubt(f"the final reads of {chain} are missing: {why}", chain)
            continue
        replayed = replay(history, chain, final.number)
        silent = _judge_silent(history, judgement, replayed)
        _judge_transactions(history, judgement, replayed, final, silent)
        for getter, of, expected, stored in _controls(history, replayed, final):
            field = f"{getter}{of}"
            if expected is not None and stored is not None and expected != stored:
                words = f"expected {field} on {chain} to read {expected}, it reads {stored}"
                judgement.fail(words, final, about=About(field=getter))
    return judgement.result("no transaction was ever buffered")


def _judge_silent(history: History, judgement: Judgement, replayed: ChainReplay) -> set[str]:
    """Operator calls that succeeded and emitted none of the events by which the others learn of it.

    Returns the transactions that they are about, whose states nobody knows from there on.
    """
    silent: set[str] = set()
    strays: dict[str, list[Log]] = defaultdict(list)
    for step in (seen.step for seen in replayed.seen if seen.step.call is None):
        strays[step.tx.hash] += step.logs
    for step in (seen.step for seen in replayed.seen):
        call = step.call
        if call is None or call.function not in OPERATOR_FUNCTIONS or not EVENTS[call.function]:
            continue
        if step.ok and not step.skipped and not step.logs and step.tx_id is not None:
            judgement.judged += 1
            stray = _of_others(history, replayed.chain, call.function, strays[step.tx.hash])
            message = (
                f"expected {call.function} of {name_at(history, replayed.chain, step.tx_id)} to "
                f"emit {' or '.join(EVENTS[call.function])}; it succeeded in block {step.block.number} at "
                f"{clock(step.block.t_ms)} and emitted {stray}"
            )
            about_call = About(function=call.function, events=(tuple(EVENTS[call.function]), ()))
            judgement.fail(message, step.block, step.tx_id, about=about_call)
            silent.add(step.tx_id)
    return silent


def _of_others(history: History, chain: str, function: str, strays: Iterable[Log]) -> str:
    """What a transaction emitted about others than a call of it, which has no event of its own."""
    logs = (log for log in strays if log.event in EVENTS[function] and "tx_id" in log.args)
    return (
        " and ".join(f"{log.event} of {name_at(history, chain, str(log.args['tx_id']))}" for log in logs) or "nothing"
    )


def _judge_transactions(
    history: History, judgement: Judgement, replayed: ChainReplay, final: FinalRead, silent: Container[str]
) -> None:
    chain = replayed.chain
    stored = {read.tx_id: read for read in final.transactions}
    for tx_id in sorted({*replayed.entries, *stored}):
        name, entry = name_at(history, chain, tx_id), replayed.entry(tx_id)
        if tx_id not in stored:
            judgement.doubt(f"{name} was not read at the end", chain, tx_id, final.seq)
            continue
        wrong = differences(entry, stored[tx_id], state_known=tx_id not in silent) + _leftovers(stored[tx_id])
        if replayed.blind and len(wrong) == 1 and hidden_execution(entry, stored[tx_id]):
            judgement.doubt(f"{name} reads as EXECUTED, maybe by an untraced transaction", chain, tx_id)
            continue
        # An id that was only ever tried is no subject, unless something of it was stored after all.
        judgement.judged += bool(entry.moves or wrong)
        if wrong:
            judgement.fail(
                f"expected the storage of {name} to be what its events and calls say; {'; '.join(map(str, wrong))}",
                final,
                tx_id,
                *(move.step.block.seq for move in entry.moves),
                # What is read at the end was there since its last event, before whatever came of it.
                t_ms=entry.moves[-1].step.block.t_ms if entry.moves else None,
                about=about(wrong),
            )


def _leftovers(stored: StoredTransaction) -> list[Differing]:
    """What an EMPTY transaction must not hold."""
    if stored.state != "EMPTY":
        return []
    zero = {"origin": stored.origin, "target": stored.target, "dependency": stored.dependency}
    wrong = [Differing(field, "zero", value) for field, value in zero.items() if int(value or "0x0", 16) != 0]
    return wrong + ([Differing("timestamp", 0, stored.timestamp)] if stored.timestamp else [])


def _controls(history: History, replayed: ChainReplay, final: FinalRead) -> list[tuple[str, str, object, object]]:
    """Getters with their arguments, what they should read and what they do."""
    end = replayed.end
    fields: list[tuple[str, str, object, object]] = [
        ("transaction_count", "", replayed.buffered_events, final.transaction_count),
        ("coordination_window", "", end.window_s, final.window_s),
        ("owner", "", end.owner, final.owner),
        ("paused", "", end.paused, final.paused),
        ("breaker_threshold", "", end.threshold, final.breaker_threshold),
    ]
    names = {address: role for role, address in history.header.roles.items()}
    for address, allowed in sorted(final.operators.items()):
        fields.append(("authorized_operators", f"({names.get(address, address)})", address in end.operators, allowed))
    return fields
