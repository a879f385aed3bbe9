"""What runs came to, once more beside their folders: `verdicts.jsonl`, a line for each run that ended.

So it is for scenarios, loads and mutation runs, and for what `lab live` saw. Whatever happens to a folder, a failure
that stands here is not lost with it. A line takes no doubt away and passes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.bounded_files import open_append, open_regular, parse_json
from lab.errors import EnvironmentFailure, system_words
from lab.evidence.manifest import Against
from lab.evidence.recorded import Text, Texts
from lab.model.live_evidence import NetworkEvidence
from lab.model.verdict import Verdict

OUTCOMES = "verdicts.jsonl"
# Of a file that is added to for years; what lies behind is not read.
BYTES_MAX, LINE_BYTES_MAX = 256 << 20, 1 << 20


class RunOutcome(Against):
    """Of one run. `folder` is its name beside the file.

    `made_with` is a digest of all that the result hangs on, None where that is not known for sure. `samples` are what a
    scenario's run without a fault measured for success criteria (`lab.report.evidence.samples`). `live` is what a
    deployment shows on the networks that it is live evidence of, by their profiles, whatever checklist asks for it.
    `deployed` is what earlier versions wrote in its place: the rows of the lab's checklist that failed there. The rest
    is what a manifest says of where a run belongs.
    """

    folder: Text | None = None
    verdict: Text | None = None
    failed_checks: Texts | None = None
    history_digest: Text | None = None
    item: Text | None = None
    project: Texts = ()
    scenario_file: Text | None = None
    library: str | None = None
    started: Text | None = None
    profile: str | None = None
    profile_file: Text | None = None
    made_with: Text | None = None
    samples: dict[str, Any] | None = None
    live: dict[str, NetworkEvidence] | None = None
    deployed: dict[str, dict[str, str]] | None = None

    @property
    def is_failure(self) -> bool:
        """Whether it says FAIL of the run, or of a row."""
        return self.verdict == Verdict.FAIL or bool(self.failed)

    @property
    def is_against(self) -> bool:
        """Whether it says FAIL or INFEASIBLE, which damage does not take back."""
        return self.is_failure or bool(self.against)


_STATED = (
    "item", "project", "scenario_file", "library", "started", "profile", "profile_file", "history_digest", "live",
    "deployed", "failed_checks", "failed", "infeasible", "samples",
)  # fmt: skip


def note_outcome(
    folder: Path,
    manifest: Mapping[str, Any],
    verdict: str | None,
    *,
    made_with: str | None,
) -> None:
    """Add a run's line beside its folder: whole or not at all, whoever else writes. Raises EnvironmentFailure."""
    stated = {name: manifest[name] for name in _STATED if manifest.get(name) is not None}
    facts = {"folder": folder.name, "verdict": verdict, "made_with": made_with}
    outcome = RunOutcome.read({**facts, **stated})
    line = json.dumps(outcome.model_dump(mode="json", exclude_defaults=True)) + "\n"
    path = folder.parent / OUTCOMES
    try:
        with open_append(path) as stream:
            # A line that was torn, as on a disk that was full, ends here.
            torn = stream.seek(0, os.SEEK_END) > 0 and not _ends_whole(stream.fileno())
            stream.write(("\n" if torn else "").encode() + line.encode())
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {path}: {system_words(error)}. Free some space, or name another place with --results"
        ) from error


def _ends_whole(handle: int) -> bool:
    return os.pread(handle, 1, os.fstat(handle).st_size - 1) == b"\n"


def read_outcomes(parent: Path, only: str | None = None, *, last: bool = False) -> dict[str, RunOutcome]:
    """By the names of folders, a failure before anything else; with `last` the last line of each.

    What any line decided against a row counts. What cannot be read is passed over; never raises.
    """
    outcomes: dict[str, RunOutcome] = {}
    sought = b"" if only is None else json.dumps(only).encode()
    for outcome in (_parsed(line) for line in _lines(parent / OUTCOMES) if sought in line):
        name = outcome.folder
        if name is not None and _is_plain(name):
            before = RunOutcome() if last else outcomes.get(name, RunOutcome())
            outcomes[name] = before.both(outcome) if before.is_failure else outcome.both(before)
    return outcomes


def outcome_of(folder: Path, *, last: bool = False) -> RunOutcome:
    """What stands there of one run, or of the last one in a folder that each writes anew; empty where nothing does."""
    return read_outcomes(folder.parent, folder.name, last=last).get(folder.name, RunOutcome())


def _lines(path: Path) -> Iterator[bytes]:
    """One at a time; of one that is too long, parts, which say nothing."""
    left = BYTES_MAX
    try:
        with open_regular(path) as stream:
            while left > 0 and (line := stream.readline(LINE_BYTES_MAX)):
                left -= len(line)
                yield line
    except OSError:
        return


def _parsed(line: bytes) -> RunOutcome:
    try:
        return RunOutcome.read(parse_json(line, OUTCOMES))
    except ValueError:
        return RunOutcome()


def _is_plain(name: str) -> bool:
    """A folder beside the file, and nothing else."""
    return Path(name).name == name and name not in (".", "..")
