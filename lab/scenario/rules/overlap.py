"""Lint rule: what only one fault at a time can do (stop a node, pause the relayer) is not done by two at once."""

from __future__ import annotations

from dataclasses import dataclass

from lab.faults import Fault
from lab.model.units import format_duration
from lab.scenario.declared import Notebook
from lab.scenario.steps import HealStep


@dataclass(frozen=True, slots=True)
class Begun:
    """An exclusive fault: its step, from when it lasts at the least, and when it ends by itself, if that is known."""

    index: int
    fault: Fault
    ends_ms: int | None


def exclusive_faults_follow_each_other(book: Notebook) -> None:
    """Reports a fault only if it certainly begins while another lasts; a step without `at` may begin late enough."""
    begun: dict[tuple[str, str | None], Begun] = {}
    earliest_ms = 0
    for index, step in enumerate(book.file.timeline):
        earliest_ms = max(earliest_ms, step.at_ms or 0)
        if isinstance(step, HealStep):
            healed = book.step_ids.get(step.heal)
            begun = {key: other for key, other in begun.items() if other.index != healed}
        if not isinstance(step, Fault) or step.exclusive is None:
            continue
        key = (step.exclusive, step.chain_name())
        other = begun.get(key)
        if other is not None and (other.ends_ms is None or (step.at_ms is not None and step.at_ms < other.ends_ms)):
            _report(book, index, step, other)
        lasts_ms = step.ends_after_ms
        begun[key] = Begun(index, step, None if lasts_ms is None else earliest_ms + lasts_ms)


def _report(book: Notebook, index: int, step: Fault, other: Begun) -> None:
    line = book.source.position(("timeline", other.index, "fault"))[0]
    until = "it is healed" if other.ends_ms is None else format_duration(other.ends_ms)
    of_chain = f" of {step.chain_name()}" if step.chain_name() is not None else ""
    message = (
        f"{step.fault} {step.exclusive}{of_chain}, which {other.fault.fault} in line {line} does until {until}: "
        "let this one begin later, or heal that one first"
    )
    book.report(("timeline", index, "fault"), message)
