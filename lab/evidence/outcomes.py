"""What runs came to, once more beside their folders: `verdicts.jsonl`, a line for each run that ended.

So it is for scenarios, loads and mutation runs, and for what `lab live` saw. Whatever happens to a folder, a failure
that stands here is not lost with it. A line takes no doubt away and passes nothing.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.bounded_files import UnfitFile, open_append, parse_json
from lab.errors import EnvironmentFailure, system_words
from lab.evidence.manifest import REASON_MAX, Against
from lab.evidence.outcome_index import Line, OutcomeIndex, all_lines, index_of
from lab.evidence.recorded import Text, Texts
from lab.model.live_evidence import NetworkEvidence
from lab.model.verdict import Verdict

OUTCOMES = "verdicts.jsonl"
# Deployments whose evidence lies, or lay, in one folder.
NAMES_MAX = 10_000
# As JSON; in memory it is some ten times as much.
KEPT_BYTES_MAX = 4 << 20
# Of one run: a checklist has some hundred.
ROWS_MAX = 10_000
# What a file system lets a folder be called.
NAME_BYTES_MAX = 255


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


# A folder, the version of the file beside it, and whether its last run is asked for. Not the index itself, of which
# no more are kept than memory bears.
_Key = tuple[Path, tuple[int, ...], bool]


class _Kept:
    """Outcomes that were put together, since every part of a report asks for them anew; not more than memory bears."""

    def __init__(self) -> None:
        self.outcomes: dict[_Key, RunOutcome] = {}
        self._bytes = 0

    def keep(self, key: _Key, outcome: RunOutcome) -> None:
        """Beside the others, or in their place."""
        size = len(outcome.model_dump_json())
        if self._bytes + size > KEPT_BYTES_MAX:
            self.outcomes, self._bytes = {}, 0
        self.outcomes[key] = outcome
        self._bytes += size


_KEPT = _Kept()


def outcome_of(folder: Path, *, last: bool = False) -> RunOutcome:
    """What stands there of one run, or of the last one in a folder that each writes anew; empty where nothing does.

    A failure comes before anything else, and what any line decided against a row counts. What cannot be read is passed
    over. Raises UnfitFile where failures stand there of more runs than anybody has.
    """
    path = folder.parent / OUTCOMES
    index = index_of(path, _look)
    key = (folder, index.version, last)
    if (known := _KEPT.outcomes.get(key)) is None:
        known = _outcome(index, path, folder.name, last)
        _KEPT.keep(key, known)
    return known


def _outcome(index: OutcomeIndex, path: Path, name: str, last: bool) -> RunOutcome:
    parsed = map(_parsed, index.of_group(path, name))
    lines = (outcome for outcome in parsed if outcome.folder == name)
    if last:
        return functools.reduce(lambda _, outcome: outcome, lines, RunOutcome())
    return _merged(lines, path)


def names_against(parent: Path) -> frozenset[str]:
    """The folders of which any line says a failure, or something against a row. Raises as `outcome_of`."""
    return frozenset(index_of(parent / OUTCOMES, _look).against)


def names_in(parent: Path) -> set[str]:
    """Every folder that a line names. Raises UnfitFile where they are more than anybody has."""
    path, names = parent / OUTCOMES, set[str]()
    for line in all_lines(path):
        names.add(_look(line).folder)
        if len(names) > NAMES_MAX:
            raise UnfitFile(path, f"expected lines of at most {NAMES_MAX} folders, got more")
    return names - {""}


def _merged(lines: Iterable[RunOutcome], path: Path) -> RunOutcome:
    """The first failure, else the last line; with the rows of all. Raises UnfitFile for very many of these."""
    chosen = RunOutcome()
    failed, infeasible = dict[str, str](), dict[str, str]()
    for outcome in lines:
        if chosen.is_failure:
            for row, why in outcome.infeasible.items():
                infeasible.setdefault(row, why[:REASON_MAX])
        else:
            chosen = outcome
            infeasible |= {row: why[:REASON_MAX] for row, why in outcome.infeasible.items()}
        for row, why in outcome.failed.items():
            failed.setdefault(row, why[:REASON_MAX])
        if len(failed) + len(infeasible) > ROWS_MAX:
            raise UnfitFile(path, f"expected failures of at most {ROWS_MAX} rows of a run, got more")
    return chosen.model_copy(update={"failed": failed, "infeasible": infeasible})


def _look(line: bytes) -> Line:
    try:
        value = parse_json(line, OUTCOMES)
    except ValueError:
        return Line()
    name = value.get("folder") if isinstance(value, dict) else None
    if not isinstance(name, str) or not _is_plain(name):
        return Line()
    # Most lines say PASS, and to read one as a whole takes ten times as long.
    doubtful = value.get("verdict") == Verdict.FAIL or value.get("failed") or value.get("infeasible")
    return Line(name, bool(doubtful) and RunOutcome.read(value).is_against)


def _parsed(line: bytes) -> RunOutcome:
    try:
        return RunOutcome.read(parse_json(line, OUTCOMES))
    except ValueError:
        return RunOutcome()


def _is_plain(name: str) -> bool:
    """A folder beside the file, and nothing else."""
    fits = len(name) <= NAME_BYTES_MAX and len(name.encode("utf-8", errors="surrogatepass")) <= NAME_BYTES_MAX
    return fits and Path(name).name == name and name not in (".", "..")
