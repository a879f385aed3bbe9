"""When liveness could not be asked for: faults, reorgs, a stopped relayer, a paused coordinator, a role taken away.

A liveness bound counts from the end of the last disturbance that overlaps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.checks.replay import ObservedStep, replay
from lab.model.history import History, kept_with_history
from lab.model.records import RelayerMark

# As long as the lab waits for the first request of a user's relayer.
STARTS_WITHIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Disturbance:
    """From `start_ms` to `end_ms` (None: to the end of the run), on one chain or (None) on all.

    `slows_all`: a relayer that asks one chain after the other feels it on all of them. `prices_out`: nodes keep what
    they were sent, or refuse it for its price.
    """

    start_ms: int
    end_ms: int | None
    chain: str | None
    what: str
    slows_all: bool = False
    prices_out: bool = False


@kept_with_history
def disturbances(history: History) -> tuple[Disturbance, ...]:
    """All of a run, by their start."""
    reorgs = [Disturbance(reorg.t_ms, reorg.t_ms, reorg.chain, "reorg") for reorg in history.reorgs]
    every = [*_faults(history), *_relayer(history), *_coordinators(history), *_taken_back(history), *reorgs]
    return tuple(
        sorted(every, key=lambda disturbance: (disturbance.start_ms, disturbance.what, disturbance.chain or ""))
    )


def calm_from(history: History, chains: Iterable[str], start_ms: int, due: Callable[[int], int]) -> int | None:
    """The earliest start from `start_ms` on whose span up to `due(start)` no disturbance of these chains overlaps.

    Slow answers disturb wherever they come from. None if a disturbance never ended.
    """
    concerned = {None, *chains}
    ours = [one for one in disturbances(history) if one.chain in concerned or one.slows_all]
    moved = True
    while moved:
        moved = False
        for one in ours:
            if one.start_ms > due(start_ms) or (one.end_ms is not None and one.end_ms <= start_ms):
                continue
            if one.end_ms is None:
                return None
            start_ms, moved = one.end_ms, True
    return start_ms


def _faults(history: History) -> list[Disturbance]:
    faults = []
    for mark, effects, end_ms in history.injected():
        if effects.recorded_elsewhere:
            continue
        if end_ms is not None:
            end_ms += effects.outlasts_ms + (history.header.rpc_budget_ms if effects.hangs_requests else 0)
        faults += [
            Disturbance(mark.t_ms, end_ms, chain, mark.fault, effects.slows_all_chains, effects.prices_out)
            for chain in effects.chains or (None,)
        ]
    return faults


def _relayer(history: History) -> list[Disturbance]:
    downs: list[Disturbance] = []
    marks = [mark for mark in history.of(RelayerMark) if mark.kind == "relayer"]
    # Where the first mark starts it, it was not there before.
    down: int | None = 0 if marks and marks[0].event == "start" else None
    for mark in marks:
        if mark.event == "start" and down is not None:
            downs.append(Disturbance(down, _ready_ms(marks, mark), None, "relayer down"))
            down = None
        elif mark.event in ("stop", "kill", "crash") and down is None:
            down = mark.t_ms
    return downs if down is None else [*downs, Disturbance(down, None, None, "relayer down")]


def _ready_ms(marks: list[RelayerMark], start: RelayerMark) -> int:
    """When a started relayer can be asked for anything: a process takes its time to begin, up to a bound."""
    following = next((mark for mark in marks if mark.seq > start.seq), None)
    if following is None or following.event != "ready":
        return start.t_ms
    return min(following.t_ms, start.t_ms + STARTS_WITHIN_MS)


def _coordinators(history: History) -> list[Disturbance]:
    relayer = history.header.roles.get("relayer")
    spans = []
    for chain in history.header.chains:
        seen = replay(history, chain).seen
        spans += _spans(chain, "paused", seen, lambda step: step.after.paused)
        if relayer is not None and relayer in history.header.operators.get(chain, ()):
            spans += _spans(chain, "relayer not operator", seen, lambda step: relayer not in step.after.operators)
    return spans


def _taken_back(history: History) -> list[Disturbance]:
    """A stop, or a role taken away, that a reorg undid: until then it held, though no canonical block shows it."""
    undone = []
    for block in history.orphans:
        events = {log.event for tx in block.txs if tx.status == 1 for log in tx.logs}
        calls = {call.function for tx in block.txs if tx.status == 1 for call in tx.calls if call.ok}
        if not (events & {"EmergencyStop", "OperatorRemoved"} or calls & {"pause", "remove_operator"}):
            continue
        reorg = next(
            reorg
            for reorg in history.reorgs
            if (reorg.chain, reorg.seq > block.seq) == (block.chain, True) and reorg.ancestor < block.number
        )
        undone.append(Disturbance(block.t_ms, reorg.t_ms, block.chain, "stopped, and a reorg took that back"))
    return undone


def _spans(
    chain: str, what: str, seen: list[ObservedStep], active: Callable[[ObservedStep], bool]
) -> list[Disturbance]:
    spans: list[Disturbance] = []
    since: int | None = None
    for observed in seen:
        now = active(observed)
        if now and since is None:
            since = observed.step.block.t_ms
        elif not now and since is not None:
            spans.append(Disturbance(since, observed.step.block.t_ms, chain, what))
            since = None
    return spans if since is None else [*spans, Disturbance(since, None, chain, what)]
