"""What one run looks like on a page: verdict, checks, faults that acted, time line, links to its evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from markupsafe import Markup

from lab.errors import LabError
from lab.evidence.manifest import RunManifest
from lab.html.text import clean, relative_link
from lab.model.history import History
from lab.model.records import Expectation, FaultMark
from lab.report.records.folder import Folder
from lab.report.run_page.pages import run_pages
from lab.report.run_page.timeline import timeline_svg

T = TypeVar("T")
MAX_REASONS = 20


def scenario_fragment(folder: Folder, *, relative_to: Path | None = None) -> str:
    """HTML for the extras of a test item. Links are relative to `relative_to`, by default to the run folder itself.

    Never raises for bad evidence: what cannot be read is said in its place.
    """
    start = relative_to if relative_to is not None else folder.path
    unreadable: list[str] = []
    verdict = _try(folder.verdict, unreadable)
    made = RunManifest.read(_try(folder.manifest, unreadable))
    history = _try(folder.history, unreadable)
    names = ("verdict.json", "history.jsonl", "metrics.json", "manifest.json", "trace.json", "logs")
    links = [(name, relative_link(folder.path / name, start)) for name in names if (folder.path / name).exists()]
    return run_pages().render(
        "fragment.html.j2",
        fragment_style=Markup(run_pages().asset("fragment.css")),
        name=made.name or (verdict.scenario if verdict else folder.path.name),
        description=made.description or "",
        facts=_facts(made, verdict.item if verdict else folder.path.name),
        verdict=verdict,
        reasons=verdict.reasons[:MAX_REASONS] if verdict else (),
        faults=_faults(history, made),
        expectations=history.of(Expectation) if history else [],
        # The SVG escapes what it quotes.
        timeline=Markup(_svg(history, unreadable)),
        unreadable=[reason.replace(f"{folder.path}/", "") for reason in unreadable],
        links=links,
    )


def report_page(folder: Folder, *, back: str | None = None) -> str:
    """The fragment as a page of its own, to be written into the run folder. `back` links to the session's index."""
    fragment = scenario_fragment(folder)
    pages = run_pages()
    return pages.render_page(
        "run.html.j2",
        styles=[pages.asset("base.css"), pages.asset("run.css")],
        script=pages.asset("run.js"),
        extra_styles=(pages.asset("fragment.css"),),
        title=folder.path.name,
        fragment=Markup(fragment),
        back=back,
    )


def _svg(history: History | None, unreadable: list[str]) -> str:
    return (_try(lambda: timeline_svg(history), unreadable) or "") if history is not None else ""


def _try(read: Callable[[], T], unreadable: list[str]) -> T | None:
    try:
        return read()
    except (LabError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        unreadable.append(str(error) or type(error).__name__)
        return None


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


def _faults(history: History | None, made: RunManifest) -> list[dict[str, Any]]:
    """One entry for each injected fault, with its activations: from the history, else from the manifest."""
    if history is None:
        return [
            {
                "id": fault.id or "",
                "fault": fault.fault or "",
                "chain": "",
                "activations": fault.activations,
                "proof": "",
            }
            for fault in made.faults
        ]
    injected: dict[str, dict[str, Any]] = {}
    for mark in history.of(FaultMark):
        entry = injected.setdefault(
            mark.id, {"id": mark.id, "fault": mark.fault, "chain": mark.chain or "", "activations": 0}
        )
        entry["activations"] += mark.activations
        entry["proof"] = mark.proof or entry.get("proof", "")
    return list(injected.values())
