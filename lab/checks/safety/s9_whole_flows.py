"""S9: no flow ends half done, one leg EXECUTED and another expired.

Expired is the contract's own state where it has one; a leg BUFFERED past its window is as good as expired everywhere.
A half-done flow is a failure only if nothing excuses it: what disturbed its chains was over one bound of L1 before the
expired leg's window closed. Runs that draw their faults at random leave this check out, and a scenario whose outcome is
a half-done flow declares it by `-S9`.
"""

from __future__ import annotations

from lab.checks.attempts import left_undone
from lab.checks.bounds import due_ms, flow_chains, lapse_excuse, window_end_ms
from lab.checks.disturbances import disturbances
from lab.checks.facts import clock, is_suspended, suspension_note
from lab.checks.judgement import Judgement
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Leg
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every flow with two buffered legs or more that came to its end."""
    judgement = Judgement("S9", "flow", "relayer")
    if history.header.poll_ms == 0:
        return judgement.result("no relayer took part")
    for flow in dict.fromkeys(leg.flow for leg in history.header.legs):
        legs = [leg for leg in history.header.legs if leg.flow == flow]
        buffered = [leg for leg in legs if replay(history, leg.chain).entry(leg.tx_id).first("BUFFERED")]
        if len(buffered) > 1:
            _judge_flow(history, judgement, flow, buffered)
    return judgement.result("no flow of several buffered legs came to its end")


def _judge_flow(history: History, judgement: Judgement, flow: str, legs: list[Leg]) -> None:
    if is_suspended(history, *legs):
        judgement.note(suspension_note(history))
        return
    executed = [leg for leg in legs if _state(history, leg) == "EXECUTED"]
    expired = [leg for leg in legs if _expired(history, leg)]
    open_legs = [leg for leg in legs if leg not in executed and leg not in expired]
    hidden = [leg for leg in [*expired, *open_legs] if replay(history, leg.chain).blind]
    if not (executed and expired) and open_legs:
        _leave_open(history, judgement, open_legs)
    elif hidden and executed:
        judgement.doubt(
            f"{hidden[0].name} may have been executed by an untraced transaction on {hidden[0].chain}",
            hidden[0].chain,
            hidden[0].tx_id,
        )
    elif executed and expired:
        _judge_half(history, judgement, flow, executed[0], expired)
    else:
        judgement.judged += 1


def _state(history: History, leg: Leg) -> str:
    return replay(history, leg.chain).entry(leg.tx_id).state


def _expired(history: History, leg: Leg) -> bool:
    state = _state(history, leg)
    return state == "EXPIRED" or (state == "BUFFERED" and history.end_ms > window_end_ms(history, leg))


def _leave_open(history: History, judgement: Judgement, legs: list[Leg]) -> None:
    """A READY leg can still end either way, and what keeps it is for others to judge; so can a BUFFERED one."""
    for leg in legs:
        if _state(history, leg) == "BUFFERED":
            message = f"{leg.name} on {leg.chain} was still BUFFERED inside its window when the run ended"
            judgement.doubt(message, leg.chain, leg.tx_id)
        else:
            judgement.note(f"{leg.name} was {_state(history, leg)} to the end")


def _judge_half(history: History, judgement: Judgement, flow: str, executed: Leg, expired: list[Leg]) -> None:
    for leg in expired:
        excuse = _excuse(history, leg)
        if excuse is not None:
            judgement.note(f"{flow} is half done, which is excused: {leg.name} was in the way of {excuse}")
            return
    for leg in expired:
        why = lapse_excuse(history, leg)
        if why is not None:
            message = f"{flow} is half done: {leg.name} expired on {leg.chain}; {why}"
            judgement.doubt(message, leg.chain, leg.tx_id)
            return
    leg = expired[0]
    judgement.judged += 1
    steps = [replay(history, ended.chain).entry(ended.tx_id).moves[-1].step for ended in (executed, leg)]
    parent = f" (its parent is {leg.after})" if leg.after else ""
    message = (
        f"expected the flow {flow} to be executed as a whole or not at all; {executed.name} was EXECUTED on "
        f"{executed.chain} at {clock(steps[0].block.t_ms)}, {leg.name}{parent} expired on {leg.chain} with its window "
        f"at {clock(window_end_ms(history, leg))}"
    )
    if undone := left_undone(history, leg):
        message += f"; {undone}"
    # Half done it is from the end of the window on, whatever kept the leg from its end before.
    t_ms = max(*(step.block.t_ms for step in steps), min(window_end_ms(history, leg), history.end_ms))
    judgement.fail(message, steps[1].block, leg.tx_id, steps[0].block.seq, t_ms=t_ms)


def _excuse(history: History, leg: Leg) -> str | None:
    """What still lasted one bound before the window closed, or came later."""
    chains = {chain for other in history.header.legs if other.flow == leg.flow for chain in flow_chains(history, other)}
    for cause in disturbances(history):
        if cause.chain is not None and cause.chain not in chains:
            continue
        if cause.start_ms >= window_end_ms(history, leg):
            continue
        if cause.end_ms is None or due_ms(history, leg.chain, cause.end_ms) > window_end_ms(history, leg):
            return f"{cause.what} at {clock(cause.start_ms)}"
    return None
