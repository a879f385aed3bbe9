"""What one run looks like on a page: verdict, checks, faults that acted, time line, links to its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from lab.evidence.manifest import RunManifest
from lab.html.text import clean, relative_link
from lab.model.records import Expectation, FaultMark
from lab.report.records.folder import Folder
from lab.report.run_page.pages import run_pages
from lab.report.run_page.parts import UNREADABLE, RunParts, read_parts
from lab.report.run_page.timeline_svg import timeline_svg

MAX_REASONS = 20
EVIDENCE = (
    *("verdict.json", "history.jsonl", "metrics.json", "manifest.json", "trace.json"),
    *("monitor.html", "monitor.jsonl", "logs"),
)


def scenario_fragment(folder: Folder, parts: RunParts | None = None, *, relative_to: Path | None = None) -> str:
    """HTML for the extras of a test item. Links are relative to `relative_to`, by default to the run folder itself.

    Never raises for bad evidence: what cannot be read is said in its place.
    """
    run = parts or read_parts(folder)
    start = relative_to if relative_to is not None else folder.path
    links = [(name, relative_link(folder.path / name, start)) for name in EVIDENCE if (folder.path / name).exists()]
    timeline, unreadable = _timeline(run)
    return run_pages().render(
        "fragment.html.j2",
        fragment_style=Markup(run_pages().asset("fragment.css")),
        name=run.made.name or (run.verdict.scenario if run.verdict else folder.path.name),
        description=run.made.description or "",
        facts=_facts(run.made, run.item),
        verdict=run.verdict,
        reasons=run.verdict.reasons[:MAX_REASONS] if run.verdict else (),
        faults=_faults(run),
        expectations=run.history.of(Expectation) if run.history else [],
        # The SVG escapes what it quotes.
        timeline=Markup(timeline),
        unreadable=unreadable,
        links=links,
    )


def report_page(
    folder: Folder, parts: RunParts | None = None, *, back: str | None = None, causes: str | None = None
) -> str:
    """The fragment as a page of its own, to be written into the run folder.

    `back` links to the session's index, `causes` to its page of causes.
    """
    pages = run_pages()
    return pages.render_page(
        "run.html.j2",
        styles=[pages.asset("base.css"), pages.asset("run.css")],
        script=pages.asset("run.js"),
        extra_styles=(pages.asset("fragment.css"),),
        title=folder.path.name,
        fragment=Markup(scenario_fragment(folder, parts)),
        back=back,
        causes=causes,
    )


def _timeline(run: RunParts) -> tuple[str, tuple[str, ...]]:
    """The picture, empty without one, and what of the evidence cannot be shown."""
    try:
        return (timeline_svg(run.history) if run.history else ""), run.unreadable
    except UNREADABLE as error:
        return "", (*run.unreadable, str(error) or type(error).__name__)


def _facts(made: RunManifest, item: str) -> list[tuple[str, str]]:
    """What made this run, as far as the manifest says."""
    stated = [
        ("under test", under_test_line(made)),
        ("item", item),
        ("file", made.scenario_file),
        ("seed", made.seed),
        ("clock", made.clock),
        ("backend", made.backend.name),
        ("contract", (made.contract.bytecode_sha256 or "")[:16]),
        ("lab", f"{(made.lab.commit or '')[:12]}{' (dirty)' if made.lab.dirty else ''}"),
        ("history digest", (made.history_digest or "")[:16]),
        ("claims rows", ", ".join(made.rows)),
        ("duration", f"{made.duration_s:.2f} s" if made.duration_s is not None else ""),
    ]
    return [(name, clean(str(value), 600)) for name, value in stated if value not in (None, "")]


def under_test_line(made: RunManifest) -> str:
    """Contract, relayer and project of a run; empty where its manifest does not say."""
    return clean(made.under_test.line, 600) if made.under_test is not None else ""


@dataclass(frozen=True, slots=True)
class _Fault:
    """An injected fault, how often it acted, and what shows that it did."""

    id: str
    fault: str
    chain: str
    activations: int
    proof: str


def _faults(run: RunParts) -> list[_Fault]:
    """From the history, else from the manifest."""
    if run.history is None:
        return [_Fault(fault.id or "", fault.fault or "", "", fault.activations, "") for fault in run.made.faults]
    marks: dict[str, list[FaultMark]] = {}
    for mark in run.history.of(FaultMark):
        marks.setdefault(mark.id, []).append(mark)
    return [
        _Fault(
            id=name,
            fault=of_one[0].fault,
            chain=of_one[0].chain or "",
            activations=sum(mark.activations for mark in of_one),
            proof=next((mark.proof for mark in reversed(of_one) if mark.proof), ""),
        )
        for name, of_one in marks.items()
    ]
