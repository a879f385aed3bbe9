"""SIGKILL at each step of a command of a Safe's, proposing and carrying out; then the command again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import zip_longest

import pytest

from lab.ops.procedures.operators import AddOperator
from lab.safe.proposal import read_proposal
from tests.unit.ops.killing import killed, moments, steps_of
from tests.unit.real_safes import EXECUTOR

from .conftest import FIRST, SECOND, THIRD, Owned

pytestmark = pytest.mark.reliability


@pytest.mark.parametrize("version", ["1.4.1", "1.5.0"])
def test_killed_at_each_step(owned: Callable[..., Owned], version: str) -> None:
    """There is one proposal, and it is carried out once. LAB_TORTURE=20 kills at every step."""
    there, accounts = owned(version), _accounts()
    first = AddOperator(next(accounts))
    proposing = steps_of(partial(there.run, first))
    there.sign(there.proposal(nonce=1), FIRST, SECOND)
    executing = steps_of(partial(there.run, first))
    assert there.run(first).standing == "equal"
    sent, trials = there.lab.rpc.nonce(EXECUTOR.address), 0
    # The moments of both go together: there are about as many trials as the longer one has.
    for nonce, (at_proposal, at_execution) in enumerate(zip_longest(moments(proposing), moments(executing)), start=2):
        procedure = AddOperator(next(accounts))
        where = f"step {at_proposal} of {proposing}, then {at_execution} of {executing}"
        if at_proposal is not None:
            trials += killed(partial(there.run, procedure), at_proposal)
        assert there.run(procedure).standing == "differs", where
        path = there.proposal(nonce=nonce)
        assert read_proposal(path).signatures == (), where
        there.sign(path, FIRST, SECOND if nonce % 2 else THIRD)
        if at_execution is not None:
            trials += killed(partial(there.run, procedure), at_execution)
        there.lab.world.mine()
        report = there.run(procedure)
        assert report.standing == "equal", (where, report.left)
        assert there.lab.reader.state().nonce == nonce + 1, where
        assert there.lab.rpc.nonce(EXECUTOR.address) == sent + nonce - 1, where
    assert trials


def _accounts() -> Iterator[str]:
    """One after another that nobody knows."""
    yield from (f"0x{number:04x}" + "5b" * 18 for number in range(1, 10_000))
