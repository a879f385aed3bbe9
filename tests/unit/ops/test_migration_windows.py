"""A migration where time goes on meanwhile: what comes due is named, and an unfit new contract is found first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from lab.errors import UsageError
from lab.ops.backup.migrate import Migration
from lab.ops.backup.pace import Blocks
from lab.ops.executors import SignerExecutor

from .conftest import Site, address
from .many import before_sends, pass_time

Start = Callable[..., Site]
CHAIN, COUNT, SOON_S, FAR_S = "sepolia", 5, 2_000, 500_000


@dataclass
class Move:
    """From the session's contract to a second one."""

    here: Site
    new: str

    @contextmanager
    def begun(self) -> Iterator[Migration]:
        """As the command makes it."""
        there = self.here.opened()
        (old,) = there.operation.chains
        onto = replace(there.operation, chains=(replace(old, contract=self.new),), folder=self.here.folder / "onto")
        with there.executor(address("owner")) as owner, there.executor(address("operator")) as operator:
            yield Migration(there.operation, onto, CHAIN, owner, operator.bulk(at_once=2))

    def state(self, number: int) -> str:
        """In the new contract."""
        (chain,) = self.here.opened().operation.chains
        return replace(chain, contract=self.new).reader.state(f"0x{number:064x}")

    def is_retired(self) -> bool:
        """The old contract."""
        return bool(self.here.opened().operation.chains[0].getters.get("paused"))


@pytest.fixture
def move(site: Start) -> Move:
    """Open transactions in the old contract, the first due before the others; the new one has no operator yet."""
    here = site(CHAIN)
    created = here.send_data(CHAIN, "owner", None, here.target.contract.bytecode, gas=10_000_000)
    assert created is not None
    for number in range(1, COUNT + 1):
        in_s = SOON_S if number == 1 else FAR_S
        here.send(CHAIN, "operator", "buffer_transaction", *here.buffer_args(CHAIN, number, in_s=in_s))
    here.mine(3)
    return Move(here, str(created["contractAddress"]).lower())


def add_operator(move: Move) -> None:
    """To the new contract."""
    data = move.here.target.codec.encode("add_operator", [address("operator")])
    move.here.send_data(CHAIN, "owner", move.new, data)
    move.here.mine(3)


def test_a_contract_that_takes_nothing_is_found_before_the_old_one_retires(move: Move) -> None:
    """It has not the operator that buffers: the plan says so, and so does whoever goes on without one."""
    with move.begun() as migration:
        for step in (migration.plan, lambda: migration.run(drain_s=0)):
            with pytest.raises(UsageError, match="reverts: Not authorized: set it up first"):
                step()
    assert not move.is_retired()


def test_what_comes_due_meanwhile_takes_nothing_along(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain jumps while the batch is on its way, which reverts: the others are moved, and the one is named."""
    add_operator(move)
    with monkeypatch.context() as slow, move.begun() as migration:
        jumps = iter([SOON_S])

        def jump(function: str) -> None:
            if function == "buffer_batch" and (seconds := next(jumps, 0)):
                pass_time(move.here, seconds, CHAIN)

        sent = before_sends(move.here, slow, jump)
        migrated = migration.run(drain_s=0)
    assert sent.count("buffer_batch") == 2
    assert (migrated.exit_code, migrated.moved, migrated.differences) == (1, COUNT - 1, [])
    assert [line.partition(" was not moved: its time comes")[0] for line in migrated.left] == [f"0x{1:064x}"]
    assert "again" not in migrated.left[0]
    assert [move.state(number) for number in range(1, COUNT + 1)] == ["EMPTY", *["BUFFERED"] * (COUNT - 1)]


def test_the_plan_leaves_time_for_moving(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due before retiring and moving are done, by the chain's blocks, is the relayer's to end first."""
    add_operator(move)
    with move.begun() as migration:
        assert migration.lead_s <= migration.lead(COUNT) < SOON_S / 4
        assert not any(line.startswith("waits until") for line in migration.plan())
        monkeypatch.setattr("lab.ops.backup.migrate.blocks_of", lambda chain: Blocks(SOON_S / 4, 30_000_000))
        assert migration.lead(COUNT) > SOON_S
        (waits,) = [line for line in migration.plan() if line.startswith("waits until")]
        assert f"0x{1:064x}" in waits


def test_a_contract_retires_in_one_wait(move: Move) -> None:
    """Its stop and the removal of each operator are signed before the first of them is in a block."""
    add_operator(move)
    with move.begun() as migration:
        assert migration.run(drain_s=0).exit_code == 0
        assert isinstance(migration.owner, SignerExecutor)
        lines = migration.owner.journal.read_text().splitlines()[1:]
    events = [json.loads(line)["event"] for line in lines]
    removals = len(events) // 3
    assert removals > 2
    assert events[:removals] == ["signed"] * removals
