"""Sequences drawn by kind find each bug of their kinds, at its shortest, and nothing in correct contracts.

All contracts stand on one chain; nothing but their deployment is mined. `LAB_TORTURE` multiplies the seeds of the
correct ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.broken import MODEL, read_bugs
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import created_address, role_account
from lab.coordinator.accounts import OPERATOR_ROLES
from lab.deploy.deployer import Deployable, learn_numbering
from lab.model.contract.names import Limits
from lab.paths import CONTRACTS
from lab.runner.model_based.delay import ready_too_soon
from lab.runner.model_based.player import Player
from lab.runner.model_based.search import KINDS, LINES_MAX, search, seeds_of

from .callers import CHAIN, Stage, stage
from .conftest import compiled

BUGS = {name: bug for name, bug in read_bugs().items() if bug.caught_by == MODEL}
CORRECT = ("TesseractCoordinator.vy", *sorted({bug.base for bug in BUGS.values()}))
# Enough for a look; 200 seeds of each kind with LAB_TORTURE=100.
SEEDS_OF_CORRECT = 2 * int(os.environ.get("LAB_TORTURE", "1"))

PlayerOf = Callable[[Path], Player]


# Bugs of parts that only the reference has: kind, where, instead, and words of the finding.
EVENT = '    timestamp: uint256,\n):\n    """\n    @notice Checks and stores one'
DEADLINE = '    assert not self._past_execution_deadline(header, settings), "E'
PLANTED = [
    (
        "deadlines",
        {
            "        self._execute(tx_id, settings)\n": "        self._execute(tx_id, settings)\n"
            "        settings.execution_window = 0\n"
        },
        "execute_batch: expected it to revert (Execution deadline passed)",
    ),
    (
        "deadlines",
        {
            "event OperatorAdded:": "ready_window: HashMap[bytes32, uint256]\n\n\nevent OperatorAdded:",
            "header, transaction_store.State.READY)\n": "header, transaction_store.State.READY)\n"
            "    self.ready_window[tx_id] = window\n",
            DEADLINE: "    then: controls.Settings = settings\n"
            "    then.coordination_window = self.ready_window[tx_id]\n" + DEADLINE.replace("settings)", "then)"),
        },
        "Execution deadline passed",
    ),
    (
        "batches",
        {
            EVENT: EVENT.replace("256,", "256,\n    first: uint256,", 1).replace(
                "@notice", "@param first The first one's.\n    @notice"
            ),
            "target_rollup=target_rollup, timestamp=timestamp\n": "target_rollup=target_rollup, timestamp=first\n",
            "dependency_tx_id, timestamp)\n    settings": "dependency_tx_id, timestamp, timestamp)\n    settings",
            "            request.timestamp,\n": "            request.timestamp,\n            requests[0].timestamp,\n",
        },
        "buffer_batch: expected TransactionBuffered with timestamp",
    ),
    (
        "batches",
        {
            "timestamp >= block.timestamp, \"T": "timestamp >= block.timestamp or tx_id != empty(bytes32), \"T",
            "    self._buffer(tx_id, origin": "    assert timestamp >= block.timestamp, "
            "\"Timestamp cannot be in the past\"\n    self._buffer(tx_id, origin",
        },
        "buffer_batch: expected it to revert (Timestamp cannot be in the past)",
    ),
    (
        "deadlines",
        {
            "_timestamp_of(header) + settings.coordination_window\n    elif": "_timestamp_of(header) + "
            "max(settings.coordination_window, settings.execution_window)\n    elif",
        },
        "expire_transaction: expected it to succeed as it did for another",
    ),
    (
        "deadlines",
        {
            "        return False\n    window_end": "        return False\n    if block.timestamp < "
            "transaction_store._timestamp_of(header) + settings.execution_window // 5:\n        return True\n"
            "    window_end",
        },
        "mark_executed: expected it to succeed",
    ),
    (
        "generations",
        {
            "State.READY | transaction_store.State.EXECUTED)\n": "State.READY | transaction_store.State.EXECUTED) or "
            "(state == transaction_store.State.EXPIRED and self._elder(dependency) == transaction_store.State.EXECUTED)"
            "\n\n\n@internal\n@view\ndef _elder(tx_id: bytes32) -> transaction_store.State:\n"
            "    elder: bytes32 = transaction_store._dependency_of(tx_id, transaction_store._header(tx_id))\n"
            "    return transaction_store._state_of(transaction_store._header(elder))\n",
        },
        "resolve_dependency: expected TransactionFailed, got TransactionReady",
    ),
]  # fmt: skip
# The same of kinds that other contracts' bugs belong to.
PLANTED_BESIDE = [
    (
        "accounts",
        {
            "event OperatorAdded:": "added_by: HashMap[address, address]\n\n\nevent OperatorAdded:",
            "    self.authorized_operators[operator] = True\n": "    self.authorized_operators[operator] = True\n"
            "    self.added_by[operator] = msg.sender\n",
            "    expired: bool = False\n": "    assert self.added_by[msg.sender] == ownership.owner, "
            "\"Not authorized\"\n    expired: bool = False\n",
        },
        "expire_transaction: expected it to succeed as it did for another",
    ),
    (
        "dependency",
        {
            "event OperatorAdded:": "last_parent: bytes32\n\n\nevent OperatorAdded:",
            "header, transaction_store.State.EXECUTED)\n": "header, transaction_store.State.EXECUTED)\n"
            "    self.last_parent = transaction_store._dependency_of(tx_id, header)\n",
            "State.READY | transaction_store.State.EXECUTED)\n": "State.READY | transaction_store.State.EXECUTED) or "
            "self.last_parent == dependency\n",
        },
        "resolve_dependency: expected TransactionFailed, got TransactionReady",
    ),
    (
        "dependency",
        {
            "event OperatorAdded:": "number: HashMap[bytes32, uint256]\n\n\nevent OperatorAdded:",
            "    transaction_store._write(": "    self.number[tx_id] = block.number\n    transaction_store._write(",
            "    if dependency == empty(bytes32):\n        return True\n": "    if dependency == empty(bytes32):\n"
            "        return True\n    if self.number[dependency] > self.number[tx_id]:\n        return False\n",
        },
        "resolve_dependency: expected TransactionReady, got TransactionFailed",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def one_stage(shared_backend: ProcessBackend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A chain for all contracts of this file."""
    with stage(compiled(Path("plain/PlainCoordinator.vy")), shared_backend, tmp_path_factory.mktemp("stage")) as on:
        yield on


@pytest.fixture
def player(one_stage: Stage) -> PlayerOf:
    """Deploys a contract by the owner, adds operators, and learns what its sequences may use."""
    return lambda contract: deployed(one_stage, compiled(contract))


def deployed(on: Stage, target: Deployable) -> Player:
    """A contract on the stage beside the others."""
    owner, rpc = role_account("owner").address, on.lab.chains[CHAIN].look()
    address = created_address(owner, rpc.nonce(owner))
    assert on.send("owner", None, target.contract.bytecode, gas=6_000_000) == 1
    for role in OPERATOR_ROLES:
        assert on.send("owner", address, target.codec.encode("add_operator", [role_account(role).address])) == 1
    player = Player(on.lab.chains[CHAIN].look(), target, learn_numbering(rpc, target), address)
    assert player.learn() is None
    return player


@pytest.mark.parametrize("name", BUGS)
def test_its_kind_of_sequences_finds_the_bug(player: PlayerOf, name: str) -> None:
    """With words that tell it from others, in few calls and few lines, the same each time."""
    bug = BUGS[name]
    assert bug.kind in KINDS, bug.path
    assert bug.finding, bug.path
    model = player(Path(f"broken/{name}.vy"))
    finding = search(model, bug.kind, seeds_of(bug.kind))
    assert finding is not None
    lines = finding.lines()
    assert bug.finding in lines[0]
    assert len(lines) <= LINES_MAX
    assert model.play(finding.sequence) == finding.deviation


@pytest.mark.parametrize(("kind", "changes", "words"), [*PLANTED, *PLANTED_BESIDE])
def test_a_bug_of_an_optional_part(
    player: PlayerOf, tmp_path: Path, kind: str, changes: dict[str, str], words: str
) -> None:
    """What only the reference has, changed in a copy of it."""
    for source in CONTRACTS.glob("*.vy"):
        shutil.copy(source, tmp_path)
    shutil.copytree(CONTRACTS / "interfaces", tmp_path / "interfaces")
    main = tmp_path / "TesseractCoordinator.vy"
    text = main.read_text()
    for here, instead in changes.items():
        assert here in text
        text = text.replace(here, instead, 1)
    main.write_text(text)
    finding = search(player(main), kind, seeds_of(kind))
    assert finding is not None
    assert words in finding.lines()[0]


def test_a_sum_that_overflows_says_the_way_out_and_a_declared_horizon_is_one(player: PlayerOf) -> None:
    """No timestamp beyond the horizon is held against the contract; those within it are tried."""
    model = player(Path("broken/resolve_overflows.vy"))
    finding = search(model, "numbers", seeds_of("numbers"))
    assert finding is not None
    assert finding.rule is not None
    assert "Way out: " in finding.rule
    assert "horizon_seconds" in finding.rule
    model.traits, calls = replace(model.traits, horizon_s=86_400), model.calls
    assert search(model, "numbers", seeds_of("numbers")) is None
    assert model.calls > calls + 100


@pytest.mark.parametrize(
    ("name", "kinds"), [("remove_toggles", ("accounts", "history")), ("resume_resets_window", ("stop", "walk"))]
)
def test_what_several_kinds_show_is_named_once(player: PlayerOf, name: str, kinds: tuple[str, ...]) -> None:
    """The second kind reads fewer views, or draws other values, and meets what comes of the same mistake later."""
    model = player(Path(f"broken/{name}.vy"))
    known: set[tuple[str, str]] = set()
    for kind in kinds:
        finding = search(model, kind, seeds_of(kind), known=known)
        assert (finding is None) is bool(known)
        known |= {finding.deviation.cause} if finding else set()


@pytest.mark.parametrize("contract", CORRECT)
def test_nothing_is_found_in_a_correct_contract(player: PlayerOf, contract: str) -> None:
    """Whatever it has beside the documented interface."""
    model = player(Path(contract))
    for kind in KINDS:
        finding = search(model, kind, range(SEEDS_OF_CORRECT))
        assert finding is None, "\n".join(finding.lines())


def test_every_kind_finds_a_bug() -> None:
    """A kind that finds nothing is a claim; walks are another way to what the others find."""
    assert {bug.kind for bug in BUGS.values()} == set(KINDS) - {kind for kind, *_ in PLANTED} - {"walk"}
    assert not {bug.kind for bug in BUGS.values()} & {kind for kind, *_ in PLANTED}
    for kind in {bug.kind for bug in BUGS.values()}:
        assert sum(bug.kind == kind for bug in BUGS.values()) >= 2, kind


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"resolve_after_blocks": 1}, "after 0 blocks"),
        ({"resolve_after_blocks": 3}, "after 2 blocks"),
        ({"resolve_after_seconds": 20}, "after 19 seconds"),
        ({"resolve_after_blocks": 0}, None),
        ({}, None),
    ],
)
def test_a_declared_delay_that_nothing_keeps(player: PlayerOf, limits: dict[str, int], words: str | None) -> None:
    """A contract that wants no delay at all; it is played as before afterwards."""
    model = player(Path("plain/PlainCoordinator.vy"))
    model.codec.names = model.codec.names.model_copy(update={"limits": Limits.model_validate(limits)})
    traits = model.traits
    early = ready_too_soon(model)
    assert early == (words and f"resolve_dependency: expected no TransactionReady so soon, got it {words}")
    assert model.traits == traits


TIMELY = "    if block.timestamp < timestamp or not self._dependency_met(tx_id):\n"


@pytest.mark.parametrize(
    "instead",
    [
        '    assert block.timestamp >= self.since[tx_id] + 5, "Too soon"\n' + TIMELY,
        TIMELY.replace(" or not", " or block.timestamp < self.since[tx_id] + 5 or not"),
    ],
)
def test_a_declared_delay_is_no_fault(player: PlayerOf, tmp_path: Path, instead: str) -> None:
    """What is resolved too soon is refused by a revert, or as what comes too early."""
    source = (CONTRACTS / "plain/PlainCoordinator.vy").read_text(encoding="utf-8")
    getter, counted = "transaction_count: public(uint256)\n", "    self.transaction_count += 1\n"
    changes = {
        getter: f"{getter}since: HashMap[bytes32, uint256]\n",
        counted: f"{counted}    self.since[tx_id] = block.timestamp\n",
        TIMELY: instead,
    }
    for old, new in changes.items():
        assert source.count(old) == 1
        source = source.replace(old, new)
    (tmp_path / "Delayed.vy").write_text(source, encoding="utf-8")
    model = player(tmp_path / "Delayed.vy")
    limits = Limits(resolve_after_seconds=5)
    model.codec.names, model.limits = model.codec.names.model_copy(update={"limits": limits}), limits
    found = [finding for kind in KINDS if (finding := search(model, kind, seeds_of(kind))) is not None]
    assert not found, found[0].lines()


PARENT = "(State.READY | State.EXECUTED)"


@pytest.mark.parametrize(
    ("instead", "alone"),
    [
        ("(State.READY | State.EXECUTED if chain.id != 8453 else State.READY)", "chain id 8453 alone"),
        ("(State.READY | State.EXECUTED if chain.id != 10 else State.READY)", "chain id 10 alone"),
        ("State.READY", None),
    ],
)
def test_a_finding_says_on_which_chain_it_shows(
    player: PlayerOf, tmp_path: Path, instead: str, alone: str | None
) -> None:
    """The node's own as another one; nothing of it where every chain shows it."""
    source = (CONTRACTS / "plain/PlainCoordinator.vy").read_text(encoding="utf-8")
    assert source.count(PARENT) == 1
    (tmp_path / "Other.vy").write_text(source.replace(PARENT, f"({instead})"), encoding="utf-8")
    model = player(tmp_path / "Other.vy")
    finding = search(model, "chains", seeds_of("chains"))
    assert finding is not None
    head = finding.lines()[0]
    assert alone in head if alone else "alone" not in head
    assert model.play(finding.sequence) == finding.deviation


COUNTER = "coordination_window: public(uint256)\n"
KNOWN_ID = '    assert self.transactions[tx_id].state == empty(State), "Transaction already exists"\n'
SET_UP = "    self.coordination_window = 30\n"
LATE = '        log TransactionFailed(tx_id=tx_id, reason="Transaction expired")\n'
MAY: dict[str, dict[str, str]] = {
    "holds on to its chain": {
        COUNTER: f"{COUNTER}CHAIN: immutable(uint256)\n",
        SET_UP: f"{SET_UP}    CHAIN = chain.id\n",
        KNOWN_ID: KNOWN_ID + '    assert chain.id == CHAIN, "Another chain"\n',
    },
    "is for one chain": {SET_UP: f'{SET_UP}    assert chain.id == 8453, "Base only"\n'},
    "is of use on one chain": {KNOWN_ID: KNOWN_ID + '    assert chain.id == 8453, "Base only"\n'},
    "looks through the last 64": {
        COUNTER: f"{COUNTER}last: DynArray[bytes32, 64]\nplace: uint256\n",
        KNOWN_ID: KNOWN_ID
        + "    for known: bytes32 in self.last:\n        assert known != tx_id\n"
        + "    if len(self.last) < 64:\n        self.last.append(tx_id)\n    else:\n"
        + "        self.last[self.place % 64] = tx_id\n    self.place += 1\n",
    },
    "counts by block, and in bits": {
        COUNTER: f"{COUNTER}of_block: HashMap[uint256, uint256]\nbits: HashMap[uint256, uint256]\n",
        KNOWN_ID: KNOWN_ID
        + "    self.of_block[block.number] += 1\n"
        + "    self.bits[self.transaction_count // 32] |= 1 << self.transaction_count % 32\n",
    },
    "keeps what there was, and goes through none of it": {
        COUNTER: f"{COUNTER}ids: DynArray[bytes32, 100000]\n",
        KNOWN_ID: f"{KNOWN_ID}    self.ids.append(tx_id)\n",
    },
    "has a breaker that begins anew": {
        "paused: public(bool)\n": "paused: public(bool)\nfailures: uint256\n",
        "    self.paused = False\n": "    self.paused = False\n    self.failures = 0\n",
        LATE: f"{LATE}        self.failures += 1\n        self.paused = self.failures >= 9\n",
    },
    "stops itself but for its owner's word": {
        "paused: public(bool)\n": "paused: public(bool)\nfailures: uint256\n",
        LATE: f"{LATE}        self.failures += 1\n        self.paused = self.failures == 9\n",
    },
}


@pytest.mark.parametrize("what", MAY)
def test_what_a_correct_contract_may_do(player: PlayerOf, tmp_path: Path, what: str) -> None:
    """A chain of its own, bounded loops, first uses, and counts; none of it is a fault, and something is played."""
    base = "PausableCoordinator" if "paused" in "".join(MAY[what]) else "PlainCoordinator"
    source = (CONTRACTS / f"plain/{base}.vy").read_text(encoding="utf-8")
    for old, new in MAY[what].items():
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    (tmp_path / "Other.vy").write_text(source, encoding="utf-8")
    model = player(tmp_path / "Other.vy")
    for kind in ("chains", "breaker", "gas"):
        finding = search(model, kind, seeds_of(kind))
        assert finding is None, "\n".join(finding.lines())
    assert model.calls > 1_000
