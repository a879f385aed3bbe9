"""The liveness bound of coordinator.md and the moment from which it counts for a leg."""

from __future__ import annotations

from dataclasses import dataclass

from lab.checks.blocktimes import final_between, nth_block_after
from lab.checks.disturbances import calm_from
from lab.checks.facts import clock, unix_ms
from lab.checks.judgement import Judgement
from lab.checks.lateness import excuse, late_ms, was_late
from lab.checks.replay import Transition, replay
from lab.model.history import History
from lab.model.records import Leg

BLOCKS = 3


@dataclass(frozen=True, slots=True)
class Bound:
    """The liveness bound of one leg: it counts from `calm_ms` and ends at `due_ms`."""

    calm_ms: int
    due_ms: int


def bound_ms(history: History, chain: str) -> int:
    """3 destination blocks + poll + RPC budget, in milliseconds, where no slot is missed.

    For a relayer that declares its steps, so many blocks and polls.
    """
    header = history.header
    blocks = blocks_of(history) + _queue_blocks(history, chain)
    return blocks * header.chains[chain].block_time_ms + _waits_ms(history)


def blocks_of(history: History) -> int:
    """The destination blocks that a relayer has."""
    steps = history.header.relayer_steps
    return BLOCKS if steps is None else steps


def _queue_blocks(history: History, chain: str) -> int:
    """Blocks for what else is there, where the contract is known to take so many operations of an account in each."""
    contract = history.contract(chain)
    most = contract.limits.get("per_block") if contract is not None else None
    if not most:
        return 0
    here = [leg for leg in history.header.legs if leg.chain == chain]
    parents = (history.leg(leg.after) for leg in here if leg.after)
    mirrors = {parent.tx_id for parent in parents if parent is not None and parent.chain != chain}
    return max(0, len(here) + len(mirrors) - 1) // most


def _waits_ms(history: History) -> int:
    header = history.header
    return (header.relayer_steps or 1) * header.poll_ms + header.rpc_budget_ms


def due_ms(history: History, chain: str, start_ms: int) -> int:
    """The bound's end counted from `start_ms`; missed slots put it off to the last of its blocks that really came."""
    header = history.header
    due = start_ms + bound_ms(history, chain)
    if not header.chains[chain].mines_empty_blocks:
        return due
    last = nth_block_after(
        history, chain, start_ms + _waits_ms(history), blocks_of(history) + _queue_blocks(history, chain)
    )
    return due if last is None else max(due, last)


def resolvable_ms(history: History, leg: Leg) -> int | None:
    """From when the relayer could make a buffered leg READY: its timestamp reached, its parent READY and final.

    Final on the leg's own chain, too: a reorg there may bring the two back in another order, and a relayer that waits
    is right; so is one that waits for more than finality, as it declared. Where the execution order asks for it, a
    parent elsewhere must be EXECUTED, since only then is it mirrored. None if that never came in this run.
    """
    buffered = replay(history, leg.chain).entry(leg.tx_id).first("BUFFERED")
    if buffered is None:
        return None
    delayed_ms = _delayed_ms(history, leg.chain, buffered.step.block.t_ms)
    if delayed_ms is None:
        return None
    start = max(unix_ms(history, leg.timestamp), delayed_ms, _reopened_ms(history, leg))
    parent = history.leg(leg.after) if leg.after else None
    if parent is None:
        return start
    strict = history.header.execution_order == "executed" and parent.chain != leg.chain
    expected = ("EXECUTED",) if strict else ("READY", "EXECUTED")
    reached = replay(history, parent.chain).entry(parent.tx_id).first(*expected)
    if reached is None:
        return None
    final = final_between(history, parent.chain, reached.step.block)
    if final is None:
        return None
    sure_ms = _confirmed_ms(history, parent.chain, final[1])
    if sure_ms is None:
        return None
    start = max(start, sure_ms)
    # A parent's mirror, buffered as soon as that, waits as long as any other transaction.
    mirrored_ms = start if parent.chain == leg.chain else _mirror_delayed_ms(history, leg, start)
    return None if mirrored_ms is None else max(start, mirrored_ms)


def parent_allows_ms(history: History, leg: Leg) -> int | None:
    """From when the parent, if there is one, allows the leg's execution: in the state asked for, and final."""
    parent = history.leg(leg.after) if leg.after else None
    if parent is None:
        return 0
    expected = ("EXECUTED",) if history.header.execution_order == "executed" else ("READY", "EXECUTED")
    entry = replay(history, parent.chain).entry(parent.tx_id)
    move = next((move for move in entry.moves if move.after in expected), None)
    final = final_between(history, parent.chain, move.step.block) if move is not None else None
    return final[1] if final is not None else None


def executable_ms(history: History, leg: Leg) -> int | None:
    """From when a READY leg could be executed by a relayer that waits for all that is final; None if never."""
    ready = replay(history, leg.chain).entry(leg.tx_id).first("READY")
    final = final_between(history, leg.chain, ready.step.block) if ready is not None else None
    sure_ms = _confirmed_ms(history, leg.chain, final[1]) if final is not None else None
    parent_ms = parent_allows_ms(history, leg)
    return None if sure_ms is None or parent_ms is None else max(sure_ms, parent_ms)


def _confirmed_ms(history: History, chain: str, final_ms: int) -> int | None:
    """When the blocks had come that the relayer declares to wait for beyond finality; None if they never did."""
    blocks = history.header.relayer_confirmations or 0
    if not blocks:
        return final_ms
    if not history.header.chains[chain].mines_empty_blocks:
        return final_ms + blocks * history.header.chains[chain].block_time_ms
    return nth_block_after(history, chain, final_ms, blocks)


def _reopened_ms(history: History, leg: Leg) -> int:
    """When the window was last made longer after it had closed on the leg; 0 if it never was."""
    return max(
        (
            seen.step.block.t_ms
            for seen in replay(history, leg.chain).seen
            if seen.before.window_s < seen.step.block.timestamp - leg.timestamp <= seen.after.window_s
        ),
        default=0,
    )


def _delayed_ms(history: History, chain: str, buffered_ms: int, *, mirror: bool = False) -> int | None:
    """The end of the delay that the chain's contract asks for between buffering and resolve; None if it never came.

    A `mirror` is not buffered yet: on a chain without empty blocks it makes one itself, as does each operation that
    comes before it, and blocks are counted from it.
    """
    contract = history.contract(chain)
    limits = contract.limits if contract is not None else {}
    blocks = limits.get("resolve_after_blocks", 0)
    if blocks and mirror and not history.header.chains[chain].mines_empty_blocks:
        blocks += 1 + _queue_blocks(history, chain)
    reached = nth_block_after(history, chain, buffered_ms, blocks) if blocks else None
    if blocks and reached is None:
        return None
    return max(buffered_ms + limits.get("resolve_after_seconds", 0) * 1000, reached or 0)


def _mirror_delayed_ms(history: History, leg: Leg, start_ms: int) -> int | None:
    """The end of the delay of a mirror that is buffered as soon as nothing disturbs its chains: a stop, say."""
    contract = history.contract(leg.chain)
    limits = contract.limits if contract is not None else {}
    if not limits.get("resolve_after_blocks") and not limits.get("resolve_after_seconds"):
        return start_ms
    calm_ms = calm_from(history, flow_chains(history, leg), start_ms, lambda from_ms: from_ms)
    return _delayed_ms(history, leg.chain, start_ms if calm_ms is None else calm_ms, mirror=True)


def flow_chains(history: History, leg: Leg) -> list[str]:
    """The chains that a leg's flow, and its parent, live on."""
    parent = history.leg(leg.after) if leg.after else None
    chains = [other.chain for other in history.header.legs if other.flow == leg.flow]
    return sorted({*chains, *([parent.chain] if parent else [])})


def calm_bound(history: History, leg: Leg, start_ms: int) -> Bound | None:
    """The bound from the first calm time of the leg's chains on; None if something disturbed them to the end."""
    mirrored_ms = _mirrored_ms(history, leg)

    def due(from_ms: int) -> int:
        plain_ms = due_ms(history, leg.chain, from_ms)
        if mirrored_ms is None or mirrored_ms > plain_ms or from_ms <= start_ms:
            return plain_ms
        # What was mirrored as late as a disturbance allowed has its delay from then on.
        delayed_ms = _delayed_ms(history, leg.chain, mirrored_ms) or 0
        return max(plain_ms, due_ms(history, leg.chain, delayed_ms)) if delayed_ms > mirrored_ms else plain_ms

    calm_ms = calm_from(history, flow_chains(history, leg), start_ms, due)
    return None if calm_ms is None else Bound(calm_ms, due(calm_ms))


def _mirrored_ms(history: History, leg: Leg) -> int | None:
    """When the mirror of the leg's parent was buffered; None for a leg that needs none, or has none yet."""
    parent = history.leg(leg.after) if leg.after else None
    if parent is None or parent.chain == leg.chain:
        return None
    buffered = replay(history, leg.chain).entry(parent.tx_id).first("BUFFERED")
    return buffered.step.block.t_ms if buffered is not None else None


def missed_bound(
    history: History,
    judgement: Judgement,
    leg: Leg,
    reached: Transition | None,
    start_ms: int,
    closes_ms: int | None = None,
) -> Bound | None:
    """The bound that a leg did not keep. None where it reached its state in time, or nobody can be held to a bound.

    `closes_ms` is the moment from which on the leg cannot reach the state any more, if there is one.
    """
    bound = calm_bound(history, leg, start_ms)
    if reached is not None and (bound is None or reached.step.block.t_ms <= bound.due_ms):
        judgement.judged += 1
        return None
    if bound is None:
        judgement.note(f"{leg.name} was disturbed to the end")
        return None
    at_ms = reached.step.block.t_ms if reached is not None else history.end_ms
    if reached is None and closes_ms is not None:
        at_ms = min(at_ms, closes_ms)
    return None if doubted(history, judgement, leg, bound, at_ms) else bound


def doubted(history: History, judgement: Judgement, leg: Leg, bound: Bound, at_ms: int) -> bool:
    """Whether the machine's own lateness may be why a bound was missed at `at_ms`; it is a doubt then."""
    why = excuse(history, bound.calm_ms, bound.due_ms, at_ms)
    if why is not None:
        judgement.doubt(f"{leg.name} on {leg.chain}: the bound, {clock(bound.due_ms)}, was {why}", leg.chain, leg.tx_id)
    return why is not None


def closes_ms(history: History, leg: Leg) -> int:
    """When the last second of a leg's window begins."""
    return unix_ms(history, leg.timestamp + replay(history, leg.chain).window_of(leg.tx_id))


def window_end_ms(history: History, leg: Leg) -> int:
    """The end of a leg's window, whose last second still belongs to it."""
    return closes_ms(history, leg) + 1000


def lapse_excuse(history: History, leg: Leg) -> str | None:
    """Why nobody can be blamed for a leg that missed its window: the machine was late by what the leg was short of.

    That is what lies between its bound, or that of the parent which it waited for in vain, and its window's end.
    """
    resolvable = resolvable_ms(history, leg)
    parent = history.leg(leg.after) if leg.after else None
    if resolvable is None:
        return lapse_excuse(history, parent) if parent is not None else None
    flow = [other for other in history.header.legs if other.flow == leg.flow]
    begun_ms, end_ms = min(unix_ms(history, other.timestamp) for other in flow), window_end_ms(history, leg)
    lag_ms = late_ms(history, begun_ms, end_ms)
    return was_late(lag_ms) if 0 < lag_ms >= abs(due_ms(history, leg.chain, resolvable) - end_ms) else None
