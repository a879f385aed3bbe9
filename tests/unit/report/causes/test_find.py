"""From run folders to the causes, their page, and the lines for a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.bounded_files import read_model
from lab.evidence.contract_source import CONTRACT_SOURCE, keep_contract_source
from lab.model.history import History
from lab.model.record_parts.about import NOTHING, About
from lab.model.records import Expectation, Note, Operation
from lab.model.verdict import Verdict
from lab.report.causes.find import find_causes
from lab.report.causes.page import CAUSES, CAUSES_PAGE, write_causes
from lab.report.causes.source import quote
from lab.report.causes.symptoms import symptoms_of
from lab.report.causes.terminal import CAUSE_LINES_MAX, LINES_MAX, causes_text
from lab.report.records.cause import AffectedRun, Cause, CauseReport, Moment
from lab.report.run_page.relayer_log import relayer_log

from ..fakes import CONTRACT, HOSTILE, broken, eventful, header, run, verdict


def report_of(tmp_path: Path, *folders: object) -> CauseReport:
    """The causes of some folders below `tmp_path`."""
    return find_causes(tmp_path, list(folders), "a session")  # type: ignore[arg-type]


def test_a_check_that_fails_in_two_runs(tmp_path: Path) -> None:
    """One cause with the check's title and demand, its rows, the command, and events around the moment."""
    folders = [
        run(name, Verdict.FAIL, checks={"S2": Verdict.FAIL}, root=tmp_path, rows=[row])
        for name, row in (("failures/parent_reorged", "XCB-04"), ("failures/breaker_drill", "SEC-03"))
    ]
    report = report_of(tmp_path, run("failures/payload_limits", root=tmp_path), *folders)
    assert (report.runs, report.failed) == (3, 2)
    (cause,) = report.causes
    assert cause.title == "S2 parent final"
    assert cause.demand == "A child is READY only on a final parent"
    assert cause.deviation == "child ready before its parent was final"
    assert cause.rows == ("SEC-03", "XCB-04")
    assert {shown.item for shown in cause.runs} == {"failures/parent_reorged", "failures/breaker_drill"}
    assert cause.shown_by.t_ms == 46_000
    assert any(event.t_ms == 46_000 for event in cause.events)
    assert {event.chain for event in cause.events} <= {"", "optimism"}
    assert cause.command.startswith("pytest ")
    assert report.head == "1 cause, of 2 failed runs"


def test_an_expectation_alone(tmp_path: Path) -> None:
    """It says what was expected, what came, and why it matters."""
    folder = run("failures/parent_reorged", Verdict.FAIL, root=tmp_path)
    folder.history_value = eventful(met=False)
    (cause,) = report_of(tmp_path, folder).causes
    assert cause.kind == "expectation"
    assert "expected leg swap.settle is EXPIRED; got EXECUTED (its parent never came back" in cause.deviation


def test_calls_of_one_moment_are_shown_by_their_order(tmp_path: Path) -> None:
    """A sequence has no clock of its own: the calls before the deviation count, and the last of them most."""
    notes = [Note(seq=place, t_ms=0, kind="sequence", text=f"call {place}.") for place in range(1, 40)]
    records: list[Note | Expectation] = list(notes)
    records[20] = Expectation(
        seq=21, t_ms=0, id="s", where="x:1:1", expected="life", actual="mark_executed went wrong", met=False
    )
    folder = run("failures/parent_reorged", Verdict.FAIL, root=tmp_path)
    folder.history_value = History([header(), *records])
    report = report_of(tmp_path, folder)
    (cause,) = report.causes
    assert [event.text for event in cause.events] == [f"sequence: call {place}." for place in range(13, 21)]
    shown = [line for line in causes_text(report) if "sequence: " in line]
    assert [line.partition("sequence: ")[2] for line in shown] == ["call 18.", "call 19.", "call 20."]


BY_MODEL, BY_RULES, FUZZED = "batches as documented", "breaker as documented", "every call to do as documented"


@pytest.mark.parametrize(
    ("about", "first", "second", "function"),
    [
        (
            About(refusals=(("Coordinator is paused",), ())),
            (BY_MODEL, "execute_batch: expected it to revert (Coordinator is paused), it succeeded while paused"),
            (BY_RULES, "execute_batch((0xa1…)) by operator: expected a revert with Coordinator is paused"),
            "execute_batch",
        ),
        (
            About(refusals=(("Only pending owner can accept",), ())),
            (BY_RULES, "accept_ownership() by attacker: expected a revert, it succeeded"),
            (FUZZED, "accept_ownership() by user: expected a revert with Only pending owner can accept, it succeeded"),
            "accept_ownership",
        ),
        (
            About(field="transaction_count"),
            (BY_MODEL, "buffer_batch: expected transaction_count afterwards to be 3, got 2 (kind batches, seed 0)"),
            (BY_RULES, "buffer_batch(()) by operator: transaction_count afterwards: expected [0], got [1]"),
            "buffer_batch",
        ),
        (
            About(states=("READY", "BUFFERED")),
            (BY_MODEL, "resolve_dependency: expected get_transaction_state afterwards to be READY, got BUFFERED"),
            (BY_RULES, "resolve_dependency(0xa1…) by operator: expected state of transactions to be READY, it is not"),
            "resolve_dependency",
        ),
        (
            About(refusals=((), ("Operator limit",))),
            (BY_MODEL, "add_operator: expected it to succeed, it reverted; it says 'Operator limit' (kind accounts)"),
            (BY_RULES, "add_operator(0x90f79bf6… (20 bytes)) by owner: expected success, it reverted: Operator limit"),
            "add_operator",
        ),
        (
            About(events=(("TransactionFailed",), ("TransactionReady",))),
            (BY_MODEL, "resolve_batch: expected TransactionFailed, got TransactionReady (kind batches; 4 calls)"),
            (FUZZED, "resolve_batch((0xb2b2b2b2… (32 bytes))) by user: expected TransactionFailed, it was ready"),
            "resolve_batch",
        ),
        (
            About(events=(("TransactionFailed",), ("TransactionFailed",)), argument="reason"),
            (BY_MODEL, "expire_transaction: expected TransactionFailed with reason Transaction expired, got late"),
            (BY_RULES, "expire_transaction(0xb2…) by operator: expected another reason"),
            "expire_transaction",
        ),
        (
            About(refusals=(("Only owner",), ())),
            (BY_RULES, "pause() by operator: expected a revert with Only owner, it succeeded (Who may what)"),
            (FUZZED, "pause() by operator2: expected a refusal, it succeeded"),
            "pause",
        ),
    ],
    ids=[
        "a refusal missing",
        "authority",
        "a count",
        "a state",
        "a refusal too many",
        "an event",
        "a reason",
        "one word",
    ],
)
def test_two_scenarios_that_say_it_in_their_own_words(
    tmp_path: Path, about: About, first: tuple[str, str], second: tuple[str, str], function: str
) -> None:
    """One cause, of functions beyond the documentation as well; another function with the same words is another one."""
    other = unmet(tmp_path, second[0], second[1].replace(function, "mark_failed"), about=about.of("mark_failed"))
    same = (unmet(tmp_path, *said, about=about.of(function)) for said in (first, second))
    report = report_of(tmp_path, *same, other)
    runs = {cause.function: len(cause.runs) for cause in report.causes}
    assert (runs[function], runs["mark_failed"]) == (2, 1)
    assert all(cause.documented for cause in report.causes)
    layer = "documented" if function in ("add_operator", "resolve_dependency") else "demanded"
    assert any(f"{layer}: " in line for line in causes_text(report))


def test_words_without_data_are_not_read(tmp_path: Path) -> None:
    """Earlier evidence: what differs in its words is told apart, and is still of its function."""
    said = (
        (BY_MODEL, "add_operator: expected it to revert (Only owner), it succeeded"),
        (BY_RULES, "add_operator() by user: expected a revert with Only owner, it succeeded"),
    )
    report = report_of(tmp_path, *(unmet(tmp_path, *words) for words in said))
    assert [cause.function for cause in report.causes] == ["add_operator"] * 2


def test_what_the_relayer_did_last_is_not_what_was_expected(tmp_path: Path) -> None:
    """Its words stand in the cause; the function in them is not to blame."""
    words = "in the end resolve_dependency for it, at 3.000 s, is in no block"
    (cause,) = report_of(tmp_path, unmet(tmp_path, "a.pay READY on one", "a.pay is BUFFERED", tried=words)).causes
    assert (cause.function, f"got a.pay is BUFFERED; {words}" in cause.deviation) == ("", True)


ONLY = About(refusals=(("Only owner",), ()))


@pytest.mark.parametrize("function", ["unpause", "pause", "add_operator"])
def test_a_call_by_a_role_is_of_its_function(tmp_path: Path, function: str) -> None:
    """However many words its name has."""
    by_model = unmet(
        tmp_path, "stop as documented", f"{function}: expected it to revert (Only owner), it succeeded", about=ONLY
    )
    by_role = unmet(tmp_path, f"{function} by relayer to be refused for want of authority", "ok", about=ONLY)
    (cause,) = report_of(tmp_path, by_model, by_role).causes
    assert (cause.function, len(cause.runs)) == (function, 2)


def test_a_getter_with_an_argument_is_known_by_its_name(tmp_path: Path) -> None:
    """As a step of a scenario asks for it, and as a sequence reads it."""
    about = About(field="is_transaction_ready")
    by_step = unmet(tmp_path, "optimism: is_transaction_ready(swap.settle) = True", "False", about=about)
    said = "resolve_dependency: expected is_transaction_ready afterwards to be True, got x"
    by_model = unmet(tmp_path, "life as documented", said, about=about.of("resolve_dependency"))
    assert len(report_of(tmp_path, by_step, by_model).causes) == 1


def test_a_call_is_known_by_its_record(tmp_path: Path) -> None:
    """Of calls that read alike the one that the expectation is about, with what it says."""
    calls = [
        Operation(
            seq=number, t_ms=1, id=f"call#{number}", actor="operator", chain="ethereum", function="mark_executed",
            args={}, end_ms=2, outcome="fail", tx=f"0x{number}", revert=f"Reason {number}",
        )
        for number in (1, 2)
    ]  # fmt: skip
    about = About(operation="call#1")
    record = Expectation(
        seq=3, t_ms=9, id="expect#3", where="x:1:1", expected="it to be ok", actual="fail", met=False, about=about
    )
    (symptom,) = symptoms_of(verdict(Verdict.FAIL), History([header(), *calls, record]))
    assert (symptom.function, symptom.tx, symptom.says) == ("mark_executed", "0x1", "Reason 1")


def unmet(tmp_path: Path, wanted: str, actual: str, tried: str | None = None, about: About = NOTHING) -> object:
    """A failed run in which one expectation was not met."""
    folder = run("failures/parent_reorged", Verdict.FAIL, root=tmp_path)
    record = Expectation(seq=1, t_ms=9, id="s", where="x:1:1", expected=wanted, actual=actual, met=False, tried=tried)
    folder.history_value = History([header(), record.model_copy(update={"about": about})])
    return folder


@pytest.mark.parametrize(
    ("note", "kind", "title"),
    [
        ("not run, for the smoke run showed that resolve_dependency never succeeds: it reverts", "operation",
         "resolve_dependency never succeeds"),
        ("not run, for the smoke run showed that resolve_dependency never succeeds: the contract has no such function",
         "operation", "resolve_dependency never succeeds"),
        ("not run, for the smoke run showed that the deployment never succeeds: its creation code leaves no contract "
         "behind", "operation", "the deployment never succeeds"),
        ("not played, for the contract has no function mark_executed", "missing",
         "the contract has no function mark_executed"),
    ],
)  # fmt: skip
def test_what_kept_a_run_from_being_played(tmp_path: Path, note: str, kind: str, title: str) -> None:
    """The operation that cannot succeed, or the function that is not there, by name."""
    folder = run("failures/parent_reorged", Verdict.UNKNOWN, root=tmp_path)
    folder.history_value = History([header(), Note(seq=1, t_ms=0, kind="blocked", text=note)])
    (cause,) = report_of(tmp_path, folder).causes
    assert (cause.kind, cause.title) == (kind, title)


def test_each_documented_function_that_is_missing_is_a_cause(tmp_path: Path) -> None:
    """Whether it kept a run from being played, or a scenario called it: both count, as the scenario's own FAIL does."""
    kept = run("failures/parent_reorged", Verdict.UNKNOWN, root=tmp_path)
    text = "not played, for the contract has no function mark_executed, add_operator"
    kept.history_value = History([header(), Note(seq=1, t_ms=0, kind="blocked", text=text)])
    called = run("failures/payload_limits", Verdict.FAIL, root=tmp_path)
    actual = "the contract has no function add_operator"
    wanted = "the documented function add_operator"
    unmet = Expectation(seq=1, t_ms=9, id="s", where="x:1:1", expected=wanted, actual=actual, met=False)
    called.history_value = History([header(), unmet])
    report = report_of(tmp_path, kept, called)
    assert report.head == "2 causes, of 2 failed runs"
    assert {cause.function: len(cause.runs) for cause in report.causes} == {"add_operator": 2, "mark_executed": 1}
    assert "documented: Allows an account" in " ".join(causes_text(report))


def test_what_was_not_exercised_did_not_fail(tmp_path: Path) -> None:
    """It is no cause, and no failed run."""
    report = report_of(tmp_path, run("failures/parent_reorged", Verdict.NOT_EXERCISED, root=tmp_path))
    assert (report.runs, report.failed, report.causes) == (1, 0, ())


def test_evidence_that_cannot_be_read(tmp_path: Path) -> None:
    """It is a cause itself, never a stack trace."""
    lost = run("failures/parent_reorged", Verdict.FAIL, root=tmp_path)
    lost.verdict_value, lost.history_value = broken(), broken()
    unclear = run("failures/payload_limits", Verdict.UNKNOWN, root=tmp_path)
    kinds = {cause.kind: cause for cause in report_of(tmp_path, lost, unclear).causes}
    assert set(kinds) == {"evidence", "unknown"}
    assert "truncated after 12 bytes" in kinds["evidence"].deviation


def test_the_page_is_drawn_from_the_data(tmp_path: Path) -> None:
    """Both files are there, the data comes back, hostile text stays text."""
    folder = run("failures/parent_reorged", Verdict.FAIL, root=tmp_path)
    folder.verdict_value = verdict(Verdict.FAIL, item=HOSTILE, checks={"S2": Verdict.FAIL})
    report = report_of(tmp_path, folder)
    page = write_causes(report, tmp_path / "session", tmp_path)
    assert page.name == CAUSES_PAGE
    assert read_model(page.with_name(CAUSES), CauseReport) == report
    text = page.read_text()
    assert "<script>" not in text
    assert "S2 parent final" in text
    assert f'id="{report.causes[0].id}"' in text


def test_the_lines_of_a_relayers_log_stay_lines(tmp_path: Path) -> None:
    """On the page as they are in the log."""
    report = report_of(
        tmp_path, run("failures/parent_reorged", Verdict.FAIL, checks={"S2": Verdict.FAIL}, root=tmp_path)
    )
    causes = tuple(cause.model_copy(update={"relayer_log": ("first <line>", "second")}) for cause in report.causes)
    page = write_causes(report.model_copy(update={"causes": causes}), tmp_path / "session", tmp_path)
    assert ">first &lt;line&gt;\nsecond\n</pre>" in page.read_text()


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    """It is shown with its bytes as escapes; the report of all others does not fail for it."""
    folder = run("failures/parent_reorged", Verdict.FAIL, checks={"S2": Verdict.FAIL}, root=tmp_path)
    folder.path = tmp_path / "session" / "r\udcffn"
    report = report_of(tmp_path, folder)
    assert report.causes[0].shown_by.folder == r"session/r\udcffn"
    assert write_causes(report, tmp_path / "session", tmp_path).is_file()


def cause(number: int, runs: int = 40) -> Cause:
    """A long one."""
    shown = tuple(
        AffectedRun(
            item=f"failures/run_{number}_{place}", scenario="x.yaml", folder="s/x", verdict=Verdict.FAIL, words=""
        )
        for place in range(runs)
    )
    return Cause(
        id=f"{number:08}", kind="check", title=f"S{number} a title", demand="It holds", deviation="long words " * 60,
        function="resolve_dependency", documented="what it does " * 40, shown_by=shown[0], runs=shown,
        rows=tuple(f"ROW-{place:02}" for place in range(50)), follows=("something else " * 30,) * 9, command="pytest x",
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 3, 5, 6, 7, 30, 400])
def test_the_terminal_is_bounded(count: int) -> None:
    """A dozen lines a cause, sixty for all; each cause is named or counted, and `-v` has them all."""
    report = CauseReport(
        title="a session", runs=900, failed=900, causes=tuple(cause(number) for number in range(count))
    )
    lines = causes_text(report)
    assert len(lines) <= LINES_MAX
    blocks = "\n".join(lines).split("\n\n")
    assert all(len(block.splitlines()) < CAUSE_LINES_MAX for block in blocks[1 : min(count, 4) + 1])
    assert lines[0] == report.head
    named = sum(f"S{number} FAIL a title" in "\n".join(lines) for number in range(count))
    assert named == count or any("more cause" in line for line in lines)
    whole = "\n".join(causes_text(report, everything=True))
    assert all(f"{number + 1}. S{number} FAIL a title" in whole for number in range(count))
    assert "failures/run_0_39" in whole


def test_nothing_to_say() -> None:
    """A session without a failure has no causes."""
    assert causes_text(CauseReport(title="a session", runs=3, failed=0)) == []


SOURCE = '''# pragma version 0.4.3
"""@title It logs TransactionReady."""
@external
def resolve_dependency(tx_id: bytes32):
    """
    @dev Emits TransactionReady.
         Reverts: "Not authorized".
    """
    # "Not authorized" is for all but operators.
    assert self.operators[msg.sender], "Not authorized"
    log TransactionReady(tx_id=tx_id)


@external
def mark_executed(
    tx_id: bytes32,
):
    """@dev Reverts: "Not authorized"."""
    assert self.operators[msg.sender], "Not authorized"
'''


@pytest.mark.parametrize(
    ("function", "says", "place"),
    [
        ("resolve_dependency", "Not authorized", "Mine.vy:10"),
        ("mark_executed", "Not authorized", "Mine.vy:19"),
        ("resolve_dependency", "TransactionReady", "Mine.vy:11"),
        ("resolve_dependency", "another reason", "Mine.vy:4"),
        ("mine_has_no_such", "TransactionReady", "Mine.vy:11"),
        ("mine_has_no_such", "Not authorized", None),
    ],
)
def test_the_line_that_decided(tmp_path: Path, function: str, says: str, place: str | None) -> None:
    """The reason in the function's code, not in its prose; its first line without one; elsewhere only the only one."""
    from hashlib import sha256

    from lab.evidence.contract_source import read_contract_source

    main = tmp_path / "Mine.vy"
    main.write_text(SOURCE)
    keep_contract_source(tmp_path / "s", CONTRACT, main, [("Mine.vy", sha256(SOURCE.encode()).hexdigest())])
    line = quote(read_contract_source(tmp_path / "s", CONTRACT), function, says)
    assert (line.place if line else None) == place


def test_the_line_is_found_in_the_contracts_own_words(tmp_path: Path) -> None:
    """A map says what the contract calls functions, events and reasons."""
    from hashlib import sha256

    from lab.evidence.contract_source import read_contract_source

    main = tmp_path / "Mine.vy"
    main.write_text(SOURCE)
    sources, words = (
        [("Mine.vy", sha256(SOURCE.encode()).hexdigest())],
        {"settle": "mark_executed", "No": "Not authorized"},
    )
    keep_contract_source(tmp_path / "s", CONTRACT, main, sources, words)
    line = quote(read_contract_source(tmp_path / "s", CONTRACT), "settle", "No")
    assert line is not None
    assert line.place == "Mine.vy:19"


def test_a_source_that_was_changed_is_not_quoted(tmp_path: Path) -> None:
    """What is kept is what was compiled, and of the contract that the run names."""
    from lab.evidence.contract_source import read_contract_source

    main = tmp_path / "Mine.vy"
    main.write_text(SOURCE)
    keep_contract_source(tmp_path / "s", CONTRACT, main, [("Mine.vy", "0" * 64)])
    assert json.loads((tmp_path / "s" / CONTRACT_SOURCE).read_text())["files"] == []
    assert read_contract_source(tmp_path / "s", "ff" * 32).files == ()
    assert read_contract_source(tmp_path / "nowhere", CONTRACT).files == ()


LOG = ("base: TypeError: no number", "arbitrum: TypeError: no number")


@pytest.mark.parametrize(
    ("function", "log", "shown"),
    [("", LOG, True), ("resolve_dependency", LOG, False), ("", ("(its log is empty)",), False), ("", (), False)],
)
def test_a_relayers_last_words_stay_where_no_function_is_to_blame(
    function: str, log: tuple[str, ...], shown: bool
) -> None:
    """Why it sent nothing stands there; what it does not say makes room for events."""
    events = tuple(Moment(t_ms=place, chain="base", text="an event", nearness=place) for place in range(3))
    update = {"function": function, "relayer_log": log, "events": events}
    report = CauseReport(title="a session", runs=1, failed=1, causes=(cause(1).model_copy(update=update),))
    lines = causes_text(report)
    assert any("relayer: arbitrum" in line for line in lines) == shown
    assert len(lines) <= CAUSE_LINES_MAX + 1


def test_what_a_relayer_says_again_and_again_stands_there_once(tmp_path: Path) -> None:
    """So that other lines have room; in the order in which it said them last."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "relayer.log").write_text("begun\n" + "one failed\ntwo failed\n" * 12 + "one failed\n")
    made: Any = SimpleNamespace(relayer=SimpleNamespace(kind="command"))
    assert relayer_log(tmp_path, made) == ("begun", "two failed", "one failed")
