"""How many mutants of the contract the lab caught, from the last `lab mutate` where such a run is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, require_version
from lab.errors import EvidenceFailure
from lab.evidence.in_force import ANYTHING, InForce
from lab.evidence.mutation_runs import counting_mutations, mutation_runs
from lab.evidence.seal import differences
from lab.html.text import clean

FILE = "mutation.json"


@dataclass(frozen=True, slots=True)
class Mutation:
    """Counts of killed, survived and undecided mutants, and how many each check caught; both empty for no run."""

    counts: dict[str, int] = field(default_factory=dict)
    by_check: dict[str, int] = field(default_factory=dict)


def read_mutation(results: Path, in_force: InForce = ANYTHING) -> tuple[Mutation, list[str]]:
    """The recorded run of the contract in force, and what could not be read of it. Nothing raises."""
    runs = [run for run in mutation_runs(results) if (run.folder / FILE).is_file()]
    paths = [run.folder / FILE for run in runs if in_force.fits(run)]
    if not paths:
        return Mutation(), ["the mutation score is of another contract: it is not shown"] if runs else []
    path = paths[-1]
    name = f"{path.parent.name}/{FILE}"
    try:
        if changed := differences(path.parent, (path.name,)):
            raise EvidenceFailure(changed[0])
        value = require_version(read_object(path), path)
    except (EvidenceFailure, OSError, ValueError) as error:
        why = clean(str(error).replace(f"{path.parent}/", ""), 200)
        return Mutation(), [f"{name} does not count ({why}): the mutation score is not shown"]
    counts = _counts(value)
    caught = value.get("killed_by_check")
    several = len(counting_mutations(results))
    notes = [f"{several} projects have a mutation score: that of {path.parent.name} is shown"] if several > 1 else []
    by_check = {str(name): n for name, n in caught.items() if _is_count(n)} if isinstance(caught, dict) else {}
    if not counts:
        notes = [f"{name} holds no counts of mutants: the mutation score is not shown"]
    return Mutation(counts, by_check), notes


def _counts(value: dict[str, Any]) -> dict[str, int]:
    mutants = value.get("mutants")
    if not isinstance(mutants, dict) or not all(_is_count(mutants.get(word)) for word in ("killed", "survived")):
        return {}
    return {"killed": mutants["killed"], "survived": mutants["survived"], "undecided": 0}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
