"""`lab bundle` and `lab verify`: the report and its evidence as one archive, and whether it is still what it was."""

from __future__ import annotations

from pathlib import Path

from lab.errors import UsageError
from lab.report.evidence.signature import read_signature
from lab.report.release.bundle import verify_bundle, write_bundle


def make_bundle(results: Path, out: Path, attestations: Path, key: Path | None) -> None:
    """Write it and say how to check it."""
    files = write_bundle(results, out, attestations=attestations if attestations.is_dir() else None, key=key)
    size = out.stat().st_size
    print(f"bundle     {out}: {files} files, {size / 1024:,.0f} KiB\ncheck it   lab verify {out}")


def verify_path(path: Path) -> int:
    """0 where everything is as it was, else 1, with each file that differs."""
    if path.is_dir():
        return _verify_folder(path)
    checked = verify_bundle(path)
    for difference in checked.differences:
        print(f"DIFFERS  {difference}")
    for fact in checked.facts:
        print(f"ok       {fact}")
    word = "DIFFERS" if checked.differences else "ok"
    print(f"{word:<8} {checked.files} files, {len(checked.differences)} differences")
    return 1 if checked.differences else 0


def _verify_folder(path: Path) -> int:
    folder = path if (path / "readiness.json").is_file() else path / "readiness"
    found = read_signature(folder)
    if found is None:
        raise UsageError(f"{path}: expected a bundle, or a folder with a signed report; nobody signed here: `lab sign`")
    if found.void or found.signature is None:
        print(f"VOID     {found.void}")
        return 1
    print(f"ok       signed {found.signature.decision} by {found.signature.name} on {found.signature.signed}")
    return 0
