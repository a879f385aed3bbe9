"""What a rule says of a place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lab.analysis.syntax import Node


class Severity(StrEnum):
    """High ones fail the readiness row; the words are those of the static analysers."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Finding:
    """`accepted` is the reason that the source gives for leaving it so, `function` whom it is about, if it says."""

    rule: str
    severity: Severity
    file: Path
    line: int
    column: int
    message: str
    accepted: str = ""
    function: str = ""

    def __str__(self) -> str:
        left = f" (accepted: {self.accepted})" if self.accepted else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity} {self.rule}: {self.message}{left}"


def at(node: Node, rule: str, severity: Severity, message: str) -> Finding:
    """A finding at a node's place."""
    return Finding(rule, severity, node.file, node.line, node.column, message)
