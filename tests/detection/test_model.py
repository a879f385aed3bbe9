"""Sequences drawn by kind find each bug of their kinds, at its shortest, and nothing in correct contracts.

All contracts stand on one chain; nothing but their deployment is mined. `LAB_TORTURE` multiplies the seeds of the
correct ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.broken import MODEL, read_bugs
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import created_address, role_account
from lab.coordinator.accounts import OPERATOR_ROLES
from lab.deploy.deployer import Deployable, learn_numbering
from lab.model.contract.names import Limits
from lab.runner.model_based.delay import ready_too_soon
from lab.runner.model_based.player import Player
from lab.runner.model_based.search import KINDS, LINES_MAX, search, seeds_of

from .callers import CHAIN, Stage, stage
from .conftest import compiled

BUGS = {name: bug for name, bug in read_bugs().items() if bug.caught_by == MODEL}
CORRECT = ("TesseractCoordinator.vy", *sorted({bug.base for bug in BUGS.values()}))
# Enough for a look; 200 seeds of each kind with LAB_TORTURE=100.
SEEDS_OF_CORRECT = 2 * int(os.environ.get("LAB_TORTURE", "1"))

PlayerOf = Callable[[Path], Player]


@pytest.fixture(scope="module")
def one_stage(shared_backend: ProcessBackend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A chain for all contracts of this file."""
    with stage(compiled(Path("plain/PlainCoordinator.vy")), shared_backend, tmp_path_factory.mktemp("stage")) as on:
        yield on


@pytest.fixture
def player(one_stage: Stage) -> PlayerOf:
    """Deploys a contract by the owner, adds operators, and learns what its sequences may use."""
    return lambda contract: deployed(one_stage, compiled(contract))


def deployed(on: Stage, target: Deployable) -> Player:
    """A contract on the stage beside the others."""
    owner, rpc = role_account("owner").address, on.lab.chains[CHAIN].look()
    address = created_address(owner, rpc.nonce(owner))
    assert on.send("owner", None, target.contract.bytecode, gas=6_000_000) == 1
    for role in OPERATOR_ROLES:
        assert on.send("owner", address, target.codec.encode("add_operator", [role_account(role).address])) == 1
    player = Player(on.lab.chains[CHAIN].look(), target, learn_numbering(rpc, target), address)
    assert player.learn() is None
    return player


@pytest.mark.parametrize("name", BUGS)
def test_its_kind_of_sequences_finds_the_bug(player: PlayerOf, name: str) -> None:
    """With words that tell it from others, in few calls and few lines, the same each time."""
    bug = BUGS[name]
    assert bug.kind in KINDS, bug.path
    assert bug.finding, bug.path
    model = player(Path(f"broken/{name}.vy"))
    finding = search(model, bug.kind, seeds_of(bug.kind))
    assert finding is not None
    lines = finding.lines()
    assert bug.finding in lines[0]
    assert len(lines) <= LINES_MAX
    assert model.play(finding.sequence) == finding.deviation


def test_a_sum_that_overflows_says_the_way_out_and_a_declared_horizon_is_one(player: PlayerOf) -> None:
    """No timestamp beyond the horizon is held against the contract; those within it are tried."""
    model = player(Path("broken/resolve_overflows.vy"))
    finding = search(model, "numbers", seeds_of("numbers"))
    assert finding is not None
    assert finding.rule is not None
    assert "Way out: " in finding.rule
    assert "horizon_seconds" in finding.rule
    model.traits, calls = replace(model.traits, horizon_s=86_400), model.calls
    assert search(model, "numbers", seeds_of("numbers")) is None
    assert model.calls > calls + 100


@pytest.mark.parametrize(
    ("name", "kinds"), [("remove_toggles", ("accounts", "history")), ("resume_resets_window", ("stop", "walk"))]
)
def test_what_several_kinds_show_is_named_once(player: PlayerOf, name: str, kinds: tuple[str, ...]) -> None:
    """The second kind reads fewer views, or draws other values, and meets what comes of the same mistake later."""
    model = player(Path(f"broken/{name}.vy"))
    known: set[tuple[str, str]] = set()
    for kind in kinds:
        finding = search(model, kind, seeds_of(kind), known=known)
        assert (finding is None) is bool(known)
        known |= {finding.deviation.cause} if finding else set()


@pytest.mark.parametrize("contract", CORRECT)
def test_nothing_is_found_in_a_correct_contract(player: PlayerOf, contract: str) -> None:
    """Whatever it has beside the documented interface."""
    model = player(Path(contract))
    for kind in KINDS:
        finding = search(model, kind, range(SEEDS_OF_CORRECT))
        assert finding is None, "\n".join(finding.lines())


def test_every_kind_finds_a_bug() -> None:
    """A kind that finds nothing is a claim; batches and walks are other ways to what the others find."""
    assert {bug.kind for bug in BUGS.values()} == set(KINDS) - {"batches", "walk"}
    for kind in {bug.kind for bug in BUGS.values()}:
        assert sum(bug.kind == kind for bug in BUGS.values()) >= 2, kind


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"resolve_after_blocks": 1}, "after 0 blocks"),
        ({"resolve_after_blocks": 3}, "after 2 blocks"),
        ({"resolve_after_seconds": 20}, "after 19 seconds"),
        ({"resolve_after_blocks": 0}, None),
        ({}, None),
    ],
)
def test_a_declared_delay_that_nothing_keeps(player: PlayerOf, limits: dict[str, int], words: str | None) -> None:
    """A contract that wants no delay at all; it is played as before afterwards."""
    model = player(Path("plain/PlainCoordinator.vy"))
    model.codec.names = model.codec.names.model_copy(update={"limits": Limits.model_validate(limits)})
    traits = model.traits
    early = ready_too_soon(model)
    assert early == (words and f"resolve_dependency: expected no TransactionReady so soon, got it {words}")
    assert model.traits == traits
