"""A sequence of calls beside the model, on real contracts: the reference agrees, a broken one is told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import deployable
from lab.paths import REFERENCE_CONTRACT
from lab.runner.differential import Differential, Step
from lab.runner.run import Run
from lab.runner.runner import Options, run_item
from lab.runner.script import Script
from lab.scenario.resolve import parse_scenario
from tests.compiling import compile_once

SETUP = """
name: A test
description: Calls beside the model.
networks: {polygon: {}}
relayer: none
window: 20s
timeline: [{wait: 0s}]
"""
ID, UNKNOWN = "0x" + "01" * 32, "0x" + "02" * 32
A, B = "0x" + "aa" * 20, "0x" + "bb" * 20
CONTRACTS = REFERENCE_CONTRACT.parent


def steps(start: int) -> list[Step]:
    """Buffered, tried too early, by strangers and in the last second of its window, then executed twice."""
    request = (ID, A, B, "0x01", "0x" + "00" * 32, start + 10)
    return [
        (0, "operator", "buffer_transaction", request),
        (9, "operator", "resolve_dependency", (ID,)),
        (1, "attacker", "resolve_dependency", (ID,)),
        (0, "via operator", "resolve_dependency", (ID,)),
        (20, "operator", "resolve_dependency", (ID,)),
        (0, "operator", "mark_executed", (ID,)),
        (0, "operator", "mark_executed", (ID,)),
        (0, "operator", "mark_executed", (UNKNOWN,)),
    ]


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        ("TesseractCoordinator.vy", None),
        ("plain/PlainCoordinator.vy", None),
        ("broken/missing_auth.vy", "by attacker: expected a revert with Not authorized, it succeeded"),
        ("broken/early_ready.vy", "expected TransactionFailed, got TransactionReady"),
        ("broken/window_too_short.vy", "expected TransactionReady, got TransactionFailed"),
    ],
)
def test_what_is_not_as_documented_is_told(
    shared_backend: ProcessBackend, tmp_path: Path, contract: str, words: str | None
) -> None:
    """The first difference names call, role, what was expected and what came."""
    found: list[str] = []

    def play(run: Run) -> None:
        start = run.lab.chains["polygon"].producer.head.timestamp + 10
        told = Differential(Script(run), "polygon").run(start, steps(start))
        found.extend(f"{call}: {difference}" for call, _, difference in told if difference)

    target = deployable(compile_once(CONTRACTS / contract))
    path = tmp_path / "test.yaml"
    path.write_text(SETUP)
    (item,) = parse_scenario(SETUP, path)
    run_item(item, Options(shared_backend, "test", target, "t"), tmp_path / "run", "", play)
    assert (found == []) if words is None else (words in found[0]), found
