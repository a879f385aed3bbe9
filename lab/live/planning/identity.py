"""Whether a network is the one that it is called, and which accounts nobody, or everybody, can sign for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.coordinator.accounts import PUBLIC_KEYS
from lab.live.declaration.deployment_file import Target
from lab.model.live_evidence import is_development_node
from lab.rpc import Rpc

# An address that begins with 12 bytes of zero is chosen and not the hash of a key: it would take 2^96 keys to find one.
NOBODYS_BELOW = 1 << 64


@dataclass(frozen=True, slots=True)
class Identity:
    """The hash of block 0, what the node calls itself, and what speaks against its being the network of the profile."""

    genesis: str
    client: str
    doubts: tuple[str, ...]


def read_identity(rpc: Rpc, target: Target) -> Identity:
    """Two requests. Raises an RpcFailure."""
    genesis = str((rpc.block(0) or {}).get("hash", ""))
    client, doubts = str(rpc.call("web3_clientVersion")), []
    if target.genesis is None:
        doubts.append("nobody says what its genesis block is: give `genesis:` in the deployment file")
    elif genesis != target.genesis:
        doubts.append(f"its genesis block is {genesis}, that of {target.profile.title} is {target.genesis}")
    if is_development_node(client):
        doubts.append(f"its node is a development node ({client[:60]})")
    return Identity(genesis, client, tuple(doubts))


def is_local(rpc: Rpc, target: Target) -> bool:
    """Whether a development node runs it, or it begins with another block than the network. Raises an RpcFailure."""
    identity = read_identity(rpc, target)
    return is_development_node(identity.client) or (target.genesis is not None and identity.genesis != target.genesis)


def unfit_accounts(accounts: Mapping[str, str]) -> list[str]:
    """Which of these (lower case, by what they are for) anybody can sign for, or nobody, a sentence each."""
    sentences = []
    for use, address in accounts.items():
        if address in PUBLIC_KEYS:
            sentences.append(
                f"{address} ({use}) is an account of local development nodes, everybody has its key: use an account of "
                "your own"
            )
        elif int(address, 16) < NOBODYS_BELOW:
            sentences.append(
                f"{address} ({use}) is a placeholder or burn address, nobody has its key: replace it by an account of "
                "your own"
            )
    return sentences
