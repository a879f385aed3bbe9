"""One kind of fault: what a scenario file may say, what it does, and how the swarm draws it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from lab.faults.context import ActiveFault, FaultContext
from lab.faults.drawing import DrawContext, DrawnFault
from lab.faults.spec import Fault

Draw = Callable[[random.Random, DrawContext], DrawnFault | None]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A line of the registry. `activate` takes (context, fault_id, spec).

    Exactly one of `draw` and `not_drawn` (the reason why the swarm leaves it out) is given, else ValueError.
    """

    spec: type[Fault]
    activate: Callable[[FaultContext, str, Any], ActiveFault]
    draw: Draw | None = None
    not_drawn: str | None = None

    def __post_init__(self) -> None:
        if (self.draw is None) == (self.not_drawn is None):
            raise ValueError(f"{self.name}: expected either a function that draws it, or why the swarm leaves it out")

    @property
    def name(self) -> str:
        """What a scenario file calls it: the one value that the spec's `fault` may have."""
        (name,) = get_args(self.spec.model_fields["fault"].annotation)
        return str(name)
