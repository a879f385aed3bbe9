"""S8: one tx_id on two chains never merges: each original keeps its own fields and state; declared mirrors excepted.

Only ids that are originals on two chains or more are judged. A mirror of such an id must be the copy of exactly one.
"""

from __future__ import annotations

from lab.checks.facts import actor_of, buffered_with, is_mirror, name_at, origin_of, replays
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, Entry
from lab.checks.safety.storage import Differing, about, differences, hidden_execution
from lab.model.history import History
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every original of an id that has several, and every mirror of it."""
    judgement = Judgement("S8", "shared id")
    places: dict[str, list[ChainReplay]] = {}
    for replayed in replays(history):
        for entry in replayed.entries.values():
            if entry.first("BUFFERED") is not None and not is_mirror(history, replayed.chain, entry):
                places.setdefault(entry.tx_id, []).append(replayed)
    for tx_id, originals in places.items():
        if len(originals) < 2:
            continue
        for replayed in originals:
            _judge_original(history, judgement, replayed, replayed.entry(tx_id), originals)
        for replayed in replays(history):
            entry = replayed.entry(tx_id)
            if entry.first("BUFFERED") is not None and replayed not in originals:
                _judge_mirror(history, judgement, replayed, entry, originals)
    return judgement.result("no tx_id was an original on two chains")


def _judge_original(
    history: History, judgement: Judgement, replayed: ChainReplay, entry: Entry, originals: list[ChainReplay]
) -> None:
    name = name_at(history, replayed.chain, entry.tx_id)
    final = history.final(replayed.chain)
    stored = final.transaction(entry.tx_id) if final else None
    if final is None or stored is None:
        judgement.doubt(f"a final read of {name} is missing", replayed.chain, entry.tx_id)
        return
    wrong = differences(entry, stored)
    given = buffered_with(entry, "payload")
    if given is not None and stored.payload is not None and given != stored.payload:
        wrong.append(Differing("payload", given, stored.payload))
    if wrong and replayed.blind and len(wrong) == 1 and hidden_execution(entry, stored):
        judgement.doubt(f"{name} may have been executed by an untraced transaction", replayed.chain, entry.tx_id)
        return
    judgement.judged += 1
    if wrong:
        others = ", ".join(other.chain for other in originals if other is not replayed)
        fields = "; ".join(map(str, wrong))
        judgement.fail(
            f"expected {name} to keep its own fields beside the one of the same id on {others}; {fields}",
            final,
            entry.tx_id,
            *(move.step.block.seq for move in entry.moves),
            actor="contract",
            about=about(wrong),
        )


def _judge_mirror(
    history: History, judgement: Judgement, replayed: ChainReplay, entry: Entry, originals: list[ChainReplay]
) -> None:
    home = history.chain_of_rollup(origin_of(entry) or "")
    original = next((other.entry(entry.tx_id) for other in originals if other.chain == home), None)
    judgement.judged += 1
    step = entry.moves[0].step
    copied, given = buffered_with(entry, "payload"), buffered_with(original, "payload") if original else None
    if original is not None and (copied is None or given is None or copied == given):
        return
    wrong = f"carries the payload of another than {home}'s" if original else f"names the origin {home or 'of no chain'}"
    message = (
        f"expected the mirror on {replayed.chain} of an id shared by "
        f"{' and '.join(other.chain for other in originals)} to copy one of them; it {wrong}"
    )
    judgement.fail(message, step.block, entry.tx_id, actor=actor_of(history, step))
