"""Sequences of calls: no more of them in one block than the contract takes."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from lab.runner.model_based.build import Builder, Traits
from lab.runner.model_based.sequence import Due


@pytest.mark.parametrize("per_block", [1, 2, 3])
def test_a_block_holds_what_the_contract_takes(per_block: int) -> None:
    """Also where what was waited for came to nothing."""
    make = Builder(Random(0), Traits(frozenset({"buffer_transaction"}), per_block=per_block), 0)
    for seconds in (0, 0, 1, 0, 0, 0, 2, 0):
        make.buffer(Due(99))
        make.wait(seconds)
        make.until(make.now)
    assert max(Counter(step.at for step in make.steps).values()) == per_block
