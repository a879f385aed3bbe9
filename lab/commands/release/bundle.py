"""`lab bundle` and `lab verify`: the report and its evidence as one archive, and whether it is still what it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lab.commands.release.current import attestations_folder
from lab.errors import UsageError
from lab.evidence.newest import newest_runs
from lab.live.results.page import PAGE, render
from lab.model.live_evidence import LiveEvidence
from lab.report.release.bundle import write_bundle
from lab.report.release.local_key import LocalSigner, load_signer
from lab.report.release.verify import verify_bundle, verify_results
from lab.session.under_test import system_under_test

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")

# Of each kind; a bundle of others may have any number of files.
LINES_MAX = 500


def make_bundle(results: Path, out: Path, attestations: Path | None, key: Path | None) -> None:
    """Write it and say how to check it. The attestations are those that the report reads, where None are named."""
    signer = signer_of(key)
    system = system_under_test(contract=None, relayer_cmd=None, beside=[results])
    folder = attestations_folder(attestations, system, newest_runs(results).runs, results)
    files = write_bundle(results, out, attestations=folder if folder.is_dir() else None, signer=signer)
    print(f"bundle     {out}: {files} files, {out.stat().st_size / 1024:,.0f} KiB")
    print(f"signed     {f'by the key of {signer.address}' if signer else 'by NOBODY: --key FILE signs it'}")
    print(f"check it   lab verify {out}" + (f" --signer {signer.address}" if signer else ""))


def signer_of(key: Path | None) -> LocalSigner | None:
    """The key in a file. Raises UsageError."""
    return load_signer(key) if key is not None else None


def verify_path(path: Path, signers: Sequence[str]) -> int:
    """Print what holds, what is not proven and what differs; 0 only where all holds and a required key signed it."""
    for address in signers:
        if not _ADDRESS.fullmatch(address):
            raise UsageError(f"--signer: expected an address, 0x and 40 hexadecimal digits, got {address[:60]!r}")
    if path.is_dir():
        results = path if (path / "readiness" / "readiness.json").is_file() else path.absolute().parent
        if not (results / "readiness" / "readiness.json").is_file():
            raise UsageError(f"{path}: expected a bundle, or a folder with a report: run `lab report` first")
        verified = verify_results(results, signers, deployment_page=deployment_page)
    else:
        verified = verify_bundle(path, signers, deployment_page=deployment_page)
    for word, lines in (("DIFFERS", verified.differences), ("UNKNOWN", verified.unproven), ("ok", verified.facts)):
        for line in lines[:LINES_MAX]:
            print(f"{word:<8} {line}")
        if len(lines) > LINES_MAX:
            print(f"{word:<8} and {len(lines) - LINES_MAX:,} more")
    word = {0: "ok", 1: "DIFFERS", 3: "UNKNOWN"}[verified.exit_code]
    files = f"{verified.files} files, " if verified.files else ""
    print(f"{word:<8} {files}{len(verified.differences)} differences, {len(verified.unproven)} not proven")
    return verified.exit_code


def deployment_page(evidence: LiveEvidence) -> tuple[str, str]:
    """Name and text of the page of a deployment, as `lab live` writes it."""
    return PAGE, render(evidence)
