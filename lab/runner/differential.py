"""Calls simulated on a node beside a model of what is documented: each in a block of its own, at a time of its own.

Thousands of comparisons take a second: outcome, reason and events of every call, then every getter and every
transaction that the call was about. Callers may be contracts, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from lab.coordinator import comparison, role_account
from lab.coordinator.accounts import OPERATOR_ROLES, created_address, rollup_address
from lab.coordinator.behaviour import ZERO_ADDRESS, Behaviour
from lab.coordinator.codec import Codec
from lab.coordinator.documented import EVENTS as EVENT_SIGNATURES
from lab.coordinator.documented import FUNCTIONS
from lab.coordinator.reads import ZERO_ID, fields_read, stored_fields, stored_places
from lab.coordinator.values import plain
from lab.deploy.deployer import initializers
from lab.deploy.layers import binds
from lab.model.contract.batches import requests_of
from lab.model.effects import EVENTS, OPERATOR_FUNCTIONS
from lab.model.record_parts.about import Difference
from lab.runner.model_based.batch_sizes import FIT_SURE, BatchSizes, allows
from lab.runner.model_based.spaced import spaced
from lab.runner.script import Script

Step = tuple[int, str, str, tuple[Any, ...]]  # seconds since the call before, role, function, arguments

GAS = 12_000_000
VIEWS = (
    "coordination_window",
    "transaction_count",
    "owner",
    "pending_owner",
    "paused",
    "failure_count",
    "breaker_threshold",
    "execution_window",
)
# What these count is the contract's own affair.
OWN_VIEWS = ("failure_count",)
BATCH_MAX = {"buffer_batch": 32, "resolve_batch": 64, "execute_batch": 64}
BREAKER_FUNCTIONS = [name for name, function in FUNCTIONS.items() if function.part == "breaker"]
GRANTED, CHANGES_OF_ROLE = "authorized_operators", ("add_operator", "remove_operator")
READ_STATE = "get_transaction_state"
# What a contract that stopped itself says, beside its getter.
STOPPED = "EmergencyStop"
DOCUMENTED = {name for name, event in EVENT_SIGNATURES.items() if event.part == "documented"}
# Two small contracts: one hands every call on to the coordinator, one creates what it is given.
FORWARDER, FACTORY = "0x" + "fa" * 20, "0x" + "fb" * 20
FORWARDER_CODE = "0x365f5f375f5f365f5f73{}5af13d5f5f3e602a573d5ffd5b3d5ff3"
FACTORY_CODE = "0x365f5f37365f5ff05f5260205ff3"
UNKNOWN_ID, PROBE_ID = "0x" + "7e" * 32, "0x" + "7d" * 32
# A role with this before it calls through the forwarder.
VIA = "via "


def behaviour(script: Script, chain: str) -> Behaviour:
    """The model of the contract as the run has set it up, with the settings that it has of its own."""
    target = script.run.lab.spec.target
    operators = set(script.run.lab.operators())
    owner, parts = role_account("owner").address, target.capabilities
    settings = {
        name: script.read(chain, name) for name in ("breaker_threshold", "execution_window") if script.has(name)
    }
    return Behaviour(
        owner,
        operators,
        script.run.item.window_s,
        breaker="breaker" in parts or any(map(script.has, BREAKER_FUNCTIONS)),
        expiry="expiry" in parts,
        threshold=settings.get("breaker_threshold", 0),
        execution_window=settings.get("execution_window", 0),
        reference=target.reference,
        second_roles=target.codec.names.second_roles,
        binds=lambda reason, function: binds(target, reason, function),
    )


def stops_silently(model: Behaviour, codec: Codec) -> bool:
    """Whether a contract that may stop itself has no way to say so: then a refusal is looked into."""
    tells = codec.has("paused") or STOPPED in codec.events
    return model.breaker and not model.reference and not tells


def says_stopped(outcome: comparison.Outcome) -> bool:
    """Whether a contract said in a call that it stopped itself."""
    return any(event.event == STOPPED for event in outcome.events)


class Differential:
    """One contract on one chain, as it was set up by the run. Nothing is sent: its state stays as it is."""

    def __init__(self, script: Script, chain: str) -> None:
        self.script, self.target = script, script.run.lab.spec.target
        self.codec, self.rpc = self.target.codec, script.reader(chain).rpc
        self.model = behaviour(script, chain)
        self.views = [
            name for name in VIEWS if self.codec.has(name) and (self.model.reference or name not in OWN_VIEWS)
        ]
        self.ids: list[str] = []
        self.places = stored_places(self.codec)
        self.stops_silently, self.sizes = stops_silently(self.model, self.codec), BatchSizes()

    def first_events(self) -> str | None:
        """What the constructor's events leave out: who reads only the reference's events must learn all settings."""
        if not self.model.reference:
            return None
        logs = self.rpc.logs(self.target.address, 1, 1)
        events = [event for log in logs if (event := self.codec.decode_log(log)) is not None]
        emitted = {event.event: event.args for event in reversed(events)}
        for name, key, expected in (
            ("OwnershipTransferred", "current", self.model.owner),
            ("OwnershipTransferred", "previous", ZERO_ADDRESS),
            ("OperatorAdded", "operator", self.model.owner),
            ("CoordinationWindowSet", "window", self.model.window),
            ("ExecutionWindowSet", "window", 0),
            ("BreakerThresholdSet", "threshold", 25),
        ):
            got = emitted.get(name, {}).get(key)
            if name in self.codec.events and plain(got) != plain(expected):
                return f"expected the constructor to emit {name} with {key} {expected}, got {got}"
        return None

    def silent_functions(self) -> str | None:
        """The reference has events for all of the owner's functions, or a reader of events would be misled."""
        if not self.model.reference:
            return None
        known = [name for name in EVENTS if name not in OPERATOR_FUNCTIONS and self.codec.has(name)]
        silent = [name for name in known if not any(event in self.codec.events for event in EVENTS[name])]
        return f"expected events of {', '.join(silent)}, as of the others" if 0 < len(silent) < len(known) else None

    def created_by_a_contract(self) -> str | None:
        """A factory that creates the contract owns it, not who called the factory, unless arguments say who does."""
        if self.codec.names.constructor or self.target.proxied is not None or initializers(self.target):
            return None
        created = created_address(FACTORY, 0)
        sender = role_account("user").address
        calls = [{"from": sender, "to": FACTORY, "data": self.target.contract.bytecode, "gas": hex(GAS)}]
        reads = (("owner", ()), ("authorized_operators", (FACTORY,)))
        calls += [{"from": sender, "to": created, "data": self.codec.encode(*read)} for read in reads]
        block = {"stateOverrides": {FACTORY: {"code": FACTORY_CODE}}, "calls": calls}
        (answer,) = self.rpc.call("eth_simulateV1", {"blockStateCalls": [block]}, "latest")
        made, *answers = answer["calls"]
        if any(result["status"] != "0x1" for result in answer["calls"]):
            return "expected a factory to be able to create it, it reverted"
        values = [
            self.codec.decode_result(name, result["returnData"])[0]
            for (name, _), result in zip(reads, answers, strict=True)
        ]
        if [plain(value) for value in values] != [FACTORY, True]:
            return f"expected the factory as owner and operator, got {values}"
        events = [event for log in made["logs"] if (event := self.codec.decode_log({**log, "address": created}))]
        wrong = [
            event
            for event in events
            if {plain(event.args.get(key, FACTORY)) for key in ("current", "operator")} != {FACTORY}
        ]
        return f"expected events that name the factory, got {wrong}" if wrong else None

    def run(self, start: int, steps: list[Step]) -> Iterator[tuple[str, str, Difference | None]]:
        """What each call is, in words and by its function, and what of it is not as documented."""
        now, blocks, made = start, [], []
        for seconds, role, function, args in steps:
            now += seconds
            if not self.codec.has(function):
                continue
            self.ids += [request[0] for request in requests_of(function, args) if request[0] not in self.ids]
            touched = [UNKNOWN_ID, *self.ids[-1:]]
            touched += [
                part
                for part in (args[0] if args and isinstance(args[0], list) else args[:1])
                if isinstance(part, str) and part in self.ids
            ]
            reads: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in self.views]
            reads += [(name, (tx_id,)) for tx_id in dict.fromkeys(touched) for name in self._by_id()]
            reads += [(GRANTED, args)] if function in CHANGES_OF_ROLE and self.codec.has(GRANTED) else []
            calls = [self._call(role, function, args), *(self._call("user", *read) for read in reads)]
            blocks.append({"blockOverrides": {"time": hex(now)}, "calls": calls})
            made.append((role, function, args, now, reads))
        if not blocks:
            return  # a contract without this optional part
        simulated = zip(made, self._simulated(blocks), strict=True)
        for place, ((role, function, args, when, reads), block) in enumerate(simulated):
            outcome, *values = block["calls"]
            before = deepcopy(self.model) if self.stops_silently else self.model
            difference = self._judge(role, function, args, when, outcome)
            refused = difference is not None and outcome["status"] != "0x1" and function in OPERATOR_FUNCTIONS
            if refused and self.stops_silently and not before.paused and self._stopped(before, blocks[:place], when):
                self.model, difference = before, None
                self.model.paused = True
            self._learn(function, when, outcome, reads, values)
            difference = difference or self._reads(when, reads, values)
            yield f"{function}{comparison.shortened(args)} by {role}", function, difference

    def _stopped(self, model: Behaviour, before: list[dict[str, Any]], now: int) -> bool:
        """Whether a contract that does not say so has stopped: it refuses a buffering in which nothing is wrong."""
        roles = ("owner", *OPERATOR_ROLES)
        request = (PROBE_ID, rollup_address("a"), rollup_address("b"), "0x", ZERO_ID, now + 1)
        may = (role for role in roles if model.may("buffer_transaction", request, role_account(role).address, now))
        if (role := next(may, None)) is None:
            return True
        probe = {"blockOverrides": {"time": hex(now)}, "calls": [self._call(role, "buffer_transaction", request)]}
        *_, last = self._simulated([*before, probe])
        return bool(last["calls"][0]["status"] != "0x1")

    def _simulated(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What becomes of blocks on the newest one, with the forwarder in place."""
        code = FORWARDER_CODE.format(self.target.address.removeprefix("0x"))
        first = {**blocks[0], "stateOverrides": {FORWARDER: {"code": code}}}
        asked = {"blockStateCalls": spaced(self.rpc, [first, *blocks[1:]], self.target.limits)}
        answer: list[dict[str, Any]] = self.rpc.call("eth_simulateV1", asked, "latest", timeout_s=60)
        return answer

    def _learn(self, function: str, now: int, outcome: Any, reads: list[Any], values: list[Any]) -> None:
        """What a contract that is not the reference decided for itself."""
        if self.model.reference or outcome["status"] != "0x1":
            return
        answers = {read: value["returnData"] for read, value in zip(reads, values, strict=True)}
        decode = self.codec.decode_result
        states = {args[0]: decode(name, data) for (name, args), data in answers.items() if name == READ_STATE}
        paused, simulation = answers.get(("paused", ())), comparison.simulated(self.codec, outcome)
        self.model.learn(
            function,
            now,
            paused=bool(decode("paused", paused)[0]) if paused else says_stopped(simulation),
            states={tx_id: self._named(READ_STATE, values)[-1] for tx_id, values in states.items()},
        )

    def _by_id(self) -> list[str]:
        return [
            name
            for name in ("transactions", "get_transaction_details", "get_transaction_state", "is_transaction_ready")
            if self.codec.has(name) and (name != "transactions" or self.places)
        ]

    def _call(self, role: str, function: str, args: tuple[Any, ...]) -> dict[str, Any]:
        data, sender = self.codec.encode(function, args, any_width=True), role_account(role.removeprefix(VIA)).address
        to = FORWARDER if role.startswith(VIA) else self.target.address
        return {"from": sender, "to": to, "data": data, "gas": hex(GAS)}

    def _judge(self, role: str, function: str, args: Any, now: int, result: dict[str, Any]) -> Difference | None:
        outcome = comparison.simulated(self.codec, result)
        sender = FORWARDER if role.startswith(VIA) else role_account(role).address
        size = len(args[0]) if function in BATCH_MAX else 0
        if self.model.reference and size > BATCH_MAX.get(function, 0):
            return Difference("expected a batch that is too long to be refused, it succeeded") if outcome.ok else None
        # How many fit is the reference's own.
        may_be_long = size > FIT_SURE and not self.model.reference and allows(self.model, function, args, sender, now)
        if may_be_long and not outcome.ok:
            return self.sizes.judge(function, size, taken=False)
        events = outcome.events
        idle = {"pause": True, "unpause": False}.get(function) == self.model.paused and sender == self.model.owner
        if idle and self.model.reference:
            reason = outcome.reason or ""
            words = "paused" if function == "pause" else "not paused"
            if events or (not outcome.ok and words not in reason):
                got = [event.event for event in events] or reason
                return Difference(f"expected no event where nothing changes, a refusal to say '{words}'; got {got}")
        before = replace(self.model)
        wrong = comparison.difference(self.model, self.codec, function, args, sender, now, outcome)
        wrong = wrong or (self.sizes.judge(function, size, taken=True) if may_be_long else None)
        for event in events if self.model.reference else [event for event in events if event.event in DOCUMENTED]:
            expected = {"caller": sender, "previous": before.owner}
            expected |= {"current": sender} if event.event == "OwnershipProposed" else {}
            expected |= {key: args[0] for key in ("window", "threshold", "operator", "pending") if len(args) == 1}
            if function == "buffer_transaction":
                expected |= {"tx_id": args[0], "origin_rollup": args[1], "target_rollup": args[2], "timestamp": args[5]}
            for key, value in expected.items():
                if key in event.args and plain(event.args[key]) != plain(value):
                    wrong = wrong or comparison.argument_differing(event.event, key, value, event.args[key])
        return wrong

    def _reads(self, now: int, reads: list[Any], results: list[Any]) -> Difference | None:
        for (name, args), result in zip(reads, results, strict=True):
            expected = comparison.wanted_view(self.model, name, args, now, self.places)
            try:
                values = [plain(value) for value in self.codec.decode_result(name, result["returnData"])]
                values = self._named(name, values)
            except (ValueError, KeyError, TypeError) as error:
                words = f"{name} afterwards: expected {expected}, got {result['returnData'][:40]} ({error})"
                return Difference(words, comparison.about_view(name, expected[-1], ""))
            fields = fields_read(name, self.places)
            if (wrong := comparison.view_differing(name, values, expected, "afterwards", fields)) is not None:
                return wrong
        return None

    def _named(self, name: str, values: list[Any]) -> list[Any]:
        """With states by their names; a struct as a list."""
        numbering = self.script.run.lab.numbering()
        if name == "transactions":
            values = list(stored_fields(self.places, values).values())
        if "state" in fields_read(name, self.places):
            values = [*values[:-1], numbering.name(values[-1])]
        return values
