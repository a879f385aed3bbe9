"""The names that a scenario file declares, and the notebook in which lint rules write what they find.

Names are read from the file as written, not from the model: a leg that has a fault of its own is still declared, so
that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.errors import Problem
from lab.scenario.model import LegUse, ScenarioFile
from lab.validation import nearest, suggestion
from lab.yamlsource import Route, Source


@dataclass(slots=True)
class Notebook:
    """One file under lint. `known_checks` is None where the caller does not know the checks."""

    source: Source
    file: ScenarioFile
    known_checks: Collection[str] | None = None
    problems: list[Problem] = field(default_factory=list)

    def report(self, path: Route, message: str, at_key: bool = False) -> None:
        self.problems.append(self.source.problem(path, message, at_key=at_key))

    @property
    def chains(self) -> list[str]:
        return list(mapping_in(self.source.value, "networks"))

    @property
    def flows(self) -> dict[str, list[str]]:
        """Each flow with its legs."""
        flows = mapping_in(self.source.value, "flows")
        return {flow: list(legs) if isinstance(legs, dict) else [] for flow, legs in flows.items()}

    @property
    def legs(self) -> list[str]:
        """All legs as flow.leg."""
        return [f"{flow}.{leg}" for flow, legs in self.flows.items() for leg in legs]

    @property
    def step_ids(self) -> dict[str, int]:
        """Each id with the index of the first step that has it."""
        return step_ids(self.source.value)

    def expect_chain(self, path: Route, chain: str) -> None:
        if chain not in self.chains:
            self.report(path, f"the chain '{chain}' is not among networks{suggestion(chain, self.chains)}")

    def expect_leg(self, path: Route, leg: str) -> None:
        if leg in self.legs:
            return
        flow, _, name = leg.partition(".")
        if self.flows.get(flow):
            # Compared without the flow, which is right: it would make every leg of the flow look alike.
            close = nearest(name, self.flows[flow])
            known = ", ".join(f"{flow}.{other}" for other in self.flows[flow])
            hint = f" (did you mean {flow}.{close}?)" if close else f" (known: {known})"
        else:
            hint = suggestion(leg, self.legs)
        self.report(path, f"no leg is called '{leg}'{hint}")


def full_name(flow: str, leg: LegUse) -> str | None:
    """The parent of a leg of `flow`, as flow.leg."""
    if leg.after is None or "." in leg.after:
        return leg.after
    return f"{flow}.{leg.after}"


def step_ids(value: Any) -> dict[str, int]:
    """Each id in a file with the index of the first step that has it."""
    ids: dict[str, int] = {}
    steps = value.get("timeline") if isinstance(value, dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and isinstance(step.get("id"), str):
            ids.setdefault(step["id"], index)
    return ids


def mapping_in(value: Any, key: str) -> Mapping[str, Any]:
    """The mapping below a key of a file, empty where there is none."""
    mapping = value.get(key) if isinstance(value, dict) else None
    return mapping if isinstance(mapping, dict) else {}
