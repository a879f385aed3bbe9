"""Whether a bundle, or a folder with a report, is what somebody signed, and whether its parts say the same.

Three kinds of answers: what is wrong, what could not be proven, and what holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.bounded_files import read_bytes, read_object, sha256_file
from lab.errors import LabError, UsageError
from lab.html.text import clean
from lab.owner import temporary_directory
from lab.report.evidence.envelope import read_envelope
from lab.report.evidence.signature import FILE, REPORT, read_signature
from lab.report.records.report import Readiness
from lab.report.release.archive import Extracted, extract
from lab.report.release.bundle import (
    MANIFEST,
    PREDICATE,
    RESULTS,
    SCHEMA_VERSION,
    SIGNATURE,
    draw_pages,
)
from lab.report.release.consistency import (
    DeploymentPage,
    drawn_elsewhere,
    evidence_contradictions,
    evidence_differences,
    page_differences,
    read_report,
    run_page_differences,
    self_contradictions,
)

NO_SIGNER = "nobody was named whose signature is required: say whose with --signer ADDRESS"


@dataclass(slots=True)
class Verified:
    """`differences` are wrong, `unproven` could not be shown, `facts` hold."""

    files: int = 0
    differences: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where something is wrong, 3 where something is not proven, else 0."""
        return 1 if self.differences else 3 if self.unproven else 0


def verify_bundle(path: Path, signers: Collection[str] = (), *, deployment_page: DeploymentPage) -> Verified:
    """Unpack a bundle into a folder that is removed again, and judge it. Raises UsageError for what is no bundle."""
    verified = Verified()
    with temporary_directory("verify") as folder:
        extracted = extract(path, folder)
        verified.differences += extracted.odd
        if not extracted.digests:
            raise UsageError(f"{path}: expected {MANIFEST} and the files that it lists, got an empty archive")
        listed = _listed(folder, path, verified)
        verified.files = len(listed)
        verified.differences += _differences(listed, extracted)
        _manifest_signature(folder, extracted.digests.get(MANIFEST, ""), signers, verified)
        report = _report(folder / RESULTS, verified)
        if report is not None:
            _results(folder / RESULTS, report, deployment_page, verified)
            _decision(folder / RESULTS / "readiness", report, signers, verified, needed=False)
            changed = _changed_pages(folder / RESULTS, report, extracted.digests)
            _pages(drawn_elsewhere(report), changed, verified)
    return verified


def verify_results(results: Path, signers: Collection[str] = (), *, deployment_page: DeploymentPage) -> Verified:
    """Judge a results folder with its report."""
    verified = Verified()
    if (report := _report(results, verified)) is not None:
        _results(results, report, deployment_page, verified)
        _decision(results / "readiness", report, signers, verified, needed=True)
        for elsewhere, different in run_page_differences(results, report):
            _pages(elsewhere or drawn_elsewhere(report), different, verified)
    return verified


def _listed(folder: Path, path: Path, verified: Verified) -> dict[str, str]:
    try:
        manifest = read_object(folder / MANIFEST)
        files: Mapping[str, Any] = manifest["files"]
        if manifest.get("schema_version") != SCHEMA_VERSION:
            raise UsageError(f"{path}: expected a bundle of version {SCHEMA_VERSION}: bundle it again with this lab")
        return {str(name): str(facts["sha256"]) for name, facts in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        verified.differences.append(f"{MANIFEST}: expected the sha256 of each file, got none that can be read")
        return {}


def _differences(listed: Mapping[str, str], extracted: Extracted) -> Iterator[str]:
    for name, sha256 in sorted(listed.items()):
        if name not in extracted.digests:
            yield f"{clean(name, 200)}: missing"
        elif extracted.digests[name] != sha256:
            yield f"{clean(name, 200)}: its sha256 differs from the manifest's"
    for name in sorted(set(extracted.digests) - set(listed) - {MANIFEST, SIGNATURE}):
        yield f"{clean(name, 200)}: not in the manifest"


def _manifest_signature(folder: Path, sha256: str, signers: Collection[str], verified: Verified) -> None:
    try:
        signed = read_envelope(read_bytes(folder / SIGNATURE), SIGNATURE, PREDICATE)
    except FileNotFoundError:
        verified.differences.append(f"{SIGNATURE}: missing: every bundle has one, and it was taken out")
        return
    except (OSError, ValueError) as error:
        verified.differences.append(f"{SIGNATURE}: {clean(str(error), 200)}")
        return
    if signed.statement.sha256 != sha256:
        verified.differences.append(f"{MANIFEST}: it was changed after it was signed")
    _signed_by("the bundle", signed.signer, signers, verified)


def _signed_by(what: str, signer: str, signers: Collection[str], verified: Verified) -> None:
    expected = {address.lower() for address in signers}
    if not signer:
        text = f"{what} is UNSIGNED: anybody could have made it"
        (verified.differences if expected else verified.unproven).append(text)
    elif not expected:
        verified.unproven.append(f"{what} is signed by the key of {signer}; {NO_SIGNER}")
    elif signer.lower() not in expected:
        verified.differences.append(f"{what} is signed by the key of {signer}, which is not the one required")
    else:
        verified.facts.append(f"{what} is signed by the key of {signer}")


def _report(results: Path, verified: Verified) -> Readiness | None:
    try:
        return read_report(results)
    except (OSError, ValueError) as error:
        verified.differences.append(f"readiness/{REPORT}: cannot be read: {clean(str(error), 200)}")
        return None


def _results(results: Path, report: Readiness, deployment_page: DeploymentPage, verified: Verified) -> None:
    verified.differences += [f"readiness/{REPORT}: {text}" for text in self_contradictions(report)]
    verified.differences += evidence_differences(results, report)
    verified.differences += evidence_contradictions(results, report)
    _pages(drawn_elsewhere(report), list(page_differences(results, report, deployment_page)), verified)


def _pages(elsewhere: str, different: list[str], verified: Verified) -> None:
    """Another version of the lab may draw other pages of the same data: that is not known, and not called wrong."""
    if elsewhere:
        verified.unproven += [f"{line}, or the lab that made it ({elsewhere}) draws it otherwise" for line in different]
    else:
        verified.differences += different


def _changed_pages(results: Path, report: Readiness, digests: Mapping[str, str]) -> list[str]:
    """The pages of runs in a bundle that are not what its evidence gives."""
    try:
        pages = [(page.relative_to(results.parent).as_posix(), page) for page in draw_pages(results, report)]
        changed = [name for name, page in pages if digests.get(name) != sha256_file(page)]
    except (LabError, OSError, ValueError) as error:
        return [f"the pages of runs cannot be drawn: {clean(str(error), 200)}"]
    return [f"{clean(name, 200)}: it does not show what the evidence says" for name in changed]


def _decision(folder: Path, report: Readiness, signers: Collection[str], verified: Verified, *, needed: bool) -> None:
    view = read_signature(folder)
    if view is None:
        if needed:
            (verified.differences if signers else verified.unproven).append(
                f"nobody signed the report: it says {report.decision}"
            )
        else:
            verified.facts.append(f"the report says {report.decision}; nobody signed a decision on it")
        return
    if view.void or view.signature is None:
        verified.differences.append(f"{FILE}: VOID: {view.void}")
        return
    said = view.signature
    _signed_by(f"the decision {said.decision} of {said.who} on {said.signed[:10]}", view.signer, signers, verified)
