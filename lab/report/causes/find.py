"""All causes of a set of runs, from their recorded evidence alone."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.evidence.contract_source import ContractSource, read_contract_source
from lab.evidence.manifest import RunManifest
from lab.html.text import clean, times
from lab.model.checks import check_demand, check_name
from lab.model.verdict import Verdict
from lab.report.causes.attribution import Attribution, attribute
from lab.report.causes.documentation import documented, layer
from lab.report.causes.effort import excesses
from lab.report.causes.grouping import Group, group
from lab.report.causes.source import quote, quote_place
from lab.report.causes.symptoms import Symptom, symptoms_of
from lab.report.records.cause import AffectedRun, Cause, CauseReport, Moment, QuotedLine
from lab.report.records.folder import Folder
from lab.report.run_page.events import events
from lab.report.run_page.parts import UNREADABLE, RunParts, read_parts
from lab.report.run_page.relayer_log import relayer_log

EVENTS_MAX = 8
# Expectations are what a cause says already.
_UNSHOWN = ("met", "unmet")
RUNS_MAX, FOLLOWS_MAX = 400, 40
_RANK = ("operation", "relayer", "missing", "check", "expectation", "unknown", "evidence")


@dataclass(frozen=True, slots=True)
class _Run:
    """A failed run without its history: that is read again for the few that are shown."""

    folder: Folder
    parts: RunParts
    weight: tuple[int, bool, int, int]


def find_causes(results: Path, folders: Sequence[Folder], title: str) -> CauseReport:
    """`results` is the results folder that runs are named in, `title` says which runs these are."""
    attributed: list[tuple[_Run, Attribution]] = []
    made: list[RunManifest] = []
    under_test = None
    for folder in folders:
        parts = read_parts(folder, with_history=False)
        under_test = under_test or parts.made.under_test
        made.append(parts.made)
        # What was not exercised, for the contract lacks a part or the machine a program, did not fail.
        if parts.state in (Verdict.PASS, Verdict.NOT_EXERCISED):
            continue
        whole = read_parts(folder)
        attribution = attribute(_symptoms(whole))
        size = len(whole.history.records) if whole.history is not None else 1 << 30
        # One in which nothing else is wrong, and in which no fault acted, says more in less; one not run says nothing.
        weight = (len({root.key for root in attribution.roots}), not parts.made.networks, len(parts.made.faults), size)
        attributed.append((_Run(folder, parts, weight), attribution))
    groups = sorted(group(attributed), key=lambda cluster: (_rank(cluster), -len(cluster.runs), cluster.key))
    return CauseReport(
        title=title,
        under_test=under_test,
        runs=len(folders),
        failed=len(attributed),
        causes=tuple(_cause(results, cluster) for cluster in groups),
        excesses=excesses(made),
    )


def _symptoms(parts: RunParts) -> list[Symptom]:
    """Of a run that can be read; what cannot be is a symptom itself."""
    symptoms: list[Symptom] = []
    try:
        if parts.verdict is not None:
            symptoms = symptoms_of(parts.verdict, parts.history)
    except UNREADABLE as error:
        symptoms = [Symptom("evidence", "evidence", f"the evidence cannot be read: {clean(str(error), 200)}")]
    if not symptoms:
        text = next(iter(parts.unreadable), "no reason was recorded")
        symptoms = [Symptom("evidence", f"evidence {text[:80]}", clean(text, 300))]
    return symptoms


def _rank(cluster: Group[_Run]) -> int:
    return min(_RANK.index(symptom.kind) for _, symptom in cluster.runs)


def _cause(results: Path, cluster: Group[_Run]) -> Cause:
    """The run to show is the smallest of those in which the head itself is seen."""
    runs = sorted(cluster.runs, key=lambda shown: (shown[1].key != cluster.key, shown[0].weight, shown[0].parts.item))
    run, symptom = runs[0]
    function = _blamed(symptom)
    return Cause(
        id=hashlib.sha256(cluster.key.encode()).hexdigest()[:8],
        kind=symptom.kind,
        title=_title(symptom, function),
        demand=check_demand(symptom.check) if symptom.check else "",
        deviation=symptom.text,
        function=function,
        documented=documented(function),
        layer=layer(function),
        source=_source(run, symptom, function),
        shown_by=_affected(results, run, symptom),
        events=_moments(run, symptom),
        runs=tuple(_affected(results, *shown) for shown in runs[:RUNS_MAX]),
        rows=tuple(sorted({row for shown, _ in runs for row in shown.parts.made.rows})),
        follows=_follows(cluster),
        relayer_log=relayer_log(run.folder.path, run.parts.made),
        command=clean(run.parts.verdict.repeat, 10_000) if run.parts.verdict is not None else "",
    )


def _blamed(symptom: Symptom) -> str:
    """The function that a symptom is about: not the last one before what the relayer did wrongly, or left undone."""
    return "" if symptom.actor == "relayer" else symptom.function


def _title(symptom: Symptom, function: str) -> str:
    where = f" ({function})" if function else ""
    if symptom.kind == "check":
        return f"{check_name(symptom.check)}{where}"
    if symptom.kind == "missing":
        return f"the contract has no function {function}"
    if symptom.kind == "operation":
        return f"{function} never succeeds"
    if symptom.kind == "relayer":
        return re.split("[:;] ", symptom.text, maxsplit=1)[0]
    return {
        "expectation": f"an expectation is not met{where}",
        "unknown": "nothing can be concluded",
        "evidence": "a run left no verdict",
    }[symptom.kind]


def _source(run: _Run, symptom: Symptom, function: str) -> QuotedLine | None:
    made = run.parts.made
    source: ContractSource = read_contract_source(run.folder.path.parent, made.contract.bytecode_sha256)
    if symptom.kind == "operation":
        return quote_place(source, symptom.text)
    if not function or not (symptom.tx or symptom.kind == "expectation"):
        return None
    return quote(source, function, symptom.says if symptom.tx else symptom.came)


def _affected(results: Path, run: _Run, symptom: Symptom) -> AffectedRun:
    return AffectedRun(
        item=clean(run.parts.item, 200),
        scenario=clean(run.parts.made.scenario_file or "", 200),
        folder=clean(Path(os.path.relpath(run.folder.path, results)).as_posix(), 400),
        verdict=run.parts.state,
        t_ms=symptom.t_ms,
        words=symptom.text,
    )


def _moments(run: _Run, symptom: Symptom) -> tuple[Moment, ...]:
    """What happened next to the moment, on the chain of the deviation."""
    moment = symptom.t_ms
    if moment is None or symptom.kind == "operation" or (symptom.kind == "relayer" and moment <= 0):
        return ()
    try:
        happened = [
            event
            for event in events(run.folder.history())
            if event.kind not in _UNSHOWN and (symptom.chain is None or event.chain in (None, symptom.chain))
        ]
    except UNREADABLE:
        return ()

    def distance(place: int) -> tuple[int, bool, int, int]:
        # Of one moment what led there, by its place in the history: without a chain's clock all is of one moment.
        event = happened[place]
        return abs(event.t_ms - moment), event.seq > symptom.seq, abs(event.seq - symptom.seq), -place

    nearest = sorted(range(len(happened)), key=distance)[:EVENTS_MAX]
    return tuple(
        Moment(
            t_ms=happened[place].t_ms,
            chain=happened[place].chain or "",
            text=clean(happened[place].text, 300),
            nearness=nearest.index(place),
        )
        for place in sorted(nearest)
    )


def _follows(cluster: Group[_Run]) -> tuple[str, ...]:
    """What else was seen behind it: checks by name, the rest by number."""
    symptoms = cluster.follows.values()
    checks = dict.fromkeys(check_name(symptom.check) for symptom in symptoms if symptom.check)
    others = [symptom.text for symptom in symptoms if not symptom.check]
    return (
        *checks,
        *others[:FOLLOWS_MAX],
        *([f"and others, {times(len(others))}"] if len(others) > FOLLOWS_MAX else []),
    )
