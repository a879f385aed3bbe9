"""Scenarios in Python say the same things as files, and are told the same of what they may not say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.errors import UsageError
from lab.faults import Fault
from lab.model.contract.names import Limits
from lab.runner.script import Script


def script() -> tuple[Script, list[tuple[str, Fault]]]:
    """One whose run only keeps what it is asked to inject."""
    injected: list[tuple[str, Fault]] = []
    run: Any = SimpleNamespace(inject=lambda fault_id, fault: injected.append((fault_id, fault)))
    return Script(run), injected


def test_a_fault_is_started_as_a_step_writes_it() -> None:
    """With the file's own keys and units."""
    playing, injected = script()
    playing.inject("down", "node_kill", chain="ethereum", restart_after="15s")
    ((fault_id, fault),) = injected
    assert (fault_id, fault.fault, fault.chain_name()) == ("down", "node_kill", "ethereum")
    assert fault.params() == {"chain": "ethereum", "restart_after_ms": 15_000}


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        ("node_kil", {}, "f: unknown fault 'node_kil' (did you mean node_kill?)"),
        ("node_kill", {}, "chain"),
        ("reorg", {"chain": "ethereum", "depth": 1_000}, "at most 200 blocks"),
        ("node_kill", {"chain": "ethereum", "restart": "1s"}, "restart_after"),
    ],
)
def test_what_no_step_may_say(kind: str, parameters: dict[str, Any], expected: str) -> None:
    """An error names the fault and what is wrong, and nothing is injected."""
    playing, injected = script()
    with pytest.raises(UsageError) as error:
        playing.inject("f", kind, **parameters)
    assert expected in str(error.value)
    assert injected == []


def test_what_is_due_already_comes_late() -> None:
    """A wait for a second that is over says how late what follows is; one that is not over lets time pass."""
    said = list[tuple[str, str, int]]()
    target = SimpleNamespace(limits=Limits(per_block=1))
    run: Any = SimpleNamespace(
        now_ms=5_000,
        item=SimpleNamespace(clock="real"),
        lab=SimpleNamespace(spec=SimpleNamespace(target=target)),
        advance_to=lambda t_ms, what: said.append(("waits", what, t_ms)),
        note_late=lambda what, due_ms: said.append(("late", what, due_ms)),
    )
    script = Script(run)
    for seconds in (3, 5, 7.5):
        script.advance_to(seconds)
    assert [(kind, t_ms) for kind, _, t_ms in said] == [("late", 3_000), ("waits", 5_000), ("waits", 7_500)]
