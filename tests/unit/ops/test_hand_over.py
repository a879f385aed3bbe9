"""Hand-overs of contracts that do not name the proposed owner: by a getter, by an event, or at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.deploy.deployer import Deployable, deployable
from lab.ops.executors import SignerExecutor
from lab.ops.inspection import UNNAMED, inspect_chains, look_for_drift
from lab.ops.operation import Operation
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures.rotation import AcceptOwner, CancelOwner, ProposeOwner
from lab.ops.report import ChainReport
from tests.compiling import compile_once
from tests.detection.parts import written_without

from .conftest import Site, address

NEW, OTHER = address("newowner"), address("user")
# What the contract lacks -> what is said of an account that cannot accept.
UNPROPOSED = {
    "pending owner": "nobody is",
    "word of proposals": "the contract does not say who is, and would refuse its accept_ownership",
}


@pytest.fixture(params=UNPROPOSED)
def part(request: pytest.FixtureRequest) -> str:
    """What the contract lacks."""
    return str(request.param)


@pytest.fixture
def here(part: str, site: Callable[..., Site], tmp_path: Path) -> Site:
    """One chain with such a contract."""
    made: Deployable = deployable(compile_once(written_without(part, tmp_path / "sources")))
    return site("sepolia", target=made)


def ended(operation: Operation, procedure: Procedure, executor: SignerExecutor) -> ChainReport:
    """One command on the one chain."""
    (report,) = carry_out(operation, procedure, executor).chains
    return report


def drift(operation: Operation) -> ChainReport:
    """The chain against what is declared."""
    (report,) = inspect_chains(operation, "drift", lambda chain: look_for_drift(operation, chain)).chains
    return report


def test_from_proposal_to_acceptance(part: str, here: Site) -> None:
    """Too early, taken back, proposed twice, by the wrong account: each is said, and nothing is sent for it."""
    there = here.opened()
    operation = there.operation
    accept, propose, cancel = AcceptOwner(operation, NEW), ProposeOwner(operation, NEW), CancelOwner(operation)
    refused = f"expected {NEW} to be pending, {UNPROPOSED[part]}: propose it first (`lab ops rotate owner --to {NEW}`)"
    pending = f"{NEW} is pending, and has yet to call accept_ownership (`lab ops rotate owner --to {NEW} --accept`)"
    with there.executor(address("owner")) as owner, there.executor(NEW) as new, there.executor(OTHER) as other:
        early = ended(operation, accept, new)
        assert (early.left, early.results) == ([refused], [])
        proposed, again = ended(operation, propose, owner), ended(operation, propose, owner)
        assert (proposed.left, len(proposed.results)) == ([pending], 1)
        assert (again.left, again.results) == ([pending], [])
        wrong = ended(operation, AcceptOwner(operation, OTHER), other)
        assert wrong.results == []
        assert f"expected {OTHER} to be pending, " in wrong.left[0]
        assert (NEW in wrong.left[0]) is (part == "pending owner")
        assert ended(operation, cancel, owner).standing == "equal"
        assert ended(operation, cancel, owner).results == []
        late = ended(operation, accept, new)
        assert (late.left, late.results) == ([refused], [])
        ended(operation, propose, owner)
        accepted = ended(operation, accept, new)
    assert (accepted.standing, len(accepted.results)) == ("equal", 1)
    assert accepted.after is not None
    assert accepted.after.owner == NEW


def test_drift_sees_a_proposal_where_the_contract_names_it(part: str, here: Site) -> None:
    """By its events where there is no getter; where there is neither, that is said."""
    operation = here.operation()
    assert drift(operation).standing == "equal"
    here.send("sepolia", "owner", "propose_owner", NEW)
    here.mine(3)
    seen = drift(here.operation())
    if part == "pending owner":
        assert seen.left == [f"expected nobody to become owner, {NEW} is pending"]
    else:
        assert (seen.left, seen.plan.notes) == ([], (UNNAMED,))
