"""What nodes, relayer and generator took of the machine while load ran, and how much of the time each one was up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pydantic import Field

from lab.load.analyse.statistics import Summary
from lab.load.analyse.uptime import Uptime, probe
from lab.load.record.frozen import Frozen, Sparse
from lab.load.record.samples import ChainSample, ProcessSample, Sample


class PartUsage(Frozen):
    """Of one process with its children. `cpu_cores` is a share of one core; memory in bytes; None: not measured."""

    cpu_seconds: float
    cpu_cores: float | None
    rss_bytes_first: int | None = Field(serialization_alias="rss_first")
    rss_bytes_last: int | None = Field(serialization_alias="rss_last")
    rss_bytes_max: int | None = Field(serialization_alias="rss_max")
    uptime_share: float


class Resources(Sparse):
    """Over a run. `probes` ask for each system as a whole."""

    samples: int
    probes: Uptime
    chains: dict[str, PartUsage]
    processes: dict[str, PartUsage]
    host_cpu_percent: float | None = None
    load_average: Summary | None = None

    def uptime(self) -> dict[str, float]:
        """Of each node and of the relayer; the generator is no part of the system."""
        parts = {**self.chains, **{name: used for name, used in self.processes.items() if name == "relayer"}}
        return {name: used.uptime_share for name, used in parts.items()}


def resources(samples: Sequence[Sample], starts_at: float, ends_at: float, *, per_network: bool = False) -> Resources:
    """From the samples that were taken between two moments in unix time."""
    during = [sample for sample in samples if starts_at <= sample.at <= ends_at]
    load = [sample.load_average for sample in during]
    return Resources(
        samples=len(during),
        probes=probe(during, per_network=per_network),
        chains=_usages([(sample.at, sample.chains) for sample in during]),
        processes=_usages([(sample.at, sample.processes) for sample in during]),
        host_cpu_percent=round(sum(s.host_cpu_percent for s in during) / len(during), 1) if during else None,
        load_average=Summary.of(load) if during else None,
    )


def _usages(
    samples: Sequence[tuple[float, dict[str, ChainSample]]] | Sequence[tuple[float, dict[str, ProcessSample]]],
) -> dict[str, PartUsage]:
    names = sorted({name for _, parts in samples for name in parts})
    return {name: _usage([(at, parts[name]) for at, parts in samples if name in parts]) for name in names}


def _usage(rows: Sequence[tuple[float, ChainSample | ProcessSample]]) -> PartUsage:
    cpu = [(at, row.cpu_s) for at, row in rows if row.cpu_s is not None]
    memory = [row.rss_bytes for _, row in rows if row.rss_bytes]
    # A restart begins at 0 again: only rises count.
    used_s = sum(max(0.0, after[1] - before[1]) for before, after in pairwise(cpu))
    span_s = cpu[-1][0] - cpu[0][0] if len(cpu) > 1 else 0.0
    return PartUsage(
        cpu_seconds=round(used_s, 3),
        cpu_cores=round(used_s / span_s, 3) if span_s else None,
        rss_bytes_first=memory[0] if memory else None,
        rss_bytes_last=memory[-1] if memory else None,
        rss_bytes_max=max(memory, default=None),
        uptime_share=round(sum(row.up for _, row in rows) / len(rows), 4),
    )
