"""One vocabulary of outcomes: the glossary and the code say the same words, and nothing else says others."""

from __future__ import annotations

import ast
import re
from typing import get_args

import pytest

from lab.load.analyse.judge import RunOutcome
from lab.model.outcome import Outcome
from lab.model.verdict import Verdict
from lab.report.records.row_verdict import OUTCOMES, VERDICTS, Decision, RowVerdict
from tests.sources import ROOT, nodes

GLOSSARY = (ROOT.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
TABLES: dict[str, tuple[str, ...]] = {
    "Verdict": tuple(Verdict),
    "Outcome": tuple(Outcome),
    "Row verdict": tuple(RowVerdict),
    "Decision": get_args(Decision),
    "Run outcome": tuple(RunOutcome),
}
# Where a class or a type may list such words; the command line offers the decisions to Typer.
LISTED = {
    ("model/verdict.py", "Verdict"),
    ("model/outcome.py", "Outcome"),
    ("report/records/row_verdict.py", "RowVerdict"),
    ("report/records/row_verdict.py", "Literal"),
    ("commands/release/requests.py", "Literal"),
    ("load/analyse/judge.py", "RunOutcome"),
}
RETIRED = {
    "UNDECIDED": {
        "model/outcome.py": "older reports are still read",
        "report/evidence/figures.py": "older measurements are still read",
    },
    "MISSED": {},
}


@pytest.mark.parametrize("heading", TABLES)
def test_the_glossary_lists_every_word(heading: str) -> None:
    """In the order of the code, each with its meaning."""
    (table,) = re.findall(rf"^\| {heading} \| Meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", GLOSSARY, re.MULTILINE)
    assert tuple(line.split("|")[1].strip() for line in table.splitlines()) == TABLES[heading]
    assert all(line.split("|")[2].strip() for line in table.splitlines())


def listed(node: ast.AST) -> tuple[str, set[object]] | None:
    """The name and the words of an enumeration or of a Literal."""
    if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
        assigned = (part.value for part in node.body if isinstance(part, ast.Assign))
        return node.name, {value.value for value in assigned if isinstance(value, ast.Constant)}
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return "Literal", {part.value for part in ast.walk(node.slice) if isinstance(part, ast.Constant)}
    return None


def test_nobody_else_lists_such_words() -> None:
    """A second set with one of these words in it is a second vocabulary."""
    words = {word for table in TABLES.values() for word in table} | set(RETIRED)
    found = {
        (path, entry[0])
        for path, node in nodes(rf"(?s)\A(?=.*(?:Enum|Literal\[))(?=.*[\"'](?:{'|'.join(words)})[\"'])")
        if (entry := listed(node)) is not None and entry[1] & words
    }
    assert found == LISTED


def test_retired_words_are_only_read() -> None:
    """Each place has its reason, and is still needed."""
    found: dict[str, set[str]] = {word: set() for word in RETIRED}
    for path, node in nodes("|".join(RETIRED)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for word in RETIRED:
                if re.search(rf"\b{word}\b", node.value):
                    found[word].add(path)
    assert found == {word: set(places) for word, places in RETIRED.items()}
    pages = [*ROOT.rglob("*.j2"), *ROOT.rglob("*.css"), *ROOT.rglob("*.js"), *(ROOT.parent / "docs").rglob("*.md")]
    spoken = [str(path) for path in pages for word in RETIRED if word in path.read_text(encoding="utf-8")]
    assert spoken == []


def test_outcomes_and_row_verdicts_correspond() -> None:
    """Every outcome is a verdict of a row and back."""
    assert set(VERDICTS) == set(Outcome)
    assert all(OUTCOMES[verdict] is outcome for outcome, verdict in VERDICTS.items())
    assert Outcome("UNDECIDED") is Outcome.UNKNOWN


# Names that say nothing of what they hold, and what stands for them instead.
VAGUE = {
    "found": "the noun of what was found",
    "each": "the noun of one of them",
    "told": "a text is formatted, described or shown",
    "tell": "notify, format",
    "untold": "missing, unknown",
    "reckon": "reconcile",
    "twist": "perturbation, transform",
    "twists": "perturbations, transforms",
    "aim": "target",
    "aims": "targets",
    "absorb": "apply",
    "nurse": "manage",
    "metronome": "interval miner",
    "dice": "rng",
    "bites": "activations",
    "twin": "second",
}
# A file format has this field.
FIELDS = {("report/catalogue/rows.py", "found"), ("report/records/report.py", "found")}


def named(node: ast.AST) -> str | None:
    """What a node gives a name to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.id if isinstance(node, ast.Name) else node.attr
    return node.arg if isinstance(node, ast.arg) else None


def test_names_are_nouns() -> None:
    """Of the thing itself: a reader does not look up what was found."""
    vague = {
        (path, name)
        for path, node in nodes(rf"(?i)\b_*(?:{'|'.join(VAGUE)})_*\b")
        if (name := (named(node) or "").strip("_").lower()) in VAGUE
    }
    assert vague == FIELDS
