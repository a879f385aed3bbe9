"""What is one cause, and what stays apart: over symptoms of several runs, without a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lab.report.causes.attribution import attribute
from lab.report.causes.grouping import Group, group
from lab.report.causes.symptoms import Symptom


def check(name: str, words: str, t_ms: int = 10, **changes: Any) -> Symptom:
    """A failed check about a call of resolve_dependency."""
    function = changes.pop("function", "resolve_dependency")
    return Symptom("check", f"check {name} {function}: {words}", words, name, t_ms, function=function, **changes)


def expectation(words: str, t_ms: int = 20, **changes: Any) -> Symptom:
    """An expectation that was not met."""
    return Symptom("expectation", f"expectation {words}", words, t_ms=t_ms, **changes)


def missing(function: str, t_ms: int = 5) -> Symptom:
    """A function that the contract does not have."""
    return Symptom("missing", f"missing {function}", function, t_ms=t_ms)


WINDOW = "coordination_window"


def causes(*runs: Sequence[Symptom]) -> list[Group[int]]:
    """The groups over runs of the given symptoms."""
    ordered = (sorted(run, key=lambda symptom: symptom.order) for run in runs)
    return group((number, attribute(run)) for number, run in enumerate(ordered))


EARLY = check("S4", "expected LEG; made it READY N s before its timestamp", says="TransactionReady", flow="f", tx="0x1")
LATE = check("S4", "expected LEG; made it READY N s after its timestamp", says="TransactionReady", flow="g", tx="0x2")


def test_one_deviation_in_many_runs_is_one_cause() -> None:
    """Whatever else the runs show behind it."""
    wake = check("L2", "LEG never ended", 90, flow="f", function="")
    (cause,) = causes([EARLY], [EARLY, wake], [EARLY, expectation("LEG EXECUTED", 95, flow="f")])
    assert [run for run, _ in cause.runs] == [0, 1, 2]
    assert set(cause.follows) == {wake.key, "expectation LEG EXECUTED"}


@pytest.mark.parametrize(
    "other",
    [
        LATE,
        check("S7", "payload", function="buffer_transaction", flow="g", tx="0x3"),
        check("S6", "ROLE succeeded", says="TransactionReady", flow="g", tx="0x4"),
        check("S10", "not refused while paused", function="mark_executed", flow="g", tx="0x5"),
    ],
    ids=["other side", "other function", "other check", "other rule"],
)
def test_two_bugs_stay_apart(other: Symptom) -> None:
    """In two runs, in one, and where one run shows both."""
    for runs in ([[EARLY], [other]], [[EARLY, other]], [[EARLY], [EARLY, other]]):
        assert {found.key for found in causes(*runs)} == {EARLY.key, other.key}


def test_what_was_seen_apart_is_a_cause_of_its_own() -> None:
    """Behind another one here, alone there: then it does not come from that."""
    wake = check("L2", "LEG never ended", 90, flow="f", function="")
    first, second = causes([EARLY, wake], [wake])
    assert {first.key, second.key} == {EARLY.key, wake.key}
    assert sorted(len(found.runs) for found in (first, second)) == [1, 2]


def test_two_views_of_one_transaction() -> None:
    """The scenario's own expectation of the call to which a check objects, also where it stands alone elsewhere."""
    told = expectation("resolve to emit Ready", 11, flow="f", tx="0x1", function="resolve_dependency")
    (cause,) = causes([EARLY, told], [told])
    assert cause.key == EARLY.key
    assert len(cause.runs) == 2


def test_a_script_does_not_go_on_without_what_it_needs() -> None:
    """Expectations behind a missing function are its wake; a check that fails is not."""
    stop = missing("pause")
    found = causes([stop, expectation("paused", 30), EARLY])
    assert {cause.key for cause in found} == {stop.key, EARLY.key}


def test_what_the_documentation_asks_for_stands_for_itself() -> None:
    """An expectation of a documented refusal, of another function and flow, is another bug's."""
    refused = expectation(
        'to revert with "Transaction not ready"; got ok', 40, function="mark_executed", flow="g",
        demands="Transaction not ready", tx="0x9",
    )  # fmt: skip
    assert {cause.key for cause in causes([EARLY, refused])} == {EARLY.key, refused.key}
    (cause,) = causes([EARLY, expectation("something else of the script", 40)])
    assert cause.key == EARLY.key


def test_an_expectation_of_what_a_check_demands() -> None:
    """Refusals for want of authority belong to the check of authority, about the same function."""
    authority = check("S6", "ROLE succeeded", says="TransactionReady", flow="f", tx="0x1")
    probe = expectation("refused; got fail", function="resolve_dependency", demands="S6", says="other words")
    (cause,) = causes([authority], [probe])
    assert cause.key == authority.key
    other = expectation("refused; got fail", function="mark_executed", demands="S6")
    assert len(causes([authority], [other])) == 2


def test_a_batch_is_its_single_calls_to_a_check() -> None:
    """A probe of the batch belongs to it, one of another batch does not."""
    refused = check("S1", "EMPTY to EXECUTED", function="mark_executed")
    (cause,) = causes([refused], [expectation("refused; got ok", function="execute_batch")])
    assert len(cause.runs) == 2
    assert len(causes([refused], [expectation("refused; got ok", function="resolve_batch")])) == 2


def test_a_view_belongs_to_the_check_of_the_field_that_it_shows() -> None:
    """Whichever call stored it; another field is another mistake."""
    stored = check("S11", "dependency: expected HEX, stored HEX", function="buffer_transaction", field="dependency")
    viewed = expectation("dependency of transactions as given", field="dependency")
    (cause,) = causes([stored], [viewed])
    assert cause.key == stored.key
    other = expectation("timestamp of transactions as given", field="timestamp")
    assert len(causes([stored], [other])) == 2


def test_a_crash_is_not_to_blame_for_what_a_contract_does() -> None:
    """It is dated by the crash, which comes first; beside what the relayer did wrongly it stands for itself."""
    crash = check("L4", "LEG ends as without the crash", 5, function="buffer_transaction", flow="g")
    (cause,) = causes([crash, EARLY])
    assert cause.key == EARLY.key
    sent_twice = check("S5", "LEG executed twice", flow="f", function="mark_executed")
    assert {cause.key for cause in causes([crash, sent_twice])} == {crash.key, sent_twice.key}


def test_a_rule_that_goes_by_a_wrong_getter_is_no_cause_of_its_own() -> None:
    """A window that was not set, and a stop that was lifted by the way, are what S4 and S10 see."""
    window = expectation("coordination_window afterwards", field="coordination_window", function="coordination_window")
    (cause,) = causes([LATE], [window])
    assert cause.key == window.key
    lifted = expectation("paused afterwards", function="set_coordination_window", field="paused")
    not_refused = expectation("a revert", function="buffer_transaction", demands="S10")
    (cause,) = causes([not_refused], [lifted])
    assert cause.key == lifted.key
    held = expectation("authorized_operators afterwards", function="accept_ownership", field="authorized_operators")
    let_in = expectation("a revert", function="mark_executed", demands="S6")
    stored = check("S11", "authorized_operators(ROLE) to read False", field="authorized_operators", function="")
    assert len(causes([stored], [held], [let_in])) == 1
    assert len(causes([held], [expectation("a revert", function="add_operator", demands="S6")])) == 2
    assert len(causes([LATE], [lifted])) == len(causes([not_refused], [window])) == 2


def test_what_a_call_leaves_decides_who_calls_it_next() -> None:
    """A hand-over that leaves the old account pending; another function's is another mistake."""
    again = check("S6", "to succeed only for the proposed owner", function="accept_ownership")
    pending = expectation("pending_owner afterwards", function="accept_ownership", field="pending_owner")
    (cause,) = causes([again], [pending])
    assert cause.key == again.key
    for other in (
        expectation("pending_owner afterwards", function="propose_owner", field="pending_owner"),
        expectation("window afterwards", function="accept_ownership", field="coordination_window"),
    ):
        assert len(causes([again], [other])) == 2


def test_what_is_read_of_the_whole_contract_was_wrong_before() -> None:
    """A count by which a relayer knows whether it has seen all; of one transaction only what is about that follows."""
    counted = check(
        "S11", "transaction_count on CHAIN to read N, it reads N", 300, function="", field="transaction_count"
    )
    late = check("L1", "never became READY", 90, function="buffer_transaction", flow="f")
    unseen = check("S12", "never scanned", 310, flow="f")
    (cause,) = causes([late, unseen, counted])
    assert cause.key == counted.key
    stored = check("S11", "payload: expected HEX, stored HEX", 300, function="", field="payload", tx_id="0xa")
    assert len(causes([unseen, stored])) == 2


def test_how_a_flow_ends_hangs_on_the_settings() -> None:
    """A window that is wrong was wrong before what ended by it, though it is read after all; alone it is a cause."""
    wrong = check("S11", "coordination_window on CHAIN to read N, it reads N", 300, function="", field=WINDOW)
    half = check("S9", "executed as a whole or not at all", 200, function="buffer_transaction", flow="f")
    (cause,) = causes([half, wrong])
    assert cause.key == wrong.key
    assert len(causes([half], [wrong])) == len(causes([half, wrong], [half])) == 2
    other = check("S11", "payload: expected HEX, stored HEX", 300, function="buffer_transaction", field="payload")
    assert len(causes([half, other])) == 2


def test_what_says_more_of_a_leg_that_is_late_is_the_root() -> None:
    """That it was late, or that it was late although only another chain was down."""
    late = check("L1", "READY by N s", 90, function="", flow="f", tx_id="0xa", tx="0x2")
    alone = check("L5", "READY by N s, although CHAIN was down", 90, function="", flow="f", tx_id="0xa", tx="0x2")
    (cause,) = causes([late, alone])
    assert cause.key == alone.key


@pytest.mark.parametrize(("of", "count"), [("0xa", 1), ("0xb", 2)])
def test_a_flow_is_half_done_for_what_kept_its_leg(of: str, count: int) -> None:
    """A mirror under an id that nobody knows kept one leg from becoming READY, and no other."""
    stray = check("S2", "a mirror of nothing", 70, function="buffer_transaction", tx_id="0xdead", tx="0x1")
    late = check("L1", "never became READY", 90, function="", flow="f", tx_id="0xa", tx="0x2")
    half = check("S9", "half done", 181, function="expire_transaction", flow="f", tx_id=of, tx="0x3")
    assert len(causes([stray, late, half])) == count


def test_what_is_worked_out_is_wrong_whatever_was_called() -> None:
    """A view that takes state and time together; what is stored is wrong by the call that stored it."""
    views = [
        expectation(f"{function}: is_transaction_ready to be True", function=function, field="is_transaction_ready")
        for function in ("buffer_transaction", "resolve_dependency", "is_transaction_ready")
    ]
    assert len(causes(*([view] for view in views))) == 1
    held = [
        expectation(f"{function}: {WINDOW} to be N", function=function, field=WINDOW)
        for function in ("buffer_transaction", "add_operator")
    ]
    assert len(causes(*([one] for one in held))) == 2


@pytest.mark.parametrize("field", ["payload", "origin", "dependency"])
def test_what_nothing_changes_is_wrong_whatever_was_called(field: str) -> None:
    """It is a getter that fails in a state, or storage: which call led there says nothing. A state is a call's own."""
    seen = ("expire_transaction", "mark_failed")
    one, *others = causes(*([expectation(f"{name}: {field}", function=name, field=field)] for name in seen))
    assert len(one.runs) == 2
    assert not others
    assert len(causes(*([expectation(f"{name}: state", function=name, field="state")] for name in seen))) == 2


def test_what_a_single_call_lacks_its_batch_lacks() -> None:
    """They share a function of the contract's own. What a batch alone lacks is its own fault."""
    lacks: dict[str, Any] = {"demands": "TransactionReady not TransactionFailed"}
    batch = expectation("resolve_batch: 2 TransactionReady", function="resolve_batch", **lacks)
    single = expectation("resolve_dependency: TransactionReady", function="resolve_dependency", **lacks)
    (one,) = causes([batch], [single])
    assert one.key == single.key
    (alone,) = causes([batch])
    assert alone.key == batch.key


def test_what_was_read_at_an_end_belongs_to_the_one_call_that_left_it_wrong() -> None:
    """Two calls that leave it wrong may be two mistakes."""
    read = expectation("coordination_window afterwards to be N", function=WINDOW, field=WINDOW)
    by_call = expectation("add_operator: coordination_window", function="add_operator", field=WINDOW)
    (cause,) = causes([read], [by_call])
    assert cause.key == by_call.key
    other = expectation("buffer_transaction: coordination_window", function="buffer_transaction", field=WINDOW)
    assert len(causes([read], [by_call], [other])) == 3


EXECUTED_BY_THE_WAY = check("S11", "state: expected READY, stored EXECUTED", function="", states=("READY", "EXECUTED"))
LEFT_SO = expectation("READY, got EXECUTED", function="mark_executed", states=("READY", "EXECUTED"))


def test_a_state_that_nobody_announced_belongs_to_the_one_call_that_left_it_so() -> None:
    """Also where a script did not come further behind it; of two such calls nobody knows which one it was."""
    refused = expectation("execute to be ok", 30, function="mark_executed", tx="0x1")
    for run in ([EXECUTED_BY_THE_WAY], [EXECUTED_BY_THE_WAY, refused]):
        (cause,) = causes(run, [LEFT_SO])
        assert cause.key == LEFT_SO.key
    other = expectation("READY, got EXECUTED", function="buffer_transaction", states=("READY", "EXECUTED"))
    other = replace(other, key=f"{other.key} of another")
    assert len(causes([EXECUTED_BY_THE_WAY], [LEFT_SO], [other])) == 3
    back = replace(LEFT_SO, key="back", states=("EXECUTED", "READY"))
    assert len(causes([EXECUTED_BY_THE_WAY], [back])) == 2


def test_a_call_that_succeeded_in_another_state_belongs_to_what_left_it_there() -> None:
    """Unless an expectation about that call itself stands for it."""
    again = check("S1", "from EXECUTED to no state", function="mark_executed", states=("EXECUTED", "READY"))
    reset = expectation("EXECUTED, got READY", function="buffer_transaction", states=("EXECUTED", "READY"))
    (cause,) = causes([again], [reset])
    assert cause.key == again.key
    own = expectation("a revert, it succeeded", function="mark_executed")
    assert {found.key for found in causes([again], [own], [reset])} == {again.key, reset.key}


def test_what_came_first_in_a_block_is_the_root() -> None:
    """Checks list what they find in their own order."""
    resolved = check("S1", "READY to READY", function="resolve_dependency", flow="f", place=(2, 1))
    executed = check("S1", "BUFFERED to EXECUTED", function="mark_executed", flow="f", place=(3, 0))
    (cause,) = causes([executed, resolved])
    assert cause.key == resolved.key


def test_all_views_of_one_transaction_have_one_root() -> None:
    """Also of one that came behind another one itself."""
    first = check("S11", "emitted nothing", 5, tx_id="0xa", tx="0x1")
    again = check("S11", "emitted nothing", 9, tx_id="0xa", tx="0x2", place=(1, 0))
    event = check("S6", "an event without a call", 9, tx_id="0xb", tx="0x2", place=(1, 1))
    (cause,) = causes([first, again, event])
    assert cause.key == first.key


def test_a_count_belongs_to_the_check_that_counts() -> None:
    """Whichever calls raised it, and whether the check knows one."""
    counted = [
        check("S10", f"the breaker of CHAIN to have counted {n}", field="failure_count", function=function)
        for n, function in enumerate(("expire_transaction", "resolve_dependency", ""))
    ]
    read = expectation("failure_count() = N; got N", function="failure_count", field="failure_count")
    assert len(causes(*([one] for one in (*counted, read)))) == 1


def test_a_probe_belongs_to_the_call_that_ended_in_the_same_words() -> None:
    """A sequence beside the documentation and a scenario's own step see one bug; other words are another one's."""
    call = expectation("ok; got fail", function="mark_executed", tx="0x1", says="Transaction not ready")
    probe = expectation("to succeed", function="mark_executed", says="it reverted; it says 'Transaction not ready'")
    (cause,) = causes([call], [probe])
    assert cause.key == call.key
    other = expectation("to succeed", function="mark_executed", says="it reverted; it says 'Not authorized'")
    assert len(causes([call], [other])) == 2


def test_a_field_that_shared_ids_lose_as_all_do_is_one_cause() -> None:
    """Where only shared ids lose it, or lose another field, the sharing is to blame."""
    stored = check("S11", "timestamp: expected N, stored N", function="buffer_transaction", field="timestamp")
    shared = check("S8", "to keep its own timestamp", function="buffer_transaction", field="timestamp")
    (cause,) = causes([stored], [shared, stored])
    assert set(cause.follows) == {shared.key}
    for runs in ([[shared]], [[stored], [replace(shared, field="target")]]):
        assert any(found.key == shared.key for found in causes(*runs))


@pytest.mark.parametrize("rule", ["S6", "S10"])
def test_a_guard_that_functions_share_is_one_cause(rule: str) -> None:
    """One of them alone, in another run, does not part them; one that was never seen with the other does."""

    def let_by(function: str, **changes: Any) -> Symptom:
        return expectation(f"{function}: expected a revert, it succeeded", function=function, demands=rule, **changes)

    buffering, resolve, batch = let_by("buffer_transaction"), let_by("resolve_dependency"), let_by("execute_batch")
    (cause,) = causes([buffering, resolve, batch], [buffering])
    assert set(cause.follows) == {resolve.key, batch.key}
    assert len(causes([buffering], [resolve])) == 2
    assert len(causes([buffering, resolve], [buffering], [resolve])) == 2
    refused = expectation(
        "resolve_dependency: expected a revert, got another", function="resolve_dependency", demands=rule
    )
    kept_out = expectation(
        "resolve_dependency: expected it to succeed, it reverted; it says", function="resolve_dependency", demands=rule
    )
    assert len(causes([buffering, kept_out])) == 1
    assert len(causes([buffering], [kept_out])) == 2
    owners = let_by("pause")
    assert len(causes([buffering, refused])) == len(causes([buffering, owners])) == 2


def test_the_same_whatever_the_order() -> None:
    """Which run comes first decides nothing but the order of runs in a cause."""
    runs = [[EARLY], [LATE], [EARLY, LATE], [missing("add_operator"), EARLY]]
    there, back = causes(*runs), causes(*reversed(runs))
    assert {(found.key, len(found.runs)) for found in there} == {(found.key, len(found.runs)) for found in back}


CLOSED = 'resolve_dependency never succeeds: it reverts with "Odd: closed" at Odd.vy:156'
NEVER = Symptom("operation", f"operation {CLOSED}", CLOSED, t_ms=0, function="resolve_dependency")


@pytest.mark.parametrize(
    ("other", "joins"),
    [
        (expectation("expected callers; got resolve_dependency by operator reverted: Odd: closed", function="x"), True),
        (expectation("no transaction becomes READY: a call reverts: Odd: closed"), True),
        (expectation("expected resolve_dependency to succeed once; got False", function="resolve_dependency"), True),
        (expectation("expected expire_transaction; got Odd: closed", function="expire_transaction"), False),
        (expectation("expected resolve_dependency by owner; got Not authorized", function="resolve_dependency"), False),
    ],
)
def test_what_an_operation_that_never_succeeds_makes_fail_is_its_cause(other: Symptom, joins: bool) -> None:
    """With --go-on, in scenarios that are played: they quote its reason, or want no more than that it succeeds."""
    assert len(causes([NEVER], [other])) == 2 - joins
