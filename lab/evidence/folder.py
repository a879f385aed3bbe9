"""A run folder: what it holds, how it is read back, and whether it is still what the run wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.bounded_files import (
    first_fault,
    read_lines,
    read_model,
    read_object,
    sha256_file,
    write_atomically,
)
from lab.errors import EvidenceFailure
from lab.evidence.manifest import RunManifest
from lab.evidence.outcomes import RunOutcome, outcome_of
from lab.evidence.recorder import HISTORY_BYTES_MAX, HISTORY_LINES_MAX, HISTORY_VALUES_MAX, RECORD_BYTES_MAX
from lab.evidence.seal import (
    DID_NOT_END,
    MANIFEST,
    STARTED,
    WRITTEN_BYTES_MAX,
    differences,
    read_manifest,
    words,
    write_sealed,
)
from lab.model.history import History
from lab.model.records import RECORD, AnyRecord, Header
from lab.model.verdict import RunVerdict, Verdict

SCHEMA_VERSION = 1
HISTORY, VERDICT, METRICS = "history.jsonl", "verdict.json", "metrics.json"
DIGESTED = (HISTORY, VERDICT, METRICS)
# What a run with `monitor: true` has besides.
SAMPLES = "monitor.json"

__all__ = ["MANIFEST", "RunFolder", "sha256_file", "write_atomically"]


class RunFolder:
    """One item's evidence. Reading raises EvidenceFailure, which names the file and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def history(self) -> History:
        """The recorded history, parsed line by line; its records are numbered without a gap."""
        try:
            return History(self._records())
        except ValueError as error:
            raise EvidenceFailure(f"{self.path / HISTORY}:1:1: {error}; run the scenario again") from error

    def verdict(self) -> RunVerdict:
        """The recorded verdict."""
        try:
            return read_model(self.path / VERDICT, RunVerdict)
        except (OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and not self.ended():
                raise EvidenceFailure(f"{self.path}: {DID_NOT_END}") from error
            raise EvidenceFailure(f"{self.path / VERDICT}: expected a verdict: {words(error)}") from error

    def manifest(self) -> dict[str, Any]:
        """The manifest as an object, whether its own digest holds or not."""
        return read_manifest(self.path)[0]

    def sealed_manifest(self) -> dict[str, Any]:
        """The manifest as the run wrote it. Raises EvidenceFailure where it was changed since."""
        manifest, wrong = read_manifest(self.path)
        if wrong:
            raise EvidenceFailure(f"{self.path / MANIFEST}: {wrong}")
        return manifest

    def metrics(self) -> dict[str, Any]:
        """The metrics as an object."""
        try:
            return read_object(self.path / METRICS)
        except (OSError, ValueError) as error:
            raise EvidenceFailure(f"{self.path / METRICS}: expected readable metrics: {words(error)}") from error

    def ended(self) -> bool:
        """Whether the run came to its end; False where its manifest says only that it was started."""
        try:
            return self.manifest().get("state") != STARTED
        except EvidenceFailure:
            return True

    def outcome(self) -> RunOutcome:
        """What stands beside the folder of the run, empty where nothing does; never raises."""
        return outcome_of(self.path)

    def history_is_contradicted(self) -> bool:
        """Whether a digest that is left, in the manifest or beside the folder, is of another one. Raises OSError."""
        try:
            stated = RunManifest.read(self.manifest()).history_digest
        except EvidenceFailure:
            stated = None
        digests = {stated, self.outcome().history_digest} - {None}
        return bool(digests) and digests != {sha256_file(self.path / HISTORY, max_bytes=HISTORY_BYTES_MAX)}

    def failed(self) -> bool:
        """Whether any part of the folder, or what stands beside it, says FAIL: damage does not take that back."""
        if self.outcome().is_failure:
            return True
        try:
            if self.manifest().get("verdict") == Verdict.FAIL:
                return True
        except EvidenceFailure:
            pass
        try:
            return self.verdict().verdict is Verdict.FAIL
        except EvidenceFailure:
            return False

    def verify(self) -> list[str]:
        """What differs from what the run wrote: one sentence a file, empty when all digests match and all files agree.

        Files that were changed and sealed again still have to tell one story.
        """
        changed = differences(self.path, DIGESTED)
        return changed or (list(self._contradictions()) if self.ended() else [])

    def seal(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest with the digest of every evidence file, and the verdict once more: the run's last act."""
        facts = dict(manifest)
        if (self.path / HISTORY).is_file():
            facts["history_digest"] = sha256_file(self.path / HISTORY, max_bytes=WRITTEN_BYTES_MAX)
        try:
            said = self.verdict()
            facts |= {"verdict": str(said.verdict), "failed_checks": said.failed_checks}
        except EvidenceFailure:
            facts["verdict"] = None
        write_sealed(self.path, facts, (*DIGESTED, SAMPLES))

    def _contradictions(self) -> Iterator[str]:
        manifest, verdict, header = self.manifest(), self.verdict(), self._header()
        facts: dict[str, dict[str, Any]] = {
            HISTORY: {
                "history_digest": sha256_file(self.path / HISTORY, max_bytes=HISTORY_BYTES_MAX),
                "item": header.item,
                "seed": header.seed,
                "clock": header.clock,
                "networks": {name: chain.network for name, chain in header.chains.items()},
            },
            VERDICT: {
                "verdict": str(verdict.verdict),
                "item": verdict.item,
                "failed_checks": verdict.failed_checks,
            },
        }
        for file, values in facts.items():
            for name, value in values.items():
                if manifest.get(name) not in (None, {}, value):
                    yield f"{self.path / MANIFEST}: its {name} is not that of {file}"
        for number, line in enumerate(self._lines()):
            if not line.startswith(f'{{"seq":{number},'):
                yield f"{self.path / HISTORY}:{number + 1}:1: expected record {number}: lines were removed or added"
                break

    def _lines(self) -> Iterator[str]:
        return read_lines(
            self.path / HISTORY,
            max_bytes=HISTORY_BYTES_MAX,
            max_lines=HISTORY_LINES_MAX,
            max_line_bytes=RECORD_BYTES_MAX,
            max_values=HISTORY_VALUES_MAX,
        )

    def _header(self) -> Header:
        first = next(self._records(), None)
        if not isinstance(first, Header):
            raise EvidenceFailure(
                f"{self.path / HISTORY}:1:1: expected the header of a history; run the scenario again"
            )
        return first

    def _records(self) -> Iterator[AnyRecord]:
        lines = self._lines()
        number = 0
        try:
            for number, line in enumerate(lines, start=1):
                record = RECORD.validate_json(line)
                if record.seq != number - 1:
                    raise EvidenceFailure(
                        f"{self.path / HISTORY}:{number}:1: expected record {number - 1}, got {record.seq}: lines were "
                        "removed or added after the run; run the scenario again"
                    )
                yield record
        except ValidationError as error:
            raise EvidenceFailure(
                f"{self.path / HISTORY}:{number}:1: expected a history record, got {line[:80]!r}: "
                f"{first_fault(error)}; the file was truncated or changed after the run: run the scenario again"
            ) from error
        except OSError as error:
            raise EvidenceFailure(f"{self.path / HISTORY}: expected readable evidence: {words(error)}") from error
