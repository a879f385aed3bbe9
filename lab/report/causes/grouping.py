"""One cause for all runs that share a root. What is merged was never seen apart; what was, stays apart."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lab.model.contract.batches import BATCHES
from lab.model.contract.capabilities import CAPABILITIES
from lab.model.effects import OPERATOR_FUNCTIONS
from lab.report.causes.attribution import GOES_BY, Attribution
from lab.report.causes.symptoms import Symptom

R = TypeVar("R")
# Their messages say which field differs, and another field is another mistake.
_BY_FIELD = ("S7", "S11", "S12")
# They compare a transaction's state with what calls announced.
_OF_STATES = ("S1", "S11")
# How the smoke run says why an operation never succeeds.
_NEVER = re.compile(r' never succeeds: it reverts with "(.{4,})" at ')
_SIDES = ("before", "after")
# What every function of operators refuses: who is none, and while the contract is stopped.
_GUARDS = ("S6", "S10")
_GUARDED = re.compile(r"\bsucceeded\b|\bexpected (?:it to succeed|success), it reverted\b")
# A getter works it out, or nothing changes it: whichever call it is wrong after, it is one fault.
_OF_NO_CALL = ("is_transaction_ready", "payload", "origin_rollup", "target_rollup", "dependency_tx_id", "timestamp")


@dataclass
class Group(Generic[R]):
    """A cause in the making. `runs` are those that show it, with the symptom of each; `follows` what came behind it."""

    key: str
    runs: list[tuple[R, Symptom]] = field(default_factory=list)
    follows: dict[str, Symptom] = field(default_factory=dict)


def group(attributions: Iterable[tuple[R, Attribution]]) -> list[Group[R]]:
    """The groups, the one with most runs first.

    A key joins another in ten cases: it is an expectation about the very transaction that a check objects to; it was
    never seen but behind the other; both are of one check, about one outcome of one function, and not opposite; it is
    an expectation about an outcome of a function to which exactly one check objects; it is a probe of a function that
    ends as exactly one call did; it was read at an end, and exactly one call left the same getter wrong; a check found
    a state that nobody announced, and exactly one call left a transaction in it; ids that two chains
    share lost a field as others did; both lack a refusal that operators' functions share, or have it where nothing
    asks for it, and one was never seen without the other; or it wants an operation to succeed that never does.
    """
    given = list(attributions)
    head = _heads(given)
    groups: dict[str, Group[R]] = {}
    for run, attribution in given:
        shown: dict[str, Symptom] = {}
        behind: list[tuple[str, Symptom]] = []
        for root in attribution.roots:
            shown.setdefault(head(root.key), root)
        for link in attribution.links:
            key = head(link.symptom.key)
            # A key that was seen apart elsewhere is shown by this run, too.
            shown.setdefault(key, link.symptom)
            behind.append((key, link.symptom))
        behind += [(head(root.key), root) for root in attribution.roots]
        for key, symptom in shown.items():
            groups.setdefault(key, Group(key)).runs.append((run, symptom))
        for key, symptom in behind:
            if symptom.key != key:
                groups[key].follows.setdefault(symptom.key, symptom)
    return sorted(groups.values(), key=lambda cluster: (-len(cluster.runs), cluster.key))


class _Heads:
    """Which key speaks for which."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def __call__(self, key: str) -> str:
        while key in self._above:
            key = self._above[key]
        return key

    def join(self, key: str, above: str) -> None:
        """Let `above` speak for `key`, unless that would be a circle."""
        key, above = self(key), self(above)
        if key != above:
            self._above[key] = above


def _heads(given: Sequence[tuple[object, Attribution]]) -> _Heads:
    heads, attributions = _Heads(), [attribution for _, attribution in given]
    rooted: dict[str, Symptom] = {}
    counts: Counter[str] = Counter()
    behind: dict[str, Counter[str]] = defaultdict(Counter)
    for attribution in attributions:
        for root in attribution.roots:
            rooted.setdefault(root.key, root)
            counts[root.key] += 1
        for link in attribution.links:
            behind[link.symptom.key][link.root.key] += 1
            pair = {link.symptom.kind: link.symptom.key, link.root.kind: link.root.key}
            if link.same and set(pair) == {"check", "expectation"}:
                heads.join(pair["expectation"], pair["check"])
    for key, roots in behind.items():
        if key not in rooted:
            heads.join(key, roots.most_common(1)[0][0])
    _join_blocked(heads, rooted)
    checks = [symptom for symptom in rooted.values() if symptom.kind == "check" and (symptom.function or symptom.field)]
    _join_findings(heads, checks, counts)
    _join_shared_ids(heads, attributions)
    _join_what_goes_by_a_getter(heads, rooted)
    _join_expectations(heads, list(rooted.values()), checks)
    _join_states(heads, attributions)
    _join_guards(heads, attributions)
    return heads


def _join_blocked(heads: _Heads, rooted: Mapping[str, Symptom]) -> None:
    """What an operation that never succeeds makes fail: it quotes the reason, or wants just that."""
    for operation in [symptom for symptom in rooted.values() if symptom.kind == "operation"]:
        if (reason := _NEVER.search(operation.text)) is None:
            continue
        for symptom in rooted.values():
            own = symptom.function in ("", operation.function) or operation.function in symptom.text
            quoted = reason[1] in f"{symptom.text} {symptom.says}"
            wanted = symptom.text.startswith(f"expected {operation.function} to succeed")
            if symptom.kind != "operation" and (wanted or (own and quoted)):
                heads.join(symptom.key, operation.key)


def _join_findings(heads: _Heads, checks: Sequence[Symptom], counts: Counter[str]) -> None:
    """Findings of one check about one outcome of one function."""
    alike: dict[tuple[str, str, str], list[Symptom]] = defaultdict(list)
    for symptom in checks:
        if symptom.check not in _BY_FIELD:
            subject = (symptom.field, "") if symptom.field else (symptom.function, symptom.says)
            alike[symptom.check, *subject].append(symptom)
    for symptoms in alike.values():
        sides = {side for symptom in symptoms if (side := _side(symptom))}
        for side in sides if len(sides) > 1 else [""]:
            keys = [symptom.key for symptom in symptoms if not side or _side(symptom) == side]
            first = min(keys, key=lambda key: (-counts[key], key))
            for key in keys:
                heads.join(key, first)


def _join_expectations(heads: _Heads, rooted: Sequence[Symptom], checks: Sequence[Symptom]) -> None:
    """To each other where one function lacks one outcome; then to the one check, or the one call, that knows theirs.

    A batch does what its single calls do: where those lack it, too, they say more.
    """
    expectations = [symptom for symptom in rooted if symptom.kind == "expectation"]
    expectations.sort(key=lambda symptom: symptom.function in BATCHES)
    by_demand: dict[tuple[str, str], str] = {}
    for symptom in expectations:
        demand = symptom.demands or symptom.field or " not ".join(symptom.states or ())
        if demand and symptom.function:
            subject = "" if symptom.field in _OF_NO_CALL else BATCHES.get(symptom.function, symptom.function)
            heads.join(symptom.key, by_demand.setdefault((subject, demand), symptom.key))
    for symptom in expectations:
        known = {heads(check.key) for check in checks if _knows(check, symptom)}
        known = known or {heads(call.key) for call in rooted if _same_end(call, symptom)}
        known = known or {heads(call.key) for call in rooted if _after_which(call, symptom)}
        if len(known) == 1:
            heads.join(symptom.key, known.pop())


def _join_states(heads: _Heads, attributions: Sequence[Attribution]) -> None:
    """A state that no call announced belongs to the one call that was seen to leave another transaction's state so."""
    shown = [symptom for attribution in attributions for symptom in attribution.shown]
    by_call: dict[tuple[str, str], dict[str, Symptom]] = defaultdict(dict)
    for symptom in shown:
        if symptom.kind == "expectation" and symptom.states and symptom.function:
            by_call[symptom.states].setdefault(heads(symptom.key), symptom)
    roots = [root for attribution in attributions for root in attribution.roots]
    explained = {heads(root.key) for root in roots if root.kind == "expectation"}
    for symptom in shown:
        calls = by_call.get(symptom.states or ("", ""), {})
        if symptom.check not in _OF_STATES or heads(symptom.key) in explained or len(calls) != 1:
            continue
        call = next(iter(calls))
        # A check that knows of a call says more than a single sequence.
        if symptom.function:
            heads.join(call, symptom.key)
        else:
            heads.join(symptom.key, call)


def _join_shared_ids(heads: _Heads, attributions: Sequence[Attribution]) -> None:
    """A field that ids on two chains do not keep, to the storage that lost it where no id was shared."""
    lost: dict[tuple[str, str], str] = {}
    for attribution in attributions:
        if not any(symptom.check == "S8" for symptom in attribution.shown):
            stored = (symptom for symptom in attribution.shown if symptom.check == "S11" and symptom.field)
            lost |= {(symptom.function, symptom.field): symptom.key for symptom in stored}
    for attribution in attributions:
        for symptom in attribution.shown:
            if symptom.check == "S8" and (key := lost.get((symptom.function, symptom.field))) is not None:
                heads.join(symptom.key, key)


def _join_guards(heads: _Heads, attributions: Sequence[Attribution]) -> None:
    """Operators' functions that one rule guards: it is not asked for, or asked for without cause by one of them."""
    shown: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for run, attribution in enumerate(attributions):
        for symptom in attribution.shown:
            rule = symptom.check if symptom.kind == "check" else symptom.demands
            function = BATCHES.get(symptom.function, symptom.function)
            if rule in _GUARDS and function in OPERATOR_FUNCTIONS and _GUARDED.search(symptom.text):
                shown[rule][heads(symptom.key)].add(run)
    for runs in shown.values():
        first, *others = sorted(runs, key=lambda key: (-len(runs[key]), key))
        for other in others:
            if runs[other] <= runs[first]:
                heads.join(other, first)


def _join_what_goes_by_a_getter(heads: _Heads, rooted: Mapping[str, Symptom]) -> None:
    """Findings of a check about operators' calls, and refusals that it demands, to the getter that was wrong."""
    read = [symptom for symptom in rooted.values() if symptom.kind == "expectation" and symptom.field in GOES_BY]
    for wrong in sorted(read, key=lambda symptom: symptom.key):
        rule = GOES_BY[wrong.field]
        for symptom in rooted.values():
            demanded = symptom.kind == "expectation" and not symptom.field and symptom.demands == rule
            if symptom.function in OPERATOR_FUNCTIONS and (demanded or symptom.check == rule):
                heads.join(symptom.key, wrong.key)


def _knows(check: Symptom, expectation: Symptom) -> bool:
    """Whether a check objects to what an expectation saw. A mere probe sent nothing: the function must do for it.

    Of what is stored the field must be the same one: who reads it knows no call. What a call leaves in the getter
    of its own part of the contract, though, decides who may call it next. To a check a batch is single calls.
    """
    if expectation.field:
        parts = (capability.all_names for capability in CAPABILITIES.values())
        own = any({expectation.field, expectation.function} <= set(names) for names in parts)
        return expectation.field == check.field or (
            own and check.check == "S6" and check.function == expectation.function
        )
    if check.function not in (expectation.function, BATCHES.get(expectation.function)):
        return False
    if expectation.demands == check.check:
        return True
    return expectation.tx is None or (bool(check.says) and check.says in expectation.says)


def _same_end(call: Symptom, probe: Symptom) -> bool:
    """Whether a call that was sent ended in the words that a probe of the same function quotes."""
    if call.kind != "expectation" or call.tx is None or probe.tx is not None or not call.says:
        return False
    return call.function == probe.function and call.says in probe.says


def _after_which(call: Symptom, read: Symptom) -> bool:
    """Whether a call left wrong what was read at an end, when nobody knew which call it had been."""
    unknown = read.field and read.function in ("", read.field)
    return bool(unknown) and call.field == read.field and call.function not in ("", call.field)


def _side(symptom: Symptom) -> str:
    """`before` or `after` where it happened too early or too late; who says neither or both takes no side."""
    words = symptom.key.rpartition(";")[2].split()
    sides = [side for side in _SIDES if side in words]
    return sides[0] if len(sides) == 1 else ""
