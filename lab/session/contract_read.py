"""What a run's history must say of a contract that is not set up as the header has it."""

from __future__ import annotations

from functools import lru_cache

from lab.coordinator import Reader, role_account
from lab.deploy.deployer import Deployable
from lab.model.record_parts.contract_read import ContractRead
from lab.rpc import RpcFailure


def particular(
    reader: Reader, target: Deployable, chain: str, operators: tuple[str, ...], window_s: int
) -> ContractRead | None:
    """The line for the history, once the contract is set up; None where there is nothing to say."""
    names = target.codec.names
    kept = _read(target.contract.identity, names.model_dump_json(), operators, window_s)
    if not kept:
        kept.append(_start(reader, operators, window_s))
    held, owner, window = kept[0]
    declared = names.defaults if not reader.codec.has("breaker_threshold") else {}
    particulars = ContractRead(
        t_ms=0,
        chain=chain,
        operators=held,
        owner=owner,
        window_s=window,
        breaker_threshold=declared.get("breaker_threshold"),
        breaker_period_s=names.defaults.get("breaker_period"),
        limits={name: value for name, value in target.limits.model_dump().items() if value is not None},
        second_roles={role: second.functions for role, second in names.second_roles.items()},
    )
    plain = ContractRead(
        t_ms=0, chain=chain, operators=operators, owner=role_account("owner").address, window_s=window_s
    )
    return None if particulars == plain else particulars


Start = tuple[tuple[str, ...], str | None, int]


@lru_cache(maxsize=256)
def _read(identity: str, names: str, operators: tuple[str, ...], window_s: int) -> list[Start]:
    """What was read before of the same contract, set up in the same way: it is the same on every chain."""
    del identity, names, operators, window_s
    return []


def _start(reader: Reader, operators: tuple[str, ...], window_s: int) -> Start:
    """What the lab's own calls do not decide: whether the owner is an operator, a window that cannot be set.

    Another owner is taken for right only where the project's constructor or script may have chosen it.
    """
    default, codec = role_account("owner").address, reader.codec
    owner, window = default, window_s
    try:
        held = held_operators(reader, operators)
        if codec.has("owner") and (codec.names.constructor or codec.names.set_up or codec.names.proxy):
            owner = str(reader.get("owner"))
        if codec.has("coordination_window") and not codec.has("set_coordination_window"):
            window = int(reader.get("coordination_window"))
    except (RpcFailure, ValueError, TypeError):
        return operators, default, window_s
    return held, owner, window


def held_operators(reader: Reader, documented: tuple[str, ...]) -> tuple[str, ...]:
    """The operators after set-up: without the owner, where the contract does not make it one. Raises as reads do."""
    owner = role_account("owner").address
    if reader.codec.has("authorized_operators") and not reader.get("authorized_operators", owner):
        return tuple(account for account in documented if account != owner)
    return documented
