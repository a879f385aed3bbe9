"""S7, S8 and S11: what the contract holds at the end."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.record_parts.about import About
from lab.model.records import Block
from lab.model.verdict import CheckResult, Verdict

from .calls import admin, buffer, call, execute, fail, log, mirror, resolve
from .histories import GENESIS, PROXY, ROLES, Story, leg, rollup, stored, tx_id
from .swap import PAY, begin, finish, pay, settle, swap

A = leg("flow.a", "two", 20, id=7)
FULL, TOO_LONG = "0x" + "ab" * 512, "0x" + "ab" * 513


def judged(check: str, story: Story) -> CheckResult:
    """One check's result."""
    return CHECKS[check].judge(story.history())


def story_of(*made: Any, final: Any = None, **fields: Any) -> Story:
    """Transactions on chain two from 10 s on, then final reads of both chains."""
    story = Story(A)
    for at, each in enumerate(made, 5):
        story.mine("two", 2 * at, story.tx("two", "operator", each))
    story.final("one", 96)
    story.final("two", 96, *([stored(A, "READY")] if final is None else final), **fields)
    return story


@pytest.mark.parametrize("check", ["S7", "S11"])
def test_a_clean_run_passes(check: str) -> None:
    """Two legs and a mirror were compared."""
    result = CHECKS[check].judge(swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 3)


@pytest.mark.parametrize("check", ["S7", "S8", "S11"])
def test_an_empty_run_exercises_nothing(check: str) -> None:
    """Final reads of empty contracts prove nothing."""
    assert judged(check, story_of(final=[])).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("0xaabc", "another one from byte 1 on"),
        ("0xaa", "the first 1 of them"),
        ("0x", "the first 0 of them"),
        ("0xaabb00", "1 more"),
    ],
)
def test_s7_compares_the_stored_payload(payload: str, words: str) -> None:
    """Changed, cut, lost and padded payloads are failures, from the block on that has them."""
    story = story_of(buffer(A), resolve(A.tx_id), final=[stored(A, "READY", payload=payload)])
    result = judged("S7", story)
    assert result.verdict is Verdict.FAIL
    (finding,) = result.findings
    assert finding.message.endswith(f", {words}")
    assert finding.about == About(field="payload")
    assert finding.t_ms is not None
    assert f" at {finding.t_ms / 1000:.3f} s it holds" in finding.message


def test_s7_wants_the_declared_payload_not_only_the_sent_one() -> None:
    """What was sent for the leg must be the leg's."""
    story = story_of(buffer(A, payload="0x01"), final=[stored(A, "BUFFERED", payload="0x01")])
    assert judged("S7", story).verdict is Verdict.FAIL


@pytest.mark.parametrize("final", [[], [stored(A, "BUFFERED", payload=None)]])
def test_s7_needs_the_read(final: list[Any]) -> None:
    """No read, or a contract without a getter of the payload, which is said."""
    result = judged("S7", story_of(buffer(A), final=final))
    assert result.verdict is Verdict.UNKNOWN
    assert ["no getter of payloads" in finding.message for finding in result.findings] == [bool(final)]


def test_s7_says_what_the_final_read_failed_of() -> None:
    """A contract without the getters, by their name."""
    missing = "ValueError: the contract has no function get_transaction_details"
    result = judged("S7", story_of(buffer(A), final=[], error=missing))
    assert result.verdict is Verdict.UNKNOWN
    (finding,) = result.findings
    assert finding.message.endswith(
        "is missing for flow.a on two: the contract has no function get_transaction_details"
    )


def test_s7_wants_the_relayers_mirror_to_carry_the_legs_payload() -> None:
    """Another account's forged mirror only has to be stored as given."""
    for by, verdict in (("relayer", Verdict.FAIL), ("operator", Verdict.PASS)):
        story = begin()
        pay(story)
        story.mine("two", 62, story.tx("two", by, mirror(PAY, "two", GENESIS + 66, by, payload="0x66")))
        story.final("one", 96, stored(PAY, "EXECUTED"))
        copy = stored(PAY, "BUFFERED", payload="0x66")
        story.final("two", 96, stored(story.history().header.legs[1], "BUFFERED"), copy)
        assert judged("S7", story).verdict is verdict


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, None),
        (
            {"origin_rollup": rollup("two"), "target_rollup": rollup("one")},
            "to go from one to two, it goes from two to one",
        ),
        ({"target_rollup": "0x" + "77" * 20}, "it goes from one to 0x"),
        ({"dependency_tx_id": tx_id(9)}, "to have no dependency, it depends on transaction"),
    ],
)
@pytest.mark.parametrize("by", ["relayer", "operator"])
def test_s7_wants_the_relayers_mirror_to_be_a_copy(changed: dict[str, Any], words: str | None, by: str) -> None:
    """Of the parent on another chain, for the chain that it stands on. Other accounts may buffer what they like."""
    story = begin()
    pay(story)
    story.mine("two", 62, story.tx("two", by, mirror(PAY, "two", GENESIS + 66, by, **changed)))
    story.final("one", 96, stored(PAY, "EXECUTED"))
    story.final("two", 96, stored(story.history().header.legs[1], "BUFFERED"), stored(PAY, "BUFFERED"))
    result = judged("S7", story)
    if words is None or by == "operator":
        assert result.verdict is Verdict.PASS
    else:
        assert [words in finding.message for finding in result.findings] == [True]


def test_s7_takes_a_forgery_of_a_legs_id_for_what_it_says() -> None:
    """Another origin under the leg's id on the leg's chain is not the leg: stored as given is all that S7 asks."""
    story = story_of(buffer(A, origin_rollup=A.target, payload="0x66"), final=[stored(A, "BUFFERED", payload="0x66")])
    assert judged("S7", story).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (buffer(A, tx_id=tx_id(8), payload=TOO_LONG, revert="execution reverted"), Verdict.PASS),
        (buffer(A, tx_id=tx_id(8), payload=TOO_LONG), Verdict.FAIL),
        (buffer(A, tx_id=tx_id(8), payload=FULL, revert="execution reverted"), Verdict.FAIL),
        (buffer(A, tx_id=tx_id(8), payload=FULL, revert="Payload too long"), Verdict.FAIL),
        (buffer(A, tx_id=tx_id(8), payload=FULL, revert="Transaction already exists"), Verdict.PASS),
        (buffer(A, payload=FULL, revert="execution reverted"), Verdict.PASS),
        (buffer(A, "attacker", tx_id=tx_id(8), payload=FULL, revert="execution reverted"), Verdict.PASS),
        (buffer(A, tx_id=tx_id(8), payload=FULL, timestamp=GENESIS + 11, revert="execution reverted"), Verdict.PASS),
    ],
)
def test_s7_draws_the_line_between_512_and_513_bytes(made: Any, verdict: Verdict) -> None:
    """A refusal of 512 bytes is excused only by another reason."""
    given = made[0].args["payload"]
    extra = [stored(A, "BUFFERED", tx_id=tx_id(8), payload=given)] if made[0].ok else []
    story = story_of(buffer(A), made, final=[stored(A, "BUFFERED"), *extra])
    assert judged("S7", story).verdict is verdict


@pytest.mark.parametrize(
    ("payload", "outcome", "revert", "verdict"),
    [
        (TOO_LONG, "fail", None, Verdict.PASS),
        (TOO_LONG, "ok", None, Verdict.FAIL),
        (TOO_LONG, "info", None, Verdict.NOT_EXERCISED),
        (FULL, "fail", "payload too large", Verdict.FAIL),
        (FULL, "fail", "Not authorized", Verdict.NOT_EXERCISED),
    ],
)
def test_s7_judges_operations_that_never_became_transactions(
    payload: str, outcome: Any, revert: str | None, verdict: Verdict
) -> None:
    """A refusal at the gas estimate is a refusal."""
    story = Story(A)
    story.operation(10, "two", "buffer_transaction", {"payload": payload}, outcome, revert=revert)
    assert judged("S7", story).verdict is verdict


TWIN = leg("other.twin", "one", 40, id=7, payload="0xccdd")


def twins(*, final_one: Any = None, mirrored: Any = None, **two: Any) -> Story:
    """One tx_id declared on both chains, with different fields."""
    story = Story(A, TWIN)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("one", 12, story.tx("one", "operator", buffer(TWIN)))
    story.mine("two", 20, story.tx("two", "operator", resolve(A.tx_id)))
    story.final("one", 96, final_one or stored(TWIN, "BUFFERED"))
    story.final("two", 96, stored(A, "READY", **two))
    return story


def test_s8_passes_when_both_keep_their_own() -> None:
    """Same id, two chains, own fields and states."""
    result = judged("S8", twins())
    assert (result.verdict, result.judged) == (Verdict.PASS, 2)


@pytest.mark.parametrize(
    ("final_one", "about"),
    [
        (stored(TWIN, "READY"), About(states=("BUFFERED", "READY"))),
        (stored(TWIN, "BUFFERED", payload=A.payload), About(field="payload")),
        (stored(TWIN, "BUFFERED", timestamp=A.timestamp), About(field="timestamp")),
        (stored(TWIN, "BUFFERED", target=A.target), About(field="target")),
    ],
)
def test_s8_fails_when_one_leaks_into_the_other(final_one: Any, about: About) -> None:
    """State, payload, timestamp and target are each chain's own."""
    result = judged("S8", twins(final_one=final_one))
    assert result.verdict is Verdict.FAIL
    assert result.findings[0].chain == "one"
    assert result.findings[0].about == about


def test_s8_does_not_judge_a_mirror_as_a_second_original() -> None:
    """The ordinary swap shares its parent's id by declaration."""
    assert CHECKS["S8"].judge(swap()).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    ("copy", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"payload": A.payload}, Verdict.FAIL),
        ({"origin_rollup": f"0x{1:040x}"}, Verdict.FAIL),
    ],
)
def test_s8_wants_a_mirror_of_a_shared_id_to_copy_one_of_them(copy: dict[str, Any], verdict: Verdict) -> None:
    """On a third chain: the one's origin with the other's payload is a merger, an origin of no chain is neither."""
    story = Story(A, TWIN, names=("one", "two", "three"))
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("one", 12, story.tx("one", "operator", buffer(TWIN)))
    story.mine("three", 14, story.tx("three", "relayer", mirror(TWIN, "three", GENESIS + 40, **copy)))
    story.final("one", 96, stored(TWIN, "BUFFERED"))
    story.final("two", 96, stored(A, "BUFFERED"))
    result = judged("S8", story)
    assert (result.verdict, result.judged) == (verdict, 3)


def test_s8_needs_both_reads() -> None:
    """A chain that could not be read leaves it open."""
    story = Story(A, TWIN)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("one", 12, story.tx("one", "operator", buffer(TWIN)))
    story.final("two", 96, stored(A, "BUFFERED"))
    assert judged("S8", story).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "field",
    [
        {"state": "BUFFERED"},
        {"state": "EXPIRED"},
        {"origin": A.target},
        {"target": A.origin},
        {"timestamp": A.timestamp + 1},
        {"dependency": tx_id(1)},
    ],
)
def test_s11_compares_every_field(field: dict[str, Any]) -> None:
    """Whatever differs is named."""
    story = story_of(buffer(A), resolve(A.tx_id), final=[stored(A, "READY").model_copy(update=field)])
    result = judged("S11", story)
    assert result.verdict is Verdict.FAIL
    assert f"{next(iter(field))}: expected" in result.reason
    # Read at the end, it was there since the last event: what came of it comes after it.
    (finding,) = result.findings
    assert finding.t_ms == max(block.t_ms for block in story.history().of(Block) if block.txs)
    state = field.get("state")
    assert finding.about == (About(states=("READY", state)) if state else About(field=next(iter(field))))


@pytest.mark.parametrize(
    "field",
    [
        {"transaction_count": 0},
        {"transaction_count": 2},
        {"window_s": 30},
        {"owner": ROLES["attacker"]},
        {"paused": True},
        {"operators": {ROLES["attacker"]: True}},
        {"operators": {ROLES["operator"]: False}},
    ],
)
def test_s11_compares_the_settings(field: dict[str, Any]) -> None:
    """The counter, the window, the roles and the pause flag."""
    story = story_of(buffer(A), resolve(A.tx_id), **field)
    result = judged("S11", story)
    assert result.verdict is Verdict.FAIL
    (finding,) = result.findings
    getters = {"window_s": "coordination_window", "operators": "authorized_operators"}
    assert finding.about == About(field=getters.get(next(iter(field)), next(iter(field))))


def test_s11_follows_admin_calls_with_and_without_events() -> None:
    """A new operator by event, a new window by the call alone, a threshold by its event."""
    made = [
        buffer(A),
        resolve(A.tx_id),
        admin("add_operator", operator=ROLES["user"], event=log("OperatorAdded", operator=ROLES["user"])),
        admin("set_coordination_window", w=90),
        admin("set_breaker_threshold", threshold=3, event=log("BreakerThresholdSet", threshold=3)),
    ]
    good = {"window_s": 90, "operators": {ROLES["user"]: True}, "breaker_threshold": 3}
    assert judged("S11", story_of(*made, **good)).verdict is Verdict.PASS
    assert judged("S11", story_of(*made, **{**good, "breaker_threshold": 25})).verdict is Verdict.FAIL


def test_s11_counts_executions_by_their_calls() -> None:
    """`mark_executed` emits nothing, so a successful call is the effect, a reverted one is none."""
    final = [stored(A, "EXECUTED")]
    assert judged("S11", story_of(buffer(A), resolve(A.tx_id), execute(A.tx_id), final=final)).verdict is Verdict.PASS
    reverted = execute(A.tx_id, revert="Transaction not ready")
    assert judged("S11", story_of(buffer(A), resolve(A.tx_id), reverted, final=final)).verdict is Verdict.FAIL


def test_s11_does_not_know_where_a_transaction_was_not_traced() -> None:
    """EXECUTED without a call is open if an untraced transaction may have done it."""
    story = Story(A)
    story.mine("two", 20, story.tx("two", "operator", buffer(A), resolve(A.tx_id)))
    story.mine("two", 22, story.tx("two", "user", to=PROXY, traced=False, trace_error="pruned"))
    story.final("one", 96)
    story.final("two", 96, stored(A, "EXECUTED"))
    assert judged("S11", story).verdict is Verdict.UNKNOWN


def test_s11_needs_every_read() -> None:
    """A failed read, a missing one, and a transaction that was not asked for."""
    story = story_of(buffer(A), resolve(A.tx_id), final=[], transaction_count=1)
    assert judged("S11", story).verdict is Verdict.UNKNOWN
    assert judged("S11", begin()).verdict is Verdict.UNKNOWN
    failed = begin()
    pay(failed)
    settle(failed)
    finish(failed)
    failed.final("two", 102, error="RpcTimeout: no answer", transaction_count=None)
    result = judged("S11", failed)
    assert result.verdict is Verdict.UNKNOWN
    assert "no answer" in result.reason


def test_s11_wants_an_unknown_id_to_be_empty() -> None:
    """An id that was only tried reads as EMPTY with zero fields."""
    zero = f"0x{0:040x}"
    blank: dict[str, Any] = {"payload": "0x", "origin": zero, "target": zero, "timestamp": 0}
    tried = (call("resolve_dependency", tx_id=tx_id(9), revert="Transaction not in buffered state"), ())
    made = (buffer(A), resolve(A.tx_id), tried)
    empty = stored(A, "EMPTY", tx_id=tx_id(9), **blank)
    result = judged("S11", story_of(*made, final=[stored(A, "READY"), empty]))
    assert (result.verdict, result.judged) == (Verdict.PASS, 1)
    dirty = empty.model_copy(update={"timestamp": 5})
    assert judged("S11", story_of(*made, final=[stored(A, "READY"), dirty])).verdict is Verdict.FAIL
    appeared = stored(A, "BUFFERED", tx_id=tx_id(9))
    result = judged("S11", story_of(*made, final=[stored(A, "READY"), appeared], transaction_count=1))
    assert result.verdict is Verdict.FAIL
    assert "expected EMPTY, stored BUFFERED" in result.reason


def test_s11_folds_expiry_only_into_a_contract_that_has_it() -> None:
    """The documented contract stays BUFFERED."""
    lapsed = resolve(A.tx_id, failed="Transaction expired")
    for capabilities, state in ((("expiry",), "EXPIRED"), ((), "BUFFERED")):
        story = Story(A, capabilities=capabilities)
        story.mine("two", 10, story.tx("two", "operator", buffer(A)))
        story.mine("two", 90, story.tx("two", "operator", lapsed))
        story.final("one", 96)
        story.final("two", 96, stored(A, state))  # type: ignore[arg-type]
        assert judged("S11", story).verdict is Verdict.PASS
    assert judged("S11", story_of(buffer(A), resolve(A.tx_id), fail(A.tx_id))).verdict is Verdict.FAIL


def test_s11_ignores_blocks_after_the_read() -> None:
    """The read is of one block; what came later is not in it."""
    story = story_of(buffer(A), resolve(A.tx_id))
    story.mine("two", 98, story.tx("two", "operator", execute(A.tx_id)))
    assert judged("S11", story).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("silent", "verdict"),
    [
        ((call("resolve_dependency", tx_id=A.tx_id), ()), Verdict.FAIL),
        ((call("expire_transaction", tx_id=A.tx_id), ()), Verdict.FAIL),
        ((call("buffer_transaction", **{**buffer(A)[0].args, "tx_id": tx_id(8)}), ()), Verdict.FAIL),
        ((call("resolve_dependency", tx_id=A.tx_id, revert="Not authorized"), ()), Verdict.PASS),
        ((call("get_transaction_state", tx_id=A.tx_id), ()), Verdict.PASS),
    ],
)
def test_s11_wants_a_success_to_show_by_its_event(silent: Any, verdict: Verdict) -> None:
    """Whatever the storage says in the end: who only listens never learns of it."""
    story = story_of(buffer(A), silent, final=[stored(A, "BUFFERED")])
    assert judged("S11", story).verdict is verdict


def test_s11_says_what_a_call_emitted_instead() -> None:
    """An event about another transaction; what the storage then holds is no second finding."""
    other = leg("flow.b", "two", 20, id=8)
    silent = (resolve(A.tx_id)[0], (log("TransactionReady", tx_id=other.tx_id),))
    (finding,) = judged("S11", story_of(buffer(A), silent, final=[stored(A, "READY")])).findings[:1]
    assert finding.message.endswith("and emitted TransactionReady of transaction 0x000000…0008 on two")
    mute = (resolve(A.tx_id)[0], ())
    (finding,) = judged("S11", story_of(buffer(A), mute, final=[stored(A, "READY")])).findings
    assert finding.message.endswith("and emitted nothing")
    wanted = ("TransactionReady", "TransactionFailed")
    assert finding.about == About(function="resolve_dependency", events=(wanted, ()))


def test_s11_expects_no_event_of_what_a_tripped_batch_skipped() -> None:
    """The calls behind the trip in the same transaction did nothing, so there is nothing to tell."""
    other = leg("flow.b", "two", 20, id=8)
    stop = log("EmergencyStop", caller=ROLES["operator"], reason="Failure threshold reached")
    first, logs = resolve(A.tx_id, failed="Transaction expired")
    rest = (call("resolve_dependency", tx_id=other.tx_id), ())
    story = Story(A, other)
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(other)))
    story.mine("two", 90, story.tx("two", "operator", (first, (*logs, stop)), rest))
    story.final("one", 96)
    story.final("two", 96, stored(A, "EXPIRED"), stored(other, "BUFFERED"), paused=True, failure_count=1)
    assert judged("S11", story).verdict is Verdict.PASS


def test_s11_takes_an_end_of_its_own_for_expired() -> None:
    """A contract whose resolve ends an expired transaction needs no function for it; only the storage shows that."""
    lapsed = resolve(A.tx_id, failed="Transaction expired")
    for state, verdict in (("EXPIRED", Verdict.PASS), ("READY", Verdict.FAIL)):
        story = Story(A, capabilities=())
        story.mine("two", 10, story.tx("two", "operator", buffer(A)))
        story.mine("two", 90, story.tx("two", "operator", lapsed))
        story.final("one", 96)
        story.final("two", 96, stored(A, state))  # type: ignore[arg-type]
        assert judged("S11", story).verdict is verdict


def test_s11_starts_from_what_was_read_after_the_set_up() -> None:
    """An owner that is no operator, a window of the contract's own."""
    for read, verdict in ((True, Verdict.PASS), (False, Verdict.FAIL)):
        story = Story(A)
        if read:
            story.contract("two", operators=(ROLES["operator"],), window_s=45)
        story.mine("two", 10, story.tx("two", "operator", buffer(A)))
        story.final("one", 96)
        operators = {ROLES["owner"]: False, ROLES["operator"]: True}
        story.final("two", 96, stored(A, "BUFFERED"), operators=operators, window_s=45)
        assert judged("S11", story).verdict is verdict
