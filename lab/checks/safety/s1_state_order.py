"""S1: states only go unset, BUFFERED, READY, EXECUTED (or expired), each once; backwards only through a reorg."""

from __future__ import annotations

from lab.checks.facts import clock, name_at, replays
from lab.checks.judgement import Judgement
from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.verdict import CheckResult

LEGAL = frozenset(
    {
        ("EMPTY", "BUFFERED"),
        ("BUFFERED", "READY"),
        ("READY", "EXECUTED"),
        ("BUFFERED", "EXPIRED"),
        ("READY", "EXPIRED"),
    }
)
# The state in which each call leaves a transaction, and the one that it needs: that it succeeded shows it.
NEEDS = {"BUFFERED": "EMPTY", "READY": "BUFFERED", "EXECUTED": "READY"}
# A life has four moves; one that goes on and on is not quoted whole for each of them.
AROUND = 4


def judge(history: History) -> CheckResult:
    """Judges every transaction id on every canonical chain."""
    judgement = Judgement("S1", "transaction", "contract")
    for replayed in replays(history):
        for entry in replayed.entries.values():
            judgement.judged += 1
            for number, move in enumerate(entry.moves):
                if (move.before, move.after) in LEGAL:
                    continue
                allowed = " or ".join(after for before, after in sorted(LEGAL) if before == move.before) or "no state"
                message = (
                    f"expected {name_at(history, replayed.chain, entry.tx_id)} to go from "
                    f"{move.before} to {allowed}, it went to {move.after} in block {move.step.block.number} "
                    f"at {clock(move.step.block.t_ms)}"
                )
                around = entry.moves[max(0, number - AROUND) : number + AROUND + 1]
                lines = (other.step.block.seq for other in around)
                about = About(states=(move.before, NEEDS[move.after])) if move.after in NEEDS else None
                judgement.fail(message, move.step.block, entry.tx_id, *lines, about=about)
    return judgement.result("no transaction was ever buffered")
