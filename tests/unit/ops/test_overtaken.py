"""A plan of several calls, while somebody else or another call of it changes what the next one does or costs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.deploy.deployer import Deployable, deployable
from lab.live.execution.waiting import Waiting
from lab.ops.planning import calls_of
from lab.ops.procedure import carry_out
from lab.ops.procedures.maintenance import begin, end
from lab.ops.procedures.operators import AddOperator, SyncOperators
from lab.ops.procedures.pausing import Pause
from lab.ops.procedures.rotation import Drain, rotate_operator
from lab.ops.report import EVIDENCE
from lab.paths import REFERENCE_CONTRACT
from lab.rpc import HttpTransport
from tests.compiling import compile_once

from .conftest import Site, address

Start = Callable[..., Site]
CHAIN, OWNER, OLD, NEW = "sepolia", address("owner"), address("operator"), address("user")
STRANGERS = [f"0x{0xABC << 100 | number:040x}" for number in range(2)]
REMOVAL = "    self.authorized_operators[operator] = False\n"


@pytest.fixture
def contract(tmp_path: Path) -> Callable[[str, str], Deployable]:
    """`contract(storage, removal)`: the reference with more storage, and more done before an operator is removed."""

    def make(storage: str, removal: str) -> Deployable:
        folder = tmp_path / "contract"
        shutil.copytree(REFERENCE_CONTRACT.parent, folder, ignore=shutil.ignore_patterns("broken", "plain"))
        path = folder / REFERENCE_CONTRACT.name
        text = path.read_text()
        assert text.count(REMOVAL) == 1
        text = text.replace(REMOVAL, removal + REMOVAL).replace(
            "\nstruct BufferRequest:", f"{storage}\n\nstruct BufferRequest:"
        )
        path.write_text(text)
        return deployable(compile_once(path))

    return make


def acting(here: Site, at: int, act: Callable[[], object]) -> Waiting:
    """Waits of a command, in whose wait of that number somebody acts."""
    waiting, waits = here.waiting(), [0]

    def sleep(seconds: float) -> None:
        waits[0] += 1
        if waits[0] == at:
            act()
        waiting.sleep(seconds)

    return replace(waiting, sleep=sleep)


def test_what_somebody_else_did_of_a_plan_is_not_done_again(
    site: Start, contract: Callable[[str, str], Deployable]
) -> None:
    """Its call would revert, where a contract removes nobody twice: the command goes on with the rest of its plan."""
    strict = '    assert self.authorized_operators[operator], "Not an operator"\n'
    here = site(CHAIN, target=contract("", strict))
    for account in STRANGERS:
        here.send(CHAIN, "owner", "add_operator", account)
    here.send(CHAIN, "owner", "remove_operator", OLD)
    here.mine(3)
    there = here.opened()
    # While the addition of the plan waits for its final block.
    waiting = acting(here, 2, lambda: here.send(CHAIN, "owner", "remove_operator", STRANGERS[0]))
    timing = replace(there.operation.timing, waiting=waiting)
    operation = replace(there.operation, timing=timing)
    with replace(there, operation=operation).executor(OWNER) as executor:
        report = carry_out(operation, SyncOperators(operation), executor)
    (chain,) = report.chains
    assert [call.text.partition("(")[0] for call in chain.plan.calls] == ["add_operator", *["remove_operator"] * 2]
    assert (report.exit_code, chain.left) == (0, [])
    getters = operation.chains[0].getters
    assert [getters.get("authorized_operators", one) for one in (OLD, *STRANGERS)] == [True, False, False]


def estimated_in_the_latest_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """As nodes do that are not Anvil, whose estimate counts with what waits in its pool."""
    plain = HttpTransport.call

    def call(transport: HttpTransport, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        return plain(transport, method, [*params, "latest"] if method == "eth_estimateGas" else params, timeout_s)

    monkeypatch.setattr(HttpTransport, "call", call)


def test_calls_that_are_sent_together_have_gas_for_their_order(
    site: Start, contract: Callable[[str, str], Deployable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that costs more after another, as the members of a list do: estimated alone, it would run out of gas."""
    estimated_in_the_latest_block(monkeypatch)
    storage = "removed: uint256\nkept: HashMap[uint256, uint256]\n"
    removal = (
        "    for number: uint256 in range(self.removed * 8, bound=64):\n"
        "        self.kept[self.removed * 100 + number] = 1\n"
        "    self.removed += 1\n"
    )
    here = site(CHAIN, target=contract(storage, removal))
    there = here.opened()
    (chain,) = there.operation.chains
    calls = calls_of(chain, [("remove_operator", (one,)) for one in (OLD, *STRANGERS)])
    with there.executor(OWNER) as executor:
        results = executor.together(at_once=3).execute(chain, calls)
    assert [(one.outcome, one.reason) for one in results] == [("confirmed", None)] * 3


def test_what_nobody_agreed_to_is_left_after_a_success_too(site: Start) -> None:
    """A declared operator that somebody removes while a plan is carried out is no part of it."""
    here = site(CHAIN)
    here.send(CHAIN, "owner", "add_operator", STRANGERS[0])
    here.mine(3)
    there = here.opened()
    timing = replace(
        there.operation.timing,
        waiting=acting(here, 1, lambda: here.send(CHAIN, "owner", "remove_operator", OLD)),
    )
    operation = replace(there.operation, timing=timing)
    with replace(there, operation=operation).executor(OWNER) as executor:
        report = carry_out(operation, SyncOperators(operation), executor)
    (chain,) = report.chains
    assert [result.call.text for result in chain.results] == [f"remove_operator({STRANGERS[0]})"]
    assert report.exit_code == 1
    assert chain.left == [f"add_operator({OLD}) is still to be done"]


def test_a_successor_that_is_none_any_more_leaves_the_old_one_in_place(site: Start) -> None:
    """Added, and removed by somebody else while the old one was drained: the old one would have gone, too."""
    here = site(CHAIN)
    there = here.opened()
    with there.executor(OWNER) as executor:
        assert carry_out(there.operation, AddOperator(NEW), executor).exit_code == 0
    timing = replace(
        there.operation.timing, waiting=acting(here, 3, lambda: here.send(CHAIN, "owner", "remove_operator", NEW))
    )
    operation = replace(there.operation, timing=timing)
    with replace(there, operation=operation).executor(OWNER) as executor:
        _, removed = rotate_operator(operation, OLD, NEW, executor, drain=Drain(quiet_s=10, within_s=60))
        assert removed.exit_code == 1
        assert f"expected {NEW}, which takes over, to be an operator still" in removed.chains[0].left[0]
        assert operation.chains[0].getters.get("authorized_operators", OLD)
        again = rotate_operator(operation, OLD, NEW, executor, drain=Drain(quiet_s=10, within_s=60))
    assert [report.exit_code for report in again] == [0, 0]


def test_the_end_of_a_maintenance_lifts_no_stop_of_somebody_else(site: Start) -> None:
    """A chain that it could not stop was stopped later, for another reason: that stop is not its own."""
    here = site(CHAIN)
    there = here.opened()
    with there.executor(address("attacker")) as nobody:
        begun = begin(there.operation, nobody, for_s=7200, reason="a drill", banner=there.beside)
    assert begun.exit_code == 1
    here.send(CHAIN, "owner", "pause")
    here.mine(3)
    with there.executor(OWNER) as executor:
        ended = end(there.operation, executor, banner=there.beside)
    assert (ended.exit_code, ended.chains) == (0, [])
    assert (there.operation.folder / ended.id / EVIDENCE).exists(), "the command names it"
    assert there.operation.chains[0].getters.get("paused")


@pytest.mark.parametrize("gap", [True, False], ids=["gap", "fee"])
def test_what_a_transaction_waits_for_is_said(site: Start, gap: bool) -> None:
    """To run the command again is no advice where an earlier nonce is missing, or the fee has risen above its offer."""
    here = site(CHAIN)
    there = here.opened()
    rpc = here.rpc(CHAIN)
    waiting = here.waiting()

    def sleep(seconds: float) -> None:
        here.simulated_s += seconds
        if gap:
            # What the account had sent before is lost with the pool; the command's own is sent again.
            rpc.call("anvil_setNonce", OWNER, hex(nonce - 1))
        else:
            rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**13))
            here.mine()

    nonce = rpc.nonce(OWNER)
    timing = replace(there.operation.timing, waiting=replace(waiting, sleep=sleep, stuck_s=10_000))
    there = replace(there, operation=replace(there.operation, timing=timing))
    with there.executor(OWNER) as executor:
        report = carry_out(there.operation, Pause(), executor)
    (result,) = report.chains[0].results
    assert result.outcome == "unknown"
    told = str(result.reason)
    if gap:
        assert f"it has nonce {nonce}, and nonce {nonce - 1} of {OWNER} is in no block" in told
    else:
        assert "gwei at most, a unit of gas costs" in told
