"""What the sampler writes once a second: who answers, what waits in the pools, and what every process takes."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field

from lab.load.record.frozen import Frozen


class Usage(Frozen):
    """Processor time and memory of a process with its children; None where they cannot be measured."""

    cpu_s: float | None = None
    rss_bytes: int | None = Field(
        default=None, validation_alias=AliasChoices("rss_bytes", "rss"), serialization_alias="rss"
    )


class ChainSample(Usage):
    """One node. `pending` and `queued` count transactions of its pool."""

    answers: bool = False
    pending: int | None = None
    queued: int | None = None

    @property
    def up(self) -> bool:
        """Whether it answered."""
        return self.answers


class ProcessSample(Usage):
    """The relayer or the generator. `processes` counts itself and its children."""

    alive: bool
    processes: int = 1

    @property
    def up(self) -> bool:
        """Whether it lived."""
        return self.alive


class Sample(Frozen):
    """One line. `at` in unix time."""

    at: float
    chains: dict[str, ChainSample]
    processes: dict[str, ProcessSample]
    host_cpu_percent: float
    load_average: float

    def parts(self) -> dict[str, ChainSample | ProcessSample]:
        """The nodes and the processes by the names that charts and tables give them."""
        return {**{f"node {name}": row for name, row in self.chains.items()}, **self.processes}


def read_samples(path: Path) -> list[Sample]:
    """All whole lines."""
    if not path.is_file():
        return []
    return [Sample.model_validate_json(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
