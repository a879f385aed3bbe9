"""S8: one tx_id on two chains never merges: each original keeps its own fields and state; declared mirrors excepted.

Only ids that are originals on two chains or more are judged. A mirror of such an id must be the copy of exactly one.
"""

from __future__ import annotations

from lab.checks.facts import buffered_with, folds, is_mirror, name_of, origin_of
from lab.checks.fold import Entry, Fold
from lab.checks.outcome import Judgement
from lab.checks.storage import differences, hidden_execution
from lab.model.history import History
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every original of an id that has several, and every mirror of it."""
    judgement = Judgement("S8", "shared id")
    places: dict[str, list[Fold]] = {}
    for fold in folds(history):
        for entry in fold.entries.values():
            if entry.first("BUFFERED") is not None and not is_mirror(history, fold.chain, entry):
                places.setdefault(entry.tx_id, []).append(fold)
    for tx_id, originals in places.items():
        if len(originals) < 2:
            continue
        for fold in originals:
            _judge_original(history, judgement, fold, fold.entry(tx_id), originals)
        for fold in folds(history):
            entry = fold.entry(tx_id)
            if entry.first("BUFFERED") is not None and fold not in originals:
                _judge_mirror(history, judgement, fold, entry, originals)
    return judgement.result("no tx_id was an original on two chains")


def _judge_original(history: History, judgement: Judgement, fold: Fold, entry: Entry, originals: list[Fold]) -> None:
    name = f"{name_of(history, fold.chain, entry.tx_id)} on {fold.chain}"
    final = history.final(fold.chain)
    stored = next((each for each in final.transactions if each.tx_id == entry.tx_id), None) if final else None
    if final is None or stored is None:
        judgement.doubt(f"a final read of {name} is missing", chain=fold.chain, tx_id=entry.tx_id)
        return
    found = differences(entry, stored)
    given = buffered_with(entry, "payload")
    if given is not None and stored.payload is not None and given != stored.payload:
        found.append("payload: not the one given")
    if found and fold.blind and len(found) == 1 and hidden_execution(entry, stored):
        judgement.doubt(
            f"{name} may have been executed by an untraced transaction", chain=fold.chain, tx_id=entry.tx_id
        )
        return
    judgement.judged += 1
    if found:
        others = ", ".join(each.chain for each in originals if each is not fold)
        judgement.fail(
            f"expected {name} to keep its own fields beside the one of the same id on {others}; {'; '.join(found)}",
            t_ms=final.t_ms,
            chain=fold.chain,
            tx_id=entry.tx_id,
            evidence=(*(move.step.block.seq for move in entry.moves), final.seq),
        )


def _judge_mirror(history: History, judgement: Judgement, fold: Fold, entry: Entry, originals: list[Fold]) -> None:
    home = history.chain_of_rollup(origin_of(entry) or "")
    original = next((each.entry(entry.tx_id) for each in originals if each.chain == home), None)
    judgement.judged += 1
    block = entry.moves[0].step.block
    copied, given = buffered_with(entry, "payload"), buffered_with(original, "payload") if original else None
    if original is not None and (copied is None or given is None or copied == given):
        return
    wrong = f"carries the payload of another than {home}'s" if original else f"names the origin {home or 'of no chain'}"
    judgement.fail(
        f"expected the mirror on {fold.chain} of an id shared by {' and '.join(each.chain for each in originals)} to "
        f"copy one of them; it {wrong}",
        t_ms=block.t_ms,
        chain=fold.chain,
        tx_id=entry.tx_id,
        evidence=(block.seq,),
    )
