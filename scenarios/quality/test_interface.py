"""The documented interface equals the compiled one, both ways: nothing is missing, and nothing is there untold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FAILURE_REASONS, FUNCTIONS, REVERTS
from lab.deploy.interface import inspect
from lab.deploy.layers import binds
from lab.deploy.vyper.source import read_source
from lab.runner.script import Script

SETUP = """
name: The documented interface and the compiled one
description: >
  Every documented function, event and revert is in the compiled contract, with the documented types. The other way
  round, every function and event of the reference's ABI is documented, and every reason that its source can revert with
  is told, in the documentation or in its comments. What another contract has beyond the documentation is only noted.
rows: [CQ-04]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: [default]
"""

REASON = re.compile(r'^\s*(?:assert\b.*,|raise)\s*"([^"]+)"', re.MULTILINE)
COMMENT = re.compile(r'"""(.*?)"""', re.DOTALL)
QUOTED = re.compile(r'"([^"]+)"')


def told_and_used(sources: list[str]) -> tuple[set[str], set[str]]:
    """Reasons that comments quote, and reasons that the code reverts with."""
    comments = [" ".join(each.split()) for source in sources for each in COMMENT.findall(source)]
    told = {quoted for comment in comments for quoted in QUOTED.findall(comment)}
    code = [COMMENT.sub("", source) for source in sources]
    return told, {reason for each in code for reason in REASON.findall(each)}


def play(script: Script) -> None:
    """Documented to compiled; of the reference compiled to documented, too."""
    target = script.run.lab.spec.target
    report = inspect(target.contract, target.codec)
    beyond = report.partial if target.reference else ()
    differing = [item for item in (*report.deviations, *beyond)
                 if item.kind != "revert" or binds(target, item.name.strip('"'))]  # fmt: skip
    judged = f"{len(report.items)} documented functions, events and reverts"
    missing = "; ".join(map(str, differing[:5]))
    script.expect(f"{judged} in the contract", missing or "all there", met=not differing)
    own = target.codec.names
    renamed = {*own.functions.values(), *own.events.values()}
    for kind, documented in (("function", FUNCTIONS), ("event", {**EVENTS, **EXTRA_EVENTS})):
        names = [entry["name"] for entry in target.contract.abi if entry["type"] == kind]
        untold = sorted(set(names) - set(documented) - renamed)
        told = f"{len(names)} in the ABI, not documented: {', '.join(untold) or 'none'}"
        judge(script, f"every {kind} of the contract to be documented", told, met=not untold and bool(names))
    path = target.contract.source_path
    if path.suffix != ".vy":
        judge(script, "reasons", f"{path.name} is an artifact: the reasons of its source are not known to the lab")
        return
    files = read_source(path).files
    comments, used = told_and_used([each.read_text(encoding="utf-8") for each in files if each.suffix == ".vy"])
    hidden = sorted(used - comments - {*REVERTS, *FAILURE_REASONS})
    told = f"{len(used)} reasons, not told: {'; '.join(hidden) or 'none'}"
    judge(script, "every reason to revert with to be told", told, met=not hidden and bool(used))


def judge(script: Script, what: str, told: str, *, met: bool | None = None) -> None:
    """What a contract has beyond the documentation is its own affair, and only said: but the reference's is judged."""
    if script.run.lab.spec.target.reference and met is not None:
        script.expect(what, told, met=met)
    else:
        script.note("beyond", told)


def test_interface(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Compare both ways."""
    lab_run(SETUP, play)
