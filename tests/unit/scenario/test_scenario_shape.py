"""Files of the wrong shape: each mistake is found at its place and named in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from .files import HEAD, TIMELINE, load, problems

STEP_CASES = [
    ("- {bufer: swap}", "11:6 timeline[0].bufer: unknown step 'bufer' (did you mean buffer?)"),
    (
        "- {id: x}",
        "11:5 timeline[0]: expected one of buffer, resolve, execute, call, admin, fault, heal, wait, until, "
        "expect, relayer in the step",
    ),
    ("- buffer", "11:5 timeline[0]: expected a step (a mapping such as `buffer: swap`), got 'buffer'"),
    (
        "- {buffer: swap, wait: 3s}",
        "11:20 timeline[0].wait: expected one step, got buffer and wait: begin each with its own `-`",
    ),
    ("- {buffer: swap, att: 3s}", "11:20 timeline[0].att: unknown key 'att' (did you mean at?)"),
    (
        "- {buffer: swap, at: 3}",
        "11:24 timeline[0].at: expected a duration such as 30s (units: ms, s, m, h), got 3 without a unit",
    ),
    (
        "- {buffer: swap, at: -3s}",
        "11:24 timeline[0].at: expected a duration such as 30s (units: ms, s, m, h), got '-3s'",
    ),
    (
        "- {buffer: swap, as: operater}",
        "11:24 timeline[0].as: expected owner, operator, operator2, relayer, attacker, "
        "user or newowner, got 'operater' (did you mean operator?)",
    ),
    (
        "- {buffer: swap, within: 3s}",
        "11:20 timeline[0].within: unknown key 'within' (known: as, at, because, buffer, expect, id, needs)",
    ),
    ("- {buffer: a.b.c}", "11:14 timeline[0].buffer: expected a flow or a leg as flow.leg, got 'a.b.c'"),
    ("- {buffer: [swap.pay]}", "11:14 timeline[0].buffer: expected a text, got a list"),
    ("- {resolve: swap}", "11:15 timeline[0].resolve: expected a leg as flow.leg, got 'swap'"),
    (
        "- expect: {alert: ChainDown, no_alerts: true}",
        "11:13 timeline[0].expect: expected either alert, with its chain, or no_alerts: true",
    ),
    (
        "- expect: {alert: ChainDwn}",
        "11:21 timeline[0].expect.alert: expected an alert, got 'ChainDwn' (did you mean ChainDown?)",
    ),
    (
        "- {resolve: swap.pay, expect: {}}",
        '11:33 timeline[0].expect: expected ok, fail, {revert: "Not authorized"} or '
        '{event: TransactionFailed, reason: "Dependencies not satisfied"}, got an empty mapping',
    ),
    (
        "- expect: {}",
        "11:13 timeline[0].expect: expected {leg: swap.settle, state: EXPIRED} or "
        "{chain: optimism, function: transaction_count, returns: 2}, got an empty mapping",
    ),
    (
        "- {resolve: swap.pay, expect: okay}",
        '11:33 timeline[0].expect: expected ok, fail, {revert: "Not authorized"} or '
        "{event: TransactionFailed, reason: \"Dependencies not satisfied\"}, got 'okay' (did you mean ok?)",
    ),
    (
        "- {resolve: swap.pay, expect: {revrt: x}}",
        "11:34 timeline[0].expect.revrt: unknown key 'revrt' (did you mean revert?)",
    ),
    (
        "- {resolve: swap.pay, expect: {revert: x, reason: y}}",
        "11:45 timeline[0].expect.reason: unknown key 'reason' (known: revert)",
    ),
    (
        "- {resolve: swap.pay, expect: {leg: swap.pay, state: READY}}",
        "11:34 timeline[0].expect.leg: a condition is a step of its own: begin a new `- expect:` for it",
    ),
    (
        "- {expect: {revert: x}}",
        "11:15 timeline[0].expect.revert: 'revert' is an outcome of a call: put this expect into the step that calls",
    ),
    (
        "- {expect: ok}",
        "11:14 timeline[0].expect: expected a mapping such as {leg: swap.settle, state: EXPIRED} or "
        "{chain: optimism, function: transaction_count, returns: 2}, got 'ok'",
    ),
    (
        "- {expect: {leg: swap.pay, state: DONE}}",
        "11:37 timeline[0].expect.state: expected EMPTY, BUFFERED, READY, EXECUTED or EXPIRED, got 'DONE'",
    ),
    ("- {expect: {leg: swap.pay}}", "11:14 timeline[0].expect: missing key 'state'"),
    ("- {expect: {lag: swap.pay}}", "11:15 timeline[0].expect.lag: unknown key 'lag' (did you mean leg?)"),
    ("- {expect: {chain: optimism, function: paused}}", "11:14 timeline[0].expect: missing key 'returns'"),
    (
        "- {until: {leg: swap.pay, state: READY}}",
        "11:6 timeline[0].until: until needs a deadline: add `within: 2m` beside it",
    ),
    ("- {wait: 1.0001s}", "11:12 timeline[0].wait: expected a whole number of milliseconds, got 1.0001s"),
    ("- {relayer: kill}", "11:15 timeline[0].relayer: expected stop or start, got 'kill'"),
    (
        "- {call: {chain: optimism, function: f, as: user}}",
        "11:43 timeline[0].call.as: 'as' belongs beside call, not inside it",
    ),
    ("- {call: {chain: optimism}}", "11:12 timeline[0].call: missing key 'function'"),
    (
        "- {call: {chain: optimism, function: f, args: [1.5]}}",
        "11:50 timeline[0].call.args[0]: expected a whole number, true, false, a text or a list of them, got 1.5",
    ),
    ("- {call: {chain: optimism, function: f, args: 3}}", "11:49 timeline[0].call.args: expected a list, got 3"),
    (
        "- {admin: {chain: optimism, action: pauze}}",
        "11:39 timeline[0].admin.action: expected pause, unpause, "
        "add_operator, remove_operator, set_window, set_execution_window, set_breaker_threshold, propose_owner or "
        "accept_ownership, got 'pauze' (did you mean pause?)",
    ),
    (
        "- {admin: {chain: optimism, action: pause, value: 3}}",
        "11:46 timeline[0].admin.value: pause takes no value: remove it",
    ),
    (
        "- {admin: {chain: optimism, action: set_window}}",
        "11:13 timeline[0].admin: set_window needs a value: a duration",
    ),
    (
        "- {admin: {chain: optimism, action: set_window, value: 1500ms}}",
        "11:58 timeline[0].admin.value: expected whole seconds (the contract counts seconds), got 1500ms",
    ),
    (
        "- {admin: {chain: optimism, action: add_operator, value: bob}}",
        "11:60 timeline[0].admin.value: expected a role or "
        "an address, got 'bob' (known: attacker, newowner, operator, operator2, owner, relayer, user)",
    ),
    (
        "- {admin: {chain: optimism, action: set_breaker_threshold, value: 3s}}",
        "11:69 timeline[0].admin.value: expected a whole number of at least 0, got '3s'",
    ),
    ("- {fault: reorgg, chain: ethereum}", "11:13 timeline[0].fault: unknown fault 'reorgg' (did you mean reorg?)"),
    (
        "- {fault: {reorg: 3}}",
        "11:13 timeline[0].fault: expected the kind of a fault, got a mapping: parameters stand beside fault",
    ),
    ("- {fault: reorg, chain: ethereum}", "11:5 timeline[0]: missing key 'depth'"),
    (
        "- {fault: reorg, chain: ethereum, depth: 201}",
        "11:44 timeline[0].depth: expected at most 200 blocks (the nodes keep no older state), got 201",
    ),
    (
        "- {fault: reorg, chain: ethereum, depth: 3, for: 3s}",
        "11:47 timeline[0].for: unknown key 'for' (known: at, because, chain, depth, fault, id, needs, orphans)",
    ),
    (
        "- {fault: rpc_latency, chain: ethereum, delay: 3}",
        "11:50 timeline[0].delay: expected a duration such as 30s (units: ms, s, m, h), got 3 without a unit",
    ),
    (
        "- {fault: rpc_error, chain: ethereum, methods: eth_call}",
        "11:50 timeline[0].methods: expected a list, got 'eth_call'",
    ),
    (
        "- {fault: rpc_error, chain: ethereum, methods: []}",
        "11:50 timeline[0].methods: expected at least 1 of them, got 0",
    ),
    ("- {fault: rpc_error, chain: ethereum, share: 1.5}", "11:48 timeline[0].share: expected at most 1, got 1.5"),
    (
        "- {fault: base_fee_spike, chain: ethereum}",
        "11:5 timeline[0]: expected exactly one of factor and wei, got none",
    ),
    (
        "- {fault: base_fee_spike, chain: ethereum, factor: 2, wei: 1 gwei}",
        "11:5 timeline[0]: expected exactly one of factor and wei, got both",
    ),
    (
        "- {fault: base_fee_spike, chain: ethereum, wei: 1 gwai}",
        "11:51 timeline[0].wei: expected an amount such as 30 gwei (units: wei, gwei, ether), got the unit 'gwai'",
    ),
]


@pytest.mark.parametrize(("step", "expected"), STEP_CASES)
def test_steps(tmp_path: Path, step: str, expected: str) -> None:
    """A misshapen step gives exactly one problem."""
    assert problems(tmp_path, f"{HEAD}timeline:\n  {step}\n") == [expected]


FILE_CASES = [
    ("clok: real", "10:1 clok: unknown key 'clok' (did you mean clock?)"),
    ("clock: fake", "10:8 clock: expected virtual or real, got 'fake'"),
    ("seed: -1", "10:7 seed: expected at least 0, got -1"),
    ("seed: '1'", "10:7 seed: expected a whole number, got '1'"),
    ("timeout: 10", "10:10 timeout: expected a duration such as 30s (units: ms, s, m, h), got 10 without a unit"),
    (
        "timeout: 10M",
        "10:10 timeout: expected a duration such as 30s (units: ms, s, m, h), got the unit 'M' (did you mean m?)",
    ),
    ("timeout: 25h", "10:10 timeout: expected a time between 1s and 24h, got 25h"),
    ("window: 4s", "10:9 window: expected a window between 5s and 300s (the contract refuses others), got 4s"),
    ("window: 301s", "10:9 window: expected a window between 5s and 300s (the contract refuses others), got 301s"),
    ("window: 5500ms", "10:9 window: expected whole seconds (the contract counts seconds), got 5500ms"),
    ("rows: [xcb-4]", "10:8 rows[0]: expected the id of a checklist row such as XCB-04, got 'xcb-4'"),
    (
        "relayer: refrence",
        "10:10 relayer: expected reference, none, or a mapping with poll and execution_order, got "
        "'refrence' (did you mean reference?)",
    ),
    ("relayer: {pol: 2s}", "10:11 relayer.pol: unknown key 'pol' (did you mean poll?)"),
    ("relayer: {execution_order: late}", "10:28 relayer.execution_order: expected ready or executed, got 'late'"),
    ("checks: default", "10:9 checks: expected a list, got 'default'"),
    ("matrix: [1]", "10:9 matrix: expected a mapping (lines of key: value), got a list"),
    ("matrix: {seed: 3}", "10:16 matrix.seed: expected a list, got 3"),
    ("matrix: {seed: []}", "10:16 matrix.seed: expected at least 1 of them, got 0"),
]


@pytest.mark.parametrize(("line", "expected"), FILE_CASES)
def test_file(tmp_path: Path, line: str, expected: str) -> None:
    """A misshapen key of the file gives exactly one problem."""
    assert problems(tmp_path, f"{HEAD}{line}\n{TIMELINE}") == [expected]


PART_CASES = [
    (
        "ethereum: {finality: {blocks: 2}}",
        "ethereum: {finality: {blocks: 2, seconds: 3}}",
        "4:24 networks.ethereum.finality: expected exactly one of blocks, seconds, tag; got blocks, seconds",
    ),
    (
        "optimism: {}",
        "optimism: {profil: base}",
        "5:14 networks.optimism.profil: unknown key 'profil' (did you mean profile?)",
    ),
    (
        "optimism: {}",
        "optimism: {}\n  a b: {profile: base}",
        "6:3 networks.a b: expected a name (a letter, then up to 63 letters, digits, - and _), got 'a b'",
    ),
    (
        "at: +30s}",
        "at: +30s, payload: 64KB}",
        "8:47 flows.swap.pay.payload: expected a size such as 64B (units: B, KiB, MiB), got the unit 'KB'",
    ),
    (
        "at: +30s}",
        "at: +30s, payload: 514B}",
        "8:47 flows.swap.pay.payload: expected at most 513 bytes (the contract takes 512), got 514",
    ),
    ("at: +30s}", "at: +30s, payload: 0x123}", "8:47 flows.swap.pay.payload: expected hex digits in pairs after 0x"),
    (
        "at: +30s}",
        "at: +30500ms}",
        "8:32 flows.swap.pay.at: expected whole seconds (the contract's timestamps count seconds)",
    ),
    (
        "after: pay",
        "after: [pay, fee]",
        "9:48 flows.swap.settle.after: expected one leg: the contract stores one dependency "
        "per transaction: order the parents as a ladder (fee after pay, and this leg after fee)",
    ),
    (
        "after: pay",
        "after: a.b.c",
        "9:48 flows.swap.settle.after: expected a leg of this flow, or other_flow.leg, got 'a.b.c'",
    ),
    ("name: A test", "nam: A test", "1:1 nam: unknown key 'nam' (did you mean name?)"),
    ("description: It tests.", "description: 3", "2:14 description: expected a text, got 3"),
]


@pytest.mark.parametrize(("old", "new", "expected"), PART_CASES)
def test_parts(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A misshapen part above the timeline is found, and no other problem follows from it."""
    assert HEAD.count(old) == 1
    found = problems(tmp_path, HEAD.replace(old, new) + TIMELINE)
    assert [problem for problem in found if not problem.endswith("missing key 'name'")] == [expected]


def test_required_keys(tmp_path: Path) -> None:
    """An empty mapping lacks four keys; a list is no file."""
    assert problems(tmp_path, "{}") == [
        f"1:1: missing key '{key}'" for key in ("name", "description", "networks", "timeline")
    ]
    assert problems(tmp_path, "[]") == ["1:1: expected a mapping (lines of key: value), got a list"]
    assert problems(tmp_path, HEAD + "timeline: []\n") == ["10:11 timeline: expected at least 1 of them, got 0"]


def test_sound_file_has_no_problems(tmp_path: Path) -> None:
    """The file that the other tests damage is sound."""
    assert len(load(tmp_path, HEAD + TIMELINE)) == 1
