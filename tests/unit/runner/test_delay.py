"""A delay in blocks between buffering and resolve, on a chain that mines none while nobody sends anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import deployable
from lab.model.contract.names import Limits
from lab.paths import REFERENCE_CONTRACT
from lab.runner.run import Run
from lab.runner.runner import Options, run_item
from lab.runner.script import Script
from lab.scenario.resolve import parse_scenario
from tests.compiling import compile_once

SETUP = """
name: A test
description: An idle chain.
networks: {arbitrum: {}}
relayer: none
timeline: [{wait: 0s}]
"""
ID = "0x" + "01" * 32


@pytest.mark.parametrize(
    ("limits", "numbers"),
    [
        (Limits(), (2, 2)),
        (Limits(resolve_after_blocks=3), (5, 10)),
        (Limits(resolve_after_seconds=40), (2, 2)),
    ],
)
def test_blocks_come_for_a_contract_that_counts_them(
    shared_backend: ProcessBackend, tmp_path: Path, limits: Limits, numbers: tuple[int, int]
) -> None:
    """One in 12 s; when many calls have ended, what they buffered can be resolved."""
    seen: list[int] = []

    def play(run: Run) -> None:
        script, chain = Script(run), run.lab.chains["arbitrum"]
        due = run.lab.genesis_time + 100
        request = (ID, rollup_address("arbitrum"), rollup_address("b"), "0x", ZERO_ID, due)
        (sent,) = script.bulk("arbitrum", [("buffer_transaction", request)])
        assert sent.status == 1
        assert script.now_s >= (limits.resolve_after_seconds or 0)
        seen.append(chain.look().block_number())
        script.advance(66)
        seen.append(chain.look().block_number())

    target = replace(deployable(compile_once(REFERENCE_CONTRACT)), limits=limits)
    path = tmp_path / "test.yaml"
    path.write_text(SETUP)
    (item,) = parse_scenario(SETUP, path)
    run_item(item, Options(shared_backend, "test", target, "t"), tmp_path / "run", "", play)
    assert tuple(seen) == numbers
