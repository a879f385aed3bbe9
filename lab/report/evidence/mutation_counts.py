"""How many mutants of the contract the lab caught, from `results/mutation/` where such a run is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.bounded_files import read_json
from lab.errors import EvidenceFailure
from lab.evidence.seal import differences
from lab.html.text import clean

FILE = "mutation/mutation.json"
_WORDS = {"killed": "killed", "caught": "killed", "survived": "survived", "alive": "survived"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """Counts of killed, survived and undecided mutants, and how many each check caught; both empty for no run."""

    counts: dict[str, int] = field(default_factory=dict)
    by_check: dict[str, int] = field(default_factory=dict)


def read_mutation(results: Path) -> tuple[Mutation, list[str]]:
    """The recorded run, and what could not be read of it. Nothing raises."""
    path = results / FILE
    if not path.is_file():
        return Mutation(), []
    try:
        if changed := differences(path.parent, (path.name,)):
            raise EvidenceFailure(changed[0])
        value = read_json(path)
    except (EvidenceFailure, OSError, ValueError) as error:
        why = clean(str(error).replace(f"{path.parent}/", ""), 200)
        return Mutation(), [f"{FILE} does not count ({why}): the mutation score is not shown"]
    counts = _counts(value)
    caught = value.get("killed_by_check") if isinstance(value, dict) else None
    by_check = {str(name): n for name, n in caught.items() if _is_count(n)} if isinstance(caught, dict) else {}
    return Mutation(counts, by_check), [] if counts else [
        f"{FILE} holds no counts of mutants: the mutation score is not shown"
    ]


def _counts(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    mutants = value.get("mutants")
    if isinstance(mutants, list):
        counts = {"killed": 0, "survived": 0, "undecided": 0}
        for mutant in mutants:
            status = mutant.get("status") or mutant.get("verdict") if isinstance(mutant, dict) else None
            counts[_WORDS.get(str(status).lower(), "undecided")] += 1
        return counts if mutants else {}
    for part in (mutants, value, value.get("counts"), value.get("summary")):
        if isinstance(part, dict) and any(_is_count(part.get(word)) for word in _WORDS):
            counts = {"killed": 0, "survived": 0, "undecided": 0}
            for word, name in _WORDS.items():
                counts[name] += part[word] if _is_count(part.get(word)) else 0
            total = part.get("total")
            if _is_count(total):
                counts["undecided"] = max(0, int(str(total)) - counts["killed"] - counts["survived"])
            return counts
    return {}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
