"""L6: the transactions sent for one resolution are bounded.

A call is what a relayer wants of one contract for one tx_id: to buffer its mirror, to resolve it, to mark it executed
or expired. Three bounds hold for each, whatever the fees do:

- attempts, by distinct nonces of an account: TRIES, and one more for each cause. Whoever asks every block until the
  timestamp comes exceeds it, and so does whoever does not notice that a mined call missed its aim.
- offers, by distinct transactions with one nonce: the first, and OFFERS_RAISED raises; where a fault lets a node refuse
  or lose them, one more for each that was refused, or made anew with other arguments at the same price, once a poll. A
  raise of 10 % at least each time more than doubles the offer in that many steps, and the wait before each is longer
  than the one before it.
- sends of the very same bytes: SENDS, one more for each cause, and one for each poll under a fault that lets a node
  lose or refuse what it was sent. A fee that is too low is no such fault: the same bytes stay too cheap. A smaller
  block is one: a node refuses what cannot fit into it, and takes the very same when it can again.

- fees: no offer for a call is more than FEE_GROWTH times the same account's first one, beyond what the base fee itself
  grew by. An offer that a node refused while a fault priced it out is no first one: where no block was mined meanwhile,
  none shows what the base fee was.
- repeats: what has had its effect for longer than a bound, on a chain that nothing disturbed since, is not sent again.
  Whoever comes back from a restart looks at what is there first.
- old states: what has been READY or EXECUTED for longer than a bound is not expired: whoever tries it read an old one.

A cause is whatever can take back or hide what was sent: a reorg, a fault, a stopped relayer, a paused contract, a role
taken away. Calls are counted whether they were taken or refused. The counts stand beside the number of READYs.
"""

from __future__ import annotations

from lab.checks.attempts import endings, mined, single, subjects
from lab.checks.bounds import bound_ms
from lab.checks.disturbances import Disturbance, disturbances
from lab.checks.facts import block_at, clock, name_at, ready_is_kept, replays
from lab.checks.judgement import Judgement
from lab.checks.lateness import excuse, late_ms, was_late
from lab.checks.replay import replay
from lab.model.chain.facts import CoreState
from lab.model.history import History
from lab.model.records import Block, Submit
from lab.model.verdict import CheckResult

TRIES = 3
OFFERS_RAISED = 10
SENDS = 2
FEE_GROWTH = 10
EFFECTS: dict[str, tuple[CoreState, ...]] = {
    "buffer_transaction": ("BUFFERED",),
    "resolve_dependency": ("READY",),
    "mark_executed": ("EXECUTED",),
    "expire_transaction": ("EXPIRED",),
}
Call = tuple[str, str, str]  # chain, function, tx_id


def judge(history: History) -> CheckResult:
    """Judges every call that the relayer sent, and names the costliest."""
    judgement = Judgement("L6", "call", "relayer")
    calls: dict[Call, list[Submit]] = {}
    unnamed: dict[str, list[Submit]] = {}
    for submit in history.of(Submit):
        ids = list(subjects(submit))
        for tx_id in ids:
            calls.setdefault((submit.chain, single(submit) or "", tx_id), []).append(submit)
        if not ids:
            unnamed.setdefault(submit.chain, []).append(submit)
    for call, submits in calls.items():
        judgement.judged += 1
        _judge_call(history, judgement, call, submits)
        for sender in dict.fromkeys(submit.sender for submit in submits):
            _judge_fees(history, judgement, call, [submit for submit in submits if submit.sender == sender])
        _judge_repeats(history, judgement, call, submits)
    for chain, submits in unnamed.items():
        _doubt_unnamed(history, judgement, chain, submits)
    if calls:
        ready = sum(
            entry.first("READY") is not None for replayed in replays(history) for entry in replayed.entries.values()
        )
        total = len({submit.seq for submits in calls.values() for submit in submits})
        most = max(len(submits) for submits in calls.values())
        judgement.note(f"sent {total} for {ready} READY, at most {most} for one call{_in_vain(history, calls)}")
    return judgement.result("the relayer sent nothing")


def _in_vain(history: History, calls: dict[Call, list[Submit]]) -> str:
    """What was paid for nothing; within the bounds a relayer may, and its owner wants to know."""
    sent = {(chain, submit.tx) for (chain, _, _), submits in calls.items() for submit in submits}
    there = [mined(history, chain)[tx][1] for chain, tx in sorted(sent) if tx in mined(history, chain)]
    reverted = [tx.gas_used for tx in there if tx.status == 0]
    return f"; {len(reverted)} of {len(there)} mined ones reverted, {sum(reverted)} gas in vain" if reverted else ""


def _judge_call(history: History, judgement: Judgement, call: Call, submits: list[Submit]) -> None:
    chain, function, tx_id = call
    causes = _causes(history, chain, submits)
    nonces: dict[tuple[str, int], dict[str, list[Submit]]] = {}
    for submit in submits:
        nonces.setdefault((submit.sender, submit.nonce), {}).setdefault(submit.tx, []).append(submit)
    offers = max(nonces.values(), key=len)
    sends = max((same for by_hash in nonces.values() for same in by_hash.values()), key=len)
    losing = [cause for cause in causes if not cause.prices_out]
    lost = sum(_polls(history, cause, sends) for cause in losing)
    # Bytes that a node refused bind nobody: the next offer may be signed for the base fee of its own moment.
    unlike = [submit for same in offers.values() for submit in same]
    refused = sum(submit.outcome == "fail" for submit in unlike)
    # Nor do those that it lost: the call has other arguments by now, such as a timestamp that is not over.
    prices = {submit.max_fee_per_gas for submit in unlike}
    renewed = len({(submit.max_fee_per_gas, str(submit.args)) for submit in unlike}) - len(prices)
    signed_again = min(refused + renewed, sum(_polls(history, cause, unlike) for cause in losing))
    for count, bound, what in (
        (len(nonces), TRIES + len(causes), "attempts, each with a nonce of its own"),
        (len(offers), 1 + OFFERS_RAISED + signed_again, "offers for one nonce"),
        (len(sends), SENDS + len(causes) + lost, "sends of the very same bytes"),
    ):
        if count <= bound:
            continue
        message = (
            f"expected at most {bound} {what} for {function} of {name_at(history, chain, tx_id)}, there "
            f"are {count} from {clock(submits[0].t_ms)} to {clock(submits[-1].t_ms)}"
        )
        if ended := endings(history, submits):
            message += f"; {ended}"
        # Whoever waits for an answer as long as requests may take, and gets none, asks once more.
        late = late_ms(history, submits[0].t_ms, submits[-1].t_ms)
        if count <= bound + late // max(1, history.header.rpc_budget_ms):
            judgement.doubt(f"{message}; {was_late(late)}", chain, tx_id, *(submit.seq for submit in submits))
        else:
            judgement.fail(message, submits[-1], tx_id, *(submit.seq for submit in submits))


def _judge_fees(history: History, judgement: Judgement, call: Call, submits: list[Submit]) -> None:
    chain, function, tx_id = call
    asked = [
        (record.t_ms, record.base_fee if isinstance(record, Block) else record.last_base_fee)
        for record in history.spans(chain)
    ]
    first = _first_priced(history, chain, submits)
    # On record from its answer on, it was made before that, and from a head that was read earlier still.
    read_ms = first.t_ms - history.header.rpc_budget_ms - history.header.poll_ms
    before = [fee for t_ms, fee in asked if t_ms <= read_ms] or [fee for _, fee in asked[:1]]
    known = [*before[-1:], *(fee for t_ms, fee in asked if read_ms < t_ms <= first.t_ms)]
    growth = max([fee for _, fee in asked], default=1) / max(1, min(known, default=1))
    bound = round(FEE_GROWTH * max(1.0, growth) * first.max_fee_per_gas)
    dear = next((submit for submit in submits if submit.max_fee_per_gas > bound), None)
    if dear is not None:
        message = (
            f"expected offers for {function} of {name_at(history, chain, tx_id)} up to {bound} wei per gas, "
            f"{FEE_GROWTH} times the first one ({first.max_fee_per_gas} at {clock(first.t_ms)}) and what the base fee "
            f"grew by ({growth:.1f}); {dear.max_fee_per_gas} was offered at {clock(dear.t_ms)}: fees without a bound"
        )
        judgement.fail(message, dear, tx_id, first.seq)


def _first_priced(history: History, chain: str, submits: list[Submit]) -> Submit:
    """The first of these offers that no fault priced out, or the last."""
    spikes = [cause for cause in _causes(history, chain, submits) if cause.prices_out]

    def priced_out(submit: Submit) -> bool:
        return submit.outcome == "fail" and any(
            spike.start_ms <= submit.t_ms and (spike.end_ms is None or submit.t_ms <= spike.end_ms) for spike in spikes
        )

    return next((submit for submit in submits if not priced_out(submit)), submits[-1])


def _judge_repeats(history: History, judgement: Judgement, call: Call, submits: list[Submit]) -> None:
    """What was sent although the state ruled it out, as anybody could see, and was mined to no effect."""
    chain, function, tx_id = call
    effects = EFFECTS.get(function, ())
    beyond = _beyond_expiry(history, chain) if function == "expire_transaction" else ()
    move = replay(history, chain).entry(tx_id).first(*effects, *beyond)
    if move is None:
        return
    effect, there = move.step.block, mined(history, chain)
    state, again, mistake = "had its effect", "again ", "work is repeated"
    if move.after not in effects:
        state, again, mistake = f"became {move.after}", "", "an old state is taken for the newest"
    for submit in submits:
        begun = next(o for o in submits if (o.sender, o.nonce) == (submit.sender, submit.nonce))
        disturbed = [cause for cause in _causes(history, chain, [begun]) if cause.what != "relayer down"]
        if submit.tx not in there or there[submit.tx][1].status or begun.t_ms <= effect.t_ms + bound_ms(history, chain):
            continue
        if disturbed or any(reorg.chain == chain and reorg.t_ms >= effect.t_ms for reorg in history.reorgs):
            continue
        if (why := excuse(history, effect.t_ms, effect.t_ms + bound_ms(history, chain), begun.t_ms)) is not None:
            judgement.doubt(f"the time to see {name_at(history, chain, tx_id)} {move.after} was {why}", chain, tx_id)
            continue
        message = (
            f"expected nothing to be sent for {function} of {name_at(history, chain, tx_id)} any more, which {state} "
            f"in {block_at(effect)}; it was sent {again}at {clock(begun.t_ms)}, and reverted in block "
            f"{there[submit.tx][0].number}: {mistake}"
        )
        judgement.fail(message, submit, tx_id, effect.seq)
        return


def _beyond_expiry(history: History, chain: str) -> tuple[CoreState, ...]:
    """States that never expire."""
    return ("READY", "EXECUTED") if ready_is_kept(history, chain) else ("EXECUTED",)


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
    """Empty transactions free a nonce, a few of them; many calls of something else hide what they are for.

    What a reorg took out of blocks leaves its nonces free; another may have sent it with the same key.
    """
    nonces, relayer = {submit.nonce for submit in submits}, history.header.roles.get("relayer")
    orphans = [tx for block in history.orphans if block.chain == chain for tx in block.txs]
    bound = TRIES + len(_causes(history, chain, submits)) + len({tx.nonce for tx in orphans if tx.sender == relayer})
    if len(nonces) > bound:
        message = (
            f"{len(nonces)} transactions of the relayer on {chain} are no calls of the coordinator, so nobody knows "
            f"what they were sent for (up to {bound} may free a nonce each)"
        )
        judgement.doubt(message, chain, None, *(submit.seq for submit in submits))
