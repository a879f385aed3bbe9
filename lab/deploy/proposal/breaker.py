"""Finds the circuit breaker: late transactions are resolved one by one until the contract stops itself, or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.deploy.proposal.bench import OPERATOR, OWNER, Use
from lab.deploy.proposal.events import EventMatch, seen_by
from lab.deploy.proposal.likeness import alike
from lab.deploy.proposal.settings import value_of, views_of
from lab.deploy.proposal.subject import LEAD_S, PAST_S, Tried, id_of

# A breaker that takes more failures is not found.
FAILURES_MAX = 45


@dataclass(frozen=True)
class Tripped:
    """After how many failures the contract stopped, and the reason that its event gave."""

    failures: int
    reason: Any


def find_breaker(tried: Tried, stop: EventMatch | None) -> Tripped | None:
    """The breaker's getters and what resets it; None where the contract does not stop by itself."""
    bench = tried.bench
    with bench.undone():
        tried.give_roles()
        due = bench.now + LEAD_S + FAILURES_MAX
        for number in range(FAILURES_MAX):
            tried.buffer(100 + number, timestamp=due)
        bench.until(due + PAST_S)
        if not tried.buffers(OPERATOR):
            return None
        before = {use: value_of(tried, use) for use in views_of(tried)}
        for number in range(FAILURES_MAX):
            outcome = tried.sent("resolve_dependency", tx_id=id_of(100 + number))
            if not outcome.done:
                return None
            if not tried.buffers(OPERATOR):
                break
        else:
            return None
        tells = [use for use, was in before.items() if was is False and value_of(tried, use) is True]
        _reset(tried, tells)
    reason = None
    if stop is not None and "reason" in stop.arguments:
        said = [seen for seen in seen_by([stop.entry], outcome) if seen.entry["name"] == stop.entry["name"]]
        reason = said[0].args[stop.arguments["reason"]] if said else None
    thresholds = [use for use, was in before.items() if was == number + 1 and type(was) is int]
    if thresholds and "breaker_threshold" not in tried.uses:
        best = max(thresholds, key=lambda use: alike("breaker threshold", use.name))
        tried.said("breaker_threshold", best, f"after so many failures ({number + 1}) the contract stops itself")
    return Tripped(number + 1, reason)


def _reset(tried: Tried, tells: list[Use]) -> None:
    """A flag and a reset of the breaker's own, where they are not those of the owner's stop."""
    known = [tried.uses.get(name) for name in ("paused", "unpause")]
    bench = tried.bench
    own = [use for use in tells if use not in known]
    for use in tried.calls("reset_breaker", extra=False):
        if use in known:
            continue
        with bench.undone():
            able = bench.send(use, OWNER).done and tried.buffers(OPERATOR)
        if able and len(own) == 1:
            tried.said("breaker_tripped", own[0], "it says yes once the contract has stopped itself")
            tried.said("reset_breaker", use, "it lets the contract go on that has stopped itself")
            return
