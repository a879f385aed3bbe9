"""The result of a mutation run: `mutation.json`, its text, the score that they state, and what it says of a row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import write_atomically
from lab.evidence.manifest import Against, MeasuredRow, MeasurementManifest
from lab.evidence.mutation_runs import MUTATION, mutation_folder
from lab.evidence.outcomes import note_outcome
from lab.evidence.seal import write_sealed
from lab.explore.mutate.equivalent import ReviewedMutant
from lab.explore.mutate.mutants import Mutant
from lab.explore.mutate.trial import MutantOutcome, Status
from lab.model.outcome import Outcome
from lab.model.statistics.binomial import CONFIDENCE, decide, upper_bound

SCORE_WANTED = 0.95
MUTANTS_WANTED = 150
ROW = "RTE-01"
JSON, TEXT, ROWS = "mutation.json", "mutation.txt", "rows.json"


@dataclass(frozen=True, slots=True)
class Score:
    """All outcomes. A survivor on the reviewed list is equivalent; one that was killed all the same is `misjudged`."""

    mutants: Mapping[str, Mutant]
    outcomes: Sequence[MutantOutcome]
    reviewed: Mapping[str, ReviewedMutant]

    def _with(self, status: Status) -> list[MutantOutcome]:
        return [outcome for outcome in self.outcomes if outcome.status == status]

    @property
    def killed(self) -> list[MutantOutcome]:
        return self._with("killed")

    @property
    def survived(self) -> list[MutantOutcome]:
        """Mutants that nothing failed on, and that nobody has declared equivalent."""
        return [outcome for outcome in self._with("survived") if outcome.key not in self.reviewed]

    @property
    def declared(self) -> list[MutantOutcome]:
        """Survivors that the reviewed list explains."""
        return [outcome for outcome in self._with("survived") if outcome.key in self.reviewed]

    @property
    def same_code(self) -> list[MutantOutcome]:
        """Changes that compile to the original's code."""
        return self._with("equivalent")

    @property
    def refused(self) -> list[MutantOutcome]:
        return self._with("refused")

    @property
    def misjudged(self) -> list[MutantOutcome]:
        """On the reviewed list, and killed: the entry is wrong."""
        return [outcome for outcome in self.killed if outcome.key in self.reviewed]

    @property
    def valid(self) -> int:
        """Mutants with code of their own."""
        return len(self.killed) + len(self.survived) + len(self.declared)

    @property
    def value(self) -> float:
        """The share of the mutants that are not equivalent that was killed; 0 where there are none."""
        judged = len(self.killed) + len(self.survived)
        return len(self.killed) / judged if judged else 0.0

    @property
    def exit_code(self) -> int:
        """0 where enough were killed, 1 where not, 3 where there was nothing to judge."""
        if not self.killed and not self.survived:
            return 3
        return 0 if self.value >= SCORE_WANTED and not self.misjudged else 1

    def document(self, about: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "schema_version": 1,
            **about,
            "score": round(self.value, 4),
            "score_wanted": SCORE_WANTED,
            "mutants": {
                "valid": self.valid,
                "killed": len(self.killed),
                "survived": len(self.survived),
                "equivalent": len(self.declared),
                "same_code": len(self.same_code),
                "refused": len(self.refused),
            },
            "killed_by_check": dict(Counter(outcome.check for outcome in self.killed).most_common()),
            "killed_by_scenario": dict(Counter(outcome.scenario for outcome in self.killed).most_common()),
            "operators": self._operators(),
            "survived": [self._entry(outcome) for outcome in self.survived],
            "equivalent": [self._entry(outcome, reason=self.reviewed[outcome.key].reason) for outcome in self.declared],
            "killed": [self._entry(outcome, diff=False) for outcome in self.killed],
        }

    def _operators(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for outcomes, name in ((self.killed, "killed"), (self.survived, "survived"), (self.declared, "equivalent")):
            for outcome in outcomes:
                row = counts.setdefault(self.mutants[outcome.key].operator, {})
                row[name] = row.get(name, 0) + 1
        return dict(sorted(counts.items()))

    def _entry(self, outcome: MutantOutcome, *, reason: str | None = None, diff: bool = True) -> dict[str, Any]:
        mutant = self.mutants[outcome.key]
        entry: dict[str, Any] = {"key": outcome.key, "file": mutant.file.name, "line": mutant.line}
        entry |= {name: getattr(mutant, name) for name in ("function", "operator", "before", "after")}
        entry |= {"scenario": outcome.scenario, "check": outcome.check, "why": outcome.why} if outcome.scenario else {}
        entry |= {"reason": reason} if reason else {}
        entry |= {"doubted": list(outcome.doubted)} if outcome.doubted else {}
        return entry | ({"diff": mutant.diff()} if diff else {})

    def text(self, about: Mapping[str, Any]) -> str:
        """The same for people, survivors with their diffs first."""
        blocks = [
            f"Mutation score {self.value:.1%} (wanted {SCORE_WANTED:.0%}) of {about['contract']['name']}\n"
            f"{self.valid} mutants: {len(self.killed)} killed, {len(self.survived)} survived, {len(self.declared)} "
            f"equivalent by review; besides {len(self.same_code)} with the original's code and {len(self.refused)} "
            "that the compiler refuses."
        ]
        for outcome in self.survived:
            doubts = "".join(f"\n  in doubt: {doubt}" for doubt in outcome.doubted)
            blocks.append(f"SURVIVED {outcome.key}{doubts}\n{self.mutants[outcome.key].diff()}")
        for outcome in self.misjudged:
            blocks.append(f"MISJUDGED {outcome.key}: listed as equivalent, killed by {outcome.scenario}: {outcome.why}")
        for outcome in self.declared:
            blocks.append(f"EQUIVALENT {outcome.key}\n  {self.reviewed[outcome.key].reason}")
        return "\n\n".join(blocks) + "\n"

    def rows(self, about: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What it says of the row of the readiness checklist about bugs in the contract, as load runs say theirs."""
        judged = len(self.killed) + len(self.survived)
        verdict, why = self._row_verdict(about)
        reason = f"{len(self.killed)} of {judged} mutants killed, {SCORE_WANTED:.0%} wanted{why}"
        if self.misjudged:
            reason += f"; {len(self.misjudged)} listed as equivalent are not"
        figure = {"figure": round(100 * self.value, 1), "unit": "% of mutants killed"}
        counts = {"n": judged, "failures": len(self.survived)}
        return [{"row": ROW, "verdict": verdict, **figure, "reason": reason, **counts, "evidence": [JSON, TEXT]}]

    def _row_verdict(self, about: Mapping[str, Any]) -> tuple[str, str]:
        """By the score of all mutants where they are many, else by what a sample shows of it; and what it shows."""
        judged = len(self.killed) + len(self.survived)
        if about["complete"] and judged >= MUTANTS_WANTED:
            return ("PASS" if self.exit_code == 0 else "FAIL"), ""
        if not about["complete"] and not about["sampled"]:
            return "UNKNOWN", "; those tested are neither all there are nor a sample drawn of all"
        outcome = decide(len(self.survived), judged, 1 - SCORE_WANTED)
        least = f"; of all at least {1 - upper_bound(len(self.survived), judged):.1%} with {CONFIDENCE:.0%} confidence"
        if outcome is Outcome.MET:
            return ("FAIL" if self.misjudged else "PASS"), least
        return ("FAIL" if outcome is Outcome.NOT_MET else "UNKNOWN"), least

    def write(self, results: Path, about: Mapping[str, Any], project: Sequence[str] = ()) -> tuple[Path, Path]:
        """Write the project's folder, manifest and line beside it last; the paths of report and text."""
        folder = mutation_folder(results, project)
        folder.mkdir(parents=True, exist_ok=True)
        facts = {key: about[key] for key in ("lab", "contract", "started")}
        facts |= {"item": "lab mutate", "profile": MUTATION, "project": list(project)}
        write_atomically(folder / JSON, json.dumps(self.document(about), indent=2) + "\n")
        write_atomically(folder / TEXT, self.text(about))
        rows = {"schema_version": 1, **facts, "rows": self.rows(about)}
        write_atomically(folder / ROWS, json.dumps(rows, indent=1) + "\n")
        manifest = {"schema_version": 1, **facts, **Against.of(map(MeasuredRow.read, rows["rows"])).as_json()}
        write_sealed(folder, manifest, (JSON, TEXT, ROWS))
        note_outcome(folder, manifest, None, made_with=MeasurementManifest.read(manifest).made_with)
        return folder / JSON, folder / TEXT
