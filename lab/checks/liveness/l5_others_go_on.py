"""L5: one chain down leaves the flows between the others going.

A chain is down while its node is frozen, dead or cut off, while its blocks stand still, or while every request to it
fails. The legs that become resolvable in that time, and whose flow lives on other chains only, must meet the bound of
L1 as if nothing had happened.
"""

from __future__ import annotations

from lab.checks.bounds import bound_ms, calm_bound, flow_chains, resolvable_ms
from lab.checks.facts import clock
from lab.checks.judgement import Judgement
from lab.checks.liveness.l1_ready_in_time import judge_leg
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Leg
from lab.model.verdict import CheckResult

Outage = tuple[str, int, int]  # chain, start, end


def judge(history: History) -> CheckResult:
    """Judges every buffered leg that one outage or more left alone."""
    judgement = Judgement("L5", "leg", "relayer")
    if history.header.poll_ms == 0:
        return judgement.result("no relayer took part")
    outages = _outages(history)
    if not outages:
        return judgement.result("no chain was down")
    for leg in history.header.legs:
        replayed = replay(history, leg.chain)
        entry = replayed.entry(leg.tx_id)
        if entry.first("BUFFERED") is None:
            continue
        during = [outage for outage in outages if _concerned(history, leg, outage)]
        window_ms = replayed.window_of(leg.tx_id) * 1000
        if during and entry.first("READY") is None and bound_ms(history, leg.chain) > window_ms:
            # L1 doubts it by itself, outage or not.
            judgement.note(f"{leg.name} had a window shorter than the bound")
        elif during:
            chain, start, _ = during[0]
            judge_leg(history, judgement, leg, f", although {chain} was down from {clock(start)}")
    downs = ", ".join(dict.fromkeys(chain for chain, _, _ in outages))
    return judgement.result(f"no leg of a flow without {downs} became resolvable while it was down")


def _outages(history: History) -> list[Outage]:
    """Of chains that some flow could do without."""
    return [
        (mark.chain, mark.t_ms, history.end_ms if end_ms is None else end_ms)
        for mark, effects, end_ms in history.injected()
        if mark.chain is not None and effects.takes_chain_down
    ]


def _concerned(history: History, leg: Leg, outage: Outage) -> bool:
    """Whether the leg's bound falls into the outage, in a calm time of its own chains."""
    chain, start_ms, end_ms = outage
    resolvable = resolvable_ms(history, leg)
    if chain in flow_chains(history, leg) or resolvable is None:
        return False
    bound = calm_bound(history, leg, resolvable)
    return bound is not None and bound.calm_ms < end_ms and bound.due_ms > start_ms
