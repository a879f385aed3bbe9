"""What detection tests share: one backend, compiled contracts, and runs of single scenario files against them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.deploy.deployer import Deployable, deployable
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from tests.compiling import compile_once

ROOT = Path(__file__).resolve().parents[2]
RunScenario = Callable[[Path, Path], Result]


def compiled(contract: Path) -> Deployable:
    """A contract of this repository, from the user's own cache."""
    return deployable(compile_once(ROOT / "contracts" / contract))


@pytest.fixture(autouse=True)
def _cheap(compiled_here: None) -> None:
    """All of them compile contracts of ours."""


@pytest.fixture
def run(shared_backend: ProcessBackend, tmp_path: Path) -> RunScenario:
    """Runs the first item of a scenario file, named from the repository's root, against one of its contracts."""

    def one(contract: Path, scenario: Path) -> Result:
        item = load_scenario(ROOT / scenario, known_checks=CHECKS)[0]
        options = Options(shared_backend, "a test", compiled(contract), "detection")
        return run_item(item, options, tmp_path / contract.stem, "")

    return one


# YAML below this folder is there for tests to read; none is a test by itself.
collect_ignore_glob = ["*.yaml"]
