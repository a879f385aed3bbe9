"""The generator's orders: where to send what, how often, and where to note it.

Written by whoever prepares a run, read by every Locust worker, so that no worker has to ask for anything but its rank.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, RootModel

from lab.bounded_files import read_model, write_atomically
from lab.load.record.frozen import Frozen
from lab.model.redacted import RedactedUrl
from lab.traffic.schedule import Schedule, Segment

PLAN, URLS, START, CUT_OFF = "plan.json", "urls.json", "start.json", "cut-off.json"
PLAN_VARIABLE = "LAB_LOAD_PLAN"


class SenderFile(Frozen):
    """The signed transactions of one sender, and how many of them there are."""

    sender: int
    path: str
    first_nonce: int
    count: int


class PlannedLeg(Frozen):
    """Transactions of one kind to one chain. Of a flow, the legs of one arrival are sent together."""

    number: int
    chain: str
    label: str
    senders: tuple[SenderFile, ...]


class Stream(Frozen):
    """Arrivals of one kind. `share` is its part of the plan's rate."""

    name: str
    share: float
    legs: tuple[PlannedLeg, ...]


class PlannedSegment(Frozen):
    """See `lab.traffic.schedule.Segment`."""

    seconds: float
    from_tps: float
    to_tps: float


class LegFacts(Frozen):
    """What a leg of the plan stands for, for the analysis afterwards."""

    number: int
    stream: str
    kind: str
    chain: str
    other: str
    label: str
    payload: int
    gas_estimate: int
    gas_limit: int
    salt: str
    role: str


class Plan(Frozen):
    """Everything a worker needs. The URLs are in a file of their own: a node that restarts gets another one."""

    schema_version: Literal[1] = 1
    run_id: str
    folder: str
    workers: int
    segments: tuple[PlannedSegment, ...]
    streams: tuple[Stream, ...]
    starts_at: float | None = Field(default=None, description="unix time; None: as soon as all workers are there")
    tick_ms: int = 10
    batch_max: int = 50
    connections_max: int = 64
    drop_after_ms: int = 5_000
    request_timeout_s: float = 10.0
    attempts_max: int = 4

    def schedule(self, stream: Stream) -> Schedule:
        """When a stream's arrivals are due."""
        return self.whole_schedule().part(stream.share, self.streams.index(stream), len(self.streams))

    def whole_schedule(self) -> Schedule:
        """When the arrivals of all streams are due."""
        return Schedule([Segment(s.seconds, s.from_tps, s.to_tps) for s in self.segments])

    def peak_tps_by_chain(self) -> dict[str, float]:
        """The highest rate that each chain is offered."""
        peak_tps, by_chain = self.whole_schedule().peak_tps, dict[str, float]()
        for stream in self.streams:
            for leg in stream.legs:
                by_chain[leg.chain] = by_chain.get(leg.chain, 0.0) + peak_tps * stream.share
        return by_chain

    @property
    def seconds(self) -> float:
        """How long the schedule is."""
        return sum(segment.seconds for segment in self.segments)

    @property
    def latest_s(self) -> float:
        """How long after its start the last answer or time-out of the last arrival may come."""
        return self.seconds + self.drop_after_ms / 1000 + 2 * self.request_timeout_s

    def legs(self) -> list[PlannedLeg]:
        """All legs by their number."""
        return sorted((leg for stream in self.streams for leg in stream.legs), key=lambda leg: leg.number)

    def write(self) -> Path:
        """Into the run's folder, whole or not at all."""
        path = Path(self.folder) / PLAN
        write_atomically(path, self.model_dump_json() + "\n")
        return path

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Raises OSError, or UnfitFile for a file of another shape."""
        return read_model(path, cls)


class _Urls(RootModel[dict[str, str]]):
    """Chain -> URL."""


def write_urls(folder: Path, urls: Mapping[str, RedactedUrl]) -> None:
    """Note where the chains answer now, keys included: for the owner of the file only, and left out of bundles."""
    write_atomically(folder / URLS, json.dumps({name: url.reveal() for name, url in urls.items()}), mode=0o600)


def read_urls(folder: Path) -> dict[str, RedactedUrl]:
    """Where the chains answer now."""
    return {name: RedactedUrl(url) for name, url in read_model(folder / URLS, _Urls).root.items()}
