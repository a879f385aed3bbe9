"""L6: the transactions sent for one resolution are bounded.

A call is what a relayer wants of one contract for one tx_id: to buffer its mirror, to resolve it, to mark it executed
or expired. Three bounds hold for each, whatever the fees do:

- attempts, by distinct nonces: TRIES, and one more for each cause. Whoever asks every block until the timestamp comes
  exceeds it, and so does whoever does not notice that a mined call missed its aim.
- offers, by distinct transactions with one nonce: the first, and OFFERS_RAISED raises. A raise of 10 % at least each
  time more than doubles the offer in that many steps, and the wait before each is longer than the one before it.
- sends of the very same bytes: SENDS, one more for each cause, and one for each poll under a fault that lets a node
  lose or refuse what it was sent. A fee that is too low is no such fault: the same bytes stay too cheap. A smaller
  block is one: a node refuses what cannot fit into it, and takes the very same when it can again.

A cause is whatever can take back or hide what was sent: a reorg, a fault, a stopped relayer, a paused contract, a role
taken away. Calls are counted whether they were taken or refused. The counts stand beside the number of READYs.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.checks.disturbances import Disturbance, disturbances
from lab.checks.facts import clock, name_at, replays
from lab.checks.judgement import Judgement
from lab.model.history import History
from lab.model.records import Submit
from lab.model.verdict import CheckResult

TRIES = 3
OFFERS_RAISED = 10
SENDS = 2
Call = tuple[str, str, str]  # chain, function, tx_id


def judge(history: History) -> CheckResult:
    """Judges every call that the relayer sent, and names the costliest."""
    judgement = Judgement("L6", "call")
    calls: dict[Call, list[Submit]] = {}
    unnamed: dict[str, list[Submit]] = {}
    for submit in history.of(Submit):
        ids = list(_ids(submit))
        for tx_id in ids:
            calls.setdefault((submit.chain, submit.function or "", tx_id), []).append(submit)
        if not ids:
            unnamed.setdefault(submit.chain, []).append(submit)
    for call, submits in calls.items():
        judgement.judged += 1
        _judge_call(history, judgement, call, submits)
    for chain, submits in unnamed.items():
        _doubt_unnamed(history, judgement, chain, submits)
    if calls:
        ready = sum(
            entry.first("READY") is not None for replayed in replays(history) for entry in replayed.entries.values()
        )
        total = len({submit.seq for submits in calls.values() for submit in submits})
        most = max(len(submits) for submits in calls.values())
        judgement.note(f"sent {total} for {ready} READY, at most {most} for one call")
    return judgement.result("the relayer sent nothing")


def _ids(submit: Submit) -> Iterator[str]:
    """The transactions that a call is about; a batch is about several."""
    if submit.function is None:
        return
    for value in submit.args.values():
        parts = value if isinstance(value, (list, tuple)) else [value]
        for part in parts:
            tx_id = part.get("tx_id") if isinstance(part, dict) else part
            if isinstance(tx_id, str) and len(tx_id) == 66:
                yield tx_id
        if "tx_id" in submit.args:
            return  # the first argument names it, what follows is its dependency and payload


def _judge_call(history: History, judgement: Judgement, call: Call, submits: list[Submit]) -> None:
    chain, function, tx_id = call
    causes = _causes(history, chain, submits)
    nonces: dict[int, dict[str, list[Submit]]] = {}
    for submit in submits:
        nonces.setdefault(submit.nonce, {}).setdefault(submit.tx, []).append(submit)
    offers = max(nonces.values(), key=len)
    sends = max((same for by_hash in nonces.values() for same in by_hash.values()), key=len)
    lost = sum(_polls(history, cause, sends) for cause in causes if not cause.prices_out)
    for count, bound, what in (
        (len(nonces), TRIES + len(causes), "attempts, each with a nonce of its own"),
        (len(offers), 1 + OFFERS_RAISED, "offers for one nonce"),
        (len(sends), SENDS + len(causes) + lost, "sends of the very same bytes"),
    ):
        if count > bound:
            message = (
                f"expected at most {bound} {what} for {function} of {name_at(history, chain, tx_id)}, there "
                f"are {count} from {clock(submits[0].t_ms)} to {clock(submits[-1].t_ms)}"
            )
            judgement.fail(message, submits[-1], tx_id, *(submit.seq for submit in submits))


def _causes(history: History, chain: str, submits: list[Submit]) -> list[Disturbance]:
    """What could have taken back or hidden one of these, from a bound's length before the first to the last."""
    first, last = submits[0].t_ms, submits[-1].t_ms
    return [
        cause
        for cause in disturbances(history)
        if cause.chain in (None, chain) and cause.start_ms <= last and (cause.end_ms is None or cause.end_ms >= first)
    ]


def _polls(history: History, cause: Disturbance, sends: list[Submit]) -> int:
    """The polls between the first and the last of these sends that fell into a disturbance."""
    start = max(cause.start_ms, sends[0].t_ms)
    end = min(sends[-1].t_ms if cause.end_ms is None else cause.end_ms, sends[-1].t_ms)
    return 0 if end <= start else 1 + (end - start) // max(1, history.header.poll_ms)


def _doubt_unnamed(history: History, judgement: Judgement, chain: str, submits: list[Submit]) -> None:
    """Empty transactions free a nonce, a few of them; many calls of something else hide what they are for."""
    nonces = {submit.nonce for submit in submits}
    bound = TRIES + len(_causes(history, chain, submits))
    if len(nonces) > bound:
        message = (
            f"{len(nonces)} transactions of the relayer on {chain} are no calls of the coordinator, so nobody knows "
            f"what they were sent for (up to {bound} may free a nonce each)"
        )
        judgement.doubt(message, chain, None, *(submit.seq for submit in submits))
