"""The catalogue of readiness rows: one for each line of the release checklist, with the proofs that it needs.

Rows are data (`checklist.yaml`). What a row's evidence amounts to is decided in `lab.report.judge.row_judge`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache, cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field, field_validator

from lab.errors import InvalidFile
from lab.report.catalogue.frozen import Frozen
from lab.yamlsource import load_yaml, validate

RowClass = Literal["lab", "lab-bounded", "live", "attested"]
Stage = Literal["lab", "testnet", "mainnet"]
Dependency = Literal["contract", "relayer", "networks", "lab"]

STAGES: tuple[Stage, ...] = ("lab", "testnet", "mainnet")
# Some 50,000 rows.
CATALOGUE_BYTES_MAX = 16 << 20
CHECKLIST = Path(__file__).with_name("checklist.yaml")
# What recorded paths may leave out.
LIBRARY = PurePosixPath("scenarios")

Aspect = Literal[
    "configured",
    "funded",
    "reached",
    "deployed",
    "verified",
    "smoked",
    "budgeted",
    "monitored",
    "guarded",
    "performed",
    "watched",
    "published",
]


class Proof(Frozen):
    """One thing that must have been shown: every recorded item of a scenario passed, and so did the named checks."""

    scenario: str = Field(min_length=1, description="folder and stem of a scenario file, or a glob over them")
    check: tuple[str, ...] = Field(default=(), description="checks that must be PASS in each of those runs")
    observation: str = Field(default="", description="what in the scenario shows it, for people")
    needs: str = Field(default="", description="what has to be there before the scenario can show anything")

    @field_validator("scenario")
    @classmethod
    def _no_suffix(cls, value: str) -> str:
        if value.endswith((".yaml", ".yml")) or value.startswith("/"):
            raise ValueError(f"expected folder/stem without suffix such as failures/relayer_killed, got '{value}'")
        return value

    def matches(self, scenario_file: str) -> bool:
        """Whether a scenario file is one that this proof speaks of. Patterns are compared from the right.

        A file outside of any folder is compared as one of the folder `scenarios`: `*/*` speaks of every file.
        """
        return _matches(scenario_file, self.scenario)


class LiveProof(Frozen):
    """What deployments must show on real networks, on each of them, by the names of their profiles."""

    networks: tuple[str, ...] = Field(min_length=1)
    shows: tuple[Aspect, ...] = Field(min_length=1)
    balance_min: float = Field(default=0, ge=0, description="in the network's token; for `funded`")


@lru_cache(maxsize=65_536)
def _matches(scenario_file: str, pattern: str) -> bool:
    parts, wanted = _parts(scenario_file), PurePosixPath(pattern).parts
    return len(parts) >= len(wanted) > 0 and all(map(fnmatchcase, reversed(parts), reversed(wanted)))


@lru_cache(maxsize=4_096)
def _parts(scenario_file: str) -> tuple[str, ...]:
    """Its folders and its stem; none where a manifest names no file at all, or a folder."""
    path = PurePosixPath(scenario_file)
    return (LIBRARY / path).with_suffix("").parts if path.name else ()


class RowFacts(Frozen):
    """What the checklist says of a row. `claimed` is its own tick: a claim, never evidence."""

    id: str = Field(pattern=r"^[A-Z]{2,4}-\d{2,5}$")
    section: str = ""
    kind: Literal["item", "risk"]
    row_class: RowClass = Field(validation_alias="class")
    stage: Stage
    must_pass: bool
    claimed: bool
    owner: str = Field(default="", description="who sees to it; by default the section's owner")
    item: str
    detail: str
    depends_on: tuple[Dependency, ...] = ()
    proofs: tuple[Proof, ...] = ()
    measured_by: str = Field(default="", description="the command whose figure this row needs besides its proofs")

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that its proofs ask for, each once."""
        return tuple(dict.fromkeys(name for proof in self.proofs for name in proof.check))


class Row(RowFacts):
    """One line of the checklist."""

    proof: str = Field(description="the planned proof, in words")
    live: LiveProof | None = Field(default=None, description="the proof that `lab live` leaves on real networks")


class Section(Frozen):
    """A heading of the checklist and its rows."""

    title: str
    owner: str = Field(default="", description="who sees to its rows: a role or a name")
    rows: tuple[Row, ...]


class SummaryClaim(Frozen):
    """What the checklist says of its own progress."""

    done: int
    total: int


class StatedFact(Frozen):
    """A statement of the checklist that is known to be wrong, and what is true instead."""

    id: str
    rows: tuple[str, ...]
    stated: str
    found: str


class Catalogue(Frozen):
    """A checklist: its sections in the order of the document, what it says of itself, and what of that is wrong."""

    schema_version: Literal[1]
    document: str
    summary: SummaryClaim | None = None
    facts: tuple[StatedFact, ...] = ()
    sections: tuple[Section, ...]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All rows in the order of the document, each with its section's title and an owner."""
        return tuple(
            row.model_copy(update={"section": section.title, "owner": row.owner or section.owner})
            for section in self.sections
            for row in section.rows
        )


def load_catalogue(path: Path = CHECKLIST) -> Catalogue:
    """Read a catalogue; the lab's own once a process.

    Raises InvalidFile with every problem, duplicate and unknown row ids included.
    """
    return _own_catalogue() if path == CHECKLIST else _read_catalogue(path)


@cache
def _own_catalogue() -> Catalogue:
    return _read_catalogue(CHECKLIST)


def _read_catalogue(path: Path) -> Catalogue:
    source = load_yaml(path, max_bytes=CATALOGUE_BYTES_MAX)
    catalogue = validate(source, Catalogue)
    problems = []
    seen: set[str] = set()
    for at, section in enumerate(catalogue.sections):
        for index, row in enumerate(section.rows):
            if row.id in seen:
                where = ("sections", at, "rows", index, "id")
                problems.append(source.problem(where, f"the row {row.id} exists already: give it another id"))
            seen.add(row.id)
    for index, fact in enumerate(catalogue.facts):
        for position, row_id in enumerate(fact.rows):
            if row_id not in seen:
                problems.append(source.problem(("facts", index, "rows", position), f"no row has the id {row_id}"))
    if problems:
        raise InvalidFile(problems)
    return catalogue
