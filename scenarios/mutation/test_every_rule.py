"""Every rule of the documentation on both of its sides, in one fixed sequence of calls, beside a model.

The calls are simulated on one node, each in a block of its own with a time of its own: thousands of comparisons take a
second. It is the first thing that `lab mutate` tries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account
from lab.coordinator.behaviour import ZERO_ADDRESS
from lab.coordinator.reads import ZERO_ID
from lab.runner.differential import FORWARDER, Differential, Step
from lab.runner.model_based.batch_sizes import FIT_SURE
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
W, E, PERIOD = 30, 10, 3600
# Addresses whose lowest bit, or lowest byte, a careless mask would take away.
A, B, ROUND = "0x" + "a1" * 20, "0x" + "b1" * 20, "0x" + "c1" * 19 + "00"
SIZES = (0, 1, 31, 32, 33, 64, 65, 480, 481, 511, 512)
HOLES = ("00" * 32 + "11" * 32, "22" * 32 + "00" * 32 + "33", "44" + "00" * 63, "00" * 40)
BY_ID = ("resolve_dependency", "mark_executed", "mark_failed", "expire_transaction")


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
    clock.owner("propose_owner", role_account("owner").address)
    clock.owner("accept_ownership")
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
    clock.buffered(due, origin=ROUND, after=known)
    for body in HOLES:
        clock.buffered(due, payload="0x" + body, after=known)


def alike(clock: Clock) -> None:
    """Ids in which one byte is zero, and then the one that has it: each is an id of its own."""
    whole = "a7" * 32
    holes = [f"0x{whole[: 2 * place]}00{whole[2 * place + 2 :]}" for place in range(32)]
    for tx_id in (*holes, f"0x{whole}"):
        clock.buffered(clock.now + 5, id=tx_id)


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
    many = [clock.request(due) for _ in range(66)]
    for start in (0, 32, 64):
        clock.call("buffer_batch", many[start : start + 32])
    # For contracts that take fewer at once.
    fewer = [[clock.request(due) for _ in range(size)] for size in (32, FIT_SURE)]
    for requests in fewer:
        clock.call("buffer_batch", requests)
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
            clock.call(function, [request[0] for request in many[1 : size + 1]])
        for requests in fewer:
            clock.call(function, [request[0] for request in requests])


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


PARTS = (settings, roles, callers, buffers, alike, windows, deadlines, batches, breaker)


def play(script: Script) -> None:
    """Part by part: each begins where the part before ended, on the state of the node."""
    start = script.run.lab.chains[CHAIN].producer.head.timestamp + 10
    begun = Differential(script, CHAIN)
    for what, found in (
        ("the first events", begun.first_events()),
        ("events of the owner's functions", begun.silent_functions()),
        ("a factory's contract", begun.created_by_a_contract()),
    ):
        script.expect(f"{what} as documented", found or "as documented", met=found is None)
    for part in PARTS:
        # Every part stands on a fresh contract: the simulation changes nothing.
        clock, comparison = Clock(start), Differential(script, CHAIN)
        part(clock)
        compared = comparison.run(start, clock.steps)
        wrong = ((f"{call}: {found}", found.about.of(function)) for call, function, found in compared if found)
        told, about = next(wrong, (f"{len(clock.steps)} calls agree", None))
        because = (part.__doc__ or "").strip()
        script.expect(f"{part.__name__} as documented", told, met=about is None, because=because, about=about)


def test_every_rule(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Play all parts."""
    lab_run(SETUP, play)
