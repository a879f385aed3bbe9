"""What a long load writes down as it goes: its order, then a line when a stretch begins and one when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from lab.bounded_files import (
    JSON_VALUES_MAX,
    UnfitFile,
    first_fault,
    open_append,
    parse_model,
    read_lines,
    read_model,
    write_atomically,
)
from lab.load.analyse.judge import RunOutcome
from lab.load.profile.profile import LoadProfile
from lab.load.profile.shapes import WEEK_MS
from lab.load.record.frozen import Frozen

ORDER, STRETCHES = "order.json", "stretches.jsonl"
LINES_MAX, BYTES_MAX = 100_000, 64 << 20
# What must be the same when it goes on.
MadeWith = Mapping[str, str]


class OrderedOptions(Frozen):
    """The options of the command that outlast it; paths are absolute, and secrets in the relayer's are hidden."""

    backend: Literal["auto", "process", "docker"] = "auto"
    image: str | None = None
    contract: str | None = None
    relayer_cmd: str | None = None
    beside: tuple[str, ...] = ()
    command: str = "lab load"


class Order(Frozen):
    """The whole load: a profile, how it is divided, and the command's options."""

    schema_version: Literal[1] = 1
    run_id: str
    started: str
    profile: dict[str, Any]
    options: OrderedOptions
    made_with: dict[str, str]
    stretches_ms: tuple[Annotated[int, Field(ge=1_000, le=WEEK_MS)], ...] = Field(max_length=LINES_MAX)

    def load_profile(self, path: Path) -> LoadProfile:
        """The profile. Raises UnfitFile, of the file at this path, where it is none."""
        try:
            return LoadProfile.recorded(self.profile)
        except ValidationError as error:
            raise UnfitFile(path, f"expected a load profile: {first_fault(error)}") from error

    @property
    def count(self) -> int:
        """Of stretches."""
        return len(self.stretches_ms)

    @property
    def seconds(self) -> float:
        """Of load."""
        return sum(self.stretches_ms) / 1000


class Point(Frozen):
    """Memory at a moment of a stretch: MiB of each node, of the relayer and of the generator."""

    at: float
    memory_mib: dict[str, float]


class Stretch(Frozen):
    """A line. `state` begun has no more than that; what follows a begun one is its end, or the next that is begun."""

    number: int = Field(ge=1, le=LINES_MAX)
    # The name of a folder in the long load's own, and never a way out of it.
    run: str = Field(pattern="^[0-9A-Za-z-]{1,80}$")
    at: float
    state: Literal["begun", "ended", "interrupted"] = "begun"
    seconds: float = 0.0
    outcome: RunOutcome | None = None
    reasons: tuple[str, ...] = ()
    ledger: dict[str, int] = Field(default_factory=dict)
    figures: dict[str, float] = Field(default_factory=dict)
    memory: tuple[Point, ...] = ()
    disk_mib: float = 0.0


@dataclass
class LongRecord:
    """A long load's folder."""

    folder: Path
    order: Order
    lines: list[Stretch] = field(default_factory=list)

    @classmethod
    def begin(cls, folder: Path, order: Order) -> LongRecord:
        """A new one."""
        write_atomically(folder / ORDER, order.model_dump_json(indent=1) + "\n", durable=True)
        return cls(folder, order)

    @classmethod
    def read(cls, folder: Path) -> LongRecord:
        """One that is there; a last line that a kill cut short is not read. Raises OSError, UnfitFile."""
        record = cls(folder, read_model(folder / ORDER, Order))
        path = folder / STRETCHES
        if path.is_file():
            last = None
            lines = read_lines(path, max_bytes=BYTES_MAX, max_lines=LINES_MAX, max_values=JSON_VALUES_MAX)
            for at, text in enumerate(lines):
                if last is not None:
                    record.lines.append(parse_model(last, Stretch, f"{path}:{at}"))
                last = text
            with suppress(UnfitFile):
                record.lines += [parse_model(last, Stretch, path)] if last is not None else []
        return record

    def take_up(self) -> None:
        """Leave out what a kill cut short, for the next line would be added to it."""
        text = "".join(f"{line.model_dump_json()}\n" for line in self.lines)
        write_atomically(self.folder / STRETCHES, text, durable=True)

    def add(self, stretch: Stretch) -> None:
        """Write it down at once."""
        with open_append(self.folder / STRETCHES) as stream:
            stream.write(stretch.model_dump_json().encode() + b"\n")
        self.lines.append(stretch)

    @property
    def done(self) -> dict[int, Stretch]:
        """The stretches that ended, by their number."""
        return {line.number: line for line in self.lines if line.state == "ended"}

    @property
    def cut_off(self) -> Sequence[Stretch]:
        """Those that were begun and have no end: the lab was killed, and what they sent is in no ledger."""
        ends = {line.run for line in self.lines if line.state != "begun"}
        return [line for line in self.lines if line.state == "begun" and line.run not in ends]

    @property
    def left(self) -> list[int]:
        """Numbers of the stretches to run."""
        return [number for number in range(1, self.order.count + 1) if number not in self.done]


def newest(folder: Path) -> Path | None:
    """The long load that was begun last, of all below a folder."""
    there = sorted(path.parent for path in folder.glob(f"*/{ORDER}"))
    return there[-1] if there else None
