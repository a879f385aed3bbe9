"""Plan, send, read again: operators, the stop, hand-overs, on real nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import InvalidFile, UsageError
from lab.live.planning import identity
from lab.ops.declared import declared_by_file
from lab.ops.inspection import health_findings, inspect_chains, look_at_operators, look_for_drift
from lab.ops.planning import Plan
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator, RemoveOperator, SyncOperators, checked_address
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.procedures.rotation import AcceptOwner, CancelOwner, Drain, ProposeOwner, rotate_operator
from lab.ops.report import AUDIT, EVIDENCE
from tests.unit.real_safes import OWNERS, new_safe

from .conftest import DECLARED, Site, address

Start = Callable[..., Site]


def test_an_operator_is_added_once_and_on_record(site: Start) -> None:
    """Equal in the end, in a final block, with evidence and a line of the audit log; repeated, nothing is sent."""
    here = site("sepolia", "amoy")
    there = here.opened()
    with there.executor(address("owner")) as executor:
        report = carry_out(there.operation, AddOperator(address("user")), executor)
        again = carry_out(there.operation, AddOperator(address("user")), executor)
    assert (report.exit_code, again.exit_code) == (0, 0)
    assert [chain.results[0].outcome for chain in report.chains] == ["confirmed", "confirmed"]
    assert [chain.results for chain in again.chains] == [[], []]
    lines = [json.loads(line) for line in (there.operation.folder / AUDIT).read_text().splitlines()]
    assert {(line["chain"], line["call"], line["outcome"]) for line in lines} == {
        (chain, f"add_operator({address('user')})", "confirmed") for chain in ("sepolia", "amoy")
    }
    assert all(line["tx"] and line["who"] and line["time"] for line in lines)
    evidence = json.loads((there.operation.folder / report.id / EVIDENCE).read_text())
    assert evidence["chains"][0]["before"]["operators"] == {address("user"): False}
    assert evidence["chains"][0]["after"]["operators"] == {address("user"): True}


def test_sync_brings_the_chain_in_line(site: Start) -> None:
    """Whom somebody added by hand is found by the events, and removed; who is missing is added."""
    here = site("sepolia")
    here.send("sepolia", "owner", "add_operator", address("attacker"))
    here.send("sepolia", "owner", "remove_operator", address("relayer"))
    here.mine(3)
    there = here.opened()
    operation = there.operation
    before = inspect_chains(operation, "drift", lambda chain: look_for_drift(operation, chain))
    assert before.exit_code == 1
    assert before.chains[0].left == [
        f"expected {address('relayer')} to be an operator",
        f"expected {address('attacker')} not to be an operator",
    ]
    with there.executor(address("owner")) as executor:
        report = carry_out(operation, SyncOperators(operation), executor)
    assert report.exit_code == 0
    texts = [result.call.text for result in report.chains[0].results]
    assert texts == [f"add_operator({address('relayer')})", f"remove_operator({address('attacker')})"]
    listed = inspect_chains(operation, "operators list", lambda chain: look_at_operators(operation, chain))
    assert listed.exit_code == 0
    assert set(listed.chains[0].after.operator_list) == {address(role) for role in DECLARED}  # type: ignore[union-attr]


def test_a_stop_and_its_end(site: Start) -> None:
    """Each is a function of the state: what is done already is not sent."""
    here = site("sepolia")
    there = here.opened()
    with there.executor(address("owner")) as executor:
        reports = [carry_out(there.operation, what, executor) for what in (Pause(), Pause(), Unpause())]
    assert [report.exit_code for report in reports] == [0, 0, 0]
    assert [len(report.chains[0].results) for report in reports] == [1, 0, 1]
    assert reports[0].chains[0].effective_s is not None


def test_one_silent_chain_does_not_hold_the_others_up(site: Start) -> None:
    """Four of five stop, the silent one is unknown, and the exit code says so."""
    names = ("sepolia", "amoy", "base-sepolia", "optimism-sepolia", "arbitrum-sepolia")
    here = site(*names)
    here.silence("amoy")
    there = here.opened()
    with there.executor(address("owner")) as executor:
        report = carry_out(there.operation, Pause(), executor)
    assert report.exit_code == 3
    assert {chain.chain: chain.standing for chain in report.chains} == {
        name: "unknown" if name == "amoy" else "equal" for name in names
    }
    # The plan is shown though nobody is asked, before anything of it is done.
    plans = [number for number, said in enumerate(here.said) if "to do    pause()" in said]
    assert len(plans) == len(names) - 1
    assert plans[0] < min(number for number, said in enumerate(here.said) if "in block" in said)
    ended = [line.partition(":")[0] for line in here.said if " after " in line]
    assert ended[-1] == "amoy", "the others were done before it was given up"
    reader = there.operation.chains[0].getters
    assert reader.get("paused")


def test_a_stale_plan_is_refused(site: Start) -> None:
    """A second administrator was quicker between the plan and its sending: nothing is sent."""
    here = site("sepolia")
    here.send("sepolia", "owner", "add_operator", address("attacker"))
    here.mine(3)
    there, before = here.opened(), here.rpc("sepolia").nonce(address("owner"))

    def ask(plans: Sequence[Plan]) -> bool:
        assert [plan.sendable for plan in plans] == [True]
        here.send("sepolia", "owner", "remove_operator", address("attacker"))
        return True

    with there.executor(address("owner")) as executor:
        report = carry_out(there.operation, SyncOperators(there.operation), executor, ask=ask)
    assert report.exit_code == 1
    changed = f"operators {address('attacker')} was yes, is no"
    assert f"the plan went stale before it was sent ({changed}): nothing was sent here" in report.chains[0].left[0]
    assert report.chains[0].results == []
    assert here.rpc("sepolia").nonce(address("owner")) == before + 1, "only the second administrator sent anything"


def test_the_last_operator_stays(site: Start, tmp_path: Path) -> None:
    """Unless it is compromised: then it is revoked, and the report says that nobody is left."""
    here = site("sepolia")
    declared = tmp_path / "operations.yaml"
    declared.write_text(f'version: 1\nowner: "{address("owner")}"\noperators: ["{address("relayer")}"]\n')
    there, relayer = here.opened(declared), address("relayer")
    with there.executor(address("owner")) as executor:
        kept = carry_out(there.operation, RemoveOperator(relayer, there.operation.declared), executor)
        gone = carry_out(there.operation, RemoveOperator(relayer, there.operation.declared, last=True), executor)
    assert "add one first" in kept.chains[0].plan.problems[0]
    assert (kept.exit_code, kept.chains[0].results, gone.exit_code) == (1, [], 0)


def test_a_call_that_would_revert_is_not_sent(site: Start) -> None:
    """The sender is not the owner: refused before anything is sent, with what to do."""
    here = site("sepolia")
    there = here.opened()
    with there.executor(address("attacker")) as executor:
        report = carry_out(there.operation, Pause(), executor)
    assert report.exit_code == 1
    assert report.chains[0].results == []
    assert "--executor calldata" in report.chains[0].plan.problems[0]
    assert here.rpc("sepolia").nonce(address("attacker")) == 0


def test_ownership_is_handed_over_in_two_steps(site: Start) -> None:
    """Proposed is pending, and can be cancelled; only what was proposed can be accepted."""
    here = site("sepolia")
    there, new = here.opened(), address("newowner")
    operation = there.operation
    with there.executor(address("owner")) as owner, there.executor(new) as next_owner:
        early = carry_out(operation, AcceptOwner(operation, new), next_owner)
        proposed = carry_out(operation, ProposeOwner(operation, new), owner)
        cancelled = carry_out(operation, CancelOwner(operation), owner)
        late = carry_out(operation, AcceptOwner(operation, new), next_owner)
        carry_out(operation, ProposeOwner(operation, new), owner)
        accepted = carry_out(operation, AcceptOwner(operation, new), next_owner)
    assert [early.exit_code, proposed.exit_code, cancelled.exit_code, late.exit_code] == [1, 1, 0, 1]
    assert proposed.chains[0].left == [
        f"{new} is pending, and has yet to call accept_ownership (`lab ops rotate owner --to {new} --accept`)"
    ]
    nobody = f"expected {new} to be pending, nobody is: propose it first (`lab ops rotate owner --to {new}`)"
    assert [early.chains[0].left, late.chains[0].left] == [[nobody], [nobody]]
    assert late.chains[0].results == []
    assert accepted.exit_code == 0
    state = accepted.chains[0].after
    assert state is not None
    assert state.owner == new


def test_a_safe_has_code(site: Start, tmp_path: Path) -> None:
    """Where a Safe is declared nobody becomes owner who is none."""
    here = site("sepolia")
    declared = tmp_path / "operations.yaml"
    declared.write_text(
        f'version: 1\noperators: ["{address("owner")}"]\n'
        f'owner: {{kind: safe, address: "{address("owner")}", threshold: 1, owners: ["{address("user")}"]}}\n'
    )
    there = here.opened(declared)
    with there.executor(address("owner")) as executor:
        report = carry_out(there.operation, ProposeOwner(there.operation, address("user")), executor)
    assert report.exit_code == 1
    assert report.chains[0].results == []
    assert "there is no code on sepolia" in report.chains[0].plan.problems[0]
    drift = inspect_chains(there.operation, "drift", lambda chain: look_for_drift(there.operation, chain))
    assert f"expected a Safe at {address('owner')}" in " ".join(drift.chains[0].left)


def test_nobody_s_key_is_a_safe_s(site: Start, tmp_path: Path) -> None:
    """What leads to the Safe is said: to sign for it, and to accept as it."""
    here, stranger = site("sepolia"), "0x" + "5b" * 20
    safe = new_safe(here.rpc("sepolia"), "1.4.1")
    here.mine(3)
    declared = tmp_path / "operations.yaml"
    declared.write_text(
        f'version: 1\noperators: ["{address("owner")}"]\n'
        f'owner: {{kind: safe, address: "{safe}", threshold: 2, owners: {[one.address for one in OWNERS]}}}\n'
    )
    there = here.opened(declared)
    with pytest.raises(UsageError, match=rf"a key of {safe}: it is a Safe: --executor safe proposes to it"):
        there.signer(safe)
    with pytest.raises(UsageError, match=rf"a key of {stranger}: keys.json has those .*--executor calldata"):
        there.signer(stranger)
    with there.executor(address("owner")) as executor:
        (report,) = carry_out(there.operation, ProposeOwner(there.operation, safe), executor).chains
    assert f"(`lab ops rotate owner --to {safe} --accept --executor safe`)" in report.left[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("operators: []", "3:12 operators: expected at least 1 of them, got 0"),
        (f'operators: ["{"0x" + "5a" * 20}", "{"0x" + "5A" * 20}"]', "3:12 operators: expected each operator once"),
        (
            f'operators: ["{"0x" + "5a" * 20}"]\nnetworks: {{sepolia: {{operators: []}}}}',
            "4:33 networks.sepolia.operators: expected at least 1 of them, got 0",
        ),
        (
            f'operators: ["{"0x" + "5a" * 20}"]\n'
            f'networks: {{sepolia: {{operators: ["{"0x" + "5b" * 20}", "{"0x" + "5b" * 20}"]}}}}',
            "4:33 networks.sepolia.operators: expected each operator once",
        ),
        (f'operators: ["{"0x" + "5a" * 20}"]\nnetworks: {{amoy: {{}}}}', "4:12 networks.amoy: expected one of sepolia"),
    ],
)
def test_a_declaration_that_leaves_nobody(tmp_path: Path, text: str, expected: str) -> None:
    """No operator, one twice, a chain that is not there: refused at its place, for one chain as for all."""
    declared = tmp_path / "operations.yaml"
    declared.write_text(f'version: 1\nowner: "{address("owner")}"\n{text}\n')
    with pytest.raises(InvalidFile) as caught:
        declared_by_file(declared, ["sepolia"])
    assert expected in str(caught.value)


def test_an_operator_is_rotated(site: Start) -> None:
    """Added, drained, removed; one that still sends is not removed."""
    here = site("sepolia")
    there = here.opened()
    operation, old, new = there.operation, address("operator"), address("user")
    here.send("sepolia", "operator", "buffer_transaction", *here.buffer_args("sepolia", 1), mine=False)
    with there.executor(address("owner")) as executor:
        here.rpc("sepolia").call("anvil_dropAllTransactions")
        reports = rotate_operator(operation, old, new, executor, drain=Drain(quiet_s=5, within_s=60))
    assert [report.exit_code for report in reports] == [0, 0]
    state = reports[1].chains[0].after
    assert state is not None
    assert state.operators[old] is False


def test_a_compromised_operator_acts_until_it_is_removed(site: Start) -> None:
    """It sends in every block of the revocation: what comes after the removal reverts, and the time is stated."""
    here = site("sepolia")
    there, sent = here.opened(), list[int]()
    waiting = here.waiting()

    def sleep(seconds: float) -> None:
        number = len(sent) + 1
        receipt = here.send("sepolia", "operator", "buffer_transaction", *here.buffer_args("sepolia", number))
        assert receipt is not None
        sent.append(int(receipt["status"], 16))
        waiting.sleep(seconds)

    timing = replace(there.operation.timing, waiting=replace(waiting, sleep=sleep))
    operation = replace(there.operation, timing=timing)
    with replace(there, operation=operation).executor(address("owner")) as executor:
        removal = RemoveOperator(address("operator"), operation.declared, last=True, name="revoke")
        report = carry_out(operation, removal, executor)
    assert report.exit_code == 0
    assert report.chains[0].effective_s is not None
    assert sent == sorted(sent, reverse=True), "once it was refused it never succeeded again"
    assert sent[-1] == 0


@pytest.mark.parametrize(
    "text",
    [
        'owner: "%s"\noperators: []\n',
        'operators: ["%s"]\n',
        'owner: "0x0000000000000000000000000000000000000000"\noperators: ["%s"]\n',
        'owner: "%s"\noperators: ["%s"]\nnetworks: {sepolia: {operators: []}}\n',
    ],
)
def test_a_declared_file_leaves_an_owner_and_an_operator(site: Start, tmp_path: Path, text: str) -> None:
    """Refused where it is read."""
    declared = tmp_path / "operations.yaml"
    declared.write_text("version: 1\n" + text.replace("%s", address("user")))
    here = site("sepolia")
    with pytest.raises(InvalidFile):
        here.opened(declared)


def test_health_notices(site: Start) -> None:
    """A stranger among the operators is known by the events."""
    here = site("sepolia")
    operation = here.operation()
    (chain,) = operation.chains
    here.mine()
    assert [one.kind for one in health_findings(operation, chain)] in ([], ["head"])
    here.send("sepolia", "owner", "add_operator", address("attacker"))
    here.send("sepolia", "owner", "pause")
    here.mine(3)
    kinds = {one.kind for one in health_findings(operation, chain)}
    assert {"operator-unknown", "stopped"} <= kinds


@pytest.mark.parametrize("text", ["", "0x12", "0x" + "00" * 20, "0x" + "g" * 40, "0x" + "aB" * 20])
def test_an_address_is_one(text: str) -> None:
    """Nothing else gets as far as a plan."""
    with pytest.raises(UsageError, match="expected an address"):
        checked_address(text)


def test_no_role_for_an_account_whose_key_everybody_has(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network. To take its roles is what one wants there."""
    there = site("sepolia").opened()
    monkeypatch.setattr(identity, "is_development_node", lambda client: False)
    with there.executor(address("owner")) as executor:
        given = carry_out(there.operation, AddOperator(address("user")), executor)
        taken = carry_out(there.operation, RemoveOperator(address("relayer"), there.operation.declared), executor)
    (problem,) = given.chains[0].plan.problems
    assert problem.startswith(f"{address('user')} (add_operator, call 1) is an account of local development nodes")
    assert (given.exit_code, given.chains[0].results, taken.exit_code) == (1, [], 0)
