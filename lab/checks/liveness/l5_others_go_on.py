"""L5: one chain down leaves the flows between the others going.

A chain is down while its node is frozen, dead or cut off, while its blocks stand still, or while every request to it
fails. The legs that become resolvable in that time, and whose flow lives on other chains only, must meet the bound of
L1 as if nothing had happened.
"""

from __future__ import annotations

from lab.checks.bounds import bound_ms, due_ms, flow_chains, resolvable_ms
from lab.checks.disturbances import calm_from
from lab.checks.facts import clock
from lab.checks.judgement import Judgement
from lab.checks.liveness.l1_ready_in_time import judge_leg
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import FaultMark, Leg
from lab.model.verdict import CheckResult

Outage = tuple[str, int, int]  # chain, start, end


def judge(history: History) -> CheckResult:
    """Judges every buffered leg that one outage or more left alone."""
    judgement = Judgement("L5", "leg")
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
        if during and entry.first("READY") is None and bound_ms(history, leg.chain) > replayed.end.window_s * 1000:
            # L1 doubts it by itself, outage or not.
            judgement.note(f"{leg.name} had a window shorter than the bound")
        elif during:
            before = len(judgement.failures)
            judge_leg(history, judgement, leg)
            if len(judgement.failures) > before:
                chain, start, _ = during[0]
                judgement.note(f"{chain} was down from {clock(start)}, and {leg.name} does not touch it")
    downs = ", ".join(dict.fromkeys(chain for chain, _, _ in outages))
    return judgement.result(f"no leg of a flow without {downs} became resolvable while it was down")


def _outages(history: History) -> list[Outage]:
    """Of chains that some flow could do without."""
    marks, found = history.of(FaultMark), []
    for mark in marks:
        if mark.chain is None or mark.effects is None or not mark.effects.takes_chain_down:
            continue
        ends = [each.t_ms for each in marks if each.phase == "heal" and each.id == mark.id and each.t_ms >= mark.t_ms]
        found.append((mark.chain, mark.t_ms, min(ends, default=history.end_ms)))
    return found


def _concerned(history: History, leg: Leg, outage: Outage) -> bool:
    """Whether the leg's bound falls into the outage, in a calm time of its own chains."""
    chain, start_ms, end_ms = outage
    chains = flow_chains(history, leg)
    resolvable = resolvable_ms(history, leg)
    if chain in chains or resolvable is None:
        return False

    def due(at_ms: int) -> int:
        return due_ms(history, leg.chain, at_ms)

    calm = calm_from(history, chains, resolvable, due)
    return calm is not None and calm < end_ms and due(calm) > start_ms
