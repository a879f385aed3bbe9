"""What an alert is: a rule of Prometheus, its words, and the commands that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `summary` and `description` are templates of Prometheus; `action` is what a person does first.

    `commands` are those of `lab ops` that answer it, the first one first; `action` says when which.
    """

    name: str
    row: str
    severity: Severity
    expr: str
    for_s: float
    summary: str
    description: str
    action: str
    commands: tuple[str, ...] = ()

    @property
    def runbook(self) -> str:
        """The section on what to do: of the operations manual where a command does it, else of the alert."""
        if self.commands:
            return manual_section(self.commands[0])
        return f"docs/monitoring.md#{self.name.lower()}"


def manual_section(command: str) -> str:
    """Where the operations manual has a command of `lab ops`."""
    return f"docs/operations.md#lab-ops-{command}"
