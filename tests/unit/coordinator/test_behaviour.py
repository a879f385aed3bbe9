"""The model of the documented behaviour, and the comparison of outcomes with it."""

from __future__ import annotations

from typing import Any

import pytest

from lab.coordinator import Codec, DecodedLog
from lab.coordinator.behaviour import Behaviour
from lab.coordinator.comparison import Outcome, difference, may_refuse, shortened
from lab.coordinator.reads import ZERO_ID
from lab.coordinator.refused import Refused
from lab.deploy.deployer import Deployable

OWNER, OPERATOR, STRANGER = "0x" + "0a" * 20, "0x" + "0b" * 20, "0x" + "0c" * 20
A, B = "0x" + "01" * 20, "0x" + "02" * 20
ONE, TWO = "0x" + "11" * 32, "0x" + "22" * 32
NOW = 1_000


@pytest.fixture
def model() -> Behaviour:
    """A contract with everything, a window of 30 s and a stop after two failures."""
    return Behaviour(OWNER, {OWNER, OPERATOR}, 30, breaker=True, expiry=True, threshold=2)


@pytest.fixture(scope="module")
def codec(reference: Deployable) -> Codec:
    """The reference contract's."""
    return reference.codec


def request(tx_id: str = ONE, dependency: str = ZERO_ID, timestamp: int = NOW, size: int = 1) -> tuple[Any, ...]:
    """Arguments of a buffering."""
    return (tx_id, A, B, "0x" + "5a" * size, dependency, timestamp)


def test_a_life_goes_from_buffered_to_executed(model: Behaviour) -> None:
    """Each step once, by an operator."""
    assert model.call("buffer_transaction", request(), OPERATOR, NOW) == [("TransactionBuffered", ONE)]
    assert model.call("resolve_dependency", (ONE,), OPERATOR, NOW) == [("TransactionReady", ONE)]
    assert model.call("mark_executed", (ONE,), OPERATOR, NOW) == []
    assert model.entries[ONE].state == "EXECUTED"
    with pytest.raises(Refused, match="Transaction not ready"):
        model.call("mark_executed", (ONE,), OPERATOR, NOW)


@pytest.mark.parametrize(("late_s", "state"), [(30, "READY"), (31, "EXPIRED")])
def test_the_window_ends_after_its_last_second(model: Behaviour, late_s: int, state: str) -> None:
    """Thirty seconds after the timestamp is in time, thirty-one is not."""
    model.call("buffer_transaction", request(), OPERATOR, NOW)
    model.call("resolve_dependency", (ONE,), OPERATOR, NOW + late_s)
    assert model.entries[ONE].state == state


def test_a_ring_never_becomes_ready(model: Behaviour) -> None:
    """Two that wait for each other."""
    model.call("buffer_batch", ([request(ONE, TWO), request(TWO, ONE)],), OPERATOR, NOW)
    for tx_id in (ONE, TWO):
        events = model.call("resolve_dependency", (tx_id,), OPERATOR, NOW)
        assert events == [("TransactionFailed", "Dependencies not satisfied")]


def test_the_second_failure_stops_the_contract_and_ends_a_batch(model: Behaviour) -> None:
    """What stands behind it in the batch stays as it is."""
    ids = [f"0x{number:064x}" for number in (1, 2, 3)]
    model.call("buffer_batch", ([request(tx_id) for tx_id in ids],), OPERATOR, NOW)
    events = model.call("resolve_batch", (ids,), OPERATOR, NOW + 31)
    assert events[-1] == ("EmergencyStop", "Failure threshold reached")
    assert [model.entries[tx_id].state for tx_id in ids] == ["EXPIRED", "EXPIRED", "BUFFERED"]
    with pytest.raises(Refused, match="Coordinator is paused"):
        model.call("resolve_dependency", (ids[2],), OPERATOR, NOW + 31)


def test_a_refused_batch_leaves_nothing_behind(model: Behaviour) -> None:
    """All or nothing, the counter included."""
    with pytest.raises(Refused, match="Transaction already exists"):
        model.call("buffer_batch", ([request(), request()],), OPERATOR, NOW)
    assert (model.entries, model.count) == ({}, 0)


def test_outcomes_are_compared_with_the_model(model: Behaviour, codec: Codec) -> None:
    """A success that had to be refused, a wrong reason, a missing event: each is told, what is right is not."""
    args = request()

    def found(outcome: Outcome, sender: str = OPERATOR) -> str | None:
        fresh = Behaviour(OWNER, {OPERATOR}, 30, breaker=True, expiry=True)
        wrong = difference(fresh, codec, "buffer_transaction", args, sender, NOW, outcome)
        return None if wrong is None else wrong.text

    event = DecodedLog("TransactionBuffered", {"tx_id": ONE})
    assert found(Outcome(True, None, [event])) is None
    assert found(Outcome(False, "Not authorized", []), STRANGER) is None
    assert "it succeeded" in (found(Outcome(True, None, [event]), STRANGER) or "")
    assert "it says Nope" in (found(Outcome(False, "Nope", []), STRANGER) or "")
    assert "expected TransactionBuffered" in (found(Outcome(True, None, [])) or "")
    assert "it reverted" in (found(Outcome(False, None, [])) or "")


def test_only_numbers_beyond_all_use_may_be_refused() -> None:
    """A timestamp of 64 bits and more may be, one of this century may not."""
    assert may_refuse("buffer_transaction", request(timestamp=2**64))
    assert not may_refuse("buffer_transaction", request(timestamp=2**33))
    assert not may_refuse("resolve_dependency", (ONE,))


@pytest.mark.parametrize(
    ("function", "args", "idle"),
    [
        ("add_operator", (OPERATOR,), True),
        ("add_operator", (STRANGER,), False),
        ("remove_operator", (STRANGER,), True),
        ("remove_operator", (OPERATOR,), False),
        ("add_operator", ("0x" + "00" * 20,), True),
        ("set_coordination_window", (30,), True),
        ("set_coordination_window", (31,), False),
        ("unpause", (), True),
        ("pause", (), False),
        ("execute_batch", ([],), True),
        ("execute_batch", ([ONE],), False),
    ],
)
def test_what_changes_nothing_may_be_refused(codec: Codec, function: str, args: tuple[Any, ...], idle: bool) -> None:
    """By a contract of its own kind, to its owner, for any reason."""
    refused = Outcome(False, "already so", [])
    found = difference(own(), codec, function, args, OWNER, NOW, refused)
    assert found is None if idle else found is not None or function == "pause"


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["Failed", "Stop"], False),
        (["Stop", "Failed"], False),
        (["Ready", "Stop", "Failed"], False),
        (["Failed", "Stop", "Failed"], False),
        (["Failed", "Stop", "Failed", "Stop"], True),
        (["Failed", "Stop", "Ready"], True),
        (["Stop", "Failed", "Ready"], True),
    ],
)
def test_a_batch_ends_where_it_stops_the_contract(codec: Codec, names: list[str], wrong: bool) -> None:
    """Whether the failure or the stop is told first."""
    stop = DecodedLog("EmergencyStop", {"caller": OPERATOR, "reason": "Failure threshold reached"})
    model, ids = own(), [f"0x{number:064x}" for number in range(1, 9)]
    for tx_id in ids:
        model.call("buffer_transaction", request(tx_id, timestamp=NOW), OPERATOR, NOW)
    moved = iter(ids)
    events = [
        stop
        if name == "Stop"
        else DecodedLog(f"Transaction{name}", {"tx_id": next(moved), "reason": "Transaction expired"})
        for name in names
    ]
    found = difference(model, codec, "resolve_batch", (ids,), OPERATOR, NOW + 90, Outcome(True, None, events))
    assert ("to end where it stops the contract" in str(found)) is wrong


@pytest.mark.parametrize(
    ("dependency", "late_s", "named", "wrong"),
    [
        (TWO, 31, "Dependencies not satisfied", False),
        (TWO, 31, "Transaction expired", False),
        (TWO, 30, "Transaction expired", True),
        (ZERO_ID, 31, "Dependencies not satisfied", True),
        (TWO, 31, "Too late", True),
    ],
)
@pytest.mark.parametrize("function", ["resolve_dependency", "resolve_batch"])
def test_of_two_reasons_to_fail_either_may_be_named(
    codec: Codec, function: str, dependency: str, late_s: int, named: str, wrong: bool
) -> None:
    """What is late and waits for a dependency fails for both; the reference names the first."""
    args = ([ONE],) if function == "resolve_batch" else (ONE,)
    failed = Outcome(True, None, [DecodedLog("TransactionFailed", {"tx_id": ONE, "reason": named})])
    model, reference = own(), Behaviour(OWNER, {OPERATOR}, 30, breaker=False, expiry=False)
    for one in (model, reference):
        one.call("buffer_transaction", request(ONE, dependency), OPERATOR, NOW)
    assert (difference(model, codec, function, args, OPERATOR, NOW + late_s, failed) is not None) is wrong
    found = difference(reference, codec, function, args, OPERATOR, NOW + late_s, failed)
    assert (found is not None) is (wrong or named != "Transaction expired")


def test_arguments_are_told_in_short() -> None:
    """A payload by its size."""
    assert shortened((1, "0x" + "5a" * 512)) == "(1, 0x5a5a5a5a… (512 bytes))"


def own(**changes: Any) -> Behaviour:
    """A contract that is not the reference, with words of its own for what is not documented."""

    def binds(reason: str, function: str) -> bool:
        return reason != "Coordinator is paused" and function not in ("pause", "mark_failed", "set_breaker_threshold")

    return Behaviour(OWNER, {OPERATOR}, 30, breaker=True, expiry=False, reference=False, binds=binds, **changes)


def test_what_a_contract_has_of_its_own_is_not_held_against_it(codec: Codec) -> None:
    """Other words, more events, a refusal beyond the documentation, and no event of a capability."""
    buffered = [DecodedLog("TransactionBuffered", {"tx_id": ONE}), DecodedLog("Journal", {"n": 1})]
    paused, args = Outcome(False, "Hub is halted", []), request()
    assert difference(own(), codec, "buffer_transaction", args, OPERATOR, NOW, Outcome(True, None, buffered)) is None
    assert difference(own(paused=True), codec, "buffer_transaction", args, OPERATOR, NOW, paused) is None
    assert difference(own(), codec, "pause", (), OWNER, NOW, Outcome(True, None, [])) is None
    assert difference(own(), codec, "pause", (), STRANGER, NOW, Outcome(False, "guardians only", [])) is None
    model = own()
    assert difference(model, codec, "set_breaker_threshold", (9,), OWNER, NOW, Outcome(False, "too low", [])) is None
    assert model.threshold == 25


def test_what_is_documented_binds_every_contract(codec: Codec) -> None:
    """Who may do what, the documented reasons and events, and that nothing moves while it is stopped."""
    ok, args = Outcome(True, None, []), request()
    assert "it succeeded" in str(difference(own(), codec, "pause", (), STRANGER, NOW, ok))
    assert "it succeeded" in str(difference(own(), codec, "mark_failed", (ONE,), STRANGER, NOW, ok))
    assert "it succeeded" in str(difference(own(paused=True), codec, "buffer_transaction", args, OPERATOR, NOW, ok))
    refused = Outcome(False, "Nope", [])
    assert "it says Nope" in str(difference(own(), codec, "buffer_transaction", args, STRANGER, NOW, refused))
    assert "it reverted" in str(difference(own(), codec, "buffer_transaction", args, OPERATOR, NOW, refused))
    assert "expected TransactionBuffered" in str(
        difference(own(), codec, "buffer_transaction", args, OPERATOR, NOW, ok)
    )


def test_what_the_documentation_leaves_open_is_learnt() -> None:
    """What is late may end as EXPIRED or stay BUFFERED; a contract may stop itself where something failed."""
    model = own()
    model.call("buffer_transaction", request(), OPERATOR, NOW)
    model.learn("resolve_dependency", NOW + 30, paused=False, states={ONE: "EXPIRED"})
    assert model.entries[ONE].state == "BUFFERED"
    model.learn("resolve_dependency", NOW + 31, paused=True, states={ONE: "EXPIRED"})
    assert (model.entries[ONE].state, model.paused) == ("EXPIRED", True)
    stopped = own()
    stopped.learn("add_operator", NOW, paused=True, states={})
    assert not stopped.paused


@pytest.mark.parametrize("function", ["buffer_transaction", "buffer_batch"])
@pytest.mark.parametrize("sender", [OPERATOR, STRANGER])
def test_a_payload_that_is_too_long_is_refused_before_any_rule(
    model: Behaviour, codec: Codec, function: str, sender: str
) -> None:
    """By the decoder, without a reason; or by a rule that the contract asks first. Never taken."""
    args = request(size=513) if function == "buffer_transaction" else ([request(size=513)],)
    for reason in (None, "Not authorized"):
        assert difference(model, codec, function, args, sender, NOW, Outcome(False, reason, [])) is None
    assert difference(model, codec, function, args, sender, NOW, Outcome(True, None, [])) is not None


@pytest.mark.parametrize(("known", "same"), [(False, True), (True, False)])
def test_where_a_contract_stops_itself_a_batch_may_end(codec: Codec, known: bool, same: bool) -> None:
    """At which failure is its own affair: the ids behind that one stay as they were."""
    model = Behaviour(OWNER, {OWNER, OPERATOR}, 30, breaker=True, expiry=True, reference=known)
    for tx_id in (ONE, TWO):
        model.call("buffer_transaction", request(tx_id), OPERATOR, NOW)
    failed = DecodedLog("TransactionFailed", {"tx_id": ONE, "reason": "Transaction expired"})
    outcome = Outcome(True, None, [failed])
    told = difference(model, codec, "resolve_batch", ([ONE, TWO],), OPERATOR, NOW + 31, outcome)
    assert (told is None) is same
    assert model.entries[TWO].state == ("BUFFERED" if same else "EXPIRED")
