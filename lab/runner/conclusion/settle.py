"""The end of every run: faults healed, chains given time to come to rest, final reads over the lab's own connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from lab.chains.chain import Chain
from lab.coordinator import ROLES, Reader, role_account
from lab.errors import LabError
from lab.model.records import FinalRead
from lab.rpc import Rpc, RpcFailure
from lab.rpc.prefetch import Prefetching, Request
from lab.runner.conclusion.store_read import read_store
from lab.runner.run import Run

REST_MS = 1_000
# After the last leg ends, the relayer gets this many polls to notice and to have nothing left to do.
QUIET_POLLS = 3
SETTLE_MARGIN_MS = 60_000
SETTINGS = ("transaction_count", "coordination_window", "breaker_threshold", "failure_count")
# By the owner, and by the breaker.
FLAGS = ("paused", "breaker_tripped")


def settle(run: Run) -> None:
    """Heal what is left, then wait until every leg has ended and the relayer rests, or nothing more can come of it."""
    run.note("settle", "timeline done: faults healed, waiting for rest")
    for step_id in run.faults:
        run.heal(step_id)
    scheduler = run.lab.scheduler
    deadline_ms = max(run.now_ms, _last_window_ms(run)) + SETTLE_MARGIN_MS
    deadline_ms = max(run.now_ms, min(deadline_ms, run.item.timeout_ms))
    while scheduler.now_ms < deadline_ms and not _at_rest(run):
        scheduler.advance_to(min(deadline_ms, scheduler.now_ms + REST_MS))
    if scheduler.now_ms >= run.item.timeout_ms and not _at_rest(run):
        run.note("timeout", f"not at rest after {run.item.timeout_ms / 1000:g} s, the scenario's timeout")
    relayer = run.lab.relayer
    quiet_ms = 2 * max(chain.profile.block_time_ms for chain in run.lab.chains.values())
    if relayer is not None and run.item.relayer is not None:
        quiet_ms = max(quiet_ms, QUIET_POLLS * run.item.relayer.poll_ms)
    # Without a relayer nobody has anything left to do: time that costs something is not spent on that.
    if relayer is not None or scheduler.clock == "virtual":
        scheduler.advance_to(scheduler.now_ms + quiet_ms)
    run.lab.close_relayer()
    if run.lab.spec.own_relayer is None:
        # What another relayer writes down, and how, is its own affair.
        read_store(run)


def _last_window_ms(run: Run) -> int:
    return max((leg.at_ms + _window_ms(run, leg.chain) for leg in run.item.legs), default=0)


def _window_ms(run: Run, chain: str) -> int:
    """The window in force, which the owner may have changed; the scenario's where it cannot be read."""
    try:
        return int(run.lab.reader(chain).get("coordination_window")) * 1000
    except (RpcFailure, ValueError, KeyError):
        return run.item.window_s * 1000


def _at_rest(run: Run) -> bool:
    if any(not pending.done for pending in run.all_operations):
        return False
    relayer = run.lab.relayer
    if relayer is None or not relayer.running:
        return True
    return relayer.idle and all(_ended(run, leg.chain, leg.tx_id, leg.at_ms) for leg in run.item.legs)


def _ended(run: Run, chain: str, tx_id: str, at_ms: int) -> bool:
    """Whether a leg has nothing to wait for: executed, expired, past its window, or never buffered."""
    try:
        state = run.lab.reader(chain).state(tx_id)
    except (RpcFailure, ValueError):
        return False
    if state == "BUFFERED":
        window_ms = _window_ms(run, chain)
        return "expiry" not in run.lab.spec.target.capabilities and run.now_ms > at_ms + window_ms
    return state in ("EXECUTED", "EXPIRED", "EMPTY")


def read_finals(run: Run) -> None:
    """One final read of every chain; a chain that cannot be read says why."""
    for name, chain in run.lab.chains.items():
        try:
            reader = run.lab.reader(name)
            chain.observer.flush()
            run.recorder.add(_final_read(run, name, reader))
        except (LabError, ValueError) as error:
            run.recorder.add(
                FinalRead(
                    t_ms=run.now_ms,
                    chain=name,
                    number=chain.producer.head.number,
                    hash="",
                    timestamp=chain.producer.head.timestamp,
                    transaction_count=None,
                    window_s=None,
                    owner=None,
                    paused=None,
                    error=f"{type(error).__name__}: {error}",
                )
            )


def _final_read(run: Run, name: str, reader: Reader) -> FinalRead:
    block = reader.rpc.block("latest")
    if block is None:
        raise LabError(f"{name}: the node has no head")
    chain = run.lab.chains[name]
    ids = dict.fromkeys(leg.tx_id for leg in run.item.legs if leg.chain == name) | chain.observer.tx_ids
    prefetching = Prefetching(reader.rpc.transport)
    reader = Reader(Rpc(prefetching), reader.codec, reader.address, reader.numbering)
    with prefetching.asked(_asked(reader, ids)):
        _audit(chain, reader)
        return _read(run, name, reader, block, ids)


def _asked(reader: Reader, ids: Iterable[str]) -> list[Request]:
    """What a final read asks for."""
    addresses = [role_account(role).address for role in ROLES]
    has = reader.codec.has
    asked: list[Request] = [("eth_getTransactionCount", [address, "latest"]) for address in addresses]
    asked += [reader.asking(getter) for getter in (*SETTINGS, "owner", *FLAGS) if has(getter)]
    asked += [reader.asking("authorized_operators", one) for one in addresses if has("authorized_operators")]
    getters = ("get_transaction_details", "transactions")
    return asked + [request for tx_id in ids for getter in getters for request in reader.requests(getter, tx_id)]


def _read(run: Run, name: str, reader: Reader, block: dict[str, Any], ids: Iterable[str]) -> FinalRead:
    settings = {name: int(reader.get(name)) if reader.codec.has(name) else None for name in SETTINGS}
    return FinalRead(
        t_ms=run.now_ms,
        chain=name,
        number=int(block["number"], 16),
        hash=block["hash"],
        timestamp=int(block["timestamp"], 16),
        transaction_count=settings["transaction_count"],
        window_s=settings["coordination_window"],
        owner=str(reader.get("owner")) if reader.codec.has("owner") else None,
        paused=_paused(reader),
        breaker_threshold=settings["breaker_threshold"],
        failure_count=settings["failure_count"],
        operators={
            address: bool(reader.get("authorized_operators", address))
            for address in (role_account(role).address for role in ROLES)
            if reader.codec.has("authorized_operators")
        },
        transactions=tuple(map(reader.transaction, ids)),
    )


def _paused(reader: Reader) -> bool | None:
    """By the owner's flag or the breaker's, where a contract keeps them apart; None without either."""
    flags = [name for name in FLAGS if reader.codec.has(name)]
    return any(bool(reader.get(name)) for name in flags) if flags else None


def _audit(chain: Chain, reader: Reader) -> None:
    """The lab's own books: what it saw of each account must be all that the chain counted. Raises LabError if not."""
    seen = Counter(tx.sender for _, tx in chain.observer.observed.values())
    for role in ROLES:
        address = role_account(role).address
        counted = reader.rpc.nonce(address)
        if counted != seen[address]:
            raise LabError(
                f"{chain.name}: expected to have seen all {counted} transactions of the {role}, saw {seen[address]}: "
                "the recorded history is incomplete, which is a fault of the lab"
            )
