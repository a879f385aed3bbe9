"""Every external function under generated inputs, compared call by call with a model of the documented behaviour.

Sequences are simulated on the node (`eth_simulateV1`), each call in a block of its own time, so that hundreds of them
cost no more than a few transactions.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.strategies import SearchStrategy

from lab.coordinator import role_account, rollup_address
from lab.coordinator.behaviour import ZERO_ADDRESS, Behaviour
from lab.coordinator.comparison import difference, shortened, simulated, view_differing, wanted_view
from lab.coordinator.reads import ZERO_ID, fields_read
from lab.model.effects import OPERATOR_FUNCTIONS
from lab.model.record_parts.about import About, Difference
from lab.runner.differential import OWN_VIEWS, behaviour, says_stopped, stops_silently
from lab.runner.model_based.spaced import spaced
from lab.runner.script import Script

SETUP = """
name: Generated inputs for every external function
description: >
  Sequences of calls by several roles with inputs at and around every boundary: windows of 4, 5, 300 and 301 s,
  payloads of 0, 1, 511, 512 and 513 bytes, timestamps from 0 to 2**256 - 1, zero and equal addresses, unknown ids,
  transactions that depend on themselves or on each other. Each outcome, its reason, its events and the state at the
  end must be what the documentation says. Simulated on the node; nothing is mined.
rows: [SEC-02]
networks: {optimism: {}}
relayer: none
window: 30s
checks: [default]
"""

CHAIN = "optimism"
EXAMPLES, PARTS_MAX = 120, 12
# Else Hypothesis would draw by the text of this file, and every word changed in it would change the sequences.
SEED = 2
GAS = 4_000_000
TOP = 2**256 - 1

IDS = ("0x" + "a1" * 32, "0x" + "b2" * 32, "0x" + "c3" * 32)
UNKNOWN_ID = "0x" + "99" * 32
ROLES = ("owner", "operator", "attacker")
A, B = rollup_address("a"), rollup_address("b")
STEPS_S = (4, 5, 6, 29, 30, 31, 300, 301, 3600)
OWNERS = ("add_operator", "remove_operator", "set_", "propose_owner", "pause", "unpause")

# Seconds since the call before, role, function, arguments.
Call = tuple[int, str, str, Any]
# Role, function, arguments with their times, and the time of the block.
Made = tuple[str, str, Any, int]


class SameEverywhere(HypothesisProvider):
    """Draws no constants of the modules that happen to be loaded: the sequences are the same in every project."""

    def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
        return None


AVAILABLE_PROVIDERS["same everywhere"] = SameEverywhere


class Time(int):
    """Seconds after the block in which a call is made."""


def often(*usual: Any, rarely: Sequence[Any]) -> SearchStrategy[Any]:
    """Three of four draws from the first, so that sequences get somewhere."""
    return st.sampled_from([*list(usual) * (3 * len(rarely) // len(usual) + 1), *rarely])


def requests(tx_id: SearchStrategy[str]) -> SearchStrategy[Any]:
    """Arguments of `buffer_transaction`."""
    sizes = often(0, 1, 33, 512, rarely=[31, 32, 511, 513])
    return st.tuples(
        tx_id,
        often(A, rarely=[ZERO_ADDRESS, B]),
        often(B, rarely=[ZERO_ADDRESS, A]),
        sizes.map(lambda size: "0x" + "5a" * size),
        often(ZERO_ID, *IDS, rarely=[UNKNOWN_ID]),
        often(Time(0), Time(1), Time(5), rarely=[Time(-1), 0, 2**64 - 1, 2**64, TOP]),
    )


ANY_ID = often(*IDS, rarely=[ZERO_ID, UNKNOWN_ID])
SOME_IDS = st.lists(st.sampled_from(IDS), max_size=3)
ACCOUNTS = st.sampled_from([*(role_account(role).address for role in ROLES), ZERO_ADDRESS])
ARGUMENTS: dict[str, SearchStrategy[Any]] = {
    "buffer_transaction": requests(ANY_ID),
    "resolve_dependency": st.tuples(ANY_ID),
    "mark_executed": st.tuples(ANY_ID),
    "mark_failed": st.tuples(ANY_ID),
    "expire_transaction": st.tuples(ANY_ID),
    "buffer_batch": st.tuples(st.lists(requests(ANY_ID), max_size=3)),
    "resolve_batch": st.tuples(SOME_IDS),
    "execute_batch": st.tuples(SOME_IDS),
    "add_operator": st.tuples(ACCOUNTS),
    "remove_operator": st.tuples(ACCOUNTS),
    "set_coordination_window": st.tuples(st.sampled_from([5, 30, 300, 0, 4, 301, 2**16 + 30, TOP])),
    "set_execution_window": st.tuples(st.sampled_from([0, 1, 30, 2**40 - 1, 2**40, TOP])),
    "set_breaker_threshold": st.tuples(st.sampled_from([0, 1, 2, 2**32 - 1, 2**32, TOP])),
    "propose_owner": st.tuples(ACCOUNTS),
    "accept_ownership": st.just(()),
    "pause": st.just(()),
    "unpause": st.just(()),
}


# A strategy made anew for each draw costs several times the draw: one that is kept was looked through once.
@cache
def single(function: str) -> SearchStrategy[list[Call]]:
    """One call, mostly by who may make it."""
    role = often("owner" if function.startswith(OWNERS) else "operator", rarely=ROLES)
    step = often(0, 1, rarely=STEPS_S)
    return st.tuples(step, role, st.just(function), ARGUMENTS[function]).map(lambda call: [call])


def life(endings: Sequence[str]) -> SearchStrategy[list[Call]]:
    """One transaction buffered, mostly resolved, and ended, more or less in time."""

    @cache
    def steps(tx_id: str) -> SearchStrategy[list[Call]]:
        when, operator, args = often(1, 5, rarely=(30, 31, 36, 301)), st.just("operator"), st.just((tx_id,))
        parent, due = often(ZERO_ID, rarely=IDS), often(Time(0), Time(5), rarely=(2**64 - 1, TOP))
        request = st.tuples(st.just(tx_id), st.just(A), st.just(B), st.just("0x01"), parent, due)
        first = st.tuples(st.just(0), operator, st.just("buffer_transaction"), request)
        second = st.tuples(when, operator, often("resolve_dependency", rarely=endings[-1:]), args)
        return st.tuples(first, second, st.tuples(when, operator, st.sampled_from(endings), args)).map(list)

    return st.sampled_from(IDS).flatmap(steps)


def pairs(known: Sequence[str]) -> SearchStrategy[list[Call]]:
    """Two calls of which the second takes back, completes or repeats the first."""
    heir = role_account("attacker").address
    request = (IDS[0], A, B, "0x01", ZERO_ID, Time(0))
    both: list[list[Call]] = [
        [(0, "owner", "pause", ()), (1, "owner", "unpause", ())],
        [(0, "owner", "propose_owner", (heir,)), (1, "attacker", "accept_ownership", ())],
        [(0, "owner", "add_operator", (heir,)), (0, "attacker", "buffer_transaction", request)],
        [(0, "owner", "set_coordination_window", (5,)), (0, "owner", "set_coordination_window", (4,))],
        [(0, "operator", "buffer_batch", ([request],)), (0, "operator", "resolve_batch", ([IDS[0]],))],
        [(0, "attacker", "remove_operator", (heir,)), (0, "owner", "remove_operator", (heir,))],
        [(0, "operator", "execute_batch", ([IDS[0]],)), (0, "operator", "execute_batch", ([IDS[0]],))],
    ]
    return st.sampled_from([pair for pair in both if all(call[2] in known for call in pair)] or [[]])


def sequences(known: Sequence[str]) -> SearchStrategy[list[Call]]:
    """Whole lives, pairs and single calls, one after another."""
    endings = [name for name in ("mark_executed", "mark_failed", "expire_transaction") if name in known]
    one = st.sampled_from(known).flatmap(single)
    part = st.one_of(life(endings), life(endings), pairs(known), one, one)
    return st.lists(part, min_size=6, max_size=PARTS_MAX).map(lambda parts: [call for part in parts for call in part])


def placed(value: Any, now: int) -> Any:
    """Arguments with relative times made absolute."""
    if isinstance(value, Time):
        return now + int(value)
    return type(value)(placed(each, now) for each in value) if isinstance(value, (list, tuple)) else value


# Arguments of `buffer_transaction` with which nothing else is the matter.
PLAIN = (IDS[0], A, B, "0x", ZERO_ID, Time(0))


class Wrong(AssertionError):
    """What a call does, or what a getter shows once it was `made`; the calls up to it."""

    def __init__(self, what: Difference, sequence: list[Call], made: Made) -> None:
        role, function, args, _ = made
        super().__init__(f"{function}{shortened(args)} by {role}: {what}")
        self.sequence, self.about = sequence, what.about.of(function)


class Comparison:
    """The contract beside its model."""

    def __init__(self, script: Script) -> None:
        self.script, self.target = script, script.run.lab.spec.target
        self.codec = self.target.codec
        self.known = [name for name in ARGUMENTS if self.codec.has(name)]
        self.seen: Counter[tuple[str, bool]] = Counter()
        views = ("coordination_window", "transaction_count", "owner", "paused", "failure_count", "breaker_threshold")
        by_id = ("get_transaction_details", "is_transaction_ready")
        self.reads: list[tuple[str, tuple[Any, ...]]] = []
        self.reads += [(name, (tx_id,)) for tx_id in IDS for name in by_id]
        self.reads += [(name, ()) for name in views if self.codec.has(name)]
        self.fresh = behaviour(script, CHAIN)
        self.stops_silently = stops_silently(self.fresh, self.codec)
        # What another contract than the reference decides for itself has to be seen after each call.
        self.own: list[tuple[str, tuple[Any, ...]]] = []
        if not self.fresh.reference:
            self.reads = [read for read in self.reads if read[0] not in OWN_VIEWS]
            self.own = [("get_transaction_state", (tx_id,)) for tx_id in IDS]
            self.own += [("paused", ())] if self.codec.has("paused") else []

    def simulate(self, sequence: list[Call]) -> None:
        """A sequence on the node, then the state that it leaves. Raises Wrong for what differs."""
        rpc = self.script.reader(CHAIN).rpc
        now = self.script.run.lab.chains[CHAIN].producer.head.timestamp + 1
        blocks, made = [], []
        for step_s, role, function, args in sequence:
            now += step_s
            made.append((role, function, placed(args, now), now))
            block = self._block(now, [self.codec.encode(function, made[-1][2], any_width=True)], role)
            block["calls"] += self._block(now, [self.codec.encode(*read) for read in self.own], "user")["calls"]
            blocks.append(block)
        blocks.append(self._block(now, [self.codec.encode(*read) for read in self.reads], "user"))
        apart = spaced(rpc, blocks, self.target.limits)
        answer = rpc.call("eth_simulateV1", {"blockStateCalls": apart}, "latest")
        model = copy.deepcopy(self.fresh)
        for number, (call, block) in enumerate(zip(made, answer[:-1], strict=True), 1):
            role, function, args, when = call
            if (found := self._judge(model, role, function, args, when, block["calls"][0])) is not None:
                raise Wrong(found, sequence[:number], call)
            if self.own and block["calls"][0]["status"] == "0x1":
                self._learn(model, function, when, *block["calls"])
        for read, result in zip(self.reads, answer[-1]["calls"], strict=True):
            wrong = self._differing(model, now, read, self.codec.decode_result(read[0], result["returnData"]))
            if wrong is not None:
                raise Wrong(wrong, sequence, made[-1])

    def wrong(self, sequence: list[Call]) -> Wrong | None:
        """What differs in a sequence."""
        try:
            self.simulate(sequence)
        except Wrong as found:
            return found
        return None

    def shortest(self, found: Wrong) -> Wrong:
        """With fewer calls: half of them are left out, a quarter and so on, then single ones."""
        size = len(found.sequence) // 2
        while size:
            start = 0
            while start < len(found.sequence):
                fewer = found.sequence[:start] + found.sequence[start + size :]
                again = self.wrong(fewer) if fewer else None
                found, start = (again, start) if again else (found, start + size)
            size //= 2
        return self._plainest(found)

    def _plainest(self, found: Wrong) -> Wrong:
        """With an argument of the last call made plain wherever something is wrong then, too."""
        *before, (step_s, role, function, args) = found.sequence
        for place, value in enumerate(PLAIN) if function == "buffer_transaction" else ():
            plainer = (*args[:place], value, *args[place + 1 :])
            if (again := self.wrong([*before, (step_s, role, function, plainer)])) is not None:
                found, args = again, plainer
        return found

    def _learn(self, model: Behaviour, function: str, now: int, call: dict[str, Any], *reads: dict[str, Any]) -> None:
        name = self.script.run.lab.numbering().name
        pairs = zip(self.own, reads, strict=True)
        values = [self.codec.decode_result(own[0], each["returnData"])[0] for own, each in pairs]
        states = {tx_id: name(value) for tx_id, value in zip(IDS, values, strict=False)}
        paused = any(values[len(IDS) :]) if self.codec.has("paused") else says_stopped(simulated(self.codec, call))
        model.learn(function, now, paused=paused, states=states)

    def _block(self, now: int, data: list[str], role: str) -> dict[str, Any]:
        sender, to = role_account(role).address, self.target.address
        calls = [{"from": sender, "to": to, "data": each, "gas": hex(GAS)} for each in data]
        return {"blockOverrides": {"time": hex(now)}, "calls": calls}

    def _judge(
        self, model: Behaviour, role: str, function: str, args: Any, now: int, result: dict[str, Any]
    ) -> Difference | None:
        outcome = simulated(self.codec, result)
        self.seen[function, outcome.ok] += 1
        if not outcome.ok and self.stops_silently and function in OPERATOR_FUNCTIONS:
            return None
        return difference(model, self.codec, function, args, role_account(role).address, now, outcome)

    def _differing(
        self, model: Behaviour, now: int, read: tuple[str, tuple[Any, ...]], values: list[Any]
    ) -> Difference | None:
        name, args = read
        if name == "get_transaction_details":
            values = [*values[:4], self.script.run.lab.numbering().name(values[4])]
        wanted = wanted_view(model, name, args, now)
        return view_differing(name, values, wanted, "afterwards", fields_read(name, {}))


def play(script: Script) -> None:
    """Generated sequences, the same ones in every run."""
    comparison = Comparison(script)

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        backend="same everywhere",
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        # Made shorter below: Hypothesis would draw hundreds of other sequences for it.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(sequences(comparison.known))
    def every_sequence(sequence: list[Call]) -> None:
        comparison.simulate(sequence)

    about: About | None = None
    try:
        every_sequence()
        actual, met = f"{comparison.seen.total()} calls agree with the documentation", True
    except Wrong as found:
        shortest = comparison.shortest(found)
        actual, met, about = str(shortest).splitlines()[0], False, shortest.about
    script.expect("every call to do what the documentation says", actual, met=met, about=about)
    for function in comparison.known if met and comparison.fresh.reference else ():
        did, refused = comparison.seen[function, True], comparison.seen[function, False]
        both = f"{did} and {refused}"
        script.expect(f"{function} to have succeeded and been refused", both, met=bool(did and refused))


def test_input_fuzzing(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Fuzz it."""
    lab_run(SETUP, play)
