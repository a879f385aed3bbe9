"""The same swap in Python and in JavaScript goes through the same states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lab.documents.examples import EXAMPLES, python_example, run_examples
from lab.documents.guide import NO_JAVASCRIPT, node
from lab.runner.script import Script

SETUP = """
name: The SDK in two languages
description: >
  One swap by each SDK, side by side on the same chains under two operators, beside the reference relayer. What they say
  of their transactions' states is the same, and the checks judge both.
rows: [UDO-02, MPR-03]
networks: {arbitrum: {}, base: {}}
clock: real
relayer: {poll: 500ms}
window: 10s
timeout: 3m
checks: [default]
"""


def play(script: Script) -> None:
    """The swap in both languages, side by side."""
    commands: dict[str, Sequence[str]] = {
        "swap.py": python_example("swap.py", "", "operator"),
        "swap.mjs": [node() or "node", str(EXAMPLES / "swap.mjs"), "", "operator2"],
    }
    said = run_examples(script, commands)
    script.expect("both languages to go through states", str(said["swap.py"]), met=bool(said["swap.py"]))
    script.expect_equal("the states in JavaScript", said["swap.mjs"], said["swap.py"])


def test_languages(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run the same swap twice."""
    if node() is None:
        pytest.skip(NO_JAVASCRIPT)
    lab_run(SETUP, play)
