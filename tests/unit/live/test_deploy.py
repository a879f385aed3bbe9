"""Deployments on real nodes: set up as declared, taken up again after any crash, moved by no reorg, never doubled."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.coordinator import Fees, role_account, sign_transaction
from lab.deploy.deployer import Deployable, deployable
from lab.live.declaration.template import TEMPLATE
from lab.live.execution.deploy import deploy_all
from lab.live.journaling.journal import Entry, Header, Journal, journal_path, open_journal
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning import identity
from lab.live.planning.plan import make_plan
from lab.live.planning.steps import Step, differences, read_standing
from lab.live.results.evidence import observe
from lab.model.chain.prices import prices
from lab.model.record_parts.about import About
from lab.paths import CONTRACTS
from tests.compiling import compile_once

from .conftest import DEPLOYER, Open, World

TODAY = datetime.date(2026, 11, 26)
PENDING = "who has yet to call accept_ownership"


def assert_stands(world: World, name: str) -> str:
    """The contract is there once, as declared; its address."""
    work = world.work()
    target = work.deployment.select((name,))[0]
    signed = {entry.nonce: entry for entry in work.journal.of(name) if entry.event == "signed"}
    created = work.journal.last(name, "deploy", "final")
    assert created is not None
    assert created.address is not None
    standing = read_standing(work, target, world.rpc(name), created.address)
    assert [PENDING in line for line in differences(work.deployment, target, DEPLOYER.address, standing)] == [True]
    # As many transactions as steps: nothing was sent twice.
    assert world.rpc(name).nonce(DEPLOYER.address) == len(signed) == 5
    return created.address


def test_two_networks_at_once(world: Open) -> None:
    """The same address on both, and nothing left to do but the owner's part."""
    lab = world("sepolia", "base-sepolia")
    outcomes = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    assert [outcome.problem for outcome in outcomes] == [None, None]
    assert assert_stands(lab, "sepolia") == assert_stands(lab, "base-sepolia")
    assert all(PENDING in outcome.open_ends[0] for outcome in outcomes)
    again = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    assert [outcome.done for outcome in again] == [["deploy"], ["deploy"]]
    assert_stands(lab, "sepolia")


def test_a_contract_that_does_not_say_who_is_pending(world: Open, reference: Deployable) -> None:
    """The journal knows who was proposed, and nobody is proposed again."""
    abi = [entry for entry in reference.contract.abi if entry.get("name") != "pending_owner"]
    lab = world("sepolia", target=replace(reference, contract=replace(reference.contract, abi=abi)))
    for done in (5, 1):
        (outcome,) = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
        assert (outcome.problem, len(outcome.done)) == (None, done)
        assert_stands(lab, "sepolia")


def test_what_undoes_the_set_up_is_told(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, and by the getter that stays as it was."""
    lab = world("sepolia")
    call = lab.work().codec.encode("remove_operator", [DEPLOYER.address])
    again = [Step(f"remove_operator {DEPLOYER.address}", call)]
    monkeypatch.setattr("lab.live.execution.deploy.steps_after_creation", lambda *_: again)
    (outcome,) = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    assert f"something undoes what was done; left: remove_operator {DEPLOYER.address}" in str(outcome.problem)
    assert outcome.about == About(field="authorized_operators")


class Killed(BaseException):
    """The command's end, at a line of the journal."""


def killed_at(line: int, *, before: bool) -> Any:
    """A journal in which the command ends, before or after that line is on the disk."""

    class Fatal(Journal):
        count = 0

        def add(self, entry: Entry) -> None:
            Fatal.count += 1
            if Fatal.count == line and before:
                raise Killed
            super().add(entry)
            if Fatal.count == line:
                raise Killed

    def opened(path: Path, header: Header) -> Journal:
        return Fatal(path, *begun(path, header))

    return opened


def begun(path: Path, header: Header) -> tuple[list[Entry], Header | None]:
    """What a journal of a class of one's own begins with."""
    journal = open_journal(path, header)
    return journal._entries, journal.head


def test_killed_at_every_line_and_taken_up_again(world: Open) -> None:
    """One command after another dies at the next line of the journal, before and after it; nothing is doubled."""
    lab = world("sepolia")
    target = lab.deployment.targets
    kept: dict[str, str] = {}
    for _ in range(40):
        for before in (True, False):
            try:
                outcome = deploy_all(lab.work(killed_at(1, before=before)), target, lab.signer, lab.waiting())[0]
            except Killed:
                for entry in lab.work().journal.of("sepolia"):
                    # What was signed once is never signed anew.
                    assert kept.setdefault(entry.step, entry.tx) == entry.tx
                continue
            assert outcome.problem is None
            assert_stands(lab, "sepolia")
            return
    pytest.fail("it never got to an end")


def test_the_block_of_the_deployment_is_reorganised_away(world: Open) -> None:
    """The same bytes are sent again, and the new block counts."""
    lab = world("sepolia")
    rpc = lab.rpc("sepolia")
    snapshot = rpc.call("evm_snapshot")
    reverted: list[str | None] = []

    class Reorg(Journal):
        def add(self, entry: Entry) -> None:
            super().add(entry)
            if entry.event == "mined" and not reverted:
                reverted.append(entry.block_hash)
                rpc.call("evm_revert", snapshot)
                # Another branch, on which the transaction is not.
                rpc.call("evm_increaseTime", 7)
                lab.mine()

    def opened(path: Path, header: Header) -> Journal:
        return Reorg(path, *begun(path, header))

    outcome = deploy_all(lab.work(opened), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert outcome.problem is None
    assert_stands(lab, "sepolia")
    mined = [e for e in lab.work().journal.of("sepolia", "deploy") if e.event == "mined"]
    assert mined[0].block_hash == reverted[0]
    assert len({entry.tx for entry in mined}) == 1
    assert any("was reorganised away" in line for line in lab.said)


def test_a_reorg_deeper_than_the_finality(world: Open) -> None:
    """Long after its end it takes the whole deployment away: that is said, and the same bytes bring it back."""
    lab = world("sepolia")
    rpc, target = lab.rpc("sepolia"), lab.deployment.targets[0]
    before = rpc.call("evm_snapshot")
    assert deploy_all(lab.work(), [target], lab.signer, lab.waiting())[0].problem is None
    address = assert_stands(lab, "sepolia")
    sent = [entry.tx for entry in lab.work().journal.of("sepolia") if entry.event == "signed"]
    rpc.call("evm_revert", before)
    lab.mine()
    assert "a reorg deeper than that" in (observe(lab.work(), target).problem or "")
    outcome = deploy_all(lab.work(), [target], lab.signer, lab.waiting())[0]
    assert outcome.problem is None
    assert assert_stands(lab, "sepolia") == address
    assert [entry.tx for entry in lab.work().journal.of("sepolia") if entry.event == "signed"] == sent


def test_a_stuck_transaction_is_replaced_and_not_doubled(world: Open) -> None:
    """The pool does not take it into a block: the same nonce is offered more, and counts once."""
    lab = world("sepolia")
    rpc = lab.rpc("sepolia")
    blocks = 0

    class Stuck(Journal):
        def add(self, entry: Entry) -> None:
            super().add(entry)
            if entry.event == "signed" and entry.step.startswith("set_coordination_window"):
                signed.append(entry)

    signed: list[Entry] = []

    def opened(path: Path, header: Header) -> Journal:
        return Stuck(path, *begun(path, header))

    waiting = lab.waiting(stuck_s=5)

    def sleep(seconds: float) -> None:
        nonlocal blocks
        lab.simulated_s += seconds
        if len(signed) == 1:
            # Dropped by the pool, as one with too low a fee is.
            rpc.call("anvil_dropAllTransactions")
        lab.mine()

    stuck = type(waiting)(look_s=1, stuck_s=5, deadline_s=600, sleep=sleep, now=waiting.now)
    outcome = deploy_all(lab.work(opened), lab.deployment.targets, lab.signer, stuck)[0]
    assert outcome.problem is None
    assert len(signed) == 2
    assert signed[0].nonce == signed[1].nonce
    assert signed[1].max_fee_per_gas * 100 >= signed[0].max_fee_per_gas * 110
    assert_stands(lab, "sepolia")


@pytest.mark.parametrize(("line", "step"), [(1, "deploy"), (4, "add_operator")])
def test_somebody_else_sends_from_the_account(world: Open, line: int, step: str) -> None:
    """The nonce of a signed step is gone: said, and nothing sent after it; the next command signs it anew."""
    lab = world("sepolia")
    with pytest.raises(Killed):
        deploy_all(lab.work(killed_at(line, before=False)), lab.deployment.targets, lab.signer, lab.waiting())
    rpc = lab.rpc("sepolia")
    rpc.call("anvil_setNonce", DEPLOYER.address, hex(3))
    lab.mine()
    (plan,) = plans(lab)
    lost = [note for note in plan.notes if "nonce 0 of the signed creation was used by another" in note]
    assert bool(lost) is (step == "deploy")
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert f" of {step}" in str(outcome.problem)
    assert "was used by another transaction" in str(outcome.problem)
    assert rpc.nonce(DEPLOYER.address) == 3
    (plan,) = plans(lab)
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert (outcome.problem, outcome.address) == (None, plan.address)
    nonces = [e.nonce for e in lab.work().journal.of("sepolia") if e.event == "signed"]
    assert nonces == ([0, 3, 4, 5, 6, 7] if step == "deploy" else [0, 1, 3, 4, 5, 6])
    seen = observe(lab.work(), lab.deployment.targets[0])
    assert (seen.reverted, seen.nonces_lost) == (0, 1)


def test_what_is_pending_and_not_ours_is_waited_for(world: Open) -> None:
    """Nothing is signed beside it; once it is in a block, the deployment goes on behind it."""
    lab = world("sepolia")
    rpc = lab.rpc("sepolia")
    fees = Fees(10**10, 10**9)
    raw, _ = sign_transaction(
        DEPLOYER, chain_id=11155111, nonce=0, to=DEPLOYER.address, data="0x", gas=30_000, fees=fees
    )
    rpc.send_raw(raw)
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert "got 1 that are not of this journal (nonce 0 on)" in str(outcome.problem)
    assert lab.work().journal.of("sepolia") == []
    lab.mine()
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    assert [e.nonce for e in lab.work().journal.of("sepolia") if e.event == "signed"] == [1, 2, 3, 4, 5]


def plans(world: World) -> list[Any]:
    """What would be done."""
    work: Undertaking = world.work()
    return make_plan(work, work.deployment.targets, TODAY)


def test_a_plan_before_and_after(world: Open) -> None:
    """Steps, cost and balance; after the deployment nothing is left to send."""
    lab = world("sepolia", "base-sepolia")
    before = plans(lab)
    assert [plan.problems for plan in before] == [[], []]
    assert before[0].steps[0] == "deploy"
    assert len(before[0].steps) == 5
    assert before[0].address == before[1].address
    assert before[1].l1_fee > 0
    assert 0 < before[0].cost < before[0].balance
    deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    after = plans(lab)
    assert [(plan.exists, plan.steps, plan.problems) for plan in after] == [(True, [], [])] * 2


def test_a_poor_deployer(world: Open) -> None:
    """What is missing, and nothing is sent."""
    lab = world("sepolia")
    lab.rpc("sepolia").call("anvil_setBalance", DEPLOYER.address, hex(10))
    assert any("fund it" in problem for problem in plans(lab)[0].problems)


def test_what_the_plan_asks_for_is_enough(world: Open) -> None:
    """Nodes want a transaction's gas at the highest price that it offers, which may be more than the cost's margin."""
    lab = world("sepolia")
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("version: 1\n", "version: 1\nmargin: 1\n"))
    rpc = lab.rpc("sepolia")
    plan = plans(lab)[0]
    needed = plan.needed(1)
    assert needed > plan.cost
    rpc.call("anvil_setBalance", DEPLOYER.address, hex(needed - 1))
    (problem,) = plans(lab)[0].problems
    assert "a node wants a transaction's gas at the highest price that it offers to be there" in problem
    rpc.call("anvil_setBalance", DEPLOYER.address, hex(plan.cost))
    refused = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem
    assert "Insufficient funds" in str(refused)
    rpc.call("anvil_setBalance", DEPLOYER.address, hex(needed))
    assert plans(lab)[0].problems == []
    # What was signed is sent now, and the budget lasts to the end.
    assert deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0].problem is None
    assert_stands(lab, "sepolia")


def test_accounts_whose_key_everybody_has(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noted on a chain of one's own, and in the way on the network itself: here a chain that is taken for it."""
    lab = world("sepolia")
    noted = plans(lab)[0]
    assert noted.problems == []
    owner, operator = (role_account(role).address for role in ("newowner", "relayer"))
    uses = [f"{DEPLOYER.address} (deployer)", f"{owner} (owner)", f"{operator} (operator 1)"]
    sentence = "{} is an account of local development nodes, everybody has its key: use an account of your own"
    assert [note for note in noted.notes if "everybody" in note] == [sentence.format(use) for use in uses]
    monkeypatch.setattr(identity, "is_development_node", lambda client: False)
    assert plans(lab)[0].problems == []  # its first block is not that of the network
    file = lab.folder / "deployment.yaml"
    first = (lab.rpc("sepolia").block(0) or {})["hash"]
    file.write_text(file.read_text().replace("finality:", f'genesis: "{first}", finality:'))
    assert plans(lab)[0].problems == [sentence.format(use) for use in uses]


def test_an_owner_who_accepted(world: Open) -> None:
    """The plan does not ask for it again."""
    lab = world("sepolia")
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    owner, rpc = lab.deployment.targets[0].owner, lab.rpc("sepolia")
    assert f"{owner} becomes owner once it calls accept_ownership" in plans(lab)[0].notes
    rpc.call("anvil_impersonateAccount", owner)
    data = lab.target.codec.encode("accept_ownership", [])
    rpc.call("eth_sendTransaction", {"from": owner, "to": outcome.address, "data": data})
    lab.mine()
    notes = [note for note in plans(lab)[0].notes if "owner" in note and "development" not in note]
    assert notes == [f"{owner} is owner"]


def test_accounts_whose_key_nobody_has(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `lab live init` writes for an owner and an operator is to be replaced before anything is sent."""
    lab = world("sepolia")
    file = lab.folder / "deployment.yaml"
    template = yaml.safe_load(TEMPLATE)
    for old, new in (
        ("0x976ea74026e726554db657fa54763abd0c3a0aa9", template["owner"]),
        ("0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc", template["operators"][0]),
    ):
        file.write_text(file.read_text().replace(old, new))
    noted = plans(lab)[0]
    sentences = [line for line in noted.notes if "nobody has its key: replace it" in line]
    assert (noted.problems, [line.split()[1] for line in sentences]) == ([], ["(owner)", "(operator"])
    monkeypatch.setattr(identity, "is_development_node", lambda client: False)
    first = (lab.rpc("sepolia").block(0) or {})["hash"]
    file.write_text(file.read_text().replace("finality:", f'genesis: "{first}", finality:'))
    assert [line for line in plans(lab)[0].problems if "nobody" in line] == sentences


def test_a_stale_price_table(world: Open) -> None:
    """A figure in dollars that is older than the file allows keeps a deployment to a mainnet from being sent."""
    lab = world("base")
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("version: 1\n", "version: 1\nprice_age_days_max: 30\n"))
    dated = datetime.date.fromisoformat(prices().tokens["ETH"].date)
    problems = {
        days: make_plan(lab.work(), lab.deployment.targets, dated + datetime.timedelta(days))[0].problems
        for days in (30, 31)
    }
    assert problems[30] == []
    assert "31 days old, price_age_days_max allows 30: raise it" in problems[31][0]


def test_nonces_that_differ(world: Open) -> None:
    """The addresses would differ: said on both networks, allowed by same_address: false."""
    lab = world("sepolia", "base-sepolia")
    lab.rpc("sepolia").call("anvil_setNonce", DEPLOYER.address, hex(1))
    assert all(any("one address on all networks" in line for line in plan.problems) for plan in plans(lab))
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("version: 1\n", "version: 1\nsame_address: false\n"))
    assert [plan.problems for plan in plans(lab)] == [[], []]


def test_nonces_that_differ_from_one_command_to_the_next(world: Open) -> None:
    """A network that a command leaves out has its contract, too: the address is to be that one."""
    lab = world("sepolia", "base-sepolia")
    here, there = lab.deployment.targets
    assert deploy_all(lab.work(), [here], lab.signer, lab.waiting())[0].problem is None
    assert make_plan(lab.work(), [there], TODAY)[0].problems == []
    lab.rpc("base-sepolia").call("anvil_setNonce", DEPLOYER.address, hex(1))
    (problem,) = make_plan(lab.work(), [there], TODAY)[0].problems
    assert "the deployer's nonces are base-sepolia 1, sepolia 0; use a fresh account" in problem


def test_code_where_the_contract_would_go(world: Open) -> None:
    """Said before anything is sent."""
    lab = world("sepolia")
    lab.rpc("sepolia").call("anvil_setCode", plans(lab)[0].address, "0x00")
    assert any("there is code already" in problem for problem in plans(lab)[0].problems)


def test_an_endpoint_of_another_chain(world: Open) -> None:
    """A mainnet's address under a testnet's name: neither is mixed up with the other."""
    lab = world("sepolia", "base-sepolia")
    lab.variables["SEPOLIA_A"] = lab.variables["SEPOLIA_B"] = lab.variables["BASE_SEPOLIA_A"]
    plan = plans(lab)[0]
    assert "expected chain 11155111, it is of chain 84532" in plan.problems[0]


def test_fees_above_the_limit(world: Open) -> None:
    """The plan says so, and a deployment does not begin."""
    lab = world("sepolia")
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("finality:", "max_fee_gwei: 0.000001, finality:"))
    assert any("max_fee_gwei allows" in problem for problem in plans(lab)[0].problems)
    outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
    assert "wait, or raise the limit" in str(outcome.problem)
    assert lab.rpc("sepolia").nonce(DEPLOYER.address) == 0


def test_a_contract_without_handover(world: Open) -> None:
    """The declared owner can never be: said by the plan."""
    plain = sorted((CONTRACTS / "plain").glob("*.vy"))
    target = deployable(compile_once(plain[0]))
    assert not target.codec.has("propose_owner")
    lab = world("sepolia", target=target)
    assert any("has no hand-over" in problem for problem in plans(lab)[0].problems)


def test_evidence_of_local_chains_is_a_rehearsal(world: Open) -> None:
    """Genesis and client give it away, whatever the chain id."""
    lab = world("sepolia")
    deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    seen = observe(lab.work(), lab.deployment.targets[0])
    assert seen.kind == "rehearsal"
    assert ["genesis" in seen.doubts[0], "development node" in seen.doubts[1]] == [True, True]
    assert seen.endpoints_agree == 1  # under two names
    # What it cost by the chain's own balance, and how long each step took.
    assert seen.paid_wei == 10**21 - lab.rpc("sepolia").balance(DEPLOYER.address)
    assert [one.waited_s for one in seen.transactions] == [1.0] * len(seen.transactions)
    assert (seen.reverted, seen.nonces_lost) == (0, 0)
    assert [transaction.step.split(" ")[0] for transaction in seen.transactions] == [
        "deploy",
        "add_operator",
        "set_coordination_window",
        "remove_operator",
        "propose_owner",
    ]


def test_evidence_goes_by_the_chain_not_by_an_edited_journal(world: Open) -> None:
    """Steps that were never made, other blocks, another contract: each is a difference."""
    lab = world("sepolia")
    deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())
    target = lab.deployment.targets[0]
    path = journal_path(lab.deployment.path)
    whole = path.read_text()
    created = lab.work().journal.last("sepolia", "deploy", "final")
    assert created is not None
    assert created.address is not None
    assert len(observe(lab.work(), target).differences) == 1
    forged = {
        "knows no transaction 0x": (created.tx, "0x" + "55" * 32),
        "it is in 0x": (str(created.block_hash), "0x" + "66" * 32),
        "cost 1 wei": (f'"fee_wei":"{created.fee_wei}"', '"fee_wei":"1"'),
        "there is no contract at": (created.address, "0x" + "77" * 20),
    }
    for said, (old, new) in forged.items():
        head, *lines = whole.splitlines()
        path.write_text("\n".join([head, *(line.replace(old, new) for line in lines)]) + "\n")
        seen = observe(lab.work(), target)
        problems = [*seen.differences, seen.problem or ""]
        assert any(said in text.lower() for text in problems), problems
