"""What the runner consumes: one scenario with every choice made, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lab.model.chain.finality import Finality
from lab.model.checks import CheckSelection
from lab.model.step import Role, StepBase
from lab.networks.profile import NetworkProfile
from lab.scenario.expectations import Condition, Outcome
from lab.scenario.model import ScenarioFile
from lab.yamlsource import Source


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """A chain to start. `finality` is the scenario's, or else the profile's; `endpoints` is how many lead to it."""

    name: str
    profile: NetworkProfile
    finality: Finality
    endpoints: int = 1


@dataclass(frozen=True, slots=True)
class RelayerSpec:
    """Settings of the reference relayer."""

    poll_ms: int
    execution_order: Literal["ready", "executed"]


@dataclass(frozen=True, slots=True)
class LegSpec:
    """A transaction to buffer. `name` is flow.leg; `after` its parent's; `at_ms` the contract timestamp since genesis.

    `target_chain` is None for a target outside of the scenario: the runner takes a virtual address.
    """

    name: str
    flow: str
    leg: str
    chain: str
    target_chain: str | None
    tx_id: str
    payload: bytes
    after: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the timeline: `action` is the model of its kind, the other fields are what steps have in common.

    `id` is the file's or `KIND#NUMBER`; `expect` is the outcome of a step that calls; `condition` is what an expect or
    until step judges; `where` is file:line:column.
    """

    id: str
    kind: str
    action: StepBase
    where: str
    at_ms: int | None = None
    within_ms: int | None = None
    hold_ms: int | None = None
    as_role: Role | None = None
    expect: Outcome | None = None
    condition: Condition | None = None
    because: str | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioItem:
    """One run: a scenario file with one combination of its matrix. `legs` hold parents before their children."""

    file: Path
    item: str
    name: str
    description: str
    rows: tuple[str, ...]
    chains: Mapping[str, ChainSpec]
    clock: Literal["virtual", "real"]
    seed: int
    timeout_ms: int
    window_s: int
    relayer: RelayerSpec | None
    legs: tuple[LegSpec, ...]
    steps: tuple[Step, ...]
    checks: CheckSelection
    matrix_values: Mapping[str, int | float | str | bool]
    source: Source = field(repr=False, compare=False)
    model: ScenarioFile = field(repr=False, compare=False)

    def leg(self, name: str) -> LegSpec:
        """The leg called flow.leg; KeyError if there is none, which lint has ruled out for names in the file."""
        for leg in self.legs:
            if leg.name == name:
                return leg
        raise KeyError(name)

    def legs_of(self, reference: str) -> tuple[LegSpec, ...]:
        """The leg called flow.leg, or all legs of a flow, parents first."""
        if "." in reference:
            return (self.leg(reference),)
        return tuple(leg for leg in self.legs if leg.flow == reference)
