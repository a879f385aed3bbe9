"""Lint rules for the timeline: what steps name exists, what they do is possible, and their times fit the run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.coordinator.documented import FUNCTIONS
from lab.errors import LabError
from lab.faults import Fault, LastingFault
from lab.faults.spec import OnEndpoint
from lab.model.step import ROLES, StepBase
from lab.model.units import format_duration
from lab.networks import load_network
from lab.scenario.declared import Notebook, full_name
from lab.scenario.expectations import AlertExpectation, LatencyExpectation, StateExpectation
from lab.scenario.steps import (
    AdminStep,
    BufferStep,
    CallStep,
    ExecuteStep,
    ExpectStep,
    HealStep,
    RelayerStep,
    ResolveStep,
    UntilStep,
    WaitStep,
)
from lab.validation import nearest, shown, suggestion
from lab.yamlsource import Route


def _steps(book: Notebook) -> Iterator[tuple[Route, StepBase]]:
    for index, step in enumerate(book.file.timeline):
        yield ("timeline", index), step


def ids_are_unique(book: Notebook) -> None:
    """An id names one step, and nothing else that a matrix could mean."""
    first = book.step_ids
    for path, step in _steps(book):
        if step.id is None:
            continue
        if first[step.id] != path[1]:
            line = book.source.position(("timeline", first[step.id], "id"))[0]
            book.report((*path, "id"), f"the id '{step.id}' is already used in line {line}: choose another")
        elif step.id in book.chains or step.id in book.flows:
            what = "chain" if step.id in book.chains else "flow"
            book.report((*path, "id"), f"the id '{step.id}' is also the name of a {what}: choose another")


def names_are_declared(book: Notebook) -> None:
    """Flows, legs and chains that steps name are in the file."""
    for path, step in _steps(book):
        if isinstance(step, BufferStep):
            _flow_or_leg(book, (*path, "buffer"), step.buffer)
        elif isinstance(step, ResolveStep):
            book.expect_leg((*path, "resolve"), step.resolve)
        elif isinstance(step, ExecuteStep):
            book.expect_leg((*path, "execute"), step.execute)
        elif isinstance(step, CallStep):
            book.expect_chain((*path, "call", "chain"), step.call.chain)
            _called(book, (*path, "call"), step.call.function, step.call.args)
        elif isinstance(step, AdminStep):
            book.expect_chain((*path, "admin", "chain"), step.admin.chain)
        elif isinstance(step, (UntilStep, ExpectStep)):
            _condition(book, path, step)
        elif isinstance(step, Fault) and (chain := step.chain_name()) is not None:
            book.expect_chain((*path, "chain"), chain)
            for other in step.other_chains():
                book.expect_chain((*path, "other"), other)


def endpoints_are_there(book: Notebook) -> None:
    """A fault of one endpoint names one that its chain has."""
    for path, step in _steps(book):
        if not isinstance(step, OnEndpoint) or step.endpoint is None:
            continue
        use = book.file.networks.get(step.chain)
        if use is not None and step.endpoint > use.endpoints:
            has = "one endpoint" if use.endpoints == 1 else f"{use.endpoints} endpoints"
            more = f"give it more by `{step.chain}: {{endpoints: {step.endpoint}}}` below networks"
            book.report((*path, "endpoint"), f"the chain '{step.chain}' has {has}, got {step.endpoint}: {more}")


def _condition(book: Notebook, path: Route, step: UntilStep | ExpectStep) -> None:
    condition = step.until if isinstance(step, UntilStep) else step.expect
    path = (*path, "until" if isinstance(step, UntilStep) else "expect")
    if isinstance(condition, LatencyExpectation):
        book.expect_leg((*path, "leg"), condition.leg)
        _crosses(book, (*path, "latency"), condition)
    elif isinstance(condition, StateExpectation):
        book.expect_leg((*path, "leg"), condition.leg)
    elif isinstance(condition, AlertExpectation):
        _watched(book, path, condition)
    else:
        book.expect_chain((*path, "chain"), condition.chain)
        _called(book, path, condition.function, condition.args)


def _watched(book: Notebook, path: Route, condition: AlertExpectation) -> None:
    """An alert needs somebody who watches."""
    if not book.file.monitor:
        book.report(path, "an alert is expected and nothing watches the run: add `monitor: true` to the file")
    if condition.chain is not None:
        book.expect_chain((*path, "chain"), condition.chain)


def _crosses(book: Notebook, path: Route, condition: LatencyExpectation) -> None:
    """A latency across chains needs a parent on another one."""
    uses = {f"{flow}.{name}": (flow, use) for flow, legs in book.file.flows.items() for name, use in legs.items()}
    if condition.latency != "cross_chain" or condition.leg not in uses:
        return
    flow, use = uses[condition.leg]
    parent = uses.get(full_name(flow, use) or "")
    if parent is None or parent[1].chain == use.chain:
        text = f"{condition.leg} has no parent on another chain: measure to_ready or to_executed"
        book.report(path, text)


def _flow_or_leg(book: Notebook, path: Route, reference: str) -> None:
    if "." in reference:
        book.expect_leg(path, reference)
    elif reference not in book.flows:
        book.report(path, f"no flow is called '{reference}'{suggestion(reference, book.flows)}")


def _called(book: Notebook, path: Route, function: str, arguments: tuple[object, ...]) -> None:
    """A documented function has its documented arguments; a contract of the user's may take more of them."""
    expected = FUNCTIONS.get(function)
    if expected is not None and len(arguments) < len(expected.types):
        need = ", ".join(f"{name}: {kind}" for name, kind in expected.parameters)
        book.report((*path, "args"), f"{function} takes {len(expected.types)} ({need}), got {len(arguments)}")
    _arguments(book, (*path, "args"), arguments)


def _arguments(book: Notebook, path: Route, arguments: tuple[object, ...]) -> None:
    """Words among arguments stand for something: a misspelt one must not travel on as text."""
    for index, argument in enumerate(arguments):
        here = (*path, index)
        if isinstance(argument, tuple):
            _arguments(book, here, argument)
        elif isinstance(argument, str) and argument.startswith("0x"):
            if not re.fullmatch("0x([0-9a-fA-F]{2})*", argument):
                book.report(here, f"expected hex digits in pairs after 0x, got {shown(argument)}")
        elif isinstance(argument, str) and re.fullmatch(r"[\w-]+\.[\w-]+", argument):
            book.expect_leg(here, argument)
        elif isinstance(argument, str) and argument not in ROLES and re.fullmatch(r"[\w-]+", argument):
            close = nearest(argument, [*ROLES, *book.legs])
            hint = f" (did you mean {close}?)" if close else f" (roles: {', '.join(ROLES)})"
            book.report(here, f"expected a number, a 0x value, a role or flow.leg, got '{argument}'{hint}")


def heals_have_faults(book: Notebook) -> None:
    """A heal ends a lasting fault that an earlier step started, and only once."""
    healed: set[str] = set()
    ids = book.step_ids
    for path, step in _steps(book):
        if not isinstance(step, HealStep):
            continue
        here, name = (*path, "heal"), step.heal
        index = ids.get(name)
        raw = book.source.value["timeline"][index] if index is not None else {}
        faults = [other for other, at in ids.items() if "fault" in book.source.value["timeline"][at]]
        if index is None:
            book.report(here, f"no fault has the id '{name}'{suggestion(name, faults)}")
        elif "fault" not in raw:
            book.report(here, f"the step '{name}' starts no fault{suggestion(name, faults)}")
        elif isinstance(fault := book.file.timeline[index], Fault) and not isinstance(fault, LastingFault):
            book.report(here, f"a {fault.fault} cannot be healed: '{name}' has no duration")
        elif ("timeline", index) > path:
            book.report(here, f"the fault '{name}' starts only after this step: move the heal below it")
        elif name in healed:
            book.report(here, f"the fault '{name}' is already healed by a step above")
        healed.add(name)


def stalls_meet_a_tag(book: Notebook) -> None:
    """Finality can stand still only where it is the node's word: who counts blocks or seconds sees nothing of it."""
    for path, step in _steps(book):
        chain = step.chain_name() if isinstance(step, Fault) and step.needs_tag else None
        use = book.file.networks.get(chain) if chain is not None else None
        if chain is None or use is None:
            continue
        try:
            profile = load_network(use.profile or chain, base=book.source.file.parent)
        except LabError:
            continue  # another rule says so
        finality = use.finality or profile.finality
        if finality.tag is None:
            text = (
                f"expected a chain whose finality is a tag, but {chain} has {finality}, and a relayer that goes "
                f"by that never asks for it: give {chain} `finality: {{tag: finalized}}`"
            )
            book.report((*path, "chain"), text)


def relayer_is_there(book: Notebook) -> None:
    """No step stops, starts or kills a relayer that the file leaves out."""
    if book.file.relayer is not None:
        return
    for path, step in _steps(book):
        of_relayer = isinstance(step, Fault) and step.chain_name() is None
        key = "relayer" if isinstance(step, RelayerStep) else "fault" if of_relayer else None
        if key is not None:
            book.report((*path, key), "there is no relayer: the file says `relayer: none`")


def times_fit(book: Notebook) -> None:
    """Steps are in order, and nothing is due after the end of the run."""
    timeout = book.file.timeout_ms
    limit = f"the timeout of {format_duration(timeout)}: raise timeout"
    earliest = 0
    for path, step in _steps(book):
        if step.at_ms is not None:
            if step.at_ms > timeout:
                book.report((*path, "at"), f"expected a time within {limit}")
                continue
            if step.at_ms < earliest:
                bound = format_duration(earliest)
                book.report((*path, "at"), f"expected {bound} or later: a step begins after the one above it has ended")
            earliest = max(earliest, step.at_ms)
        passing = step.passing if isinstance(step, Fault) else ()
        for field in ("within_ms", "hold_ms", "for_ms", "wait_ms", *passing):
            key, lasting = field.removesuffix("_ms"), getattr(step, field, None)
            # A deadline may reach beyond the end, time that must really pass may not.
            begin = 0 if key in ("within", "for") else earliest
            if lasting is not None and begin + lasting > timeout:
                ends = format_duration(begin + lasting)
                book.report((*path, key), f"this would last until {ends} or later, beyond {limit}")
        if isinstance(step, (WaitStep, ExpectStep)):
            spent = getattr(step, "wait_ms", None) or getattr(step, "hold_ms", None) or 0
            earliest = min(earliest + spent, timeout)
