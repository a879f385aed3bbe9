"""A fault is one file and one line of the registry: everything else learns of it by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOG = '''
"""The endpoint answers every question for the head with the one of before."""

import random
from typing import Literal, ClassVar

from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.transport.policy import Effect
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnChain


class Fog(OnChain):
    """A request in the fog takes a second longer."""

    example: ClassVar[str] = "fault: fog\\nchain: optimism\\nfor: 20s"
    slows_all_chains: ClassVar[bool] = True

    fault: Literal["fog"]


class FogFault(RequestFault):
    """Activations: requests."""

    verb = "slowed"

    def on_hit(self, method: str) -> Effect:
        return Effect(delay_ms=1000)


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    return on_chain("fog", rng, context, node=False)


KIND = FaultKind(spec=Fog, activate=FogFault, draw=draw)
'''

SCENARIO = """
name: Fog
description: A fault that only this test knows.
networks: {optimism: {}}
window: 60s
flows: {f: {one: {chain: optimism, at: +40s}}}
timeline:
  - {at: 0s, buffer: f}
  - {at: 20s, id: thick, fault: fog, chain: optimism, for: 30s}
  - {expect: {leg: f.one, state: EXECUTED}, within: 3m}
"""

# The registry is filled before anything else of the lab is imported, as a line in it would.
PROGRAM = """
import sys
from pathlib import Path
import lab.faults
import fog
lab.faults.FAULTS["fog"] = fog.KIND

from lab.checks import CHECKS
from lab.explore.swarm.case import Drawing, draw
from lab.model.records import FaultMark
from lab.report.run_page.page import scenario_fragment
from lab.runner.runner import Options, run_item
from lab.scenario import docs, schema
from lab.scenario.resolve import load_scenario
from lab.session.suite import open_suite
from lab.session.under_test import system_under_test

assert '"fog"' in schema.render(), "schema"
assert "A request in the fog takes a second longer." in docs.render(), "docs"
drawn = (step.get("fault") for seed in range(400) for step in draw(Drawing(seed))["timeline"])
assert "fog" in drawn, "swarm"
(item,) = load_scenario(Path("fog.yaml"), known_checks=CHECKS)
suite = open_suite(run_id="t", backend="process", image=None, system=system_under_test(contract=None, relayer_cmd=None))
try:
    options = Options(backend=suite.backend, backend_reason="test", target=suite.target, run_id="t")
    result = run_item(item, options, Path("run"), "again")
finally:
    suite.close()
begun, ended = result.history.of(FaultMark)
assert begun.effects.slows_all_chains and begun.effects.chains == ("optimism",), begun
assert ended.activations > 0 and ended.proof.startswith("slowed"), ended
assert result.verdict.verdict == "PASS", result.verdict.reasons
page = scenario_fragment(result.folder, relative_to=Path("."))
assert "fog" in page and "slowed" in page, "report"
"""


def test_a_new_fault_is_known_everywhere(tmp_path: Path) -> None:
    """Schema, lint, reference, swarm, a run, its checks and its page."""
    (tmp_path / "fog.py").write_text(FOG)
    (tmp_path / "fog.yaml").write_text(SCENARIO)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
