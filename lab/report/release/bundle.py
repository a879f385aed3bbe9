"""One archive of everything that a report rests on, with the sha256 of each file, so that others can check it.

Private keys and the relayer's database stay out: nobody needs them to judge. The same files make the same archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from lab.html.text import clean
from lab.report.evidence.signature import REPORT, Signature
from lab.report.records.report import Readiness

MANIFEST, SIGNATURE = "MANIFEST.json", "MANIFEST.signature.json"
LEFT_OUT = frozenset({"keys.json", "urls.json", "relayer.sqlite", "relayer.sqlite-wal", "relayer.sqlite-shm"})
MAX_FILE, MAX_MANIFEST = 2 << 30, 64 << 20


def write_bundle(results: Path, out: Path, *, attestations: Path | None = None, key: Path | None = None) -> int:
    """Write the archive; returns the number of files. Raises UsageError where there is no report."""
    files = dict(_files(results, attestations))
    listed = {name: {"sha256": _sha256(path), "bytes": path.stat().st_size} for name, path in sorted(files.items())}
    manifest = json.dumps({"schema_version": 1, "files": listed}, indent=1, sort_keys=True).encode() + b"\n"
    extra = {MANIFEST: manifest}
    if key is not None:
        from lab.report.release.local_key import signed

        extra[SIGNATURE] = (json.dumps(signed(manifest, key), indent=1) + "\n").encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    with (
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in extra.items():
            archive.addfile(_entry(name, len(content)), io.BytesIO(content))
        for name, path in sorted(files.items()):
            with path.open("rb") as stream:
                archive.addfile(_entry(name, path.stat().st_size), stream)
    temporary.replace(out)
    return len(files)


def _files(results: Path, attestations: Path | None) -> Iterator[tuple[str, Path]]:
    """The report, every folder that it names as evidence, and what people said."""
    folder = results / "readiness"
    try:
        report = Readiness.model_validate_json((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(
            f"{folder / REPORT}: expected a report to bundle, found none: run `lab report` first"
        ) from None
    named = {found.folder for row in report.rows for found in row.evidence if found.folder}
    for source, name in [(folder, "readiness"), *((results / each, each) for each in sorted(named))]:
        yield from _below(source, f"results/{name}", results)
    history = results / "history"
    yield from _below(history, "results/history", results)
    if attestations is not None:
        yield from _below(attestations, "attestations", attestations)


def _below(folder: Path, name: str, root: Path) -> Iterator[tuple[str, Path]]:
    inside = root.resolve()
    if not folder.resolve().is_relative_to(inside):
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in LEFT_OUT and path.resolve().is_relative_to(inside):
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a bundle: how many files it lists, what differs, and what else is worth saying."""

    files: int
    differences: tuple[str, ...]
    facts: tuple[str, ...]


def verify_bundle(path: Path) -> Checked:
    """Read a bundle without unpacking it. Raises UsageError for what is no bundle at all."""
    digests: dict[str, str] = {}
    kept: dict[str, bytes] = {}
    odd: list[str] = []
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            for entry in archive:
                stream = archive.extractfile(entry) if entry.isreg() else None
                if stream is None or entry.name in digests:
                    odd.append(f"{clean(entry.name, 200)}: expected one plain file of that name")
                    continue
                keep = entry.name.endswith((".json", ".jsonl")) and entry.size <= MAX_MANIFEST
                content = stream.read(MAX_FILE + 1) if entry.size <= MAX_FILE else b""
                digests[entry.name] = hashlib.sha256(content).hexdigest()
                if keep and entry.name.rsplit("/", 1)[-1] in (MANIFEST, SIGNATURE, "manifest.json", "signature.json"):
                    kept[entry.name] = content
    except FileNotFoundError:
        raise UsageError(f"{path}: expected a bundle, there is no such file") from None
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise UsageError(f"{path}: expected a bundle (.tar.gz), it is broken: {clean(str(error), 160)}") from None
    listed = _listed(kept.get(MANIFEST), path)
    differences = odd + list(_differences(listed, digests)) + list(_run_differences(kept, digests))
    facts, wrong = _signatures(kept, digests)
    return Checked(len(listed), tuple(differences + wrong), tuple(facts))


def _listed(content: bytes | None, path: Path) -> dict[str, str]:
    try:
        files = json.loads(content or b"")["files"]
        return {str(name): str(facts["sha256"]) for name, facts in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"{path}: expected {MANIFEST} with the sha256 of each file, found none that can be read"
        ) from None


def _differences(listed: dict[str, str], digests: dict[str, str]) -> Iterator[str]:
    for name, sha256 in sorted(listed.items()):
        if name not in digests:
            yield f"{clean(name, 200)}: missing"
        elif digests[name] != sha256:
            yield f"{clean(name, 200)}: its sha256 differs from the manifest's"
    for name in sorted(set(digests) - set(listed) - {MANIFEST, SIGNATURE}):
        yield f"{clean(name, 200)}: not in the manifest"


def _run_differences(kept: dict[str, bytes], digests: dict[str, str]) -> Iterator[str]:
    """Evidence that was changed before it was bundled: the run's own digests still tell."""
    for name, content in sorted(kept.items()):
        if not name.endswith("/manifest.json"):
            continue
        try:
            recorded: Any = json.loads(content).get("digests")
        except (ValueError, AttributeError, RecursionError):
            yield f"{clean(name, 200)}: cannot be read"
            continue
        folder = name.rsplit("/", 1)[0]
        for file, sha256 in sorted(recorded.items()) if isinstance(recorded, dict) else ():
            if digests.get(f"{folder}/{file}") != sha256:
                yield f"{clean(f'{folder}/{file}', 200)}: it is not what the run wrote"


def _signatures(kept: dict[str, bytes], digests: dict[str, str]) -> tuple[list[str], list[str]]:
    facts, wrong = [], []
    report = "results/readiness/"
    if f"{report}signature.json" in kept:
        try:
            found = Signature.model_validate_json(kept[f"{report}signature.json"])
        except ValueError:
            wrong.append(f"{report}signature.json: cannot be read")
        else:
            who = f"signed {found.decision} by {clean(found.name, 80)} on {found.signed[:10]}"
            if digests.get(f"{report}{REPORT}") == found.report_sha256:
                facts.append(who)
            else:
                wrong.append(f"{report}{REPORT}: it was changed after it was {who}")
    if SIGNATURE in kept:
        from lab.report.release.local_key import signer

        try:
            facts.append(
                f"manifest signed by the key of {signer(kept.get(MANIFEST, b''), json.loads(kept[SIGNATURE]))}"
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            wrong.append(f"{SIGNATURE}: {clean(str(error) or type(error).__name__, 160)}")
    return facts, wrong
