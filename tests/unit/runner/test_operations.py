"""Client operations on a real chain: each ends ok, fail with its reason, or info at its deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.coordinator import role_account
from lab.faults import FAULTS
from lab.model.records import Operation
from lab.runner import operations as module
from lab.runner.operations import Operations, Pending
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import buffer_args, head, tx_id

ETH = "ethereum"


class Client:
    """Starts operations on one lab and remembers which have ended."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ended: list[str] = []
        target = lab.spec.target
        self.operations = Operations(lab.chains, lab.scheduler, lab.recorder, target.codec, target.address)

    def start(self, name: str, function: str, *args: Any, role: str = "operator", chain: str = ETH) -> Pending:
        """Begin one."""
        return self.operations.start(
            name, chain, function, args, role, finished=lambda pending: self.ended.append(pending.id)
        )

    def buffer(self, number: int, **how: Any) -> Pending:
        """Buffer a transaction."""
        return self.start(f"b{number}", "buffer_transaction", *buffer_args(self.lab, ETH, number), **how)

    def wait(self, *pending: Pending, seconds: int = 60) -> None:
        """Until they have ended."""
        self.lab.scheduler.advance_until(
            lambda: all(each.done for each in pending),
            deadline_ms=self.lab.scheduler.now_ms + seconds * 1000,
            step_ms=100,
            waiting_for="operations to end",
        )


@pytest.fixture
def client(start_lab: StartLab) -> Client:
    """Ten seconds after genesis of an Ethereum."""
    lab = start_lab(ETH)
    lab.scheduler.advance_to(10_000)
    lab.chains[ETH].look()
    return Client(lab)


def records(client: Client) -> list[Operation]:
    """The operations on record."""
    return [record for record in client.lab.recorder.records if isinstance(record, Operation)]


def test_ok(client: Client) -> None:
    """Mined with status 1: recorded from its begin to its end, with hash, block and arguments by name."""
    pending = client.buffer(1)
    client.wait(pending)
    (record,) = records(client)
    assert (pending.outcome, record.outcome, client.ended) == ("ok", "ok", ["b1"])
    assert (record.t_ms, record.actor, record.revert) == (10_000, "operator", None)
    assert record.end_ms == client.lab.scheduler.now_ms or record.end_ms > 10_000
    assert record.args["tx_id"] == tx_id(1)
    assert record.block == head(client.lab, ETH)
    assert client.lab.reader(ETH).state(tx_id(1)) == "BUFFERED"


def test_what_an_earlier_one_makes_dearer_has_gas_for_it(client: Client) -> None:
    """To add an operator that is one costs next to nothing; behind its removal, which the node lost meanwhile, more."""
    account = role_account("operator").address
    removed = client.start("remove", "remove_operator", account, role="owner")
    client.lab.scheduler.advance_to(10_100)
    client.lab.chains[ETH].look().call("anvil_dropAllTransactions")
    added = client.start("add", "add_operator", account, role="owner")
    client.wait(removed, added)
    assert (removed.block, removed.outcome, added.outcome) == (added.block, "ok", "ok")


@pytest.mark.parametrize(
    ("role", "function", "args", "reason"),
    [
        ("attacker", "resolve_dependency", [tx_id(1)], "Not authorized"),
        ("operator", "mark_executed", [tx_id(1)], "Transaction not ready"),
        ("operator", "set_coordination_window", [30], "Only owner can set window"),
        ("owner", "set_coordination_window", [4], "Window must be between 5 and 300 seconds"),
    ],
)
def test_a_revert_is_mined_and_has_its_reason(
    client: Client, role: str, function: str, args: list[Any], reason: str
) -> None:
    """The estimate of gas fails first, and the transaction is sent all the same: the chain must say it."""
    pending = client.start("o", function, *args, role=role)
    client.wait(pending)
    assert (pending.outcome, pending.revert) == ("fail", reason)
    assert pending.tx is not None
    assert pending.tx.status == 0
    assert records(client)[0].revert == reason


def test_many_of_one_role_at_once(client: Client) -> None:
    """Nonces follow each other; all are mined."""
    pending = [client.buffer(number) for number in range(1, 9)]
    client.wait(*pending)
    assert [each.outcome for each in pending] == ["ok"] * 8
    assert client.lab.reader(ETH).get("transaction_count") == 8


@pytest.mark.parametrize("offset_ms", range(0, 2200, 100))
def test_begun_when_another_was_just_mined(client: Client, offset_ms: int) -> None:
    """One that is in a block and has not noticed yet does not leave a gap in the nonces."""
    first = client.buffer(1)
    client.lab.scheduler.advance_to(client.lab.chains[ETH].producer.next_slot_ms() + offset_ms)
    second = client.buffer(2)
    client.wait(first, second, seconds=40)
    assert (first.outcome, second.outcome) == ("ok", "ok")


def test_a_base_fee_spike_evicts_and_it_is_sent_again(client: Client) -> None:
    """With a fee that the next block takes, and the same nonce: it happens once."""
    pending = client.buffer(1)
    client.lab.scheduler.advance_to(10_100)
    spec = FAULTS["base_fee_spike"].spec.model_validate({"fault": "base_fee_spike", "chain": ETH, "factor": 50})
    FAULTS["base_fee_spike"].activate(client.lab.fault_context, "spike", spec).inject()
    client.wait(pending)
    assert pending.outcome == "ok"
    assert len(pending.hashes) >= 2
    assert pending.tx is not None
    assert pending.tx.hash == pending.hashes[-1]
    assert client.lab.chains[ETH].look().nonce(role_account("operator").address) == 1


def test_a_killed_node_loses_it_and_it_is_sent_again(client: Client) -> None:
    """Once the node is back."""
    pending = client.buffer(1)
    client.lab.scheduler.advance_to(10_100)
    assert len(pending.hashes) == 1
    client.lab.chains[ETH].crash()
    client.lab.scheduler.advance_to(40_000)
    assert not pending.done
    client.lab.chains[ETH].restart()
    client.wait(pending)
    assert (pending.outcome, len(pending.hashes)) == ("ok", 2)


def _down(lab: Lab) -> None:
    lab.chains[ETH].crash()


def _frozen(lab: Lab) -> None:
    lab.chains[ETH].freeze()


@pytest.mark.parametrize("stop", [_down, _frozen])
def test_info_at_the_deadline(client: Client, monkeypatch: pytest.MonkeyPatch, stop: Callable[[Lab], None]) -> None:
    """It may or may not have happened: neither ok nor fail is said."""
    monkeypatch.setattr(module, "DEADLINE_MS", 20_000)
    pending = client.buffer(1)
    client.lab.scheduler.advance_to(10_100)
    stop(client.lab)
    client.wait(pending)
    (record,) = records(client)
    assert (record.outcome, record.block, record.revert) == ("info", None, "not mined within 20 s")
    assert record.tx == pending.hashes[0]
    assert 30_000 <= record.end_ms <= 32_000
    assert client.ended == ["b1"]


def test_arguments_that_do_not_fit_are_refused_at_once(client: Client) -> None:
    """Nothing is recorded and nothing is under way."""
    with pytest.raises(ValueError, match="expected resolve_dependency"):
        client.start("o", "resolve_dependency", "nonsense")
    with pytest.raises(KeyError, match="nonesuch"):
        client.start("o", "nonesuch")
    assert records(client) == []


def test_other_chains_and_roles_do_not_wait(start_lab: StartLab) -> None:
    """A frozen chain holds up its own operations only."""
    lab = start_lab(ETH, "base")
    lab.scheduler.advance_to(5000)
    client = Client(lab)
    lab.chains[ETH].freeze()
    stuck = client.buffer(1)
    free = client.start("f", "resolve_dependency", tx_id(9), chain="base")
    client.wait(free)
    assert (free.outcome, free.revert, stuck.outcome) == ("fail", "Transaction not in buffered state", None)


def test_no_more_in_a_block_than_the_contract_takes_of_an_account(client: Client) -> None:
    """A third one waits for a block of its own; another account's does not."""
    target = client.lab.spec.target
    client.operations = Operations(
        client.lab.chains, client.lab.scheduler, client.lab.recorder, target.codec, target.address, per_block=2
    )
    mine = [client.buffer(number) for number in (1, 2, 3)]
    other = client.buffer(4, role="operator2")
    client.wait(*mine, other)
    assert {pending.outcome for pending in (*mine, other)} == {"ok"}
    first, second, third = (pending.block for pending in mine)
    assert (first, third) == (second, (second or 0) + 1)
    assert other.block == first
