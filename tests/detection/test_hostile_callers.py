"""Contracts that call the coordinator: one lures an operator, one re-enters. The reference withstands both."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.broken import read_bugs
from lab.chains.nodes.process import ProcessBackend
from lab.model.verdict import Verdict

from .callers import TX_ID, encoded, stage
from .conftest import compiled

LURED, REENTERED = read_bugs()["tx_origin_auth"], read_bugs()["reentrancy"]
REFERENCE = Path("TesseractCoordinator.vy")
TARGET = "0x" + "22" * 20


@pytest.mark.parametrize(
    ("contract", "succeeds", "state", "verdict"),
    [
        (Path(f"broken/{LURED.name}.vy"), True, "EXECUTED", Verdict.FAIL),
        (REFERENCE, False, "READY", Verdict.PASS),
    ],
    ids=[LURED.name, "reference"],
)
def test_an_operator_lured_into_a_call_grants_nothing(
    shared_backend: ProcessBackend, tmp_path: Path, contract: Path, succeeds: bool, state: str, verdict: Verdict
) -> None:
    """S6 looks at the direct caller: the attacker's contract, whoever sent the transaction."""
    lure = compiled(Path("attackers/LuringContract.vy"))
    with stage(compiled(contract), shared_backend, tmp_path) as on:
        address = on.deploy(lure)
        on.make_ready(TARGET)
        status = on.send("operator", address, encoded(lure, "claim_reward", on.coordinator, TX_ID))
        found = on.judge(LURED.caught_by)
        assert (status, on.state(), found.verdict) == (int(succeeds), state, verdict), found.reason
        if succeeds:
            assert f"{address} (in a transaction of operator), which was not, succeeded" in found.findings[0].message


@pytest.mark.parametrize(
    ("contract", "executions", "verdict"),
    [(Path(f"broken/{REENTERED.name}.vy"), 2, Verdict.FAIL), (REFERENCE, 1, Verdict.PASS)],
    ids=[REENTERED.name, "reference"],
)
def test_a_target_that_re_enters_executes_nothing_twice(
    shared_backend: ProcessBackend, tmp_path: Path, contract: Path, executions: int, verdict: Verdict
) -> None:
    """S5 counts the inner call too, although the target is an operator and the transaction looks like one execution."""
    reentering = compiled(Path("attackers/ReenteringTarget.vy"))
    with stage(compiled(contract), shared_backend, tmp_path) as on:
        address = on.deploy(reentering)
        assert on.call("owner", "add_operator", address) == 1
        on.make_ready(address)
        assert on.call("operator", "mark_executed", TX_ID) == 1
        assert on.state() == "EXECUTED"
        found = on.judge(REENTERED.caught_by)
        assert found.verdict is verdict, found.reason
        if executions > 1:
            assert (
                f"at most one execution of transaction {TX_ID[:8]}…{TX_ID[-4:]} on base, there are {executions}"
                in found.reason
            )
