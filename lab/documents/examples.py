"""The example applications, run as they are on a run's networks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.chains.processes.python_child import python_command
from lab.paths import DOCS
from lab.runner.program import Ended, run_programs
from lab.runner.script import Script

EXAMPLES = DOCS / "examples"
WITHIN_S = 60.0


def python_example(name: str, *arguments: str) -> list[str]:
    """The command of an example in Python; the session comes by LAB_SESSION."""
    return python_command(str(EXAMPLES / name), *arguments)


def _lines(ended: Ended) -> list[dict[str, Any]]:
    """What an example printed, a JSON object a line; nothing where it failed."""
    if ended.code != 0:
        return []
    return [json.loads(line) for line in ended.output.splitlines() if line.startswith("{")]


def run_examples(script: Script, commands: Mapping[str, Sequence[str]]) -> dict[str, list[dict[str, Any]]]:
    """Run them side by side; each has to end by itself with exit code 0."""
    ended = dict(zip(commands, run_programs(script.run, list(commands.values()), WITHIN_S), strict=True))
    for name, one in ended.items():
        last = one.output.strip().splitlines()[-1:] or ["it printed nothing"]
        script.expect(f"{name} to end with exit code 0", f"{one.code}: {last[0][:200]}", met=one.code == 0)
    return {name: _lines(one) for name, one in ended.items()}
