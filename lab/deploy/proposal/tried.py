"""A proposal by trial: the contract is deployed on a node of its own, tried out, and each find becomes an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eth_abi.abi import encode

from lab.coordinator.overloads import Entry, constructor_inputs, types_of
from lab.coordinator.values import constant, wire
from lab.deploy.compiled import CompiledContract
from lab.deploy.proposal.bench import OPERATOR, OWNER, Bench, Use
from lab.deploy.proposal.breaker import Tripped, find_breaker
from lab.deploy.proposal.candidates import WINDOW_S, Candidates, is_view, stand_in
from lab.deploy.proposal.core import find_batches, find_core
from lab.deploy.proposal.course import find_getters, run_course, texts_of_states
from lab.deploy.proposal.entries import event_lines, function_lines, hash_of, revert_lines, role_lines
from lab.deploy.proposal.events import find_events
from lab.deploy.proposal.line import Line, flow
from lab.deploy.proposal.refusals import Refusal, as_text, find_refusals, reasons_of
from lab.deploy.proposal.settings import find_handover, find_settings, find_stop
from lab.deploy.proposal.static import named
from lab.deploy.proposal.subject import Tried
from lab.deploy.proxied import behind, minimal_proxy, placeholder
from lab.model.contract.names import Slot
from lab.rpc import Rpc


class NotTried(Exception):
    """A contract that could not be tried out, and why."""


def try_out(contract: CompiledContract, source: str, rpc: Rpc) -> tuple[list[Line], set[str]]:
    """The entries that trials show, and the signatures that they use. Raises NotTried."""
    inputs = constructor_inputs(contract.abi)
    given = list(map(stand_in, types_of(inputs)))
    code = contract.bytecode + _encoded(types_of(inputs), given)
    bench = Bench.deployed(rpc, code)
    if bench is None:
        raise NotTried(f"it could not be deployed with ({', '.join(map(str, given))})")
    tried = Tried(bench, Candidates.of(contract.abi, source), reasons_of(contract.abi, source))
    set_up = [] if find_core(tried) else _initialized(tried)
    if "mark_executed" not in tried.uses and (proxied := _behind_proxy(contract, code, rpc, tried)) is not None:
        tried, set_up = proxied
        bench = tried.bench
    if "mark_executed" not in tried.uses:
        lacking = "let an account buffer" if "buffer_transaction" not in tried.uses else "resolve and execute"
        raise NotTried(f"no functions were found that {lacking}")
    course = run_course(tried)
    getters = find_getters(tried, course)
    unsaid = find_batches(tried)
    find_settings(tried, course)
    stopped = find_stop(tried)
    find_handover(tried)
    events = find_events(tried, course, contract.abi)
    refusals = find_refusals(tried, course, events.get("TransactionFailed"))
    tripped = find_breaker(tried, events.get("EmergencyStop"))
    if tripped is not None and tripped.reason:
        refusals["Failure threshold reached"] = Refusal(as_text(tripped.reason), "said when it stopped itself")
    _name_role_functions(tried)
    states = texts_of_states(course, getters)
    lines = [
        *_constructor(tried, inputs, given),
        *set_up,
        *_set_up(tried),
        *function_lines(tried, getters, stopped),
        *unsaid,
        *event_lines(tried, events),
        *role_lines(tried),
        *revert_lines({text: one for text, one in refusals.items() if one.own != text}),
        *(
            Line("states", name, tried.candidates.hashed(text), "tried: read in that state")
            for name, text in (states or {}).items()
        ),
        *_defaults(tried, tripped, given),
    ]
    lines = [_doubted(tried, line) for line in lines]
    used = {use.signature for use in tried.uses.values()} | {
        use.signature for role in tried.roles for use in (role.grant, role.revoke, role.has) if use is not None
    }
    return lines, used


def _doubted(tried: Tried, line: Line) -> Line:
    """What goes by the order of the two rollups is no surer than that."""
    doubt = tried.doubts.get("buffer_transaction")
    text = f"{line.key} {flow(line.value)}"
    if (
        doubt is None
        or not line.sure
        or not any(word in text for word in ("origin_rollup", "Invalid origin", "Invalid target"))
    ):
        return line
    return replace(line, why=doubt, sure=False)


def _initializers(tried: Tried) -> list[Use]:
    """What may set a contract up, with what the lab would give it."""
    return [
        Use.of(entry, *(Slot(value=stand_in(kind)) for kind in types_of(entry["inputs"])))
        for entry in tried.candidates.abi
        if not is_view(entry) and "init" in str(entry["name"]).lower()
    ]


def _initialized(tried: Tried) -> list[Line]:
    """An initializer without which nobody owns the contract, as behind a proxy."""
    for use in _initializers(tried):
        if tried.bench.send(use, OWNER).done and find_core(tried):
            call = {"call": use.name, "args": use.constants, "first": True}
            why = f"tried: before it the contract had no owner ({named(use.entry['inputs'])})"
            return [Line("set_up", "", call, why)]
    return []


def _behind_proxy(contract: CompiledContract, code: str, rpc: Rpc, alone: Tried) -> tuple[Tried, list[Line]] | None:
    """An implementation that refuses to be set up, as its constructor locked it: it is one behind a proxy."""
    refusing = [use for use in _initializers(alone) if not alone.bench.ask(use, OWNER).done]
    if not refusing:
        return None
    whole = behind(replace(contract, bytecode=code), minimal_proxy(), [placeholder()])
    bench = Bench.deployed(rpc, whole.bytecode)
    if bench is None:
        return None
    tried = Tried(bench, alone.candidates, alone.reasons)
    set_up = _initialized(tried)
    if "mark_executed" not in tried.uses:
        return None
    why = f"tried: by itself it refuses {refusing[0].name}, behind a minimal proxy it takes it; yours may be another"
    return tried, [Line("proxy", "", {}, why), *set_up]


def _encoded(kinds: Sequence[str], given: Sequence[Any]) -> str:
    try:
        values = [wire(kind, constant(kind, value)) for kind, value in zip(kinds, given, strict=True)]
    except ValueError as error:
        raise NotTried(f"its constructor takes {', '.join(kinds)}") from error
    return bytes(encode(kinds, values)).hex()


def _name_role_functions(tried: Tried) -> None:
    """The operator's own functions, where no usual ones take its role's hash."""
    operator = tried.roles[0]
    if hash_of(operator) is not None:
        return
    tried.said("add_operator", operator.grant, "who is given this can buffer, and could not before")
    tried.said("remove_operator", operator.revoke, "after this the account can buffer no more")
    tried.said("authorized_operators", operator.has, "it says yes of who was made an operator, and of nobody else")


def _constructor(tried: Tried, inputs: Sequence[Entry], given: list[Any]) -> list[Line]:
    """Sure where each argument is seen again: the owner, and the window in force."""
    if not inputs:
        return []
    kinds = types_of(inputs)
    numbers = [kind for kind in kinds if kind.startswith("uint")]
    window = tried.bench.read(tried.uses["coordination_window"]) if "coordination_window" in tried.uses else None
    seen = len(numbers) == 0 or (len(numbers) == 1 and window == [WINDOW_S])
    sure = seen and len(kinds) - len(numbers) == kinds.count("address") <= 1 and "owner" in tried.uses
    why = "tried: they read as owner and window afterwards" if sure else "deployed with these for the trial, give yours"
    return [Line("constructor", "", given, f"{why}: {named(inputs)}", sure)]


def _set_up(tried: Tried) -> list[Line]:
    """What switches a fee off, since the lab sends none."""
    bench = tried.bench
    with bench.undone():
        tried.give_roles()
        if tried.buffers(OPERATOR, paid=False):
            return []
        for use in tried.candidates.calls([("amount", "uint256")], extra=False):
            with bench.undone():
                if bench.send(use, OWNER, amount=0).done and tried.buffers(OPERATOR, paid=False):
                    why = "tried: buffering asks for ether, and after this it does not"
                    return [Line("set_up", "", {"call": use.name, "args": [0]}, why)]
    return [
        Line("set_up", "", {"call": "NAME", "args": []}, "buffering asks for ether: what switches that off?", False)
    ]


def _defaults(tried: Tried, tripped: Tripped | None, given: Sequence[Any]) -> list[Line]:
    """What a fresh contract starts with, where it is not what is documented."""
    lines = []
    window = tried.bench.read(tried.uses["coordination_window"]) if "coordination_window" in tried.uses else None
    if window and window != [WINDOW_S]:
        lines.append(Line("defaults", "coordination_window", window[0], "tried: read from the fresh contract"))
    if tripped is not None and "breaker_threshold" not in tried.uses:
        why = f"after {tripped.failures} failures it stopped itself" + (f", deployed with {given}" if given else "")
        lines.append(Line("defaults", "breaker_threshold", tripped.failures, why, not given))
    return lines
