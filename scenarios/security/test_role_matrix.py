"""Every state-changing function of the contract, called by every role: who may, can; who may not, cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import once_only
from lab.deploy.layers import binds
from lab.model.record_parts.about import About
from lab.rpc import RpcRefused
from lab.runner.proxies import behind
from lab.runner.script import Script
from lab.runner.sending import GAS, send_all

SETUP = """
name: Every state-changing function, called by every role
description: >
  Fourteen functions and three batches, seven roles. A call by a role that may not make it must revert for that reason,
  whatever its arguments; a call by one that may must not fail for want of authority. Nothing may have changed by a call
  that was refused. What sets a contract up, as behind a proxy, is refused from then on, and by the implementation.
rows: [SEC-01]
networks: {polygon: {}}
relayer: none
timeout: 60m
checks: [default, S6]
"""

ROLES = ("owner", "operator", "operator2", "relayer", "attacker", "user", "newowner")
UNKNOWN_ID = "0x" + "ab" * 32

# How a refusal for want of authority reads.
OPERATOR_REFUSAL = ("Not authorized",)
OWNER_REFUSALS = ("Only owner", "Only pending owner")


def fresh_buffer(script: Script, number: int) -> tuple[Any, ...]:
    """Arguments that a buffering by an operator succeeds with."""
    far = script.run.far
    tx_id = f"0x{number:064x}"
    return (tx_id, rollup_address("a"), rollup_address("b"), "0x01", ZERO_ID, far)


def operator_functions(script: Script, number: int) -> list[tuple[str, tuple[Any, ...]]]:
    """The functions for operators, with arguments. What fails beyond authority fails for another reason."""
    return [
        ("buffer_transaction", fresh_buffer(script, number)),
        ("resolve_dependency", (UNKNOWN_ID,)),
        ("mark_executed", (UNKNOWN_ID,)),
        ("expire_transaction", (UNKNOWN_ID,)),
        ("mark_failed", (UNKNOWN_ID,)),
        ("buffer_batch", ([fresh_buffer(script, number + 1)],)),
        ("resolve_batch", ([UNKNOWN_ID],)),
        ("execute_batch", ([UNKNOWN_ID],)),
    ]


def owner_functions() -> list[tuple[str, tuple[Any, ...]]]:
    """The functions for the owner."""
    someone = role_account("user").address
    return [
        ("add_operator", (someone,)),
        ("remove_operator", (someone,)),
        ("set_coordination_window", (60,)),
        ("set_execution_window", (0,)),
        ("set_breaker_threshold", (25,)),
        ("propose_owner", (role_account("newowner").address,)),
        ("pause", ()),
        ("unpause", ()),
    ]


def own_refusal(script: Script, function: str, args: tuple[Any, ...]) -> str | None:
    """How a contract refuses a stranger in words of its own; None where it has to use the documented ones."""
    target = script.run.lab.spec.target
    if binds(target, "Only owner", function):
        return None
    call = {"from": role_account("attacker").address, "to": target.address, "data": target.codec.encode(function, args)}
    try:
        script.reader("polygon").rpc.call("eth_call", call, "latest")
    except RpcRefused as refused:
        return target.codec.reasons.decoded(refused.data) or "without a reason"
    return "it is not refused"


def judge(
    script: Script, function: str, args: tuple[Any, ...], role: str, may: bool, refusals: tuple[str, ...]
) -> None:
    """One cell of the matrix."""
    own = own_refusal(script, function, args)
    pending = script.call("polygon", function, *args, role=role)
    reason = pending.revert or "without a reason"
    refused = pending.outcome == "fail" and (own is not None or any(text in reason for text in refusals))
    if own is not None and may and refused:
        # The same words as to a stranger may mean the caller or the arguments: other words mean the arguments.
        if own in reason:
            return
        refused = False
    actual = "ok" if pending.outcome == "ok" else f"{pending.outcome} ({pending.revert})"
    expected = "to be let in" if may else "to be refused for want of authority"
    about = None if may else About(function=function, refusals=(refusals, ()))
    script.expect(f"{function} by {role} {expected}", actual, met=refused is not may, about=about)


def judge_initializers(script: Script) -> None:
    """What sets a contract up is called once: whoever could call it again would own the contract.

    An implementation that was never set up belongs to whoever does it.
    """
    target = script.run.lab.spec.target
    calls = once_only(target)
    implementation = behind(script.reader("polygon").rpc, target) if calls else None
    for call in calls:
        name = call.what.partition("(")[0]
        for role in ("attacker", "owner"):
            told, met = refusal(script, role, target.address, call.data)
            script.expect(f"{name} by {role} to be refused, once the contract is set up", told, met=met)
        if implementation is not None:
            told, met = refusal(script, "attacker", implementation.address, call.data)
            script.expect(f"{name} of the implementation itself, by attacker, to be refused", told, met=met)


def refusal(script: Script, role: str, to: str, data: str) -> tuple[str, bool]:
    """Whether a call is refused, in words and as it is."""
    (tx,) = send_all(script.run, "polygon", role, [(to, data)], GAS)
    return ("it succeeded" if tx.status else "refused"), tx.status == 0


def play(script: Script) -> None:
    """The whole matrix, the owner's functions last, since they change who may what."""
    target = script.run.lab.spec.target
    codec, number = target.codec, 1
    judge_initializers(script)
    # Who may end what is late is for the contract to say.
    free = () if target.reference else ("expire_transaction",)
    held = script.run.lab.operators()
    operators = [role for role in ROLES if role_account(role).address in held]
    for role in ROLES:
        for function, args in operator_functions(script, number):
            if codec.has(function) and not (function in free and role not in operators):
                # Set-up gives second roles to the owner, too, whether it makes it an operator or not.
                second = any(function in one.functions for one in codec.names.second_roles.values())
                may = role in operators or (role == "owner" and second)
                judge(script, function, args, role, may, OPERATOR_REFUSAL)
        number += 2
    count = script.read("polygon", "transaction_count")
    each = 2 if codec.has("buffer_batch") else 1
    script.expect_equal("transactions buffered by those who may", count, each * len(operators))
    for role in reversed(ROLES):
        for function, args in owner_functions():
            if codec.has(function):
                judge(script, function, args, role, role == "owner", OWNER_REFUSALS)
    if codec.has("accept_ownership"):
        for role in reversed(ROLES):
            judge(script, "accept_ownership", (), role, role == "newowner", OWNER_REFUSALS)
        script.expect_equal("the owner", script.read("polygon", "owner"), role_account("newowner").address)


def test_role_matrix(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run the matrix and judge the history."""
    lab_run(SETUP, play)
