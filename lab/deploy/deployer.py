"""Puts the contract under test on a chain: same address everywhere, operators added, window set.

Everything goes into block 1, so that a chain is ready as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from eth_abi.abi import encode

from lab.coordinator import Codec, Fees, StateNumbering, role_account, sign_transaction
from lab.coordinator.accounts import OPERATOR_ROLES, ROLES, created_address
from lab.coordinator.overloads import constructor_inputs, types_of
from lab.coordinator.values import constant, wire
from lab.deploy.compiled import CompiledContract, hash_hex
from lab.deploy.numbering import numbering_of
from lab.deploy.proxied import Proxied, behind, call_data, proxy_value, unchanged
from lab.model.contract.capabilities import CAPABILITIES, offered
from lab.model.contract.names import ContractNames, Limits
from lab.paths import REFERENCE_CONTRACT
from lab.rpc import Rpc

DEPLOY_GAS = 12_000_000
CALL_GAS = 300_000
DEFAULT_WINDOW_S = 30
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Deployable:
    """A compiled contract with what follows from its ABI: codec, address on every chain, capabilities.

    `limits` are those that were declared, and those that the smoke run learnt. `reference`: it is the lab's own
    contract, or a mutant of that, and is held to its own choices, too.
    """

    contract: CompiledContract
    codec: Codec
    address: str
    capabilities: tuple[str, ...]
    limits: Limits = NO_LIMITS
    reference: bool = False
    proxied: Proxied | None = None


@dataclass(frozen=True, slots=True)
class SetUp:
    """One transaction of the set-up. `what` and `at` are for messages: the call, and its place in the project file."""

    role: str
    data: str
    what: str
    at: str = ""


def deployable(
    contract: CompiledContract,
    names: ContractNames | None = None,
    *,
    reference: bool | None = None,
    proxy: CompiledContract | None = None,
) -> Deployable:
    """Prepare a contract for deployment by the owner's first transaction; `names` says what it calls otherwise.

    Arguments of the constructor become part of the bytecode: what is deployed is one contract. `reference` omitted:
    the file that it was compiled from says so. `proxy` is what `names` says of a proxy, compiled.
    """
    if reference is None:
        reference = contract.source_path.absolute() == REFERENCE_CONTRACT.absolute()
    codec = Codec(contract.abi, _fitting(Codec(contract.abi, names)))
    proxied = None
    if proxy is not None and codec.names.proxy is not None:
        proxied = Proxied(contract, proxy, codec.names.proxy.constructor)
        contract = _put_together(proxied, codec)
        codec = Codec(contract.abi, codec.names)
    elif codec.names.constructor:
        contract = _constructed(contract, codec.names.constructor)
    address = created_address(role_account("owner").address, 0)
    return Deployable(contract, codec, address, capabilities_of(codec), codec.names.limits, reference, proxied)


def _put_together(parts: Proxied, codec: Codec, placed: Callable[[Any], Any] = unchanged) -> CompiledContract:
    """Implementation and proxy as one contract; `placed` may put other accounts for the lab's."""
    implementation, kinds = parts.implementation, types_of(constructor_inputs(parts.proxy.abi))
    if codec.names.constructor:
        implementation = _constructed(implementation, codec.names.constructor, placed)
    values = [proxy_value(kind, value, codec, placed) for kind, value in zip(kinds, parts.given, strict=True)]
    return behind(implementation, parts.proxy, values)


def _fitting(codec: Codec) -> ContractNames:
    """The names without what can only be said of another contract: its roles, its set-up and its constructor."""
    names, expected = codec.names, types_of(constructor_inputs(codec.abi))
    calls = (call for call in names.set_up if codec.has(call.function))
    return names.model_copy(
        update={
            "second_roles": {name: role for name, role in names.second_roles.items() if codec.has(f"add_{name}")},
            "set_up": tuple(call for call in calls if _takes(codec.types(call.function), call.args)),
            "constructor": names.constructor if _takes(expected, names.constructor) else (),
            "proxy": names.proxy if names.proxy is not None and _called(names.proxy.constructor, codec) else None,
        }
    )


def _called(given: Sequence[Any], codec: Codec) -> bool:
    """Whether a contract has the calls that a proxy's constructor is given."""
    try:
        for value in given:
            if isinstance(value, Mapping):
                call_data(value, codec)
    except ValueError:
        return False
    return True


def _takes(kinds: Sequence[str], given: Sequence[Any]) -> bool:
    """Whether these are values of these types."""
    try:
        for kind, value in zip(kinds, given, strict=True):
            constant(kind, value)
    except ValueError:
        return False
    return True


def created_by(target: Deployable, deployer: str, *, local: bool = False) -> Deployable:
    """The contract as an account of a network creates it: where the constructor is given the lab's owner, that is it.

    It is the same contract in evidence. Raises ValueError for another account of the lab, whose key everybody has,
    unless the network is `local`.
    """
    accounts = {role_account(role).address: role for role in (("owner",) if local else ROLES)}
    if target.proxied is not None:
        # Evidence goes by the digest of the code that the lab's runs judged.
        made = _put_together(target.proxied, target.codec, lambda value: account_placed(value, accounts, deployer))
        return replace(target, contract=replace(target.contract, bytecode=made.bytecode))
    given = target.codec.names.constructor
    kinds = types_of(constructor_inputs(target.contract.abi)) if given else []
    values = [constant(kind, value) for kind, value in zip(kinds, given, strict=True)]
    placed = account_placed(values, accounts, deployer)
    if placed == values:
        return target
    code = target.contract.bytecode[: -2 * len(_encoded(kinds, values))] + _encoded(kinds, placed).hex()
    return replace(target, contract=replace(target.contract, bytecode=code))


def account_placed(value: Any, accounts: Mapping[str, str], deployer: str) -> Any:
    """A value with the deployer for the lab's owner. Raises ValueError for another of these accounts of the lab."""
    if isinstance(value, (list, tuple)):
        return [account_placed(part, accounts, deployer) for part in value]
    role = accounts.get(value) if isinstance(value, str) else None
    if role not in (None, "owner"):
        raise ValueError(
            f"the role {role} has no account on a network, and everybody has the key of the lab's: write an address"
        )
    return value if role is None else deployer


def _encoded(kinds: Sequence[str], values: Sequence[Any]) -> bytes:
    return encode(kinds, [wire(kind, value) for kind, value in zip(kinds, values, strict=True)])


def _constructed(
    contract: CompiledContract, given: Sequence[Any], placed: Callable[[Any], Any] = unchanged
) -> CompiledContract:
    """The contract with its constructor's arguments."""
    kinds = types_of(constructor_inputs(contract.abi))
    values = [placed(constant(kind, value)) for kind, value in zip(kinds, given, strict=True)]
    bytecode = contract.bytecode + _encoded(kinds, values).hex()
    return replace(contract, bytecode=bytecode, bytecode_sha256=hash_hex(bytecode))


def capabilities_of(codec: Codec) -> tuple[str, ...]:
    """The capabilities of which a contract has every function, those included that another one needs.

    A setting that the project file declares needs no getter.
    """

    def there(function: str) -> bool:
        return codec.has(function) or function in codec.names.defaults

    has = {name for name, capability in CAPABILITIES.items() if all(map(there, capability.function_names))}
    return tuple(name for name in offered(has) if has.issuperset({name, *CAPABILITIES[name].includes}))


@lru_cache(maxsize=256)
def _signed(
    chain_id: int, bytecode: str, calls: tuple[tuple[str, str], ...], address: str, max_fee_per_gas: int
) -> tuple[str, ...]:
    """The set-up transactions of one chain as (role, data), the deployment before them. Same input, same bytes: kept.

    Each account counts its nonces from 0. Where another than the owner takes part every offer is a little lower than
    the one before, so that a block holds them in this order.
    """
    falling = any(role != "owner" for role, _ in calls)
    nonces: dict[str, int] = {}
    signed = []
    for place, (role, data) in enumerate([("owner", bytecode), *calls]):
        tip = max_fee_per_gas // 2 - (place * max_fee_per_gas // 256 if falling else 0)
        nonce = nonces[role] = nonces.get(role, -1) + 1
        raw, _ = sign_transaction(
            role_account(role),
            chain_id=chain_id,
            nonce=nonce,
            to=address if place else None,
            data=data,
            gas=CALL_GAS if place else DEPLOY_GAS,
            fees=Fees(max_fee_per_gas, tip),
        )
        signed.append(raw)
    return tuple(signed)


def set_up_calls(target: Deployable, *, window_s: int) -> list[SetUp]:
    """The calls that configure a fresh contract: operators, window, and the project's own script."""
    codec, calls = target.codec, []
    granting = ["add_operator"] if codec.has("add_operator") else []
    calls += [_call(target, call, [role_account(role).address]) for role in OPERATOR_ROLES for call in granting]
    for name in codec.names.second_roles:
        holders = ("owner", *OPERATOR_ROLES)
        calls += [_call(target, f"add_{name}", [role_account(role).address]) for role in holders]
    if codec.has("set_coordination_window") and window_s != codec.names.defaults.get(
        "coordination_window", DEFAULT_WINDOW_S
    ):
        calls.append(_call(target, "set_coordination_window", [window_s]))
    return [*initializers(target), *calls, *_scripted(target, first=False)]


def initializers(target: Deployable) -> list[SetUp]:
    """The project's own calls that come before the lab's: without them the contract has no owner."""
    return _scripted(target, first=True)


def once_only(target: Deployable) -> list[SetUp]:
    """What sets the contract up, and must be refused from then on: initializers, and calls by a proxy's constructor."""
    codec, given = target.codec, target.proxied.given if target.proxied is not None else ()
    calls = [value for value in given if isinstance(value, Mapping)]
    made = [
        SetUp("owner", call_data(call, codec), f"{call['call']}({', '.join(map(str, call['args']))})") for call in calls
    ]
    return [*initializers(target), *made]


def _scripted(target: Deployable, *, first: bool) -> list[SetUp]:
    """The project's own calls, those that come before the lab's or those after."""
    codec, calls = target.codec, []
    for call in (call for call in codec.names.set_up if call.first is first):
        given = zip(codec.types(call.function), call.args, strict=True)
        calls.append(_call(target, call.function, [constant(*pair) for pair in given], call.role, call.at))
    return calls


def _call(target: Deployable, function: str, args: Sequence[Any], role: str = "owner", at: str = "") -> SetUp:
    what = f"{function}({', '.join(map(str, args))}) by {role}"
    return SetUp(role, target.codec.encode(function, args), what, at)


def setup_transactions(
    target: Deployable,
    *,
    chain_id: int,
    window_s: int,
    base_fee: int,
    min_tip: int,
) -> tuple[str, ...]:
    """Raw transactions that deploy and configure the contract, in order."""
    calls = set_up_calls(target, window_s=window_s)
    max_fee = 4 * max(base_fee, min_tip, 10**9)
    data = tuple((call.role, call.data) for call in calls)
    return _signed(chain_id, target.contract.bytecode, data, target.address, max_fee)


@lru_cache(maxsize=16)
def _learnt(identity: str, names: str) -> dict[str, StateNumbering]:
    del identity, names
    return {}


def learn_numbering(rpc: Rpc, target: Deployable) -> StateNumbering:
    """`numbering_of` a contract that the lab deployed. The answer is kept per contract and its names."""
    known = _learnt(target.contract.identity, target.codec.names.model_dump_json())
    if "numbering" not in known:
        known["numbering"] = numbering_of(rpc, target.codec, target.address, role_account("operator").address)
    return known["numbering"]
