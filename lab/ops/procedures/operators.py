"""Operators of every chain against the declared list: shown, added, removed, brought in line, revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lab.coordinator.calling import role_changes
from lab.errors import UsageError
from lab.live.declaration.owner import account_address
from lab.live.execution.finality import final_block
from lab.ops.chain import OperatedChain
from lab.ops.declared import Declared
from lab.ops.events import EventFile
from lab.ops.operation import Operation
from lab.ops.planning import Desired
from lab.ops.state import ChainState, missing

# Events of the documented contract, and of one that grants roles by their hash.
CHANGES = ("OperatorAdded", "OperatorRemoved")
GRANTS = ("RoleGranted", "RoleRevoked")


def checked_address(text: str) -> str:
    """In lower case. Raises UsageError for anything else than an address other than zero, and for a wrong checksum."""
    try:
        return account_address(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def event_file(operation: Operation, chain: OperatedChain) -> EventFile:
    """The chain's own, beside the operation's records."""
    return EventFile(operation.folder / f"{chain.name}.events.jsonl", chain)


def ever_operators(operation: Operation, chain: OperatedChain) -> tuple[str, ...]:
    """Everybody whom an event made an operator up to the final block, in order; nobody without such events.

    Raises an RpcFailure.
    """
    if not knows_operators(chain):
        return ()
    final = final_block(chain.rpc, chain.target.finality, operation.timing.unix())
    named: dict[str, None] = {}
    for event, args in event_file(operation, chain).events(max(final.number, chain.start_block)):
        if event in CHANGES:
            named[str(args.get("operator", next(iter(args.values())))).lower()] = None
        elif event in GRANTS and isinstance(args.get("account"), str):
            named[args["account"].lower()] = None
    return tuple(named)


def knows_operators(chain: OperatedChain) -> bool:
    """Whether the contract has events of its operators: without, nobody can list them."""
    return any(name in chain.codec.events for name in (*CHANGES, *GRANTS))


@dataclass(frozen=True, slots=True)
class OwnersProcedure:
    """What is the owner's to do."""

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """See `Procedure`."""
        return ()

    def sender(self, chain: OperatedChain, state: ChainState) -> str:
        """See `Procedure`."""
        return state.owner


@dataclass(frozen=True, slots=True)
class AddOperator(OwnersProcedure):
    """One account becomes an operator."""

    address: str
    name: str = "operators add"

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """See `Procedure`."""
        return (self.address,)

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        return _wants(chain, state, add=[self.address], remove=[])


@dataclass(frozen=True, slots=True)
class RemoveOperator(OwnersProcedure):
    """One account is no operator any more. The last one is refused, unless `last`: then somebody is compromised.

    `successor`: who has to be an operator by then, since that account takes over.
    """

    address: str
    declared: Mapping[str, Declared] = field(default_factory=dict)
    last: bool = False
    successor: str | None = None
    name: str = "operators remove"

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """See `Procedure`."""
        there = self.declared.get(chain.name)
        successor = () if self.successor is None else (self.successor,)
        return (self.address, *successor, *(there.operators if there is not None else ()))

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        desired = replace(_wants(chain, state, add=[], remove=[self.address]), urgent=self.last)
        if not state.operators[self.address]:
            return desired
        if self.successor is not None and not all(state.roles(self.successor).values()):
            problem = (
                f"expected {self.successor}, which takes over, to be an operator still: somebody took a role from it "
                f"meanwhile, so {self.address} stays; settle that, then the same command adds it again first"
            )
            return replace(desired, problems=(*desired.problems, problem))
        if any(given for account, given in state.operators.items() if account != self.address):
            return desired
        if self.last:
            return replace(desired, notes=("no declared operator is left there: add one",))
        problem = f"expected another declared operator before {self.address} is removed: add one first"
        return replace(desired, problems=(*desired.problems, problem), notes=())


@dataclass(frozen=True, slots=True)
class SyncOperators(OwnersProcedure):
    """The operators are those that are declared: nobody is missing, and nobody else is one."""

    operation: Operation
    name: str = "operators sync"

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """See `Procedure`."""
        return (*self.operation.declared[chain.name].operators, *ever_operators(self.operation, chain))

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        declared = self.operation.declared[chain.name].operators
        strangers = [account for account in state.operator_list if account not in declared]
        desired = _wants(chain, state, add=declared, remove=strangers)
        notes = desired.notes if knows_operators(chain) else (*desired.notes, UNLISTED)
        return Desired(desired.calls, desired.problems, notes)


UNLISTED = "the contract has no events of its operators: those whom nobody declared cannot be seen"


def _wants(chain: OperatedChain, state: ChainState, *, add: Sequence[str], remove: Sequence[str]) -> Desired:
    """Additions come first, so that there is an operator at every moment. Second roles go with the operator's."""
    names = chain.codec.names
    calls = [(call, (one,)) for one in add for call in role_changes(names, state.roles(one), give=True)]
    calls += [(call, (one,)) for one in remove for call in role_changes(names, state.roles(one), give=False)]
    lacking = missing(chain.codec, *dict.fromkeys(function for function, _ in calls))
    notes = unasked(chain, state) if add or remove else ()
    return Desired(problems=(lacking,)) if lacking is not None else Desired(tuple(calls), notes=notes)


def unasked(chain: OperatedChain, state: ChainState) -> tuple[str, ...]:
    """Second roles of which the contract does not say who holds them: they are only changed with the operator's."""
    return tuple(
        f"who holds the role {name} cannot be asked: name the contract's view by `has:` of that role in lab.yaml"
        for name in chain.codec.names.second_roles
        if name not in state.second_roles
    )
