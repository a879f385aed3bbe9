"""Where a proposal stands on its chain: who signed, what is missing, and whether it can still take effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from lab.coordinator.outputs.reverts import decode_revert
from lab.rpc import Rpc, RpcRefused
from lab.safe.account import SafeExecution, SafeReader, SafeState, code_keccak
from lab.safe.proposal import Proposal, ProposalRefused
from lab.safe.published import published
from lab.safe.reverts import SIGN_AGAIN, explain
from lab.safe.signatures import Signature, approval, packed
from lab.safe.transaction import DELEGATE_CALL

_EXECUTE = (
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
    ["address", "uint256", "bytes", "uint8", "uint256", "uint256", "uint256", "address", "address", "bytes"],
)
# success, failure: by the event. replaced: another transaction has its nonce. queued: others come before it.
StandingKind = Literal["incomplete", "ready", "queued", "success", "failure", "replaced"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A proposal on its chain at a block. `signed` are owners whose signatures count, `missing` how many lack."""

    proposal: Proposal
    state: SafeState
    kind: StandingKind
    signed: tuple[str, ...]
    approved: tuple[str, ...]
    unsigned: tuple[str, ...]
    strangers: tuple[str, ...]
    unconfirmed: tuple[str, ...]
    execution: SafeExecution | None

    @property
    def missing(self) -> int:
        """How many more signatures it needs."""
        return max(0, self.state.threshold - len(self.signed))

    @property
    def ended(self) -> bool:
        """Whether nothing that anybody does can still give it another end, but a reorg."""
        return self.kind in ("success", "failure", "replaced")

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "hash": self.proposal.hash,
            "network": self.proposal.network,
            "chain_id": self.proposal.chain_id,
            "safe": to_checksum_address(self.proposal.safe),
            "calls": [call.text for call in self.proposal.calls],
            "nonce": self.proposal.nonce,
            "safe_nonce": self.state.nonce,
            "standing": self.kind,
            "threshold": self.state.threshold,
            "missing": self.missing,
            "signed": [to_checksum_address(owner) for owner in self.signed],
            "unsigned": [to_checksum_address(owner) for owner in self.unsigned],
            "not_owners": [to_checksum_address(owner) for owner in self.strangers],
            "approvals_not_on_chain": [to_checksum_address(owner) for owner in self.unconfirmed],
            "tx": self.execution.tx if self.execution else None,
            "block": self.execution.block if self.execution else None,
            "advice": self.advice,
        }

    @property
    def advice(self) -> str:
        """What it is, and what to do next, in a sentence."""
        nonce, there = self.proposal.nonce, self.state.nonce
        if self.execution is not None:
            where = f"{self.execution.tx} in block {self.execution.block}"
            if self.kind == "success":
                return f"carried out: {where}"
            return (
                f"FAILED: {where} has status 1, and the Safe says ExecutionFailure: the call reverted, its nonce is "
                "used up; find out why, and propose it anew"
            )
        if self.kind == "replaced":
            return (
                f"STALE: nonce {nonce} of the Safe was used by another transaction (it is at {there}), so this one can "
                f"never take effect: propose it anew with nonce {there}"
            )
        if self.strangers:
            return (
                f"holds a signature of {', '.join(map(to_checksum_address, self.strangers))}, no owner of the Safe: "
                "remove it with `lab safe merge FILE --without ADDRESS`"
            )
        if self.kind == "incomplete":
            # Whoever approved already need not sign.
            return (
                f"{self.missing} more of {', '.join(map(to_checksum_address, self.unsigned))} must sign: "
                "`lab safe sign`"
            )
        if self.kind == "queued":
            return (
                f"signed, and {nonce - there} transactions come before it: the Safe is at nonce {there}, this one has "
                f"{nonce}; carry out those first, or propose it anew with nonce {there}"
            )
        return "ready: `lab safe execute`"


def read_standing(proposal: Proposal, reader: SafeReader) -> Standing:
    """Raises NotASafe, ProposalRefused for another chain or version, RpcFailure."""
    chain_id = reader.rpc.chain_id()
    if chain_id != proposal.chain_id:
        raise ProposalRefused(
            f"expected chain {proposal.chain_id} ({proposal.network}), the endpoint is of chain {chain_id}: signatures "
            "of one chain mean nothing on another; use the endpoint of that network"
        )
    state = reader.state()
    if state.version != proposal.safe_version:
        raise ProposalRefused(
            f"expected a Safe of version {proposal.safe_version} at {proposal.safe}, it is of {state.version} now: "
            "propose it anew"
        )
    execution = reader.execution(proposal.hash, proposal.block) if state.nonce > proposal.nonce else None
    approvals = reader.approvals(proposal.hash, state.owners) if execution is None else frozenset[str]()
    signed = {one.owner for one in proposal.signatures if one.kind != "approved"}
    claimed = {one.owner for one in proposal.signatures if one.kind == "approved"}
    consenting = tuple(owner for owner in state.owners if owner in signed | approvals)
    return Standing(
        proposal=proposal,
        state=state,
        kind=_kind(proposal, state, len(consenting), execution),
        signed=consenting,
        approved=tuple(sorted(approvals - signed)),
        unsigned=tuple(owner for owner in state.owners if owner not in consenting),
        strangers=tuple(sorted((signed | claimed) - set(state.owners))),
        unconfirmed=tuple(sorted(claimed & set(state.owners) - approvals)),
        execution=execution,
    )


def _kind(proposal: Proposal, state: SafeState, signed: int, execution: SafeExecution | None) -> StandingKind:
    if execution is not None:
        return execution.ended
    if state.nonce > proposal.nonce:
        return "replaced"
    if signed < state.threshold:
        return "incomplete"
    return "queued" if proposal.nonce > state.nonce else "ready"


def require_ready(standing: Standing) -> None:
    """Before anything is sent. Raises ProposalRefused, which says what to do."""
    if standing.strangers or standing.kind != "ready":
        raise ProposalRefused(f"{standing.proposal.text}: {standing.advice}")


def call_data(standing: Standing) -> str:
    """The call of the Safe that carries a proposal out, with as many signatures as the threshold asks for; 0x hex."""
    by_owner = {one.owner: one for one in standing.proposal.signatures if one.kind != "approved"}
    given: list[Signature] = [by_owner.get(owner) or approval(owner) for owner in sorted(standing.signed)]
    transaction = standing.proposal.transaction
    values = [
        transaction.to,
        transaction.value,
        bytes.fromhex(transaction.data[2:]),
        transaction.operation,
        transaction.safeTxGas,
        transaction.baseGas,
        transaction.gasPrice,
        transaction.gasToken,
        transaction.refundReceiver,
        packed(given[: standing.state.threshold]),
    ]
    signature, types = _EXECUTE
    return "0x" + (keccak(text=signature)[:4] + encode(types, values)).hex()


def simulate(standing: Standing, rpc: Rpc, sender: str, data: str) -> None:
    """What the call would do now. Raises ProposalRefused with the Safe's reason in words, RpcFailure."""
    _check_batch_code(standing, rpc)
    try:
        answer = rpc.eth_call(standing.proposal.safe, data, sender=sender)
    except RpcRefused as refused:
        reason = explain(decode_revert(refused.data) or refused.reason)
        raise ProposalRefused(f"{standing.proposal.text}: it would revert: {reason}; nothing was sent") from refused
    if int(answer, 16) != 1:
        raise ProposalRefused(
            f"{standing.proposal.text}: the call inside of it would fail, and use up nonce {standing.proposal.nonce}: "
            f"nothing was sent; simulate the call from {standing.proposal.safe}, then {SIGN_AGAIN}"
        )


def _check_batch_code(standing: Standing, rpc: Rpc) -> None:
    """A batch acts as the Safe itself: its code must be the published one."""
    proposal = standing.proposal
    if proposal.transaction.operation != DELEGATE_CALL:
        return
    to = proposal.transaction.to
    known = {
        one.code_keccak
        for version in ("1.3.0", "1.4.1", "1.5.0")
        if (one := published("MultiSendCallOnly", version).get(to)) is not None
    }
    if (there := code_keccak(rpc, to)) not in known:
        raise ProposalRefused(
            f"expected the published code of MultiSendCallOnly at {to_checksum_address(to)}, there is other code "
            f"({there[:18]}...): nothing was sent; do not carry this out"
        )
