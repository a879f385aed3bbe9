"""The smoke run on a real node: what succeeds, what never does, why, and at which line of the source."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import StateNumbering
from lab.deploy.compile import compile_contract
from lab.deploy.deployer import Deployable, deployable
from lab.deploy.smoke import CORE, Smoke, SmokeFailure, smoke
from lab.deploy.vyper import source_lines
from lab.model.contract.names import ContractNames, Limits, SetUpCall
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.rpc import HttpTransport, Rpc
from tests.compiling import compile_once
from tests.detection.correct.test_correct import contract

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"
PLAIN = (CONTRACTS / "plain/PlainCoordinator.vy").read_text()
GENESIS = 1_800_000_000
Try = Callable[[Deployable], Smoke]


@pytest.fixture
def tried(open_backend: ProcessBackend) -> Try:
    """Smoke runs, each on a fresh node."""

    def one(target: Deployable) -> Smoke:
        profile = load_network("ethereum")
        args = anvil_args(profile, genesis_time=GENESIS)
        (node,) = open_backend.start_all([NodeSpec("smoke", "test", args, lasting=True)])
        try:
            return smoke(Rpc(HttpTransport(node.url, timeout_s=600)), target, profile, genesis_time=GENESIS)
        finally:
            node.leave()
            node.stop()

    return one


def changed(folder: Path, old: str, new: str, *, text: str = PLAIN) -> Deployable:
    """The plain contract with one place changed."""
    assert text.count(old) == 1
    path = folder / "Changed.vy"
    path.write_text(text.replace(old, new))
    return deployable(compile_once(path))


def line_of(words: str, text: str = PLAIN) -> int:
    """The number of the only line with these words."""
    (number,) = [number for number, line in enumerate(text.splitlines(), 1) if words in line]
    return number


@pytest.mark.parametrize("name", ["TesseractCoordinator.vy", "plain/PlainCoordinator.vy"])
def test_a_sound_contract_passes_and_tells_its_states(tried: Try, name: str) -> None:
    """With every part and with none of the optional ones."""
    found = tried(deployable(compile_once(CONTRACTS / name)))
    assert (found.failure, found.lines(), found.blocks(CORE)) == (None, [], None)
    assert found.numbering.numbers["EXECUTED"] == 8


def test_a_contract_that_buffers_nothing(tried: Try, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason that the contract gives, and the line of the assertion, also by an old compiler; asked once for it."""
    monkeypatch.setattr(source_lines, "cache_folder", lambda: tmp_path)
    path = CONTRACTS / "broken/zero_default_state.vy"
    found = tried(deployable(compile_once(path)))
    number = line_of("Transaction already exists", path.read_text())
    assert found.lines() == [
        'smoke run: buffer_transaction never succeeds: it reverts with "Transaction already exists" at '
        f"zero_default_state.vy:{number}",
        f"  {path.relative_to(Path.cwd())}:{number} | "
        'assert self.transactions[tx_id].state == State.EMPTY, "Transaction already exists"',
    ]
    assert all(found.blocks((operation,)) is found.failure for operation in CORE)
    assert found.blocks(()) is None
    with monkeypatch.context() as patch:
        patch.setattr(source_lines, "run_isolated", None)
        assert tried(deployable(compile_once(path))).lines() == found.lines()


def test_a_revert_without_a_reason_has_its_line_all_the_same(tried: Try, tmp_path: Path) -> None:
    """All of them end in one place of the code; what led there counts."""
    target = changed(tmp_path, '== State.READY, "Transaction not ready"', "== State.EMPTY")
    found = tried(target)
    assert found.failure is not None
    assert found.failure.line is not None
    assert str(found.failure).startswith("mark_executed never succeeds: it reverts without a reason (")
    assert found.failure.line.number == line_of("Transaction not ready")
    assert found.failure.line.text.strip() == "assert self.transactions[tx_id].state == State.EMPTY"
    assert found.blocks(("buffer_transaction", "resolve_dependency")) is None
    assert found.blocks(("mark_executed",)) is found.failure


def test_a_line_in_an_imported_module(tried: Try, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that holds it is named, not the main one."""
    monkeypatch.setattr(source_lines, "cache_folder", lambda: tmp_path)
    (tmp_path / "guard.vy").write_text('@internal\ndef check():\n    assert block.number == 0, "Never"\n')
    text = PLAIN.replace("event TransactionBuffered", "import guard\n\nevent TransactionBuffered", 1)
    target = changed(tmp_path, "    self.transaction_count += 1\n", "    guard.check()\n", text=text)
    found = tried(target)
    assert found.failure is not None
    assert found.failure.line is not None
    assert (found.failure.line.place, found.failure.line.path.parent) == ("guard.vy:3", tmp_path)


def test_a_resolve_that_only_ever_fails(tried: Try, tmp_path: Path) -> None:
    """It succeeds as a transaction and says why it did nothing."""
    found = tried(changed(tmp_path, "block.timestamp < timestamp or", "block.timestamp > timestamp or"))
    assert str(found.failure) == (
        'resolve_dependency never succeeds: it emits TransactionFailed("Dependencies not satisfied")'
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "mark_done"}, "mark_executed never succeeds: the contract has no such function"),
        ({"inputs": []}, "mark_executed never succeeds: expected mark_executed(), got"),
    ],
)
def test_a_function_that_is_missing_or_takes_something_else(tried: Try, change: dict[str, object], words: str) -> None:
    """Told without a transaction."""
    contract = compile_once(CONTRACTS / "plain/PlainCoordinator.vy")
    abi = [entry | change if entry.get("name") == "mark_executed" else entry for entry in contract.abi]
    assert str(tried(deployable(replace(contract, abi=abi))).failure).startswith(words)


def test_a_contract_that_cannot_be_deployed_blocks_everything(tried: Try, tmp_path: Path) -> None:
    """The constructor's own reason."""
    refusing = 'def __init__():\n    assert msg.sender == empty(address), "Not today"\n'
    found = tried(changed(tmp_path, "def __init__():\n", refusing))
    assert found.failure is not None
    assert found.failure.operation == "the deployment"
    assert "Not today" in found.failure.reason
    assert found.blocks(()) is found.failure


def test_an_artifact_has_no_line(tried: Try, tmp_path: Path) -> None:
    """Everything else is told as for a source."""
    target = changed(tmp_path, "== empty(State)", "== State.EMPTY")
    path = tmp_path / "Changed.json"
    path.write_text(json.dumps({"abi": target.contract.abi, "bytecode": target.contract.bytecode}))
    found = tried(deployable(compile_contract(path, cache_dir=tmp_path / "cache")))
    assert found.lines() == [
        'smoke run: buffer_transaction never succeeds: it reverts with "Transaction already exists"'
    ]


def test_a_failure_blocks_what_comes_after_it() -> None:
    """Whoever needs only what was reached before is not blocked."""
    found = Smoke(SmokeFailure("resolve_dependency", "why"), StateNumbering.of_abi([]))
    assert found.blocks(("buffer_transaction",)) is None
    assert found.blocks(("mark_executed",)) is found.failure


@pytest.mark.parametrize(
    ("creation", "told"),
    [
        ("0x00", "smoke run: the deployment never succeeds: its creation code leaves no contract behind"),
        ("0x33ff", "smoke run: the deployment never succeeds: its creation code leaves no contract behind"),
        # It returns one zero byte: code that stops at once, whatever is called.
        ("0x60016000f3", "smoke run: buffer_transaction never succeeds: it changes nothing"),
    ],
)
def test_a_contract_without_code_or_effect_does_not_pass(tried: Try, creation: str, told: str) -> None:
    """Its ABI promises everything."""
    plain = compile_once(CONTRACTS / "plain/PlainCoordinator.vy")
    found = tried(deployable(replace(plain, bytecode=creation)))
    assert found.lines()[0].startswith(told)


def test_an_endless_constructor_ends(tried: Try) -> None:
    """By its gas, and the node keeps no step of it."""
    plain = compile_once(CONTRACTS / "plain/PlainCoordinator.vy")
    found = tried(deployable(replace(plain, bytecode="0x5b600056")))
    assert found.failure is not None
    assert found.failure.operation == "the deployment"


RESOLVED = 'assert self.transactions[tx_id].state == State.BUFFERED, "Transaction not in buffered state"\n'


@pytest.mark.parametrize(
    ("demand", "learnt"),
    [
        ("block.number >= self.since + 3", {"resolve_after_blocks": 3}),
        ("block.timestamp >= self.since + 100", {"resolve_after_seconds": 180}),
        ("block.number >= self.since", {}),
    ],
)
def test_a_delay_that_nobody_declared_is_learnt(
    tried: Try, tmp_path: Path, demand: str, learnt: dict[str, int]
) -> None:
    """In blocks, or an upper bound in seconds; a contract that asks for none has none."""
    unit = "block.number" if "number" in demand else "block.timestamp"
    text = PLAIN.replace("owner: public(address)\n", "owner: public(address)\nsince: uint256\n", 1)
    text = text.replace(
        "    self.transaction_count += 1\n", f"    self.transaction_count += 1\n    self.since = {unit}\n"
    )
    found = tried(changed(tmp_path, RESOLVED, f'{RESOLVED}    assert {demand}, "Later"\n', text=text))
    assert found.failure is None
    assert {name: value for name, value in found.limits.model_dump().items() if value is not None} == learnt


@pytest.mark.parametrize(
    ("key", "most", "learnt"),
    [
        ("msg.sender, block.number", 1, 1),
        ("msg.sender, block.number", 10, 10),
        ("msg.sender, block.number", 16, None),
        # In all blocks together, or of one pair of rollups: another rule, and none that the lab could keep to.
        ("msg.sender", 4, None),
        ("origin_rollup, target_rollup", 1, None),
    ],
)
def test_how_many_operations_a_block_takes_is_learnt(
    tried: Try, tmp_path: Path, key: str, most: int, learnt: int | None
) -> None:
    """Of one account; nothing where more does not help, or where as many as are tried fit."""
    text = PLAIN.replace("owner: public(address)\n", "owner: public(address)\ntaken: HashMap[bytes32, uint256]\n", 1)
    taken = f"self.taken[keccak256(abi_encode({key}))]"
    room = f"    {taken} += 1\n    assert {taken} <= {most}, 'Later'\n"
    count = "    self.transaction_count += 1\n"
    found = tried(changed(tmp_path, count, count + room, text=text))
    assert (found.failure, found.limits.per_block) == (None, learnt)


def test_a_block_that_is_full_hides_no_number_of_a_state(tried: Try) -> None:
    """They are looked at behind the block in which the operator found no more room."""
    target = contract("depot")
    limits = target.codec.names.limits.model_copy(update={"per_block": None})
    found = tried(deployable(target.contract, target.codec.names.model_copy(update={"limits": limits})))
    assert (found.limits.per_block, found.numbering.numbers["EXECUTED"]) == (1, 4)


def test_a_custom_error_is_called_by_its_name(tried: Try, tmp_path: Path) -> None:
    """As the ABI has it; its four bytes would say nothing."""
    text = '    if self.owner != empty(address):\n        raw_revert(method_id("Full()"))\n'
    target = changed(tmp_path, "    self.transaction_count += 1\n", text)
    abi = [*target.contract.abi, {"type": "error", "name": "Full", "inputs": []}]
    found = tried(deployable(replace(target.contract, abi=abi)))
    assert found.failure is not None
    assert (found.failure.operation, found.failure.reason) == ("buffer_transaction", 'it reverts with "Full"')


def test_a_declared_limit_of_payloads_holds(tried: Try, tmp_path: Path) -> None:
    """The smoke run's own transaction keeps to it."""
    count = "    self.transaction_count += 1\n"
    target = changed(tmp_path, count, f"{count}    assert len(payload) <= 16\n")
    limited = ContractNames(limits=Limits(payload_bytes=16))
    assert tried(target).failure is not None
    assert tried(deployable(target.contract, limited)).failure is None


def test_a_contract_that_moves_tokens_is_told_apart(tried: Try, tmp_path: Path) -> None:
    """The lab has none to give."""
    token = "    assert staticcall IERC20(self.owner).allowance(msg.sender, self) > 0\n"
    text = PLAIN.replace(
        "event TransactionBuffered", "from ethereum.ercs import IERC20\n\nevent TransactionBuffered", 1
    )
    found = tried(changed(tmp_path, "    self.transaction_count += 1\n", token, text=text))
    assert found.failure is not None
    assert (found.failure.operation, found.failure.needs) == ("buffer_transaction", "tokens")


def test_a_contract_without_an_owner_is_initialized_first(tried: Try, tmp_path: Path) -> None:
    """As behind a proxy: the lab's own calls fail before, and the message says what to write."""
    begin = "@deploy\ndef __init__():\n"
    assert PLAIN.count(begin) == 1
    target = changed(tmp_path, begin, "@external\ndef initialize():\n    assert self.owner == empty(address)\n")
    failure = tried(target).failure
    assert failure is not None
    assert failure.reason.endswith("(set_up: [{call: initialize, args: [owner], first: true}])")
    late = ContractNames(set_up=(SetUpCall(function="initialize"),))
    assert tried(deployable(target.contract, late)).failure is not None
    first = ContractNames(set_up=(SetUpCall(function="initialize", first=True),))
    assert tried(deployable(target.contract, first)).failure is None
