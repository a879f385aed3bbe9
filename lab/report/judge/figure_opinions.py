"""What measurements say about rows. An inconclusive one does not count against a conclusive one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lab.evidence.in_force import differ
from lab.html.figures import interval
from lab.html.text import clean
from lab.report.catalogue.rows import Row
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.figures import Figure
from lab.report.records.row_result import Opinion, RowEvidence
from lab.report.records.row_verdict import RowVerdict


def opinions_of(figures: Iterable[Figure], rows: Mapping[str, Row], baseline: Baseline) -> dict[str, list[Opinion]]:
    """What figures say about known rows, by row. Figures of unknown rows are left out.

    So are inconclusive ones, where another of the row could and it counts.
    """
    opinions: dict[str, list[tuple[Figure, Opinion]]] = {}
    for figure in figures:
        row = rows.get(figure.row)
        if row is not None:
            opinions.setdefault(row.id, []).append((figure, _opinion(figure, row, baseline)))
    return {row: list(_telling(said)) for row, said in opinions.items()}


def _telling(said: list[tuple[Figure, Opinion]]) -> Iterator[Opinion]:
    decided = any(opinion.verdict is RowVerdict.PASS for _, opinion in said)
    for figure, opinion in said:
        if not (decided and figure.inconclusive):
            yield opinion


def _opinion(figure: Figure, row: Row, baseline: Baseline) -> Opinion:
    verdict, reason, made = figure.verdict, figure.reason, figure.source
    outdated = []
    if "contract" in row.depends_on and differ(made.contract_sha256, baseline.contract_sha256):
        outdated.append("made with another contract")
    if "relayer" in row.depends_on and differ(made.relayer_sha256, baseline.relayer_sha256):
        outdated.append("made with another relayer")
    if "lab" in row.depends_on and differ(made.commit, baseline.lab_commit):
        outdated.append(f"made by another commit of the lab ({clean((made.commit or '')[:12], 20)})")
    if outdated:
        verdict, reason = RowVerdict.STALE, "; ".join(outdated)
    evidence = RowEvidence(
        folder=made.folder,
        item=made.item,
        scenario="",
        verdict=verdict,
        reason=reason,
        digest=None,
        commit=made.commit,
        dirty=made.dirty,
        contract_sha256=made.contract_sha256,
        started=made.started,
        figures=tuple(_in_words(figure)),
        files=tuple(name.removeprefix(f"{made.folder}/") for name in figure.evidence),
    )
    return Opinion(verdict, f"{made.item}: {reason}", evidence if made.folder else None)


def _in_words(figure: Figure) -> Iterator[str]:
    if figure.figure:
        yield figure.figure
    if figure.low is not None and figure.high is not None:
        yield f"interval {interval(figure.low, figure.high, figure.unit)}"
    if figure.n is not None:
        yield f"n = {figure.n:,}" + (f", {figure.failures:,} failed" if figure.failures is not None else "")
    yield from (f"assumes: {text}" for text in figure.assumptions)
