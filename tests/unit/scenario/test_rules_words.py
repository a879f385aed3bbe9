"""Names and values of the contract's vocabulary, and what faults hit."""

from __future__ import annotations

from pathlib import Path

import pytest

from .files import load, problems
from .test_rules_contract import text

CASES = [
    (
        "- {buffer: swap, expect: {event: TransactionBufferd}}",
        "11:36 timeline[0].expect.event: no event is called 'TransactionBufferd' (did you mean TransactionBuffered?)",
    ),
    (
        "- {call: {chain: optimism, function: resolveDependency, args: [swap.pay]}}",
        "11:40 timeline[0].call.function: no function is called 'resolveDependency' (did you mean resolve_dependency?)",
    ),
    (
        "- {call: {chain: optimism, function: set_coordination_window, args: [owner]}}",
        "11:72 timeline[0].call.args[0]: expected window_seconds: a whole number, got 'owner'",
    ),
    (
        "- {call: {chain: optimism, function: mark_failed, args: [attacker]}}",
        "11:60 timeline[0].call.args[0]: expected tx_id: a leg as flow.leg, or 0x and 64 hex digits, got 'attacker'",
    ),
    (
        "- {call: {chain: optimism, function: add_operator, args: ['0x1234']}}",
        "11:61 timeline[0].call.args[0]: expected operator: a role, or 0x and 40 hex digits, got '0x1234'",
    ),
    (
        "- {expect: {chain: optimism, function: authorized_operators, args: [7], returns: true}}",
        "11:71 timeline[0].expect.args[0]: expected operator: a role, or 0x and 40 hex digits, got 7",
    ),
    (
        "- {expect: {chain: optimism, function: mark_executed, args: [swap.pay], returns: true}}",
        "11:42 timeline[0].expect.function: mark_executed returns nothing that could be expected: call it in a step "
        "`call`",
    ),
    (
        "- {until: {chain: optimism, function: paused, returns: yes}, within: 9s}",
        "11:58 timeline[0].until.returns: paused returns true or false, got 'yes'",
    ),
    (
        "- {expect: {chain: optimism, function: transaction_count, returns: true}}",
        "11:70 timeline[0].expect.returns: transaction_count returns a whole number, got true",
    ),
    # faults
    (
        "- {fault: rpc_error, chain: ethereum, methods: [eth_call, eth_getlogs]}",
        "11:61 timeline[0].methods[1]: no relayer can call 'eth_getlogs' on ethereum, so this hits nothing (did you "
        "mean eth_getLogs?)",
    ),
    (
        "- {fault: swapped_nodes, chain: ethereum, other: ethereum}",
        "11:52 timeline[0].other: expected another chain than 'ethereum' (known: optimism)",
    ),
    (
        "- {fault: reorg, chain: ethereum, dept: 3}",
        "11:37 timeline[0].dept: unknown key 'dept' (did you mean depth?)",
    ),
    # expectations of two kinds
    (
        "- {buffer: swap, expect: {revert: no, event: TransactionFailed}}",
        "11:41 timeline[0].expect.event: expected one of revert, event, got revert and event: write a step for each",
    ),
    (
        "- {expect: {leg: swap.pay, state: READY, latency: to_ready, below: 3s}}",
        "11:44 timeline[0].expect.latency: expected one of state, latency, returns, got state and latency: write a "
        "step for each",
    ),
]


@pytest.mark.parametrize(("steps", "problem"), CASES, ids=range(len(CASES)))
def test_what_means_nothing_is_told_with_its_place(tmp_path: Path, steps: str, problem: str) -> None:
    """One mistake, one line."""
    assert problems(tmp_path, text(steps)) == [problem]


SOUND = [
    "- {expect: {chain: optimism, function: paused, returns: 0}}",
    "- {expect: {chain: optimism, function: owner, returns: owner}}",
    "- {expect: {chain: optimism, function: get_transaction_state, args: [swap.pay], returns: 1}}",
    "- {expect: {chain: optimism, function: transactions, args: [swap.pay], returns: [1, 2]}}",
    "- {call: {chain: optimism, function: mark_failed, args: [swap.pay, 7, some words]}}",
    "- {buffer: swap, expect: {event: SwapOpened}}",
    "- {fault: rpc_error, chain: ethereum, methods: [eth_getLogs]}",
    "- {fault: swapped_nodes, chain: ethereum, other: optimism, for: 9s}",
]


@pytest.mark.parametrize("steps", SOUND, ids=range(len(SOUND)))
def test_what_a_contract_may_have_is_let_by(tmp_path: Path, steps: str) -> None:
    """Further arguments, events and functions of the contract's own."""
    assert load(tmp_path, text(steps))
