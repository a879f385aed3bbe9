"""The success criteria: figures of load runs and of scenarios meet their definitions, and settle the TEC rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lab.html.figures import interval, percent
from lab.html.text import clean, plural, some
from lab.model.checks import check_name
from lab.model.outcome import Outcome
from lab.model.statistics.binomial import decide, lower_bound, trials_needed, upper_bound
from lab.report.catalogue.criteria_definitions import Definition, definitions
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.fault_phases import faults_by_phase
from lab.report.evidence.figures import Figure, Source
from lab.report.evidence.runs import Run
from lab.report.evidence.samples import collect
from lab.report.judge.proportions import ALLOWED
from lab.report.judge.scenario_criteria import cost, cross_chain, failures
from lab.report.records.criterion import Criterion, Derived
from lab.report.records.folder import Folder
from lab.report.records.measured import Measured
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import OUTCOMES, VERDICTS, RowVerdict

Criteria = Callable[[Sequence[RowResult]], tuple[Criterion, ...]]


def evaluate(
    folders: Sequence[Folder], runs: Sequence[Run], figures: Sequence[Figure], baseline: Baseline
) -> tuple[list[Figure], Measured, Criteria]:
    """Figures that runs support beyond the given ones, the tables behind them, and the criteria over judged rows."""
    samples, whole = collect(folders, runs, baseline)
    times, pairs = cross_chain(samples)
    costs, networks = cost(samples)
    derived = {"TEC-02": times, "TEC-03": costs, "TEC-06": failures(samples)}
    if samples.lost:
        # What a damaged run shows may be against a criterion, and never for one.
        alone = {"TEC-02": cross_chain(whole)[0], "TEC-03": cost(whole)[0], "TEC-06": failures(whole)}
        derived |= {row: stated for row, stated in alone.items() if stated.state is Outcome.NOT_MET}
    # Past commits of the lab count, what another contract or relayer did says nothing of this one.
    ours = [run for run in runs if not baseline.outdated(run, ("contract", "relayer"))]
    criticals = _criticals(ours)
    lost = f"{some(samples.lost, 3)}: what was measured there is lost; run it again" if samples.lost else ""
    measured = Measured(pairs=pairs, costs=networks, faults=faults_by_phase(folders, ours))
    loaded = {figure.row for figure in figures}
    outdated = 0 < samples.outdated == len(runs)
    new = [
        Figure(
            row=row,
            verdict=_verdict(stated.state, lost=bool(lost), outdated=outdated),
            reason="; ".join(filter(None, (stated.reason or stated.figure, lost))),
            source=Source("scenario runs"),
            inconclusive=stated.state is Outcome.UNKNOWN and not lost,
        )
        for row, stated in derived.items()
        # A measurement under load says more than its absence elsewhere.
        if stated.state is not Outcome.NOT_MEASURED or row not in loaded or lost
    ]
    new += criticals

    def criteria(rows: Sequence[RowResult]) -> tuple[Criterion, ...]:
        by_id = {row.id: row for row in rows}
        return tuple(
            _criterion(
                definition,
                by_id[definition.row],
                derived.get(definition.row),
                [f for f in figures if f.row == definition.row],
            )
            for definition in definitions()
            if definition.row in by_id
        )

    return new, measured, criteria


def _verdict(state: Outcome, *, lost: bool, outdated: bool) -> RowVerdict:
    """That of a row by its figure; `outdated`: there are runs, and all are of another contract, relayer or lab."""
    if lost and state is not Outcome.NOT_MET:
        return RowVerdict.UNKNOWN
    return RowVerdict.STALE if outdated and state is Outcome.NOT_MEASURED else VERDICTS[state]


def _criterion(definition: Definition, row: RowResult, derived: Derived | None, figures: list[Figure]) -> Criterion:
    """The worst figure of those that decided the row is shown; the state is the row's own verdict."""
    decided = {evidence.folder for evidence in row.evidence}
    figures = [figure for figure in figures if figure.source.folder in decided] or figures
    shown = max(figures, key=lambda f: (f.verdict is RowVerdict.FAIL, f.verdict is RowVerdict.INFEASIBLE), default=None)
    allowed = ALLOWED.get(definition.row)
    state = OUTCOMES.get(row.verdict, Outcome.NOT_MEASURED)
    # What is too little to decide is no figure of what another one decided.
    open_yet = (
        derived is None
        or derived.state is Outcome.NOT_MEASURED
        or (state is Outcome.MET and derived.state is not Outcome.MET)
    )
    if shown is not None and (open_yet or shown.verdict is row.verdict):
        stated = _loaded(definition, shown, figures)
    else:
        needed = plural(trials_needed(0, allowed), "trial") + " without a failure" if allowed else ""
        stated = derived or Derived(state=Outcome.NOT_MEASURED, figure="no figure", needed=needed)
    needed = stated.needed if state in (Outcome.UNKNOWN, Outcome.NOT_MEASURED) else ""
    if row.verdict is RowVerdict.STALE:
        needed = "measure again: the evidence is out of date"
    paths = [*(run.folder for run in row.evidence), *(path for figure in figures for path in figure.evidence)]
    return Criterion(
        **(dict(stated) | {"state": state, "needed": needed, "reason": row.reason}),
        **dict(definition),
        title=row.item,
        evidence=tuple(dict.fromkeys(paths)),
    )


def _loaded(definition: Definition, shown: Figure, figures: list[Figure]) -> Derived:
    allowed, needed, between = ALLOWED.get(definition.row), "", ""
    if allowed is not None and shown.n and shown.failures is not None and shown.failures <= shown.n:
        low, high = (100 * bound(shown.failures, shown.n) for bound in (lower_bound, upper_bound))
        ends = f"{percent(low)} to {percent(high)}, each bound" if low else f"at most {percent(high)}"
        between = f"failed: {ends} with 95% confidence"
        outcome = decide(shown.failures, shown.n, allowed)
        # A run that was too short for its own faults knows no better, whatever its share of failures.
        if outcome is Outcome.UNKNOWN or (outcome is Outcome.NOT_MET and shown.verdict is RowVerdict.UNKNOWN):
            more = max(1, trials_needed(shown.failures, allowed) - shown.n)
            needed = plural(more, "more trial") + " without another failure"
    elif shown.low is not None and shown.high is not None:
        words = interval(shown.low, shown.high, shown.unit)
        between = words if " to " in words else ""
    same_unit = shown.unit.strip().lower() in (definition.unit.lower(), "")
    return Derived(
        state=OUTCOMES.get(shown.verdict, Outcome.UNKNOWN),
        figure=clean(shown.figure or "no figure", 200),
        value=shown.value if same_unit else None,
        low=shown.low if same_unit else None,
        high=shown.high if same_unit else None,
        interval=between,
        n=shown.n,
        needed=needed,
        assumptions=tuple(dict.fromkeys(text for figure in figures for text in figure.assumptions)),
    )


def _criticals(runs: Sequence[Run]) -> Iterator[Figure]:
    """The safety checks that failed in the runs; none where none did."""
    failed = [
        f"{check_name(check)} in {clean(run.item, 80)}"
        for run in runs
        for check in run.failed_checks or ()
        if check.startswith("S")
    ]
    unclear = [clean(run.folder, 200) for run in runs if run.failed_checks is None and (run.failed or run.is_damaged)]
    if failed:
        reason = f"{plural(len(failed), 'safety check')} failed: {some(failed, 3)}"
        yield Figure(row="TEC-05", verdict=RowVerdict.FAIL, reason=reason, source=Source("scenario runs"))
    elif unclear:
        reason = f"which checks failed is lost in {some(unclear, 3)}; run it again"
        yield Figure(row="TEC-05", verdict=RowVerdict.UNKNOWN, reason=reason, source=Source("scenario runs"))
