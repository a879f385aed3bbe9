"""Every rule of the documentation on both of its sides, in one fixed sequence of calls, beside a model.

The calls are simulated on one node, each in a block of its own with a time of its own: thousands of comparisons take a
second. It is the first thing that `lab mutate` tries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.accounts import OPERATOR_ROLES, created_address
from lab.coordinator.behaviour import ZERO_ADDRESS, Behaviour
from lab.coordinator.codec import decode_revert, plain
from lab.coordinator.comparison import Outcome, difference, shortened
from lab.coordinator.reads import ZERO_ID
from lab.model.effects import EVENTS, OPERATOR_FUNCTIONS
from lab.runner.script import Script

SETUP = """
name: Every rule on both of its sides
description: >
  Windows, deadlines and the breaker's period to the second; every refusal with its reason; every state with every
  function; operators, owners and pending owners that come and go; batches that hold together; payloads of every length
  that matters. After each call every getter and every transaction is compared with the model.
networks: {polygon: {}}
relayer: none
window: 30s
checks: [default]
"""

CHAIN = "polygon"
GAS = 12_000_000
W, E, PERIOD = 30, 10, 3600
A, B = rollup_address("a"), rollup_address("b")
VIEWS = ("coordination_window", "transaction_count", "owner", "pending_owner", "paused", "failure_count",
         "breaker_threshold", "execution_window")  # fmt: skip
SIZES = (0, 1, 31, 32, 33, 64, 65, 480, 481, 511, 512)
HOLES = ("00" * 32 + "11" * 32, "22" * 32 + "00" * 32 + "33", "44" + "00" * 63, "00" * 40)
BY_ID = ("resolve_dependency", "mark_executed", "mark_failed", "expire_transaction")
BATCH_MAX = {"buffer_batch": 32, "resolve_batch": 64, "execute_batch": 64}
# Two small contracts: one hands every call on to the coordinator, one creates what it is given.
FORWARDER, FACTORY = "0x" + "fa" * 20, "0x" + "fb" * 20
FORWARDER_CODE = "0x365f5f375f5f365f5f73{}5af13d5f5f3e602a573d5ffd5b3d5ff3"
FACTORY_CODE = "0x365f5f37365f5ff05f5260205ff3"
VIA = "via "
Step = tuple[int, str, str, tuple[Any, ...]]  # seconds since the call before, role, function, arguments


def tx(number: int) -> str:
    """An id."""
    return f"0x{number:064x}"


class Clock:
    """Writes the sequence down; `now` is the time of the call that comes next."""

    def __init__(self, start: int) -> None:
        self.now, self._last, self.steps = start, start, list[Step]()
        self._ids = iter(range(1, 10_000))

    def at(self, now: int) -> None:
        """Go on at this time."""
        self.now = now

    def call(self, function: str, *args: Any, role: str = "operator") -> None:
        """One call."""
        self.steps.append((self.now - self._last, role, function, args))
        self._last = self.now

    def owner(self, function: str, *args: Any) -> None:
        """One call by the owner."""
        self.call(function, *args, role="owner")

    def request(self, due: int, after: str = ZERO_ID, payload: str = "0x01", **other: Any) -> tuple[Any, ...]:
        """Arguments that a buffering succeeds with."""
        number = next(self._ids)
        return (other.get("id", tx(number)), other.get("origin", A), other.get("target", B), payload, after, due)

    def buffered(self, due: int, **other: Any) -> str:
        """Buffer one; its id."""
        request = self.request(due, **other)
        self.call("buffer_transaction", *request)
        return str(request[0])

    def ready(self, due: int) -> str:
        """Buffer one and make it READY at its time."""
        tx_id = self.buffered(due)
        self.at(due)
        self.call("resolve_dependency", tx_id)
        return tx_id


def owners(user: str, heir: str) -> dict[str, tuple[Any, ...]]:
    """The owner's functions with arguments."""
    return {"set_coordination_window": (60,), "set_execution_window": (7,), "set_breaker_threshold": (9,),
            "add_operator": (user,), "remove_operator": (user,), "propose_owner": (heir,),
            "pause": (), "unpause": ()}  # fmt: skip


def operators(clock: Clock) -> dict[str, tuple[Any, ...]]:
    """The operators' functions with arguments."""
    return {name: (tx(9_999),) for name in BY_ID} | {
        "buffer_transaction": clock.request(clock.now + 9), "buffer_batch": ([clock.request(clock.now + 9)],),
        "resolve_batch": ([tx(9_999)],), "execute_batch": ([tx(9_999)],),
    }  # fmt: skip


def callers(clock: Clock) -> None:
    """It is the caller that counts, not who began the transaction: refused and let in, and named in events."""
    user = role_account("user").address
    everything = owners(user, user) | operators(clock) | {"accept_ownership": ()}
    clock.owner("propose_owner", role_account("operator").address)
    for function, args in everything.items():
        clock.call(function, *args, role=f"via {'owner' if function in owners(user, user) else 'operator'}")
    clock.owner("add_operator", FORWARDER)
    for function, args in operators(clock).items():
        clock.call(function, *args, role="via attacker")
    tx_id = clock.ready(clock.now + 5)
    clock.owner("set_breaker_threshold", 1)
    clock.call("mark_failed", tx_id, role="via attacker")
    clock.owner("unpause")
    clock.owner("propose_owner", FORWARDER)
    clock.call("accept_ownership", role="via attacker")
    for function, args in owners(user, role_account("owner").address).items():
        clock.call(function, *args, role="via attacker")
    clock.owner("accept_ownership")


def roles(clock: Clock) -> None:
    """Who may what, before and after it was given and taken."""
    user, heir = role_account("user").address, role_account("newowner").address
    for role in ("attacker", "operator", "newowner"):
        for function, args in owners(user, heir).items():
            clock.call(function, *args, role=role)
        clock.call("accept_ownership", role=role)
    for function, args in operators(clock).items():
        clock.call(function, *args, role="attacker")
    clock.owner("add_operator", user)
    clock.owner("add_operator", user)
    clock.call("buffer_transaction", *clock.request(clock.now + 9), role="user")
    clock.owner("remove_operator", user)
    clock.call("buffer_transaction", *clock.request(clock.now + 9), role="user")
    clock.owner("propose_owner", user)
    clock.owner("propose_owner", heir)
    for role in ("user", "owner", "newowner", "newowner"):
        clock.call("accept_ownership", role=role)
    clock.owner("pause")
    clock.call("propose_owner", role_account("owner").address, role="newowner")
    clock.owner("accept_ownership")
    clock.owner("propose_owner", heir)
    clock.owner("propose_owner", ZERO_ADDRESS)
    clock.call("accept_ownership", role="newowner")


def settings(clock: Clock) -> None:
    """Both sides of every bound, one setting after the other, so that a neighbour's change shows."""
    for window in (4, 5, 300, 301, 2**16 + W, W):
        clock.owner("set_coordination_window", window)
    for window in (2**40 - 1, 2**40, 0):
        clock.owner("set_execution_window", window)
    for threshold in (2**32 - 1, 2**32, 0, 25):
        clock.owner("set_breaker_threshold", threshold)


def buffers(clock: Clock) -> None:
    """Every refusal, every length of payload, payloads with words of zeros, dependencies of every kind."""
    due = clock.now + 5
    for wrong in ({"id": ZERO_ID}, {"origin": ZERO_ADDRESS}, {"target": ZERO_ADDRESS}, {"target": A}):
        clock.call("buffer_transaction", *clock.request(due, **wrong))
    for when in (clock.now - 1, clock.now, clock.now + 1, 2**64 - 1, 2**64, 2**256 - 1):
        clock.buffered(when)
    known = clock.buffered(due)
    clock.call("buffer_transaction", *clock.request(due, id=known))
    for size in (*SIZES, 513):
        clock.buffered(due, payload="0x" + "5a" * size)
    for body in HOLES:
        clock.buffered(due, payload="0x" + body, after=known)


def windows(clock: Clock) -> None:
    """The second before, the first, the last and the one after; all dependencies."""
    start = clock.now
    parents = {state: clock.buffered(start + 20) for state in ("BUFFERED", "READY", "EXECUTED", "EXPIRED")}
    children = [clock.buffered(start + 60, after=parent) for parent in (*parents.values(), tx(8_888))]
    itself = tx(7_777)
    clock.call("buffer_transaction", *clock.request(start + 60, id=itself, after=itself))
    edges = {second: clock.buffered(start + 20) for second in (19, 20, 20 + W, 21 + W)}
    for second in (19, 20):
        clock.at(start + second)
        clock.call("resolve_dependency", edges[second])
    clock.call("resolve_dependency", parents["READY"])
    clock.call("resolve_dependency", parents["EXECUTED"])
    clock.call("resolve_dependency", parents["READY"])
    clock.call("mark_executed", parents["BUFFERED"])
    clock.call("mark_executed", parents["EXECUTED"])
    clock.call("mark_executed", parents["EXECUTED"])
    for second in (20 + W, 21 + W):
        clock.at(start + second)
        clock.call("expire_transaction", parents["EXPIRED"])
        clock.call("resolve_dependency", edges[second])
        clock.call("expire_transaction", edges[20])
    clock.at(start + 61)
    for child in (*children, itself):
        clock.call("resolve_dependency", child)
    for tx_id in (*parents.values(), *children, tx(8_888)):
        for function in BY_ID:
            clock.call(function, tx_id)
    clock.owner("unpause")


def deadlines(clock: Clock) -> None:
    """An execution window: its last second, the one after, and how what is late ends."""
    clock.owner("set_execution_window", E)
    due = clock.now + 5
    first, second, third = (clock.buffered(due) for _ in range(3))
    clock.at(due)
    clock.call("resolve_batch", [first, second, third])
    for seconds in (W + E, W + E + 1):
        clock.at(due + seconds)
        clock.call("expire_transaction", second)
        clock.call("mark_executed", first if seconds == W + E else third)
    clock.call("execute_batch", [third])
    clock.call("expire_transaction", third)
    for ended in (first, third, tx(5_555)):
        clock.call("expire_transaction", ended)
    clock.owner("set_execution_window", 0)
    kept = clock.ready(clock.now + 5)
    clock.at(clock.now + 10 * W)
    clock.call("expire_transaction", kept)
    clock.call("mark_executed", kept)


def batches(clock: Clock) -> None:
    """All or none, in the given order, and no more than fit."""
    due = clock.now + 5
    clock.call("buffer_batch", [])
    for size in (32, 33):
        clock.call("buffer_batch", [clock.request(due) for _ in range(size)])
    many = [clock.request(due) for _ in range(65)]
    for start in (0, 32, 64):
        clock.call("buffer_batch", many[start : start + 32])
    clock.call("buffer_batch", [clock.request(due), clock.request(due, id=ZERO_ID)])
    parent, child = clock.request(due), clock.request(due)
    child = (*child[:4], parent[0], child[5])
    clock.call("buffer_batch", [child, parent])
    clock.at(due)
    clock.call("resolve_batch", [])
    clock.call("resolve_batch", [parent[0], tx(6_666)])
    clock.call("resolve_batch", [child[0], many[0][0]])
    clock.call("resolve_batch", [parent[0], child[0]])
    clock.call("execute_batch", [parent[0], tx(6_666)])
    clock.call("execute_batch", [child[0], parent[0]])
    clock.call("execute_batch", [])
    for function in ("resolve_batch", "execute_batch"):
        for size in (65, 64):
            clock.call(function, [request[0] for request in many[:size]])


def breaker(clock: Clock) -> None:
    """Counts of every kind of failure, the trip, the period's end to the second, a lowered threshold, a batch cut."""
    clock.owner("unpause")
    clock.owner("set_breaker_threshold", 3)
    clock.at(clock.now + PERIOD)
    start = clock.now
    doomed = [clock.buffered(start + 10) for _ in range(14)]
    clock.at(start + 10)
    clock.call("resolve_batch", doomed[:4])
    clock.call("mark_failed", doomed[0])
    clock.call("mark_failed", doomed[0])
    clock.at(start + 11 + W)
    clock.call("resolve_dependency", doomed[4])
    clock.call("expire_transaction", doomed[5])
    for function in BY_ID:
        clock.call(function, doomed[6])
    clock.call("buffer_transaction", *clock.request(clock.now + 50))
    clock.call("buffer_batch", [clock.request(clock.now + 50)])
    clock.call("resolve_batch", [doomed[6]])
    clock.call("execute_batch", [doomed[1]])
    clock.call("mark_executed", doomed[1])
    for function, args in owners(role_account("user").address, ZERO_ADDRESS).items():
        if function not in ("pause", "unpause"):
            clock.owner(function, *args)
    for function, value in (("set_coordination_window", W), ("set_execution_window", 0), ("set_breaker_threshold", 3)):
        clock.owner(function, value)
    clock.owner("pause")
    clock.at(clock.now + 5)
    clock.owner("unpause")
    clock.owner("unpause")
    first = clock.now
    clock.call("expire_transaction", doomed[6])
    clock.at(start + 11 + W + PERIOD)
    clock.call("execute_batch", [])
    clock.at(first + PERIOD - 1)
    clock.call("expire_transaction", doomed[7])
    clock.at(first + PERIOD)
    clock.call("execute_batch", [])
    clock.call("expire_transaction", doomed[8])
    clock.call("expire_transaction", doomed[9])
    clock.owner("set_breaker_threshold", 1)
    clock.call("resolve_batch", doomed[10:12])
    clock.owner("unpause")
    clock.owner("set_breaker_threshold", 0)
    clock.call("resolve_batch", doomed[11:13])
    clock.call("mark_failed", doomed[2])
    clock.owner("set_breaker_threshold", 25)
    clock.owner("pause")
    clock.owner("pause")
    clock.call("mark_failed", doomed[3])
    clock.owner("unpause")
    clock.owner("set_breaker_threshold", 2**32 - 1)
    clock.call("mark_failed", doomed[3])


PARTS = (settings, roles, callers, buffers, windows, deadlines, batches, breaker)


class Comparison:
    """The contract beside its model, from one simulated block to the next."""

    def __init__(self, script: Script) -> None:
        self.script, self.target = script, script.run.lab.wanted.target
        self.codec, self.rpc = self.target.codec, script.reader(CHAIN).rpc
        has = self.target.capabilities
        self.operators = {role_account(role).address for role in ("owner", *OPERATOR_ROLES)}
        self.model = Behaviour(role_account("owner").address, self.operators, W, "breaker" in has, "expiry" in has)
        self.views = [name for name in VIEWS if self.codec.has(name)]
        self.ids: list[str] = []

    def first_events(self) -> str | None:
        """What of the contract's beginnings its events do not tell: who only reads them must know all settings."""
        logs = self.rpc.logs(self.target.address, 1, 1)
        events = [event for log in logs if (event := self.codec.decode_log(log)) is not None]
        told = {event.event: event.args for event in reversed(events)}
        for name, key, wanted in (
            ("OwnershipTransferred", "current", self.model.owner), ("OwnershipTransferred", "previous", ZERO_ADDRESS),
            ("OperatorAdded", "operator", self.model.owner), ("CoordinationWindowSet", "window", W),
            ("ExecutionWindowSet", "window", 0), ("BreakerThresholdSet", "threshold", 25),
        ):  # fmt: skip
            got = told.get(name, {}).get(key)
            if name in self.codec.events and plain(got) != plain(wanted):
                return f"expected the constructor to emit {name} with {key} {wanted}, got {got}"
        return None

    def silent_functions(self) -> str | None:
        """Who has events for some of the owner's functions has one for each, or a reader of events is misled."""
        known = [name for name in EVENTS if name not in OPERATOR_FUNCTIONS and self.codec.has(name)]
        silent = [name for name in known if not any(event in self.codec.events for event in EVENTS[name])]
        return f"expected events of {', '.join(silent)}, as of the others" if 0 < len(silent) < len(known) else None

    def created_by_a_contract(self) -> str | None:
        """A factory that creates the contract owns it, not who called the factory."""
        created = created_address(FACTORY, 0)
        sender = role_account("user").address
        calls = [{"from": sender, "to": FACTORY, "data": self.target.contract.bytecode, "gas": hex(GAS)}]
        reads = (("owner", ()), ("authorized_operators", (FACTORY,)))
        calls += [{"from": sender, "to": created, "data": self.codec.encode(*read)} for read in reads]
        block = {"stateOverrides": {FACTORY: {"code": FACTORY_CODE}}, "calls": calls}
        (answer,) = self.rpc.call("eth_simulateV1", {"blockStateCalls": [block]}, "latest")
        made, *found = answer["calls"]
        if any(result["status"] != "0x1" for result in answer["calls"]):
            return "expected a factory to be able to create it, it reverted"
        values = [self.codec.decode_result(name, result["returnData"])[0]
                  for (name, _), result in zip(reads, found, strict=True)]  # fmt: skip
        if [plain(value) for value in values] != [FACTORY, True]:
            return f"expected the factory as owner and operator, got {values}"
        told = [event for log in made["logs"] if (event := self.codec.decode_log({**log, "address": created}))]
        wrong = [event for event in told if {plain(event.args.get(key, FACTORY)) for key in ("current", "operator")}
                 != {FACTORY}]  # fmt: skip
        return f"expected events that name the factory, got {wrong}" if wrong else None

    def run(self, start: int, steps: list[Step]) -> Iterator[tuple[str, str | None]]:
        """What each call is, and what of it is not as documented."""
        now, blocks, made = start, [], []
        for seconds, role, function, args in steps:
            now += seconds
            if not self.codec.has(function):
                continue
            requests = args[0] if function == "buffer_batch" else [args] if function == "buffer_transaction" else []
            self.ids += [request[0] for request in requests if request[0] not in self.ids]
            touched = [tx_id for tx_id in self.ids[-1:]]
            touched += [part for part in (args[0] if args and isinstance(args[0], list) else args[:1])
                        if isinstance(part, str) and part in self.ids]  # fmt: skip
            reads = [(name, ()) for name in self.views]
            reads += [(name, (tx_id,)) for tx_id in dict.fromkeys(touched) for name in self._by_id()]
            calls = [self._call(role, function, args), *(self._call("user", *read) for read in reads)]
            blocks.append({"blockOverrides": {"time": hex(now)}, "calls": calls})
            made.append((role, function, args, now, reads))
        if not blocks:
            return  # a contract without this optional part
        code = FORWARDER_CODE.format(self.target.address.removeprefix("0x"))
        blocks[0] = {**blocks[0], "stateOverrides": {FORWARDER: {"code": code}}}
        answer = self.rpc.call("eth_simulateV1", {"blockStateCalls": blocks}, "latest", timeout_s=60)
        for (role, function, args, when, reads), block in zip(made, answer, strict=True):
            found = self._judge(role, function, args, when, block["calls"][0])
            found = found or self._reads(when, reads, block["calls"][1:])
            yield f"{function}{shortened(args)} by {role}", found

    def _by_id(self) -> list[str]:
        return [name for name in ("transactions", "get_transaction_details", "get_transaction_state",
                                  "is_transaction_ready") if self.codec.has(name)]  # fmt: skip

    def _call(self, role: str, function: str, args: tuple[Any, ...]) -> dict[str, Any]:
        data, sender = self.codec.encode(function, args), role_account(role.removeprefix(VIA)).address
        to = FORWARDER if role.startswith(VIA) else self.target.address
        return {"from": sender, "to": to, "data": data, "gas": hex(GAS)}

    def _judge(self, role: str, function: str, args: Any, now: int, result: dict[str, Any]) -> str | None:
        ok, sender = result["status"] == "0x1", FORWARDER if role.startswith(VIA) else role_account(role).address
        if function in BATCH_MAX and len(args[0]) > BATCH_MAX[function]:
            return "expected a batch that is too long to be refused, it succeeded" if ok else None
        events = [event for log in result["logs"] if (event := self.codec.decode_log(log)) is not None]
        if {"pause": True, "unpause": False}.get(function) == self.model.paused and sender == self.model.owner:
            reason = decode_revert(result["returnData"]) or ""
            wanted = "paused" if function == "pause" else "not paused"
            if events or (not ok and wanted not in reason):
                told = [event.event for event in events] or reason
                return f"expected no event where nothing changes, and a refusal to say '{wanted}'; got {told}"
        before = replace(self.model)
        outcome = Outcome(ok, None if ok else decode_revert(result["returnData"]), events)
        found = difference(self.model, self.codec, function, args, sender, now, outcome)
        for event in events:
            wanted = {"caller": sender, "previous": before.owner}
            wanted |= {"current": sender} if event.event == "OwnershipProposed" else {}
            wanted |= {key: args[0] for key in ("window", "threshold", "operator", "pending") if len(args) == 1}
            if function == "buffer_transaction":
                wanted |= {"tx_id": args[0], "origin_rollup": args[1], "target_rollup": args[2], "timestamp": args[5]}
            for key, value in wanted.items():
                if key in event.args and plain(event.args[key]) != plain(value):
                    found = found or f"expected {event.event} with {key} {value}, got {event.args[key]}"
        return found

    def _reads(self, now: int, reads: list[Any], results: list[Any]) -> str | None:
        for (name, args), result in zip(reads, results, strict=True):
            wanted = self._wanted(name, args, now)
            try:
                values = [plain(value) for value in self.codec.decode_result(name, result["returnData"])]
                values = self._named(name, values)
            except (ValueError, KeyError, TypeError) as error:
                return f"{name} afterwards: expected {wanted}, got {result['returnData'][:40]} ({error})"
            if values != wanted:
                return f"{name} afterwards: expected {wanted}, got {values}"
        return None

    def _named(self, name: str, values: list[Any]) -> list[Any]:
        """With states by their names; a struct as a list."""
        numbering = self.script.run.lab.numbering()
        if name == "transactions":
            only = values[0] if len(values) == 1 else values
            values = list(only.values()) if isinstance(only, dict) else list(only)
        if name in ("transactions", "get_transaction_details", "get_transaction_state"):
            values = [*values[:-1], numbering.name(values[-1])]
        return values

    def _wanted(self, name: str, args: tuple[Any, ...], now: int) -> list[Any]:
        if not args:
            return [plain(self.model.view(name, now))]
        entry = self.model.entries.get(args[0])
        if name == "is_transaction_ready":
            return [entry is not None and entry.state == "READY" and now >= entry.timestamp]
        state = entry.state if entry is not None else "EMPTY"
        if name == "get_transaction_state":
            return [state]
        if entry is None:
            head: list[Any] = [ZERO_ADDRESS, ZERO_ADDRESS, "0x", ZERO_ID, 0]
        else:
            head = [entry.origin, entry.target, entry.payload, entry.dependency, entry.timestamp]
        wanted = [*map(plain, head), state]
        return wanted if name == "transactions" else [*wanted[:2], *wanted[3:]]


def play(script: Script) -> None:
    """Part by part: each begins where the part before ended, on the state of the node."""
    start = script.run.lab.chains[CHAIN].producer.head.timestamp + 10
    begun = Comparison(script)
    for what, found in (
        ("the first events", begun.first_events()),
        ("events of the owner's functions", begun.silent_functions()),
        ("a factory's contract", begun.created_by_a_contract()),
    ):
        script.expect(f"{what} as documented", found or "as documented", met=found is None)
    for part in PARTS:
        # Every part stands on a fresh contract: the simulation changes nothing.
        clock, comparison = Clock(start), Comparison(script)
        part(clock)
        wrong = next((f"{call}: {found}" for call, found in comparison.run(start, clock.steps) if found), None)
        because = (part.__doc__ or "").strip()
        script.expect(f"{part.__name__} as documented", wrong or f"{len(clock.steps)} calls agree", met=wrong is None,
                      because=because)  # fmt: skip


def test_every_rule(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Play all parts."""
    lab_run(SETUP, play)
