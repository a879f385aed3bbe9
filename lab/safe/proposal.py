"""A proposal: a Safe transaction as a file that signers pass around and sign offline; no service is needed.

A file is not trusted. Its hash is computed anew, its calls are compared with the transaction, their words with their
data, and each signature with its owner; whatever does not fit is refused with what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from eth_utils.address import to_checksum_address
from pydantic import Field

from lab.bounded_files import UnfitFile, read_model, write_atomically
from lab.errors import LabError
from lab.model.frozen import Frozen
from lab.safe.calls import ProposedCall
from lab.safe.multisend import batch_calls, batch_data
from lab.safe.published import published, versions_of
from lab.safe.signatures import Signature, SignatureRefused, merged
from lab.safe.transaction import CALL, DELEGATE_CALL, Address, Hashes, SafeTransaction

FILE_BYTES_MAX = 4 << 20
CALLS_MAX = 100


class ProposalRefused(LabError):
    """What stands in the way of a proposal: nothing was signed or sent."""

    exit_code = 1


class Proposal(Frozen):
    """The file. `owners` and `threshold` are what the chain said when it was made, for signers without a chain."""

    safe_proposal: Literal[1] = 1
    network: str = Field(max_length=100)
    chain_id: int = Field(gt=0, lt=2**63)
    safe: Address
    safe_version: str = Field(max_length=40)
    description: str = Field(default="", max_length=2_000)
    calls: tuple[ProposedCall, ...] = Field(min_length=1, max_length=CALLS_MAX)
    transaction: SafeTransaction
    hashes: Hashes = Field(description="safe_tx is what is signed; a device shows it, or domain and message")
    threshold: int = Field(ge=1, le=1_000)
    owners: tuple[Address, ...] = Field(min_length=1, max_length=1_000)
    block: int = Field(ge=0, description="head of the chain when it was made: what came of it is looked for from there")
    signatures: tuple[Signature, ...] = ()

    @property
    def hash(self) -> str:
        """What its owners sign, 0x hex."""
        return self.hashes.safe_tx

    @property
    def nonce(self) -> int:
        """Of the Safe: of all proposals with it one takes effect."""
        return self.transaction.nonce

    @property
    def text(self) -> str:
        """Its calls in one line."""
        return "; ".join(call.text for call in self.calls)

    def signed_by(self) -> tuple[str, ...]:
        """The owners whose signatures it holds, ascending."""
        return tuple(one.owner for one in self.signatures)

    def with_signatures(self, *added: Signature) -> Proposal:
        """The same with these, too."""
        return self.model_copy(update={"signatures": merged(self.signatures, added)})

    def without(self, owner: str) -> Proposal:
        """The same without an owner's signature."""
        return self.model_copy(update={"signatures": tuple(s for s in self.signatures if s.owner != owner.lower())})

    def write(self, path: Path) -> None:
        """Whole, or not at all. Raises OSError."""
        write_atomically(path, self.model_dump_json(indent=2) + "\n", durable=True)


class SafeDescription(Frozen):
    """The Safe that a proposal is made for, as its chain described it at a block."""

    network: str
    chain_id: int
    safe: Address
    version: str
    threshold: int
    owners: tuple[Address, ...]
    block: int


def make_proposal(of: SafeDescription, calls: Sequence[ProposedCall], nonce: int, description: str = "") -> Proposal:
    """One call as itself, several as a batch. Raises ProposalRefused where batches are not to be had on that chain."""
    if not calls:
        raise ProposalRefused("expected a call to propose, got none")
    if len(calls) == 1:
        (call,) = calls
        transaction = SafeTransaction(to=call.to, value=call.value, data=call.data, nonce=nonce)
    else:
        data = batch_data([call.inner for call in calls])
        to = _batch_address(of.version, of.chain_id)
        transaction = SafeTransaction(to=to, data=data, operation=DELEGATE_CALL, nonce=nonce)
    return Proposal(
        network=of.network,
        chain_id=of.chain_id,
        safe=of.safe,
        safe_version=of.version,
        description=description,
        calls=tuple(calls),
        transaction=transaction,
        hashes=transaction.hashes(of.chain_id, of.safe),
        threshold=of.threshold,
        owners=of.owners,
        block=of.block,
    )


def read_proposal(path: Path) -> Proposal:
    """Raises UnfitFile for a file that is no proposal, ProposalRefused for one that does not hold together."""
    try:
        proposal = read_model(path, Proposal, max_bytes=FILE_BYTES_MAX)
    except UnfitFile:
        raise
    except OSError as error:
        raise UnfitFile(path, f"expected a proposal, it cannot be read: {error.strerror or error}") from error
    try:
        check_proposal(proposal)
    except (ProposalRefused, SignatureRefused) as error:
        raise ProposalRefused(f"{path}: {error}") from error
    return proposal


def check_proposal(proposal: Proposal) -> None:
    """Whether the parts of it belong together, which needs no chain. Raises ProposalRefused, SignatureRefused."""
    transaction, hashes = proposal.transaction, proposal.transaction.hashes(proposal.chain_id, proposal.safe)
    if hashes != proposal.hashes:
        raise ProposalRefused(
            f"expected the hash of what it holds, {hashes.safe_tx}, it says {proposal.hash}: the file was "
            "changed after it was made; do not sign it, get it again from whoever proposed it"
        )
    if tuple(call.inner for call in proposal.calls) != _calls_of(proposal):
        raise ProposalRefused(
            "expected the calls that the transaction makes, it lists others: the file was changed after it was "
            "made; do not sign it, get it again from whoever proposed it"
        )
    if transaction.gasPrice or transaction.gasToken != "0x" + "00" * 20 or transaction.baseGas:
        raise ProposalRefused(
            "expected no refund of gas (baseGas, gasPrice and gasToken of zero), it pays whoever sends it from the "
            "Safe: propose it without"
        )
    try:
        _ = proposal.text
    except ValueError as error:
        raise ProposalRefused(f"{error}: the words of the file are not those of its data; do not sign it") from error
    if len(set(proposal.signed_by())) < len(proposal.signatures):
        raise ProposalRefused("expected one signature of each owner, one has several: remove all but one")
    for number, signature in enumerate(proposal.signatures, start=1):
        try:
            signature.check(proposal.hash)
        except SignatureRefused as error:
            raise SignatureRefused(f"signature {number}: {error}") from error


def merge_proposals(proposals: Sequence[Proposal]) -> Proposal:
    """All signatures in one. Raises ProposalRefused for proposals of different transactions."""
    first = proposals[0]
    for other in proposals[1:]:
        if other.hash != first.hash:
            raise ProposalRefused(
                f"expected copies of one proposal ({first.hash}), got another one ({other.hash}, nonce {other.nonce}, "
                f"{other.text}): signatures of one are none of the other"
            )
    return first.with_signatures(*(signature for other in proposals[1:] for signature in other.signatures))


def require_owner(proposal: Proposal, owner: str) -> None:
    """Who is none would sign in vain. Raises ProposalRefused."""
    if owner.lower() not in proposal.owners:
        shown = ", ".join(map(to_checksum_address, proposal.owners))
        raise ProposalRefused(
            f"expected one of the owners of {to_checksum_address(proposal.safe)} ({shown}), got "
            f"{to_checksum_address(owner)}: its signature would not count; if the owners changed since, propose it anew"
        )


def _calls_of(proposal: Proposal) -> tuple[object, ...]:
    transaction = proposal.transaction
    if transaction.operation == CALL:
        return (ProposedCall(to=transaction.to, value=transaction.value, data=transaction.data).inner,)
    if not versions_of("MultiSendCallOnly", transaction.to, proposal.chain_id):
        raise ProposalRefused(
            f"it lets {to_checksum_address(transaction.to)} act as the Safe itself (a delegate call), which is not the "
            f"published MultiSendCallOnly of chain {proposal.chain_id}: do not sign it"
        )
    if transaction.value:
        raise ProposalRefused("expected a batch without a value of its own, it has one: do not sign it")
    try:
        return batch_calls(transaction.data)
    except ValueError as error:
        raise ProposalRefused(f"{error}: do not sign it") from error


def _batch_address(version: str, chain_id: int) -> str:
    known = sorted(published("MultiSendCallOnly", version, chain_id))
    if not known:
        raise ProposalRefused(
            f"expected a published MultiSendCallOnly of version {version} on chain {chain_id}, the list has none: "
            "propose the calls one by one"
        )
    return known[0]
