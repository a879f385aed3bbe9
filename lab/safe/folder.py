"""A folder of proposals: which of a Safe are open, and which nonce the next one takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.safe.proposal import Proposal, SafeDescription, merge_proposals, read_proposal

FILES_MAX = 10_000
SUFFIX = ".proposal.json"


def file_name(proposal: Proposal) -> str:
    """`sepolia-nonce-3-1a2b3c4d.proposal.json`."""
    return f"{proposal.network}-nonce-{proposal.nonce}-{proposal.hash[2:10]}{SUFFIX}"


def all_proposals(folder: Path, of: SafeDescription) -> list[Proposal]:
    """Those of one Safe, by nonce; copies of one are merged, so signers may put theirs beside it.

    Raises UsageError, ProposalRefused for a file that is damaged.
    """
    copies: dict[str, list[Proposal]] = {}
    for path in sorted(folder.glob(f"{of.network}-nonce-*{SUFFIX}"))[:FILES_MAX]:
        proposal = read_proposal(path)
        if (proposal.chain_id, proposal.safe) == (of.chain_id, of.safe):
            copies.setdefault(proposal.hash, []).append(proposal)
    return sorted((merge_proposals(several) for several in copies.values()), key=lambda one: one.nonce)


def open_proposals(folder: Path, of: SafeDescription, nonce: int) -> list[Proposal]:
    """Those that can still take effect: their nonces are not used up."""
    return [one for one in all_proposals(folder, of) if one.nonce >= nonce]


def next_nonce(pending: Sequence[Proposal], nonce: int) -> int:
    """The first nonce, from the Safe's own on, that no proposal has."""
    taken = {one.nonce for one in pending}
    while nonce in taken:
        nonce += 1
    return nonce
