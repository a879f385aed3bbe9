"""L7: what a relayer asks of a chain's endpoints is bounded.

Providers count JSON-RPC calls and refuse what is too many, so requests that grow, or that come faster for being
refused, end in silence. Three things are judged, on what the proxy counted in periods of five seconds:

- declared: no minute has more calls to a chain than `requests_per_minute` of lab.yaml.
- at rest: with that bound declared, calls do not grow with what is over, or with time. Compared are REST_PERIODS
  periods each in which nothing was open, disturbed or sent: the first ones after something had ended, and the last
  ones. The least of these may be GROWTH times the most of those. What grows without an end breaks any bound in time.
- limited: while endpoints answer that there are too many requests, calls come at most HAMMERING times as fast as they
  did without a disturbance, for each transaction that was there. Clients of the field repeat a refused call 3 times
  (viem 2: `retryCount`) to 5 times (web3.py 8: `ExceptionRetryConfiguration`), later each time, at a second endpoint
  perhaps: twice that is the bound.

Where nothing is declared the figures stand in the reason: nobody promised anything. Whoever polls at a steady pace need
not slow down, so that it did not is said, and no failure. A late machine keeps a relayer from asking: what is too much
beside the counts of such a time alone, and not beside what it would have asked in the time that was left, is UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from lab.checks.bounds import bound_ms
from lab.checks.disturbances import disturbances
from lab.checks.facts import clock, is_mirror, replays
from lab.checks.judgement import Judgement
from lab.checks.lateness import late_ms, was_late
from lab.model.history import History
from lab.model.records import Requests, Submit
from lab.model.verdict import CheckResult

HAMMERING = 10
GROWTH = 1.5
REST_PERIODS = 3
MINUTE_MS = 60_000
Span = tuple[int, float]
"""From and to, in milliseconds of the run; without an end, infinite."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Periods at rest that follow each other, after the end of so many transactions."""

    over: int
    periods: list[Requests]

    @property
    def least(self) -> float:
        """The lowest rate, in calls a minute."""
        return min(period.per_minute for period in self.periods)

    @property
    def most(self) -> float:
        """The highest rate, in calls a minute."""
        return max(period.per_minute for period in self.periods)

    def words(self) -> str:
        """Rates, times and what was over by then."""
        begin, end = clock(self.periods[0].since_ms), clock(self.periods[-1].t_ms)
        plural = " was" if self.over == 1 else "s were"
        rate = f"{self.least:.0f} to {self.most:.0f} times a minute"
        return f"{rate} from {begin} to {end}, when {self.over} transaction{plural} over"


@dataclass
class Activity:
    """When something was to do on any chain, when each transaction came, and when its end was final."""

    busy: list[Span] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def at_rest(self, period: Requests) -> bool:
        """Whether nothing was to do."""
        return not any(start < period.t_ms and period.since_ms < end for start, end in self.busy)

    def known(self, period: Requests) -> int:
        """How many transactions somebody can have looked at, and the chain itself."""
        return 1 + sum(begin <= period.t_ms for begin in self.begins)


def concerns(history: History) -> bool:
    """Requests are counted under the real clock alone, where a relayer is a process of its own."""
    return bool(history.of(Requests))


def undeclared(history: History) -> str | None:
    """Who declares no bound has promised none; while endpoints refuse what is too many there is one all the same."""
    if history.header.requests_per_minute is not None or any(period.limited for period in history.of(Requests)):
        return None
    return "bound on requests (`requests_per_minute` of lab.yaml)"


def judge(history: History) -> CheckResult:
    """Judges every chain that was asked, and says how often it was."""
    judgement = Judgement("L7", "bound", "relayer")
    counted: list[Requests] = history.of(Requests)
    activity = _activity(history) if counted else Activity()
    for chain in history.header.chains:
        periods = [record for record in counted if record.chain == chain]
        if not any(period.calls for period in periods):
            continue
        _judge_declared(history, judgement, periods)
        _judge_limited(history, judgement, periods, activity)
        _judge_rest(history, judgement, periods, activity)
        asked = sum(period.calls for period in periods)
        mean = asked * MINUTE_MS / max(1, periods[-1].t_ms - periods[0].since_ms)
        most = max(period.per_minute for period in periods)
        judgement.note(f"{chain} was asked {mean:.0f} times a minute, at most {most:.0f}")
    never = "lab.yaml declares no `requests_per_minute`, and no endpoint said that there were too many"
    return judgement.result(never if counted else "requests are counted under the real clock only")


def _judge_declared(history: History, judgement: Judgement, periods: list[Requests]) -> None:
    bound = history.header.requests_per_minute
    if bound is None or periods[-1].t_ms - periods[0].since_ms < MINUTE_MS:
        return
    judgement.judged += 1
    for place, first in enumerate(periods):
        last = next((one for one in periods[place:] if one.t_ms - first.since_ms >= MINUTE_MS), None)
        if last is None:
            return
        length_ms = last.t_ms - first.since_ms
        asked = sum(period.calls for period in periods[place : periods.index(last) + 1])
        if asked * MINUTE_MS <= bound * length_ms:
            continue
        message = (
            f"expected at most {bound} requests a minute to {first.chain}, as lab.yaml declares; there were {asked} "
            f"from {clock(first.since_ms)} to {clock(last.t_ms)}"
        )
        # What a late machine held up comes at once.
        late = late_ms(history, first.since_ms, last.t_ms)
        if asked * MINUTE_MS <= bound * (length_ms + late):
            judgement.doubt(f"{message}; {was_late(late)}", first.chain)
            continue
        judgement.fail(message, last, None, first.seq)
        return


def _judge_limited(history: History, judgement: Judgement, periods: list[Requests], activity: Activity) -> None:
    limited = [period for period in periods if period.limited]
    if not limited:
        return
    chain = limited[0].chain
    calm = [period for period in periods if period.calls and _is_calm(history, period)]
    if not calm:
        judgement.note(f"{chain} refused requests as too many, and no time was calm, to compare that one with")
        return
    judgement.judged += 1
    worst = max(limited, key=lambda period: period.per_minute / activity.known(period))
    known = activity.known(worst)
    usual = max(calm, key=lambda period: period.per_minute / activity.known(period))
    bound = HAMMERING * known * usual.per_minute / activity.known(usual)
    if worst.per_minute > bound:
        message = (
            f"expected at most {bound:.0f} requests a minute to {chain} while it answers that there are too many, "
            f"{HAMMERING} times what it was asked in calm; it was asked {worst.calls} times from "
            f"{clock(worst.since_ms)} to {clock(worst.t_ms)}, {worst.limited} of them in vain: requests are repeated "
            "without backing off"
        )
        unhindered = [rate / activity.known(period) for period in calm if (rate := _unhindered(history, period))]
        if not unhindered or worst.per_minute <= HAMMERING * known * max(unhindered):
            judgement.doubt(f"{message}; {_was_late(history, calm)}", chain, None, worst.seq)
        else:
            judgement.fail(message, worst, None, usual.seq)
    rate, before = (sum(one.per_minute for one in some) / len(some) for some in (limited, calm))
    slowed = "slowed down" if rate < before else "did not slow down"
    judgement.note(f"told that there were too many, it {slowed} on {chain}: {rate:.0f} a minute, {before:.0f} in calm")


def _is_calm(history: History, period: Requests) -> bool:
    """Whether no disturbance of its chain, or of all, fell into a period."""
    return not any(
        one.start_ms < period.t_ms and (one.end_ms is None or one.end_ms > period.since_ms)
        for one in disturbances(history)
        if one.chain in (None, period.chain) or one.slows_all
    )


def _unhindered(history: History, period: Requests) -> float | None:
    """The rate in the time that the machine's lateness left of a period; None where nothing was left."""
    left_ms = period.t_ms - period.since_ms - late_ms(history, period.since_ms, period.t_ms)
    return period.calls * MINUTE_MS / left_ms if left_ms > 0 else None


def _was_late(history: History, periods: list[Requests]) -> str:
    return was_late(late_ms(history, periods[0].since_ms, periods[-1].t_ms))


def _judge_rest(history: History, judgement: Judgement, periods: list[Requests], activity: Activity) -> None:
    phases, bound = _phases(periods, activity), history.header.requests_per_minute
    if not phases:
        return
    chain, first = periods[0].chain, Phase(phases[0].over, phases[0].periods[:REST_PERIODS])
    last = Phase(phases[-1].over, phases[-1].periods[-REST_PERIODS:])
    if last.periods[0].since_ms < first.periods[-1].t_ms:
        return
    grown = last.least > GROWTH * first.most
    rates = f"at rest {chain} was asked {first.words()}, and {last.words()}"
    if bound is None:
        if grown:
            judgement.note(
                f"{rates}: they grow with what is over, or with time (`requests_per_minute` has that judged)"
            )
        return
    judgement.judged += 1
    if not grown:
        return
    message = (
        f"expected requests at rest not to grow, with what is over or with time, for at most {bound} a minute are "
        f"declared; {rates}: no bound holds that for ever"
    )
    unhindered = [rate for period in first.periods if (rate := _unhindered(history, period)) is not None]
    if len(unhindered) < REST_PERIODS or last.least <= GROWTH * max(unhindered):
        judgement.doubt(f"{message}; {_was_late(history, first.periods)}", chain, None, last.periods[-1].seq)
    else:
        judgement.fail(message, last.periods[-1], None, first.periods[0].seq)


def _phases(periods: list[Requests], activity: Activity) -> list[Phase]:
    """Times at rest after the first end; what a first transaction adds for good is no growth."""
    rest = [period for period in periods if activity.at_rest(period)]

    def over(period: Requests) -> int:
        return sum(end <= period.since_ms for end in activity.ends)

    phases = [Phase(count, list(same)) for count, same in groupby(rest, over) if count]
    return [phase for phase in phases if len(phase.periods) >= REST_PERIODS]


def _activity(history: History) -> Activity:
    """A transaction is open from the block that has it to a bound's length after its end is final."""
    activity, slowest_ms = Activity(), max(bound_ms(history, chain) for chain in history.header.chains)
    activity.busy = [
        (one.start_ms, float("inf") if one.end_ms is None else one.end_ms + slowest_ms) for one in disturbances(history)
    ]
    activity.busy += [(submit.t_ms, submit.t_ms + slowest_ms) for submit in history.of(Submit)]
    for replayed in replays(history):
        for entry in replayed.entries.values():
            buffered = entry.first("BUFFERED")
            if buffered is None:
                continue
            # Nobody executes a mirror.
            there = ("READY",) if is_mirror(history, replayed.chain, entry) else ()
            end = entry.first("EXECUTED", "EXPIRED", *there)
            activity.begins.append(buffered.step.block.t_ms)
            final_ms = history.final_since(replayed.chain, end.step.block) if end is not None else None
            if final_ms is not None:
                activity.ends.append(final_ms)
            until = float("inf") if final_ms is None else final_ms + slowest_ms
            activity.busy.append((buffered.step.block.t_ms, until))
    return activity
