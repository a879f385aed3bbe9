"""What is to be done on a network: the difference between what stands there and what the file declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.coordinator import ROLES, Codec, Reader, StateNumbering, created_address, role_account
from lab.coordinator.calling import role_changes
from lab.coordinator.values import constant
from lab.deploy.compiled import hash_hex
from lab.deploy.deployer import account_placed
from lab.deploy.placement import moved_code
from lab.errors import DeployFailure
from lab.live.declaration.deployment_file import Deployment, Target
from lab.live.declaration.owner import ZERO
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.fees import GAS_ROOM
from lab.rpc import Rpc
from lab.rpc.client import BlockRef, block_ref

DEPLOY, PROPOSE_OWNER = "deploy", "propose_owner"


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction to send: `name` identifies it in the journal. `data` is None for the creation.

    `gas_room`: its limit is so many times the estimate, or `gas_least` where that is more.
    """

    name: str
    data: str | None = field(default=None, repr=False)
    gas_room: float = GAS_ROOM
    gas_least: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a contract says of itself, at one block.

    `second_roles`: by role and account; None where neither the contract nor the journal says so.
    """

    owner: str
    pending_owner: str | None
    operators: dict[str, bool]
    window_s: int
    second_roles: dict[str, dict[str, bool | None]] = field(default_factory=dict)


def read_standing(work: Undertaking, target: Target, rpc: Rpc, address: str, *, block: BlockRef = "latest") -> Standing:
    """At a block, with the roles that matter. Raises an RpcFailure, or DeployFailure for answers of another shape.

    Who is to become owner, and who holds a second role, is the contract's word; of one that does not say it, the
    journal's.
    """
    codec = work.codec
    reader = Reader(rpc, codec, address, StateNumbering.of_abi(codec.abi))
    try:
        pending = reader.get("pending_owner", block=block) if codec.has("pending_owner") else _proposed(work, target)
        held = {account: reader.roles(account, block=block) for account in accounts_of(target, work.deployer)}
        return Standing(
            owner=str(reader.get("owner", block=block)).lower(),
            pending_owner=None if pending in (None, ZERO) else str(pending).lower(),
            operators={account: roles["operator"] for account, roles in held.items()},
            window_s=int(reader.get("coordination_window", block=block)),
            second_roles={
                name: {account: roles.get(name, _given(work, target, name, account)) for account, roles in held.items()}
                for name in codec.names.second_roles
            },
        )
    except ValueError as error:
        raise DeployFailure(f"{address}: expected the documented getters to answer: {error}") from error


def _given(work: Undertaking, target: Target, role: str, account: str) -> bool | None:
    """Whether a second role was given, as far as that is final; None where it was neither given nor taken."""
    steps = [entry.step.split() for entry in work.journal.of(target.name) if entry.event == "final"]
    given = {f"add_{role}": True, f"remove_{role}": False}
    return next((given[words[0]] for words in reversed(steps) if words[0] in given and words[1] == account), None)


def _proposed(work: Undertaking, target: Target) -> str | None:
    """The last owner that was proposed, as far as that is final."""
    steps = [entry.step.split() for entry in work.journal.of(target.name) if entry.event == "final"]
    return next((words[1] for words in reversed(steps) if words[0] == PROPOSE_OWNER), None)


def code_difference(rpc: Rpc, bytecode: str, deployer: str, address: str, *, block: BlockRef = "latest") -> str | None:
    """None where the code at an address, at a block, is what the creation code returns. Raises an RpcFailure."""
    there = str(rpc.call("eth_getCode", address, block_ref(block)))
    expected = str(rpc.call("eth_call", {"from": deployer, "data": bytecode}, "latest"))
    if there == moved_code(expected, created_address(deployer, rpc.nonce(deployer, "latest")), address):
        return None
    return (
        f"expected the contract's code at {address}, there is other code: "
        f"{hash_hex(there)[:16]}, wanted {hash_hex(expected)[:16]}"
    )


def accounts_of(target: Target, deployer: str) -> Iterator[str]:
    """Whose role matters: the declared operators, and the deployer, whom the constructor makes one."""
    yield from dict.fromkeys((*target.operators, deployer))


def steps_after_creation(
    codec: Codec, deployment: Deployment, target: Target, deployer: str, standing: Standing | None
) -> list[Step]:
    """What the file still asks for, in order; `standing` None stands for a contract just created.

    Operators come before anything is given away, the deployer's own role goes last but for the ownership. Raises
    DeployFailure for a window that nobody can set.
    """
    fresh = Standing(deployer, None, {deployer: True}, 30)
    steps = initializers(codec, deployer) if standing is None or standing.owner == ZERO else []
    there = fresh if standing is None or steps else standing
    steps += [step for account in target.operators for step in _roles(codec, there, account, give=True)]
    window = deployment.file.settings.coordination_window
    if there.window_s != window:
        if not codec.has("set_coordination_window"):
            raise DeployFailure(
                f"{target.name}: expected a window of {window} s, the contract has no set_coordination_window, and its "
                f"window is {there.window_s} s: declare that by settings, or change the contract"
            )
        steps.append(Step(f"set_coordination_window {window}", codec.encode("set_coordination_window", [window])))
    if deployer not in target.operators:
        steps += _roles(codec, there, deployer, give=False)
    if target.owner not in (there.owner, there.pending_owner) and codec.has(PROPOSE_OWNER):
        steps.append(Step(f"{PROPOSE_OWNER} {target.owner}", codec.encode(PROPOSE_OWNER, [target.owner])))
    return steps


def initializers(codec: Codec, deployer: str) -> list[Step]:
    """What `lab.yaml` has called first, by the deployer. Raises DeployFailure for another account of the lab's."""
    steps = []
    for call in (call for call in codec.names.set_up if call.first):
        try:
            args = account_placed([constant(*pair) for pair in zip(codec.types(call.function), call.args, strict=True)],
                                  {role_account(role).address: role for role in ROLES}, deployer)  # fmt: skip
        except ValueError as error:
            raise DeployFailure(f"{call.at}: {error}") from error
        steps.append(Step(f"{call.function} {' '.join(map(str, args))}".rstrip(), codec.encode(call.function, args)))
    return steps


def _roles(codec: Codec, there: Standing, account: str, *, give: bool) -> Iterator[Step]:
    """What gives an account every role of the contract, or takes them. What nobody knows is given, or taken."""
    holds = {"operator": there.operators.get(account, False)}
    for name in codec.names.second_roles:
        held = there.second_roles.get(name, {}).get(account)
        holds[name] = held if held is not None else not give
    for call in role_changes(codec.names, holds, give=give):
        yield Step(f"{call} {account}", codec.encode(call, [account]))


def differences(deployment: Deployment, target: Target, deployer: str, standing: Standing) -> list[str]:
    """Where a contract is not what the file declares, in words; an owner who has yet to accept is one of them."""
    lines = []
    if standing.owner != target.owner:
        pending = ", who has yet to call accept_ownership" if standing.pending_owner == target.owner else ""
        lines.append(f"expected owner {target.owner}{pending}, it is {standing.owner}")
    for account, is_operator in standing.operators.items():
        if is_operator != (account in target.operators):
            lines.append(f"expected {account} {'' if not is_operator else 'not '}to be an operator")
    for role, accounts in standing.second_roles.items():
        for account, held in accounts.items():
            if held is not None and held != (account in target.operators):
                lines.append(f"expected {account} {'' if not held else 'not '}to be a holder of the role {role}")
    window = deployment.file.settings.coordination_window
    if standing.window_s != window:
        lines.append(f"expected a coordination window of {window} s, it is {standing.window_s} s")
    return lines
