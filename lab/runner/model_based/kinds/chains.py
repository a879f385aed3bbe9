"""The kind about the chain: whatever is documented holds on every network, each by its chain id."""

from __future__ import annotations

from lab.coordinator import role_account, rollup_address
from lab.coordinator.behaviour import PAYLOAD_MAX, WINDOW_MAX, WINDOW_MIN, ZERO_ADDRESS
from lab.coordinator.reads import ZERO_ID
from lab.networks import BUILT_IN, load_network
from lab.runner.model_based.build import Builder
from lab.runner.model_based.sequence import Block, Due

OTHER_WINDOW_S = 60


def known_ids() -> list[int]:
    """Those of all built-in networks."""
    return [load_network(name).chain_id for name in BUILT_IN]


def chains(make: Builder) -> None:
    """Every rule once: moments, dependencies, accounts, settings, refusals, a stop, endings, batches."""
    make.block = Block(chain_id=make.pick(known_ids()))
    make.cut = True
    parent, executed = make.ready(), make.ready()
    make.execute(executed)
    _moments(make, parent, executed)
    _accounts(make)
    _window(make)
    _refused(make, parent)
    _endings(make)
    _batches(make)
    _stop(make)


def _moments(make: Builder, parent: str, executed: str) -> None:
    """Either side of both edges; dependencies that are met, and such that are not."""
    due, span = make.now + 20, make.traits.window_s
    edges = (due - 1, due, due + span, due + span + 1)
    unmet = [make.buffer(Due(due), after=after) for after in (make.new_id("unknown"), make.buffer(make.ahead()))]
    tried = [
        (when, make.buffer(Due(due), after=after)) for when, after in zip(edges, (parent, executed) * 2, strict=True)
    ]
    tried += [(when, make.buffer(Due(due))) for when in edges]
    for moment in edges:
        make.until(moment)
        for tx_id in [*(tx_id for when, tx_id in tried if when == moment), *unmet]:
            make.resolve(tx_id)
    for _, tx_id in tried:
        make.execute(tx_id)
    make.execute(executed)


def _accounts(make: Builder) -> None:
    """Those who may not, whoever was an operator, and who has become one."""
    user, second = (role_account(role).address for role in ("user", "operator2"))
    make.owner("remove_operator", second)
    waiting, ready = make.buffer(Due(make.now + 9)), make.ready()
    make.wait(9)
    for sender in ("attacker", "user", "operator2"):
        make.buffer(make.ahead(), sender=sender)
        make.resolve(waiting, sender=sender)
        make.execute(ready, sender=sender)
        make.call("set_coordination_window", OTHER_WINDOW_S, sender=sender)
        for function in ("add_operator", "remove_operator", "propose_owner"):
            make.call(function, role_account("newowner").address, sender=sender)
        for function in ("pause", "accept_ownership"):
            make.call(function, sender=sender)
    make.call("add_operator", second)
    make.owner("add_operator", second)
    make.owner("add_operator", user)
    make.resolve(waiting, sender="user")
    make.execute(ready, sender="operator2")
    make.owner("remove_operator", user)


def _window(make: Builder) -> None:
    """The one in force counts, and it has bounds."""
    for span in (WINDOW_MIN - 1, WINDOW_MAX + 1, WINDOW_MIN, WINDOW_MAX):
        make.owner("set_coordination_window", span)
    ready = make.ready()
    due = make.now + 9
    edge, late = (make.buffer(Due(due)) for _ in range(2))
    make.owner("set_coordination_window", OTHER_WINDOW_S)
    for moment, tx_id in ((due + OTHER_WINDOW_S, edge), (due + OTHER_WINDOW_S + 1, late)):
        make.until(moment)
        make.resolve(tx_id)
    make.execute(edge)
    make.wait(WINDOW_MAX)
    make.execute(ready)
    make.owner("set_coordination_window", make.traits.window_s)


def _refused(make: Builder, known: str) -> None:
    """What no buffering may hold, and a payload of either length at the limit."""
    due, (a, b) = Due(make.now + 9), (rollup_address("a"), rollup_address("b"))
    make.buffer(due, tx_id=known)
    make.buffer(due, tx_id=ZERO_ID)
    for pair in ((ZERO_ADDRESS, b), (a, ZERO_ADDRESS), (a, a)):
        make.buffer(due, pair=pair)
    make.buffer(Due(make.now - 1))
    for length in (make.traits.payload_max, PAYLOAD_MAX + 1):
        make.buffer(due, payload="0x" + "5a" * length)


def _endings(make: Builder) -> None:
    """What is late cannot be resolved, what is given up cannot be executed."""
    late, given_up = make.buffer(Due(make.now + 1)), make.ready()
    make.call("mark_failed", given_up, sender="attacker")
    make.call("mark_failed", given_up)
    make.execute(given_up)
    make.call("expire_transaction", late, sender="attacker")
    make.wait(make.traits.window_s + 2)
    make.call("expire_transaction", late)
    make.resolve(late)
    if make.has("set_execution_window"):
        lapsed = make.ready()
        make.owner("set_execution_window", 1)
        make.wait(make.traits.window_s + 2)
        make.execute(lapsed)
        make.owner("set_execution_window", 0)
        make.execute(lapsed)


def _batches(make: Builder) -> None:
    """As the single calls are."""
    due, first = Due(make.now + 9), make.new_id()
    requests = [make.request(due, tx_id=first), make.request(due, after=first)]
    ids = [request[0] for request in requests]
    make.call("buffer_batch", requests, sender="attacker")
    make.call("buffer_batch", requests)
    make.until(int(due))
    for function in ("resolve_batch", "execute_batch"):
        make.call(function, ids, sender="attacker")
        make.call(function, ids)
        make.call(function, ids)


def _stop(make: Builder) -> None:
    """Nothing goes on while it is stopped, by nobody."""
    if not make.has("pause", "unpause"):
        return
    waiting, ready = make.buffer(Due(make.now + 9)), make.ready()
    make.wait(9)
    make.owner("pause")
    for sender in ("operator", "owner"):
        make.buffer(make.ahead(), sender=sender)
        make.resolve(waiting, sender=sender)
        make.execute(ready, sender=sender)
        make.call("mark_failed", ready, sender=sender)
    make.call("unpause", sender="attacker")
    make.owner("unpause")
    make.resolve(waiting)
    for tx_id in (ready, waiting):
        make.execute(tx_id)
