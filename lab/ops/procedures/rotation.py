"""Hand-overs: an operator or relayer that is added, drained and removed; an owner who is proposed, and accepts."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import LabError
from lab.live.execution.finality import final_block
from lab.ops.chain import OperatedChain
from lab.ops.executors import Executor
from lab.ops.operation import Operation
from lab.ops.planning import Desired
from lab.ops.procedure import Ask, carry_out
from lab.ops.procedures.operators import AddOperator, OwnersProcedure, RemoveOperator, event_file
from lab.ops.report import Report
from lab.ops.state import ChainState, missing
from lab.rpc import RpcRefused
from lab.rpc.refusals import is_trouble
from lab.safe.account import safe_differences


@dataclass(frozen=True, slots=True)
class ProposeOwner(OwnersProcedure):
    """The first step. It is done once the new owner is pending, which is left to be accepted."""

    operation: Operation
    address: str
    name: str = "rotate owner"

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        if state.owner == self.address:
            return Desired()
        lacking = missing(chain.codec, "propose_owner", "accept_ownership")
        if lacking is not None:
            return Desired(problems=(f"{lacking} (capability handover)",))
        problems = safe_problems(self.operation, chain, self.address)
        if _is_pending(self.operation, chain, state, self.address):
            declared = self.operation.declared[chain.name].safe
            by = " --executor safe" if declared is not None and declared.address == self.address else ""
            how = f"`lab ops rotate owner --to {self.address} --accept{by}`"
            left = f"{self.address} is pending, and has yet to call accept_ownership ({how})"
            return Desired(problems=problems, left=(left,))
        return Desired((("propose_owner", (self.address,)),), problems)


@dataclass(frozen=True, slots=True)
class AcceptOwner:
    """The second step, which the new owner sends."""

    operation: Operation
    address: str
    name: str = "rotate owner accept"

    def accounts(self, chain: OperatedChain) -> tuple[str, ...]:
        """See `Procedure`."""
        return ()

    def sender(self, chain: OperatedChain, state: ChainState) -> str:
        """See `Procedure`."""
        return self.address

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        if state.owner == self.address:
            return Desired()
        lacking = missing(chain.codec, "accept_ownership")
        if lacking is not None:
            return Desired(problems=(f"{lacking} (capability handover)",))
        if not _is_pending(self.operation, chain, state, self.address):
            return Desired(problems=(self._not_pending(chain, state),))
        return Desired((("accept_ownership", ()),))

    def _not_pending(self, chain: OperatedChain, state: ChainState) -> str:
        if not names_proposed(chain):
            there = "the contract does not say who is, and would refuse its accept_ownership"
        elif (pending := pending_of(self.operation, chain, state)) in (None, state.owner):
            there = "nobody is"
        else:
            there = f"{pending} is"
        how = f"`lab ops rotate owner --to {self.address}`"
        return f"expected {self.address} to be pending, {there}: propose it first ({how})"


@dataclass(frozen=True, slots=True)
class CancelOwner(OwnersProcedure):
    """The owner proposes itself: whoever was pending before is not any more."""

    operation: Operation
    name: str = "rotate owner cancel"

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        lacking = missing(chain.codec, "propose_owner")
        if lacking is not None:
            return Desired(problems=(f"{lacking} (capability handover)",))
        nobody = names_proposed(chain) and pending_of(self.operation, chain, state) is None
        if nobody or _is_pending(self.operation, chain, state, state.owner):
            return Desired()
        return Desired((("propose_owner", (state.owner,)),))


def safe_problems(operation: Operation, chain: OperatedChain, address: str) -> tuple[str, ...]:
    """Why an address cannot become owner where the declared owner is a Safe. Raises an RpcFailure."""
    declared = operation.declared.get(chain.name)
    if declared is None or (safe := declared.safe) is None:
        return ()
    if address == safe.address:
        return tuple(safe_differences(chain.rpc, address, safe.threshold, safe.owners))
    if str(chain.rpc.call("eth_getCode", address, "latest")) != "0x":
        return ()
    return (
        f"expected a contract at {address}, since the declared owner is a Safe, there is no code on {chain.name}: "
        "create the Safe there first, or declare its address as the owner",
    )


def pending_of(operation: Operation, chain: OperatedChain, state: ChainState) -> str | None:
    """Who may accept: by the getter, else by the contract's events. None also where a contract has neither.

    It is the owner itself where a proposal was taken back. Raises an RpcFailure.
    """
    if chain.codec.has("pending_owner"):
        return state.pending_owner
    pending = None
    for event, args in event_file(operation, chain).events(state.block):
        if event == "OwnershipProposed":
            pending = str(args.get("pending", "")).lower() or None
        elif event == "OwnershipTransferred":
            pending = None
    return pending


def names_proposed(chain: OperatedChain) -> bool:
    """Whether the contract says who is pending."""
    return chain.codec.has("pending_owner") or "OwnershipProposed" in chain.codec.events


def _is_pending(operation: Operation, chain: OperatedChain, state: ChainState, address: str) -> bool:
    """Where the contract names nobody: whether it would let this account accept. Raises an RpcFailure."""
    if names_proposed(chain):
        return pending_of(operation, chain, state) == address
    call = {"from": address, "to": chain.contract, "data": chain.codec.encode("accept_ownership", ())}
    # A node asks for what the gas would cost, and an account that is a contract may own nothing.
    funded = {address: {"balance": hex(10**20)}}
    try:
        chain.rpc.call("eth_call", call, hex(state.block), funded)
    except RpcRefused as refusal:
        if is_trouble(refusal) or "revert" not in refusal.reason.lower():
            raise
        return False
    return True


@dataclass(frozen=True, slots=True)
class Drain:
    """When an account counts as drained: nothing of it under way for `quiet_s`; `within_s` is the patience."""

    quiet_s: float = 60.0
    within_s: float = 3600.0


def rotate_operator(
    operation: Operation,
    old: str,
    new: str,
    executor: Executor,
    *,
    drain: Drain,
    only: tuple[str, ...] = (),
    ask: Ask | None = None,
) -> list[Report]:
    """Add the new one, wait until the old one is drained, remove it. It ends early where a step is not done everywhere.

    Repeated after any end it goes on, since each step is a function of the chains' state.
    """
    added = carry_out(operation, AddOperator(new, name="rotate add"), executor, only=only, ask=ask)
    if added.exit_code != 0:
        return [added]
    problems = await_drained(operation, old, drain, only)
    if problems:
        for chain in added.chains:
            if chain.chain in problems:
                chain.standing, chain.left = "unknown", [problems[chain.chain]]
        return [added]
    removal = RemoveOperator(old, operation.declared, last=True, successor=new, name="rotate remove")
    return [added, carry_out(operation, removal, executor, only=only, ask=ask)]


def await_drained(operation: Operation, account: str, drain: Drain, only: tuple[str, ...] = ()) -> dict[str, str]:
    """Wait on every chain until the account is drained; by chain why it is not."""
    tasks = {chain.name: _Drained(operation, chain, account, drain) for chain in operation.select(only)}
    outcomes = operation.timing.everywhere({name: task.wait for name, task in tasks.items()})
    return {name: why for name, why in outcomes.items() if why is not None}


@dataclass(frozen=True, slots=True)
class _Drained:
    operation: Operation
    chain: OperatedChain
    account: str
    drain: Drain

    def wait(self) -> str | None:
        """None once it is drained. A node that does not answer for a while is asked again."""
        waiting = self.operation.timing.waiting
        deadline_s, quiet_since, last, trouble = waiting.now() + self.drain.within_s, waiting.now(), -1, ""
        while waiting.now() < deadline_s:
            try:
                final, pending = self._nonces()
            except LabError as error:
                final, pending, trouble = -1, -2, str(error)
            if final != pending or pending != last:
                quiet_since, last = waiting.now(), pending
            elif waiting.now() - quiet_since >= self.drain.quiet_s:
                return None
            waiting.sleep(waiting.look_s)
        return trouble or (
            f"{self.account} still sends transactions after {self.drain.within_s:g} s: stop whatever uses it, then run "
            "the command again; it was not removed"
        )

    def _nonces(self) -> tuple[int, int]:
        rpc = self.chain.rpc
        final = final_block(rpc, self.chain.target.finality, self.operation.timing.unix()).number
        return rpc.nonce(self.account, final), rpc.nonce(self.account, "pending")
