"""S5: one Buffered, at most one Ready, at most one execution per transaction id and chain; a duplicate only reverts.

A mirror stands for what is executed on another chain: a relayer that executes it makes the effect happen twice.
"""

from __future__ import annotations

from lab.checks.facts import actor_of, block_at, is_mirror, name_at, replays
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, Entry
from lab.model.effects import Step
from lab.model.history import History
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every transaction id of the canonical chains."""
    judgement = Judgement("S5", "transaction", "contract")
    for replayed in replays(history):
        silent = _silent_buffers(replayed)
        for entry in replayed.entries.values():
            judgement.judged += 1
            name = name_at(history, replayed.chain, entry.tx_id)
            buffered = [move.step for move in entry.into("BUFFERED")] + silent.get(entry.tx_id, [])
            if not buffered:
                expected = f"expected one TransactionBuffered of {name}, there is none"
                _fail(judgement, replayed, entry, expected, entry.moves[0].step)
            for what, steps in (
                ("buffering", buffered),
                ("TransactionReady", [move.step for move in entry.into("READY")]),
                ("execution", [move.step for move in entry.into("EXECUTED")]),
                ("expiry", [move.step for move in entry.into("EXPIRED")]),
            ):
                if len(steps) > 1:
                    blocks = ", ".join(block_at(step.block) for step in steps)
                    expected = f"expected at most one {what} of {name}, there are {len(steps)}: {blocks}"
                    _fail(judgement, replayed, entry, expected, *steps)
            executed = entry.first("EXECUTED")
            if (
                executed is not None
                and is_mirror(history, replayed.chain, entry)
                and actor_of(history, executed.step) == "relayer"
            ):
                where = f"{block_at(executed.step.block)}"
                expected = f"expected the relayer never to execute a mirror, it executed {name} in {where}"
                block = executed.step.block
                judgement.fail(expected, block, entry.tx_id, actor="relayer")
    return judgement.result("no transaction was ever buffered")


def _silent_buffers(replayed: ChainReplay) -> dict[str | None, list[Step]]:
    """Successful buffer calls that emitted nothing, by their ids: where a contract overwrites silently."""
    silent: dict[str | None, list[Step]] = {}
    for seen in replayed.seen:
        step = seen.step
        if step.ok and not step.logs and step.function == "buffer_transaction":
            silent.setdefault(step.tx_id, []).append(step)
    return silent


def _fail(judgement: Judgement, replayed: ChainReplay, entry: Entry, message: str, *steps: Step) -> None:
    judgement.fail(message, steps[-1].block, entry.tx_id, *(step.block.seq for step in steps))
