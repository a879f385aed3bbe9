"""What executors promise: one result for each call, and nothing that another command signed is signed again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from lab.errors import UsageError
from lab.live.journaling.journal import Journal, read_journal
from lab.ops.executors import CalldataExecutor, SignerExecutor
from lab.ops.executors.calldata import checksum, transaction_builder
from lab.ops.planning import calls_of
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator
from lab.ops.procedures.pausing import Pause

from .conftest import Site, address

Start = Callable[..., Site]


def test_call_data_is_written_for_the_transaction_builder(site: Start, tmp_path: Path) -> None:
    """Version 1.0, with a checksum that holds whatever the batch is called; nothing is sent."""
    here = site("sepolia")
    operation, shown = here.operation(), list[str]()
    executor = CalldataExecutor(address("owner"), tmp_path / "calldata", shown.append, created_ms=1)
    report = carry_out(operation, AddOperator(address("user")), executor)
    assert report.exit_code == 1
    (result,) = report.chains[0].results
    assert (result.outcome, result.tx) == ("proposed", None)
    assert result.path is not None
    batch = json.loads(result.path.read_text())
    assert (batch["version"], batch["chainId"]) == ("1.0", str(operation.chains[0].chain_id))
    assert [entry["data"] for entry in batch["transactions"]] == [result.call.data]
    assert checksum(batch) == batch["meta"]["checksum"]
    # What the application wants of an entry that it imports: no number but as text, and null where there is no method.
    assert {type(entry[key]) for entry in batch["transactions"] for key in ("to", "value", "data")} == {str}
    assert {entry[key] for entry in batch["transactions"] for key in ("contractMethod", "contractInputsValues")} == {
        None
    }
    assert result.call.text in shown[0]
    again = transaction_builder(11155111, [result.call], sender=address("owner"), created_ms=1)
    assert again == batch
    renamed = transaction_builder(11155111, [replace(result.call, function="x")], sender=address("owner"), created_ms=1)
    assert renamed["meta"]["name"] != batch["meta"]["name"]


def test_the_checksum_is_the_applications() -> None:
    """The batch of the application's own test of it (safe-wallet-monorepo, apps/tx-builder, checksum.test.ts, 2026)."""
    owner = "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6"
    meta = {"name": "test batch file", "txBuilderVersion": "1.4.0", "checksum": "", "createdFromOwnerAddress": owner}
    meta["createdFromSafeAddress"] = "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa"

    def call(type_: str, inputs: dict[str, str]) -> dict[str, Any]:
        name = f"param{type_.capitalize()}"
        method: dict[str, Any] = {"name": f"test{type_.capitalize()}", "payable": False}
        method["inputs"] = [{"internalType": type_, "name": name, "type": type_}]
        return {"to": owner, "value": "0", "contractMethod": method, "contractInputsValues": inputs}

    data = f"0x42f45790{owner[2:].lower():0>64}"
    batch = {
        "version": "1.0",
        "chainId": "4",
        "createdAt": 1646321521061,
        "meta": meta,
        "transactions": [
            call("address", {"paramAddress": owner}),
            call("bool", {"paramAddress": "", "paramBool": "false"}),
            {"to": owner, "value": "2000000000000000000", "data": data},
        ],
    }
    assert checksum(batch) == "0x86c81826dbf7e8a37612153294cc85fdf5c81998dd0a44b86d945502a7eace7c"
    batch["transactions"] = list(reversed(batch["transactions"]))  # type: ignore[call-overload]
    assert checksum(batch) != "0x86c81826dbf7e8a37612153294cc85fdf5c81998dd0a44b86d945502a7eace7c"


@pytest.mark.reliability
@pytest.mark.parametrize("event", ["signed", "mined", "final"])
@pytest.mark.parametrize("after", [False, True])
def test_a_command_that_was_killed_is_taken_up(site: Start, event: str, after: bool) -> None:
    """SIGKILL before or after any line of the journal: the next command ends what was begun, once."""
    here = site("sepolia")
    before = here.rpc("sepolia").nonce(address("owner"))
    if (child := os.fork()) == 0:
        _killed(here, event, after)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    here.mine()
    again = here.opened()
    with again.executor(address("owner")) as executor:
        report = carry_out(again.operation, AddOperator(address("user")), executor)
    assert report.exit_code == 0
    assert here.rpc("sepolia").nonce(address("owner")) == before + 1, "it took effect once"


def _killed(here: Site, event: str, after: bool) -> NoReturn:
    """The command in a process of its own, which ends itself at that line; it never returns."""
    add = Journal.add

    def killed(self: Journal, entry: Any) -> None:
        if after:
            add(self, entry)
        if entry.event == event:
            os.kill(os.getpid(), signal.SIGKILL)
        add(self, entry)

    try:
        Journal.add = killed  # type: ignore[method-assign]  # a process of its own
        there = here.opened()
        with there.executor(address("owner")) as executor:
            carry_out(there.operation, AddOperator(address("user")), executor)
    finally:
        os._exit(1)


def test_the_executing_block_is_reorganised_away(site: Start) -> None:
    """The same bytes are sent again, and only a final block ends the command."""
    here = site("sepolia")
    there, rpc = here.opened(), here.rpc("sepolia")
    snapshot = rpc.call("evm_snapshot")
    waiting, reorganised = here.waiting(), list[int]()

    def sleep(seconds: float) -> None:
        here.simulated_s += seconds
        rpc.call("evm_mine")
        if not reorganised and any("in block" in line for line in here.said):
            reorganised.append(rpc.block_number())
            rpc.call("evm_revert", snapshot)
            rpc.call("evm_mine")

    timing = replace(there.operation.timing, waiting=replace(waiting, sleep=sleep))
    there = replace(there, operation=replace(there.operation, timing=timing))
    with there.executor(address("owner")) as executor:
        report = carry_out(there.operation, Pause(), executor)
    assert reorganised
    assert report.exit_code == 0
    assert any("reorganised away" in line for line in here.said)
    _, entries, _ = read_journal(there.journals / f"ops-test.ops-{address('owner')[:10]}.journal.jsonl")
    assert len({entry.tx for entry in entries}) == 1


def test_what_is_never_in_a_block_is_unknown(site: Start) -> None:
    """It may still be mined: neither done nor undone, exit code 3; the next command waits for the same bytes."""
    here = site("sepolia")
    before = here.rpc("sepolia").nonce(address("owner"))
    waiting = here.waiting()

    def sleep(seconds: float) -> None:
        here.simulated_s += seconds

    there = here.opened()
    timing = replace(there.operation.timing, waiting=replace(waiting, sleep=sleep, stuck_s=10_000))
    there = replace(there, operation=replace(there.operation, timing=timing))
    with there.executor(address("owner")) as executor:
        report = carry_out(there.operation, Pause(), executor)
    assert (report.exit_code, report.chains[0].standing) == (3, "unknown")
    (result,) = report.chains[0].results
    assert result.outcome == "unknown"
    assert "run the command again" in str(result.reason)
    again = here.opened()
    with again.executor(address("owner")) as executor:
        report = carry_out(again.operation, Pause(), executor)
    assert (report.exit_code, report.chains[0].results[0].tx) == (0, result.tx)
    assert here.rpc("sepolia").nonce(address("owner")) == before + 1


def test_a_call_that_would_carry_value_is_refused(site: Start) -> None:
    """No procedure sends any: what asks for it is none of theirs."""
    here = site("sepolia")
    there, before = here.opened(), here.rpc("sepolia").nonce(address("owner"), "pending")
    (chain,) = there.operation.chains
    (call,) = calls_of(chain, [("pause", ())])
    with there.executor(address("owner")) as executor:
        (result,) = executor.execute(chain, [replace(call, value=1)])
    assert (result.outcome, result.reason) == ("refused", "expected a call without value, got 1 wei")
    assert here.rpc("sepolia").nonce(address("owner"), "pending") == before


def test_two_commands_of_one_account_do_not_meet(site: Start) -> None:
    """They would share nonces: the second is refused."""
    there = site("sepolia").opened()
    with (
        there.executor(address("owner")),
        pytest.raises(UsageError, match="another command of this account"),
        there.executor(address("owner")),
    ):
        pass


def test_after_a_revert_the_rest_is_refused(site: Start) -> None:
    """A reverted call is void: it is not taken up again, and what came after it was not sent."""
    here = site("sepolia")
    there = here.opened()
    (chain,) = there.operation.chains
    calls = calls_of(chain, [("unpause", ()), ("pause", ())])
    with there.executor(address("owner")) as executor:
        results = executor.execute(chain, calls)
        assert [result.outcome for result in results] == ["refused", "refused"]
        assert "not sent" in (results[1].reason or "")
        assert isinstance(executor, SignerExecutor)
        assert executor.unfinished(chain) == []
