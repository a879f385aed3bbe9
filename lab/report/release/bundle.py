"""One archive of everything that a report rests on, with the sha256 of each file, so that others can check it.

Private keys, databases and whatever else nobody needs to judge stay out. The pages of runs are drawn again from the
evidence that goes in. The same files make the same archive.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.bounded_files import sha256_file, write_atomically
from lab.errors import UsageError
from lab.evidence.newest import runs_of
from lab.evidence.outcomes import OUTCOMES
from lab.model.session import GUEST_KEYS, PROGRAM_KEYS
from lab.owner import temporary_directory
from lab.paths import real_path
from lab.report.evidence.envelope import Statement, Subject
from lab.report.evidence.signature import REPORT
from lab.report.records.report import Readiness
from lab.report.release.archive import FILE_BYTES_MAX, write_archive
from lab.report.release.consistency import read_report
from lab.report.release.local_key import LocalSigner, signed_text
from lab.report.run_page.session_index import PAGE, TRACE, write_session_index

MANIFEST, SIGNATURE = "MANIFEST.json", "MANIFEST.signature.json"
PREDICATE = "urn:tesseract-lab:bundle:1"
SCHEMA_VERSION = 2
RESULTS, ATTESTATIONS = "results", "attestations"
_KINDS = frozenset((".json", ".jsonl", ".html", ".md", ".xml", ".csv", ".txt", ".log", ".pdf", ".yaml", ".yml"))
_SECRET = frozenset(("keys.json", GUEST_KEYS, PROGRAM_KEYS, "urls.json"))


def write_bundle(
    results: Path,
    out: Path,
    *,
    attestations: Path | None = None,
    signer: LocalSigner | None = None,
) -> int:
    """Write the archive; returns the number of files. Raises UsageError where there is no report."""
    try:
        report = read_report(results)
    except (OSError, ValueError):
        raise UsageError(
            f"{results / 'readiness' / REPORT}: expected a report to bundle, found none: run `lab report` first"
        ) from None
    with temporary_directory("bundle") as stage:
        _copy(results, stage / RESULTS, ["readiness", "history", *_folders(report), *_beside(report)])
        if attestations is not None:
            _copy(attestations, stage / ATTESTATIONS, ["."], every_kind=True)
        draw_pages(stage / RESULTS, report)
        files = {path.relative_to(stage).as_posix(): path for path in sorted(stage.rglob("*")) if path.is_file()}
        listed = {name: {"sha256": sha256_file(path), "bytes": path.stat().st_size} for name, path in files.items()}
        manifest = {"schema_version": SCHEMA_VERSION, "files": listed}
        write_atomically(stage / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        subject = Subject(name=MANIFEST, digest={"sha256": sha256_file(stage / MANIFEST)})
        facts = {"files": len(files), "stage": report.stage, "decision": report.decision}
        statement = Statement(subject=(subject,), predicateType=PREDICATE, predicate=facts)
        write_atomically(stage / SIGNATURE, signed_text(statement, signer))
        write_archive(out, [(MANIFEST, stage / MANIFEST), (SIGNATURE, stage / SIGNATURE), *sorted(files.items())])
        return len(files)


def draw_pages(results: Path, report: Readiness) -> list[Path]:
    """Write the pages of the runs that a report names again, from the evidence beside them; their paths."""
    runs = {results / shown.folder for row in report.rows for shown in row.evidence if shown.folder and shown.scenario}
    pages: list[Path] = []
    for session in sorted({run.parent for run in runs if run.is_dir()}):
        folders = runs_of(session)
        pages += [write_session_index(session, folders), *(run.path / PAGE for run in folders)]
        pages += [run.path / TRACE for run in folders if (run.path / TRACE).is_file()]
    return pages


def _folders(report: Readiness) -> Iterable[str]:
    return sorted({shown.folder for row in report.rows for shown in row.evidence if shown.folder})


def _beside(report: Readiness) -> Iterable[str]:
    """What stands beside those folders of all their runs."""
    return sorted({f"{Path(folder).parent.as_posix()}/{OUTCOMES}" for folder in _folders(report)})


def _copy(source: Path, target: Path, folders: Iterable[str], *, every_kind: bool = False) -> None:
    """Copy what is there of the folders; nothing that lies outside of the source, no link, nothing that is secret."""
    inside = real_path(source)
    for folder in folders:
        for path in _plain_files(source / folder):
            included = path.name not in _SECRET and (every_kind or path.suffix in _KINDS)
            if included and real_path(path).is_relative_to(inside) and path.stat().st_size <= FILE_BYTES_MAX:
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def _plain_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path
