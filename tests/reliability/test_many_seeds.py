"""Journals of a swarm with a million seeds: less than 300 MB to merge them and to go on, whatever came of the seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.explore.bench import explored_system
from lab.explore.journal import SEEDS_MAX, made_with
from lab.explore.swarm.merging import DISPUTED_MAX
from lab.session.suite import compile_target

from .caller import STARTED, Caller, calling
from .figures import Trials

pytestmark = pytest.mark.reliability

SHRUNK = {"document": {"flows": {"f": {"a": {}}}, "networks": {"base": {}}, "timeline": []}, "runs": 3, "whole": True}
FAILED = {"verdict": "FAIL", "reasons": ["S4: why"], "failed": ["S4"], "minimal": "name: x\n", "shrunk": SHRUNK}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with calling(tmp_path_factory.mktemp("caller")) as caller:
        yield caller


def write(path: Path, part: int, parts: int, made: dict[str, str], more: Callable[[int], dict[str, Any]]) -> None:
    """A part's journal; `more` is what is different of a seed's outcome."""
    path.parent.mkdir(parents=True)
    work = {"first": 1, "seeds": SEEDS_MAX}
    with path.open("w") as stream:
        header = {"schema_version": 1, "command": "swarm", "made_with": made, "work": work, "shard": f"{part}/{parts}"}
        stream.write(f"{json.dumps(header)}\n")
        for seed in range(part, SEEDS_MAX + 1, parts):
            outcome = {
                "seed": seed, "verdict": "PASS", "reasons": [], "failed": [], "faults": ["halt", "reorg"],
                "digest": f"{seed:064x}", "runs": 2, "simulated_s": 301.25, "duration_s": 0.25, "minimal": None,
                "shrunk": None,
            }  # fmt: skip
            stream.write(f"{json.dumps(outcome | more(seed))}\n")


def call(lab: Caller, words: list[str], folder: Path, trials: Trials) -> tuple[int, str]:
    """Exit code and output; within the bounds."""
    outcome = lab(words, folder)
    trials.add(findings=bool(outcome.trouble), peak_mb=outcome.peak_mb)
    assert not outcome.trouble
    return outcome.code, " ".join(outcome.output.split())


def test_a_million_seeds_are_merged(lab: Caller, tmp_path: Path, trials: Trials) -> None:
    """Ten parts; then a copy of one in which each seed came out otherwise, which is refused."""
    made = {"lab": "1", "node": "anvil 1", "contract": "Mine 1"}
    for part in range(1, 11):
        path = tmp_path / f"parts/{part}/outcomes-{part}-of-10.jsonl"
        write(path, part, 10, made, lambda seed: FAILED if seed % 40 == 1 else {})
    code, output = call(lab, ["merge", "parts", "--results", "all"], tmp_path, trials)
    assert (code, "1000000: 975000 PASS, 25000 FAIL, 0 UNKNOWN" in output) == (1, True)
    assert "and 24000 more that did not pass: their journals have them" in output
    write(tmp_path / "parts/again/outcomes-1-of-10.jsonl", 1, 10, made, lambda seed: {"digest": "other"})
    code, output = call(lab, ["merge", "parts", "--results", "all"], tmp_path, trials)
    assert (code, f"got over {DISPUTED_MAX} seeds of which two outcomes differ, as seed" in output) == (2, True)


def test_a_million_seeds_are_resumed(lab: Caller, tmp_path: Path, trials: Trials) -> None:
    """What is done is known, and one more line is refused in words."""
    path = tmp_path / "results/swarm/outcomes.jsonl"
    write(path, 1, 1, made_with(compile_target(explored_system(None))), lambda seed: {})
    words = ["swarm", "--seeds", str(SEEDS_MAX), "--resume"]
    code, output = call(lab, words, tmp_path, trials)
    assert (code, "part 1/1: 1000000 seeds, of which 1000000 are done" in output) == (STARTED, True)
    with path.open("a") as stream:
        stream.write('{"seed": 1}\n')
    code, output = call(lab, words, tmp_path, trials)
    assert (code, "outcomes.jsonl: expected at most" in output, len(output) < 500) == (2, True, True)
