"""Correct contracts in styles of their own: no scenario of the library finds a fault in them.

`plain` has the documented interface and nothing more; `rich` has roles by hash, names, events, reasons and functions of
its own, a breaker that counts in its own way, refuses what would change nothing, and needs 25,000 gas more for every
call; `lane` has a role for each step, a struct in its own order, and lets anybody end what is late; `turnstile` has an
owner by its constructor, returns results, and has a limited list of operators; `mask` has roles as bits of a number, a
stop with levels, and flags without a member for EMPTY; `ledger` has one event for every step, and one function for both
sides of a setting; `packed` has three words for a transaction, narrow numbers, and errors that its ABI does not list;
`proxy` is an implementation behind a proxy, with an initializer, and reasons told by numbers; `scribe` has states as
texts, and numbers for yes and no; `metered` wants two blocks before it resolves, bounds what
an account does in one, and takes longer batches; `courier` gives and takes all of its roles by one function, and tells
states by hashes; `bridge` is Solidity, an artifact without its source, and refuses by errors with arguments; `warden`
has an owner that is no operator, refuses to resolve for two blocks, and shows no count of its breaker; `depot` takes 96
bytes of payload, one parcel of an account in a block, and a day ahead, and is opened by set-up. What they
lack is not exercised. With LAB_LIBRARY=whole every scenario
under the virtual clock is tried (`make detection`).
"""

from __future__ import annotations

import json
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from eth_abi.abi import encode

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.coordinator.documented import FUNCTIONS
from lab.deploy.deployer import Deployable
from lab.explore.bench import open_bench
from lab.explore.mutate.library import LibraryItem, load_library
from lab.explore.mutate.trial import to_deploy
from lab.model.verdict import Verdict
from lab.paths import SCENARIOS
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test
from tests.compiling import compile_once
from tests.unit.pytest_project import forked_pytest

HERE = Path(__file__).parent
# One for each way in which a correct contract was once called wrong.
OF_ALL = (
    "congestion/gas_limit_cut",
    "failures/roles_of_capabilities",
    "failures/breaker_drill",
    "security/test_role_matrix",
    "security/test_reentrancy",
    "security/test_input_boundaries",
    "security/test_input_fuzzing",
    "model/test_model",
    "mutation/test_every_rule",
    "quality/test_interface",
)
OF_ROLES = (
    "failures/expired_for_good",
    "failures/forged_mirror",
    "failures/key_rotation",
    "security/test_role_matrix",
    "security/test_reentrancy",
    "security/test_input_boundaries",
    "model/test_model",
    "mutation/test_every_rule",
)
OF_LIST = (
    "model/test_model",
    "mutation/test_every_rule",
    "security/test_input_fuzzing",
    "drills/test_live_rehearsal",
)
OF_MASK = (
    "failures/window_boundaries",
    "failures/key_rotation",
    "security/test_role_matrix",
    "security/test_input_boundaries",
    "model/test_model",
    "mutation/test_every_rule",
)
OF_EVENTS = (
    "failures/roles_and_reverts",
    "failures/roles_of_capabilities",
    "security/test_role_matrix",
    "model/test_model",
    "mutation/test_every_rule",
)
OF_WORDS = (
    "failures/roles_and_reverts",
    "failures/window_boundaries",
    "security/test_input_boundaries",
    "security/test_input_fuzzing",
    "security/test_arithmetic",
    "model/test_model",
)
OF_TEXTS = (
    "dependencies/single_dependency",
    "failures/window_boundaries",
    "security/test_input_boundaries",
    "model/test_model",
    "mutation/test_every_rule",
    "quality/test_interface",
)
OF_SWITCHED = ("dependencies/single_dependency", *OF_MASK)
OF_LIMITS = (
    "security/test_input_boundaries",
    "security/test_input_fuzzing",
    "security/test_arithmetic",
    "mutation/test_every_rule",
)
OF_ERRORS = ("failures/roles_and_reverts", "drills/test_live_rehearsal")
OF_DELAY = (
    "dependencies/out_of_order",
    "failures/payload_limits",
    "drills/test_health_check",
    "drills/test_operator_management",
    "security/test_role_matrix",
    "security/test_input_fuzzing",
)
OF_BOUNDS = (
    "dependencies/test_application",
    "model/test_orphaned_effects",
    "networks/test_fee_models",
    "security/test_arithmetic",
    "congestion/pool_full",
    "failures/payload_limits",
    "drills/test_operator_management",
    "drills/test_emergency_stop",
    "security/test_role_matrix",
    "mutation/test_every_rule",
)
OF_PROXY = (
    "drills/test_deployment",
    "drills/test_migration",
    "security/test_role_matrix",
    "security/test_external_calls",
    "mutation/test_every_rule",
)
CHOSEN = {
    "plain": OF_ALL,
    "rich": OF_ALL,
    "lane": OF_ROLES,
    "turnstile": OF_LIST,
    "mask": OF_MASK,
    "ledger": OF_EVENTS,
    "packed": OF_WORDS,
    "proxy": OF_PROXY,
    "scribe": OF_TEXTS,
    "metered": (*OF_LIMITS, "dependencies/single_dependency", "networks/test_fee_models"),
    "courier": OF_SWITCHED,
    "bridge": OF_ERRORS,
    "warden": OF_DELAY,
    "depot": OF_BOUNDS,
}
LACKING = {
    "plain": {"failures/roles_of_capabilities", "failures/breaker_drill"},
    "depot": {"dependencies/test_application"},
}
WHOLE = os.environ.get("LAB_LIBRARY") == "whole"


def scenario_name(path: Path) -> str:
    """Its name in the library."""
    return path.relative_to(SCENARIOS).with_suffix("").as_posix()


def chosen(path: Path) -> bool:
    """Whether a scenario is tried with one of them."""
    return WHOLE or any(scenario_name(path) in names for names in CHOSEN.values())


# Only these are read: every worker collects this file.
RUNS = [(scenario_name(entry.item.file), entry) for entry in load_library(SCENARIOS, chosen).items.values()]
TRIED = [(which, *run) for which in CHOSEN for run in RUNS if WHOLE or run[0] in CHOSEN[which]]


@cache
def contract(which: str) -> Deployable:
    """One of them as its lab.yaml describes it; what is no source is built first, as its owner's tools would."""
    if which != "proxy":
        return compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=HERE / which))
    with TemporaryDirectory() as folder:
        shutil.copytree(HERE / which, folder, dirs_exist_ok=True)
        put_together(Path(folder))
        return compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=Path(folder)))


def put_together(folder: Path) -> None:
    """The creation code of a folder's proxy, which creates its implementation, with the implementation's ABI."""
    implementation, proxy = (compile_once(folder / name) for name in ("Engine.vy", "Proxy.vy"))
    code = proxy.bytecode + encode(["bytes"], [bytes.fromhex(implementation.bytecode[2:])]).hex()
    (folder / "Engine.json").write_text(json.dumps({"abi": implementation.abi, "bytecode": code}))


def played(contract: Deployable, entry: LibraryItem, backend: ProcessBackend, folder: Path) -> Result:
    """One run."""
    return run_item(entry.item, Options(backend, "a test", contract, "correct"), folder, "", entry.play)


@pytest.mark.parametrize(("which", "name", "entry"), TRIED, ids=[f"{which}-{entry.name}" for which, _, entry in TRIED])
def test_no_scenario_finds_a_fault(
    shared_backend: ProcessBackend, tmp_path: Path, which: str, name: str, entry: LibraryItem
) -> None:
    """PASS, or not exercised by name of the capability that it lacks; never FAIL or UNKNOWN."""
    verdict = played(contract(which), entry, shared_backend, tmp_path / "run").verdict
    if name in CHOSEN[which]:
        wanted = Verdict.NOT_EXERCISED if name in LACKING.get(which, ()) else Verdict.PASS
        assert verdict.verdict is wanted, verdict.reasons
    assert verdict.verdict in (Verdict.PASS, Verdict.NOT_EXERCISED), verdict.reasons
    assert verdict.verdict is Verdict.PASS or verdict.lacks, verdict.reasons


@pytest.mark.parametrize(
    ("which", "name", "judged"),
    [
        ("depot", "stopped_before_a_mirror", 2),
        ("depot", "mirrors_one_by_one", 5),
        ("rich", "stop_in_the_pool", 2),
    ],
)
def test_a_mirror_that_had_to_wait_comes_in_time(
    which: str, name: str, judged: int, shared_backend: ProcessBackend, tmp_path: Path
) -> None:
    """Found by the swarm: L1 judges the leg behind it, and holds nobody to what came before it could be buffered."""
    (item,) = load_scenario(HERE / f"{name}.yaml", known_checks=CHECKS)
    options = Options(shared_backend, "a test", contract(which), "correct")
    verdict = run_item(item, options, tmp_path / "run", "").verdict
    assert verdict.verdict is Verdict.PASS, verdict.reasons
    assert next(check for check in verdict.checks if check.check == "L1").judged == judged


def test_an_artifact_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What wants a source is left out, in one line, and the rows about it stay open; all else is judged."""
    monkeypatch.chdir(shutil.copytree(HERE / "bridge", tmp_path / "bridge"))
    scenarios = [str(SCENARIOS / f"{name}.py") for name in ("quality/test_compilation", "quality/test_static_analysis")]
    code, out, _ = forked_pytest(tmp_path, *scenarios, "-q", "-p", "no:cacheprovider", "--lab-backend", "process")
    assert code == 0, out
    assert "1 passed, 1 skipped" in out
    assert "1 run not exercised: the contract lacks a source that the lab compiles (Bridge.json is an artifact)" in out
    report = json.loads(Path("results/readiness/readiness.json").read_text())
    assert any("(Bridge.json is an artifact): CQ-03, CQ-06 need it" in note for note in report["notes"])
    rows = {row["id"]: row for row in report["rows"]}
    verdicts = {row: rows[row]["verdict"] for row in ("CQ-01", "CQ-03", "CQ-06")}
    assert verdicts == {"CQ-01": "PASS", "CQ-03": "UNKNOWN", "CQ-06": "UNKNOWN"}


@pytest.mark.parametrize(
    ("which", "capabilities"),
    [
        ("plain", ()),
        ("rich", ("stop", "breaker")),
        ("lane", ("stop", "expiry", "handover")),
        ("turnstile", ()),
        ("mask", ("stop", "expiry")),
        ("ledger", ("stop", "handover")),
        ("packed", ("stop", "handover")),
        ("proxy", ("stop", "handover")),
        ("scribe", ("stop",)),
        ("metered", ("stop", "handover", "batch")),
        ("courier", ("stop",)),
        ("bridge", ("stop",)),
        ("warden", ("stop", "breaker")),
        ("depot", ("stop", "breaker", "handover")),
    ],
)
def test_they_are_what_they_are_said_to_be(which: str, capabilities: tuple[str, ...]) -> None:
    """All documented functions, and the capabilities that they are here for."""
    target = contract(which)
    assert target.codec.has(*(name for name, function in FUNCTIONS.items() if function.part == "documented"))
    assert target.capabilities == capabilities
    assert not target.reference


def test_the_chosen_scenarios_exist() -> None:
    """A scenario that was renamed would no longer be tried."""
    assert {name for name, _ in RUNS} >= {name for names in CHOSEN.values() for name in names}
    assert load_scenario(SCENARIOS / "failures/breaker_drill.yaml", known_checks=CHECKS)[0].model.needs == ("breaker",)


def test_explorations_learn_its_limits(tmp_path: Path) -> None:
    """What `lab.yaml` leaves out; else a relayer that waits for blocks on an idle chain would be called late."""
    folder = shutil.copytree(HERE / "warden", tmp_path / "warden")
    said = (folder / "lab.yaml").read_text()
    (folder / "lab.yaml").write_text(said.replace("limits: {resolve_after_blocks: 2}\n", ""))
    bench = open_bench("a-test", system_under_test(contract=None, relayer_cmd=None, working_folder=folder))
    try:
        assert compile_target(bench.suite.system).limits.resolve_after_blocks is None
        assert bench.suite.target.limits.resolve_after_blocks == 2
        # A mutant is judged by what the original may do.
        assert to_deploy(bench.suite, bench.suite.target.contract).limits.resolve_after_blocks == 2
    finally:
        bench.close()
