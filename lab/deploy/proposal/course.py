"""One course of events on the bench, from an empty slot to an expired child: what getters say and steps log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.coordinator.documented import result_names
from lab.coordinator.overloads import fields_of
from lab.deploy.proposal.bench import OPERATOR, Outcome, Use
from lab.deploy.proposal.likeness import alike, likeness
from lab.deploy.proposal.subject import INSIDE_S, LEAD_S, ORIGIN, PAST_S, PAYLOAD, TARGET, TX, Tried, id_of

STATES = ("EMPTY", "BUFFERED", "READY", "EXECUTED")
PARENT, CHILD = id_of(2), id_of(3)


@dataclass
class Course:
    """What was seen: getters' results by state and of the buffered child, numbers by moment, logs by step."""

    states: dict[str, dict[Use, list[Any]]] = field(default_factory=dict)
    child: dict[Use, list[Any]] = field(default_factory=dict)
    due: int = 0
    numbers: dict[str, dict[Use, Any]] = field(default_factory=dict)
    steps: dict[str, list[Outcome]] = field(default_factory=dict)

    def note(self, step: str, outcome: Outcome) -> None:
        """One sample of what a step does."""
        self.steps.setdefault(step, []).append(outcome)


def run_course(tried: Tried) -> Course:
    """Buffer two, resolve one too early, in time, execute it, and resolve the other one too late."""
    bench, course = tried.bench, Course()
    views = list(tried.candidates.views(TX))
    singles = list(tried.candidates.views([]))

    def look(moment: str) -> None:
        course.numbers[moment] = {use: got[0] for use in singles if (got := bench.read(use)) and len(got) == 1}

    def state(name: str, tx_id: str) -> None:
        course.states[name] = {use: got for use in views if (got := bench.read(use, tx_id=tx_id)) is not None}

    with bench.undone():
        tried.give_roles()
        course.due = due = bench.now + LEAD_S
        look("start")
        state("EMPTY", id_of(50))
        course.note("buffered", tried.buffer(2, timestamp=due))
        course.note("buffered", tried.buffer(3, timestamp=due, dependency_tx_id=PARENT))
        look("buffered")
        state("BUFFERED", PARENT)
        course.child = {use: got for use in views if (got := bench.read(use, tx_id=CHILD)) is not None}
        course.note("early", tried.sent("resolve_dependency", tx_id=PARENT))
        bench.until(due + INSIDE_S)
        course.note("ready", tried.sent("resolve_dependency", tx_id=PARENT))
        state("READY", PARENT)
        course.note("executed", tried.sent("mark_executed", tx_id=PARENT))
        state("EXECUTED", PARENT)
        look("executed")
        before = {use for use in tried.calls("expire_transaction") if tried.bench.ask(use, OPERATOR, tx_id=CHILD).done}
        _again(tried, course)
        bench.until(due + PAST_S)
        late = [use for use in tried.calls("expire_transaction") if bench.ask(use, OPERATOR, tx_id=CHILD).done]
        look("before")
        course.note("late", tried.sent("resolve_dependency", tx_id=CHILD))
        look("late")
    expiring = [use for use in late if use not in before]
    if len({use.signature for use in expiring}) == 1:
        tried.said("expire_transaction", expiring[0], "only what is past its window allows it")
    return course


def _again(tried: Tried, course: Course) -> None:
    """Another one at its first attempt: what an event says of both is the step's, not the history's."""
    due = tried.bench.now + LEAD_S
    course.note("buffered", tried.buffer(4, timestamp=due))
    tried.bench.until(due + INSIDE_S)
    course.note("ready", tried.sent("resolve_dependency", tx_id=id_of(4)))
    course.note("executed", tried.sent("mark_executed", tx_id=id_of(4)))


@dataclass(frozen=True)
class Getter:
    """A view of a transaction, with what each of its results is."""

    use: Use
    results: tuple[str, ...]

    @property
    def known(self) -> set[str]:
        """The results that were recognised."""
        return set(self.results) - {"_"}


def find_getters(tried: Tried, course: Course) -> dict[str, Getter]:
    """Readiness, state, details and all that is stored, by what their results were."""
    for use, got in course.states["READY"].items():
        said = [course.states[name].get(use, [None])[0] for name in STATES]
        if (
            len(got) == 1
            and [bool(one) for one in said] == [False, False, True, False]
            and not isinstance(said[2], str)
        ):
            tried.said("is_transaction_ready", use, "it says yes of what is ready, and of nothing else")
    getters = [Getter(use, _recognised(course, use, got)) for use, got in course.child.items()]
    getters = [getter for getter in getters if getter.known]
    best = {
        "get_transaction_state": _best([one for one in getters if "state" in one.known], {"state"}, "state"),
        "get_transaction_details": _best(getters, set(result_names("get_transaction_details")), "details"),
        "transactions": _best(getters, set(result_names("transactions")) | {"payload"}, "transactions"),
    }
    chosen = {name: getter for name, getter in best.items() if getter is not None}
    if (details := chosen.get("get_transaction_details")) is not None and len(details.known) < 4:
        del chosen["get_transaction_details"]
    for name, getter in chosen.items():
        tried.said(
            name, getter.use, f"it gives {', '.join(one for one in getter.results if one != '_')} of a transaction"
        )
    return chosen


def _best(getters: list[Getter], wanted: set[str], word: str) -> Getter | None:
    """Whoever gives most of what is wanted; `payload` alone beats the rest, since only one getter has it."""

    def rank(getter: Getter) -> tuple[bool, int, int, float]:
        known = getter.known & wanted
        return "payload" in known, len(known), -len(getter.results), alike(word, getter.use.name)

    return max(getters, key=rank, default=None)


def _recognised(course: Course, use: Use, got: list[Any]) -> tuple[str, ...]:
    """What each result is, by its value of the child; a state by one value for each state."""
    values = {ORIGIN: "origin_rollup", TARGET: "target_rollup", PAYLOAD: "payload", PARENT: "dependency_tx_id"}
    results: list[str] = []
    for place, value in enumerate(got):
        name = "timestamp" if value == course.due else values.get(value) if isinstance(value, str) else None
        if name is None and _tells_states(course, use, place):
            name = "state"
        results.append(name if name is not None and name not in results else "_")
    if "state" in results and results.count("state") == 1 and len(results) > 1:
        fields = fields_of(use.entry["outputs"])
        telling = [
            place
            for place in range(len(results))
            if results[place] in ("_", "state") and _tells_states(course, use, place)
        ]
        best = max(telling, key=lambda place: likeness("state", str(fields[place].get("name", ""))))
        results = ["state" if place == best else "_" if one == "state" else one for place, one in enumerate(results)]
    return tuple(results)


def _tells_states(course: Course, use: Use, place: int) -> bool:
    said = [course.states[name].get(use) for name in STATES]
    values = [str(one[place]) for one in said if one is not None and len(one) > place]
    return len(values) == len(STATES) == len(set(values))


def texts_of_states(course: Course, getters: Mapping[str, Getter]) -> dict[str, str] | None:
    """The states where they are held as texts."""
    getter = getters.get("get_transaction_state")
    if getter is None:
        return None
    place = getter.results.index("state")
    said = {name: course.states[name][getter.use][place] for name in STATES}
    return said if all(isinstance(one, str) for one in said.values()) else None
