"""What a procedure came to, chain by chain: the exit code, what is printed, the evidence, and the audit log."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lab.bounded_files import open_append, write_atomically
from lab.ops.executors import Result
from lab.ops.operation import Operation
from lab.ops.planning import Plan
from lab.ops.state import ChainState

Standing = Literal["equal", "differs", "unknown"]
EXIT_CODES: Mapping[Standing, int] = {"equal": 0, "differs": 1, "unknown": 3}
AUDIT, EVIDENCE = "audit.jsonl", "evidence.json"


@dataclass(slots=True)
class ChainReport:
    """One chain. `seconds` from the command's begin to its end there; `effective_s`: to the block that did it."""

    chain: str
    standing: Standing
    plan: Plan
    results: list[Result] = field(default_factory=list)
    after: ChainState | None = None
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0
    effective_s: float | None = None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "chain": self.chain,
            "standing": self.standing,
            "seconds": round(self.seconds, 3),
            "effective_s": None if self.effective_s is None else round(self.effective_s, 3),
            "before": None if self.plan.final is None else asdict(self.plan.final),
            "plan": [call.text for call in self.plan.calls],
            "notes": list(self.plan.notes),
            "problems": [*self.plan.problems, *([self.plan.unread] if self.plan.unread else [])],
            "calls": [result_document(result) for result in self.results],
            "after": None if self.after is None else asdict(self.after),
            "left": self.left,
        }


@dataclass(slots=True)
class Report:
    """The whole command. `id` is that of its folder of evidence and of its lines in the audit log."""

    id: str
    procedure: str
    operation: str
    who: str
    executor: str
    chains: list[ChainReport]

    @property
    def exit_code(self) -> int:
        """0: every chain is as it should be. 1: one differs. 3: one is unknown."""
        return max((EXIT_CODES[chain.standing] for chain in self.chains), default=0)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "id": self.id,
            "procedure": self.procedure,
            "operation": self.operation,
            "who": self.who,
            "executor": self.executor,
            "exit_code": self.exit_code,
            "chains": [chain.document() for chain in self.chains],
        }

    def of(self, chain: str) -> ChainReport:
        """That of one chain."""
        return next(report for report in self.chains if report.chain == chain)


def absent_reports(operation: Operation, only: tuple[str, ...]) -> list[ChainReport]:
    """Those of the networks where there is nothing to operate."""
    return [
        ChainReport(name, "unknown", Plan(name, unread=why), left=[why])
        for name, why in operation.absent.items()
        if not only or name in only
    ]


def result_document(result: Result) -> dict[str, Any]:
    """A call and what became of it, as JSON has them."""
    call = result.call
    return {
        "call": call.text,
        "to": call.to,
        "data": call.data,
        "outcome": result.outcome,
        "tx": result.tx,
        "block": result.block,
        "path": None if result.path is None else str(result.path),
        "reason": result.reason,
    }


def report_id(operation: Operation, procedure: str) -> str:
    """`20261126T194400Z-pause`."""
    begun = datetime.datetime.fromtimestamp(operation.timing.unix(), datetime.UTC)
    return f"{begun:%Y%m%dT%H%M%S}{begun.microsecond // 1000:03}Z-{procedure.replace(' ', '-')}"


def write_evidence(operation: Operation, report: Report) -> Path:
    """The whole report, in a folder of its own. Raises OSError."""
    path = operation.folder / report.id / EVIDENCE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(report.document(), indent=2) + "\n")
    return path


def audit(operation: Operation, report_name: str, executor: str, results: Iterable[Result]) -> None:
    """One line for each call: who, what, which transaction. On the disk when this returns. Raises OSError."""
    time = datetime.datetime.fromtimestamp(operation.timing.unix(), datetime.UTC).isoformat(timespec="milliseconds")
    head = {"time": time, "who": operation.who, "operation": operation.name, "procedure": report_name}
    lines = [
        json.dumps(
            {**head, "chain": result.call.chain, "chain_id": result.call.chain_id, "executor": executor}
            | result_document(result)
        )
        for result in results
    ]
    if not lines:
        return
    operation.folder.mkdir(parents=True, exist_ok=True)
    with open_append(operation.folder / AUDIT, mode=0o644) as stream:
        stream.write("".join(line + "\n" for line in lines).encode())
        stream.flush()
        os.fsync(stream.fileno())
