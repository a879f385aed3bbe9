"""The highest rate that a system carries, by steps: doubled until it does not follow, then narrowed down."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.load.analyse.facts import throughput_of
from lab.load.analyse.judge import RunOutcome
from lab.load.analyse.reconcile import Result
from lab.load.profile.profile import LoadProfile, changed_profile
from lab.load.profile.shapes import AtCeiling, Constant
from lab.load.run import Notify, Options, run_load
from lab.model.outcome import Outcome

STEP_MS = 10_000
RATE_MAX = 64_000.0
CLOSE_ENOUGH = 0.08
STEPS_MAX = 14
# Flows that take too long without a queue wait for blocks and their finality, at any rate, or for the relayer's polls.
LATE = "relayer or confirmations"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One step. `why` is empty where the system followed."""

    offered_tps: float
    tps: float
    bottleneck: str
    why: str
    folder: str


@dataclass(frozen=True, slots=True)
class Saturation:
    """The whole search, as `saturation.json` has it; `highest_tps` is None where no step held."""

    profile: str
    highest_tps: float | None
    offered_tps: float | None
    bottleneck: str
    steps: tuple[StepOutcome, ...]


def saturate(
    profile: LoadProfile,
    options: Options,
    notify: Notify,
    finish: Callable[[Result, Path], int],
    run: Callable[[LoadProfile, Options, Notify], tuple[Result, Path]] = run_load,
) -> int:
    """Search, report each step, and name what bound. 0 when a rate was found, 3 when not even the first step held."""
    outcomes: list[StepOutcome] = []

    def step(tps: float) -> StepOutcome:
        notify(f"step {len(outcomes) + 1}: {tps:,.0f} a second")
        result, folder = run(at_rate(profile, tps), options, notify)
        finish(result, folder)
        if result.judged.outcome is RunOutcome.INVALID:
            # Something else on the machine may have been in the way of the generator: that is seen by trying again.
            notify("the generator was late: once more")
            result, folder = run(at_rate(profile, tps), options, notify)
            finish(result, folder)
        outcome = judge_step(tps, result, folder)
        outcomes.append(outcome)
        return outcome

    offered_tps, bound = search(first_rate(profile), step)
    best = max((o for o in outcomes if not o.why), key=lambda o: o.tps, default=None)
    summary = Saturation(
        profile=profile.name,
        highest_tps=best.tps if best else None,
        offered_tps=offered_tps,
        bottleneck=bound.bottleneck if bound else "none reached",
        steps=tuple(outcomes),
    )
    path = options.results / "load" / "saturation.json"
    write_atomically(path, json.dumps({"schema_version": 1, **dataclasses.asdict(summary)}, indent=1) + "\n")
    for line in summary_lines(summary):
        print(line)
    print(f"steps   {path}")
    return 0 if best else 3


def search(start: float, step: Callable[[float], StepOutcome]) -> tuple[float | None, StepOutcome | None]:
    """The highest rate that held and the lowest that did not. Pure but for `step`."""
    good: float | None = None
    bad: StepOutcome | None = None
    rate = start
    for _ in range(STEPS_MAX):
        outcome = step(rate)
        if not outcome.why:
            good = rate if good is None else max(good, rate)
        elif bad is None or rate < bad.offered_tps:
            bad = outcome
        if bad is None:
            rate *= 2
        elif good is None:
            rate /= 2
        else:
            rate = (good + bad.offered_tps) / 2
        close = good is not None and bad is not None and bad.offered_tps - good <= CLOSE_ENOUGH * bad.offered_tps
        if close or rate > RATE_MAX or rate < 1:
            break
    return good, bad


def at_rate(profile: LoadProfile, tps: float) -> LoadProfile:
    """The profile at a constant rate for a step, judged by all of its criteria but those of rate and length."""
    shape = Constant.recorded({"tps": tps, "duration_ms": STEP_MS})
    criteria = profile.criteria.changed(throughput_tps_min=None)
    return changed_profile(profile, shape=shape, criteria=criteria, operators="auto")


def first_rate(profile: LoadProfile) -> float:
    """Half of the profile's own peak: most likely it holds."""
    return 100.0 if isinstance(profile.shape, AtCeiling) else max(10.0, profile.shape.highest_tps / 2)


def judge_step(tps: float, result: Result, folder: Path) -> StepOutcome:
    """Whether the system followed: no criterion missed, nothing invalid or unexplained, no backlog at the end."""
    reasons = [*result.judged.invalid, *result.judged.unexplained[:1], *result.problems]
    reasons += [f"{v.criterion}: {v.reason}" for v in result.judged.verdicts if v.outcome is Outcome.NOT_MET]
    if not result.totals.succeeded:
        reasons.append("no transaction succeeded")
    if result.judged.outcome is RunOutcome.INFEASIBLE:
        reasons.append("over the gas ceiling")
    rate, _, _ = throughput_of(result.totals, result.flows)
    if result.judged.bottleneck == "node":
        reasons.append(f"the node fell behind: {result.totals.tps:,.0f} a second were mined")
    bottleneck = result.judged.bottleneck if reasons else "none reached"
    late = any(v.criterion == "cross-chain latency" and v.outcome is Outcome.NOT_MET for v in result.judged.verdicts)
    if late and bottleneck == "none reached":
        bottleneck = LATE
    return StepOutcome(tps, rate.tps, bottleneck, "; ".join(reasons), folder.name)


def summary_lines(summary: Saturation) -> list[str]:
    """The steps in the order of their rates, and the end of the search."""
    lines = [
        f"  {o.offered_tps:>10,.0f}/s offered  {o.tps:>10,.1f}/s succeeded  {o.why or 'held'}"
        for o in sorted(summary.steps, key=lambda o: o.offered_tps)
    ]
    highest = summary.highest_tps
    end = "no step held" if highest is None else f"highest rate that held: {highest:,.0f} a second"
    return [*lines, f"{end}; bottleneck: {summary.bottleneck}"]
