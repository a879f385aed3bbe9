"""S4: the block that makes a transaction READY lies within its timestamp and timestamp + the window then in force."""

from __future__ import annotations

from lab.checks.facts import clock, folds, name_of, timestamp_of
from lab.checks.outcome import Judgement
from lab.model.history import History
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every step into READY, mirrors included; both ends of the window belong to it."""
    judgement = Judgement("S4", "READY step")
    for fold in folds(history):
        for entry in fold.entries.values():
            for move in entry.into("READY"):
                name, block = name_of(history, fold.chain, entry.tx_id), move.step.block
                timestamp = timestamp_of(entry)
                if timestamp is None:
                    judgement.doubt(
                        f"{name} became READY on {fold.chain}, but the history does not show with which timestamp it "
                        "was buffered",
                        chain=fold.chain,
                        tx_id=entry.tx_id,
                        evidence=(block.seq,),
                    )
                    continue
                judgement.judged += 1
                late = block.timestamp - timestamp
                if 0 <= late <= move.window_s:
                    continue
                side = f"{-late} s before its timestamp" if late < 0 else f"{late} s after its timestamp"
                judgement.fail(
                    f"expected {name} on {fold.chain} to become READY from its timestamp {timestamp} until "
                    f"{move.window_s} s after it; block {block.number} at {clock(block.t_ms)} made it READY {side}",
                    t_ms=block.t_ms,
                    chain=fold.chain,
                    tx_id=entry.tx_id,
                    evidence=(entry.moves[0].step.block.seq, block.seq),
                )
    return judgement.result("no transaction ever became READY")
