"""What a command of many runs writes down as it goes: one line for each outcome, to be taken up again, and merged.

The first line says with what and of what they were made. A last line cut short, as a kill leaves it, is not read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from lab.bounded_files import (
    LINE_BYTES_MAX,
    UnfitFile,
    decode,
    first_fault,
    open_append,
    open_regular,
    parse_json,
    parse_model,
    read_lines,
    replacing,
    sha256_file,
)
from lab.chains.nodes.provision import locate_anvil
from lab.deploy.deployer import Deployable
from lab.errors import UsageError
from lab.evidence.repository import lab_state
from lab.explore.shard import Shard
from lab.json_values import Values
from lab.model.frozen import Frozen

Outcome = TypeVar("Outcome")
SEEDS_MAX = 1_000_000
# Of one journal, and of those that are merged together: the outcome of a seed that passed takes some 300 bytes.
LINES_MAX, BYTES_MAX = SEEDS_MAX + 1, 512 << 20
# Of outcomes that their reader keeps, as those of mutants.
KEPT_BYTES_MAX, KEPT_VALUES_MAX = 128 << 20, 2_000_000


class SwarmWork(Frozen):
    """The seeds of all parts together."""

    first: int = Field(ge=0, le=1 << 63)
    seeds: int = Field(ge=1, le=SEEDS_MAX)


class MutationWork(Frozen):
    """The mutants of all parts together; `every_run`: by every run of the library, needed or not.

    `sampled`: they were drawn from all that there are.
    """

    keys: tuple[str, ...]
    every_run: bool
    sampled: bool = False


class MutatedContract(Frozen):
    """What mutants were made of."""

    name: str
    source_sha256: str
    bytecode_sha256: str


class LibraryUsed(Frozen):
    """`runs` of the library's `of` were tried on mutants; those left out with their reasons."""

    runs: int
    of: int
    left_out: tuple[str, ...]


class MutationFacts(Frozen):
    """What a mutation report says of its making."""

    started: str
    lab: dict[str, str | bool | None]
    contract: MutatedContract
    library: LibraryUsed


class JournalHeader(Frozen):
    """The first line. `made_with` and `work` must agree between journals that belong together, `about` need not."""

    schema_version: Literal[1] = 1
    command: Literal["swarm", "mutate"]
    made_with: dict[str, str]
    work: SwarmWork | MutationWork
    shard: str
    about: MutationFacts | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> JournalHeader:
        if "contract" not in self.made_with:
            raise ValueError("expected the contract under `made_with`")
        if (self.command == "mutate") is not (isinstance(self.work, MutationWork) and self.about is not None):
            raise ValueError(f"expected the work of lab {self.command}")
        return self

    def differences(self, other: JournalHeader) -> list[str]:
        """What the two were not made alike with: names with both values."""
        ours, theirs = ({**header.made_with, **header.work.model_dump()} for header in (self, other))
        return differences(ours, theirs)


def differences(ours: Mapping[str, object], theirs: Mapping[str, object], here: str = "", there: str = "") -> list[str]:
    """Names with both values, and the words for where these are, of all that is not the same."""
    return [
        f"{name} {_shown(ours.get(name))}{here} and {_shown(theirs.get(name))}{there}"
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def made_with(target: Deployable, files: Iterable[Path] = ()) -> dict[str, str]:
    """Versions on which an outcome depends: the lab's, the node's, the contract's with its names, and `files`."""
    state, digest = lab_state(), hashlib.sha256()
    digest.update(target.contract.bytecode_sha256.encode() + target.codec.names.model_dump_json().encode())
    known = {
        "lab": f"{state.get('version')} {state['commit'] or ''}{' with changes' if state['dirty'] else ''}".strip(),
        "node": f"anvil {locate_anvil().version}",
        "contract": f"{target.contract.name} {digest.hexdigest()[:16]}",
    }
    both = hashlib.sha256("".join(f"{path.name} {sha256_file(path)}\n" for path in files).encode()).hexdigest()[:16]
    return known | ({"scenarios": both} if files else {})


@dataclass(frozen=True)
class Journal(Generic[Outcome]):
    """One file, of which only the first line is kept in memory: outcomes are read from it, in the order they came."""

    path: Path
    header: JournalHeader
    kind: type[Outcome]

    @classmethod
    def begin(cls, path: Path, header: JournalHeader, kind: type[Outcome], *, resume: bool) -> Journal[Outcome]:
        """A new one or, to be resumed, the one that is there. Raises UsageError where that was made otherwise."""
        journal = cls(path, header, kind)
        lines: Iterator[str] = iter(())
        if resume and path.is_file():
            there = cls.read(path, header.command, kind)
            if differences := header.differences(there.header):
                raise UsageError(
                    f"{path}: cannot be resumed, for this is not the same work: {'; '.join(differences)}; without "
                    "--resume all of it is done anew"
                )
            lines = islice(_whole_lines(path, _bytes_max(header.command)), 1, None)
        with replacing(path) as stream:
            stream.writelines(f"{line}\n".encode() for line in chain([header.model_dump_json()], lines))
        return journal

    @classmethod
    def read(cls, path: Path, command: str, kind: type[Outcome]) -> Journal[Outcome]:
        """The first line of one that is there. Raises OSError or UnfitFile."""
        header = _header(path)
        if header.command != command:
            raise UnfitFile(path, f"expected outcomes of lab {command}, got those of lab {header.command}")
        return cls(path, header, kind)

    def outcomes(self, values: Values | None = None) -> Iterator[Outcome]:
        """One at a time. Who keeps them says how many `values` they may have. Raises OSError or UnfitFile."""
        for _, outcome in self.placed(values):
            yield outcome

    def placed(self, values: Values | None = None) -> Iterator[tuple[int, Outcome]]:
        """As `outcomes`, each with the place that `at` finds it by."""
        place = 0
        for number, line in enumerate(_whole_lines(self.path, _bytes_max(self.header.command), values), 1):
            if number > 1:
                yield place, self._parsed(line, f"{self.path}:{number}")
            place += len(line.encode()) + 1

    def at(self, place: int) -> Outcome:
        """The outcome of a place."""
        with open_regular(self.path) as stream:
            stream.seek(place)
            line = stream.readline(LINE_BYTES_MAX + 1)
        return self._parsed(decode(line, self.path), str(self.path))

    def add(self, outcome: Outcome) -> None:
        """Write it down at once."""
        with open_append(self.path) as stream:
            stream.write(json.dumps(self._form.dump_python(outcome, mode="json")).encode() + b"\n")

    @cached_property
    def _form(self) -> TypeAdapter[Outcome]:
        """Built once: that takes some milliseconds, which each outcome would cost."""
        return TypeAdapter(self.kind)

    def _parsed(self, line: str, where: str) -> Outcome:
        """The outcome of a line; `where` is its place in words. Raises UnfitFile."""
        try:
            return self._form.validate_python(parse_json(line, where))
        except ValidationError as error:
            raise UnfitFile(where, f"expected a {self.kind.__name__}: {first_fault(error)}") from error


def _bytes_max(command: str) -> int:
    return KEPT_BYTES_MAX if command == "mutate" else BYTES_MAX


def _whole_lines(path: Path, max_bytes: int, values: Values | None = None) -> Iterator[str]:
    """The lines but for a last one that is no JSON."""
    before: str | None = None
    for line in read_lines(path, max_bytes=max_bytes, max_lines=LINES_MAX, max_values=values):
        if before is not None:
            yield before
        before = line
    with suppress(UnfitFile):
        parse_json(before or "", path)
        yield before or ""


def journals_below(folders: Iterable[Path], command: str, kind: type[Outcome]) -> list[Journal[Outcome]]:
    """Every journal of a command below the folders, parts in order. Raises UsageError where two were not made alike."""
    paths = {path.resolve() for folder in folders for path in folder.rglob("outcomes*.jsonl") if path.is_file()}
    journals = [Journal(path, header, kind) for path in sorted(paths) if (header := _header(path)).command == command]
    most = _bytes_max(command)
    if sum(journal.path.stat().st_size for journal in journals) > most:
        raise UsageError(f"expected journals of at most {most} bytes together, got more: merge fewer of them")
    for journal in journals[1:]:
        if differences := journals[0].header.differences(journal.header):
            raise UsageError(
                f"{journals[0].path} and {journal.path} cannot be merged, for they were not made alike: "
                f"{'; '.join(differences)}"
            )
    counts = {Shard.parse(journal.header.shard).count for journal in journals}
    if len(counts) > 1:
        raise UsageError(f"expected parts of one division, got journals of {' and of '.join(map(str, sorted(counts)))}")
    return sorted(journals, key=lambda journal: Shard.parse(journal.header.shard).number)


def _header(path: Path) -> JournalHeader:
    return parse_model(next(_whole_lines(path, BYTES_MAX), ""), JournalHeader, f"{path}:1")
