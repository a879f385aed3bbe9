"""Accounts are roles. Their keys derive from the development mnemonic that every local node knows."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from lab.model.session import Session

# The well-known mnemonic of local development nodes: public, so never to hold value on a live network.
MNEMONIC = "test test test test test test test test test test test junk"
# Its first accounts, written out: to derive them takes every process half a second. A test derives them again.
_KEYS = {
    "owner": (
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    ),
    "operator": (
        "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    ),
    "relayer": (
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    ),
    "attacker": (
        "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
        "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    ),
    "operator2": (
        "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
        "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    ),
    "user": (
        "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    ),
    "newowner": (
        "0x976ea74026e726554db657fa54763abd0c3a0aa9",
        "92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    ),
}
# Its other accounts that local nodes fund: ten in all.
_FURTHER = (
    "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
    "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
    "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
)
# Whatever such an account holds or may do on a public network, anybody does: programs watch for them.
PUBLIC_KEYS = frozenset({address for address, _ in _KEYS.values()} | set(_FURTHER))
ROLES = tuple(_KEYS)
OPERATOR_ROLES = ("operator", "operator2", "relayer")


def operators_of(session: Session, chain: str) -> dict[str, str]:
    """The accounts that shall be operators of a chain's contract, in lower case, each with its role in the session.

    Where a session does not say, as files of earlier versions, they are those of the documentation: the owner, too.
    """
    roles = {address.lower(): role for role, address in session.accounts.items()}
    held = session.chains[chain].operators
    if held is None:
        return {address: role for address, role in roles.items() if role in ("owner", *OPERATOR_ROLES)}
    return {address.lower(): roles.get(address.lower(), "operator") for address in held}


@dataclass(frozen=True, slots=True)
class Account:
    """A role's address (lower case) and private key (32 bytes). The key never shows in a repr."""

    role: str
    address: str
    key: bytes

    def __repr__(self) -> str:
        return f"Account({self.role}, {self.address})"


def role_account(role: str) -> Account:
    """The account of a role. Raises KeyError for an unknown one."""
    if role not in ROLES:
        raise KeyError(f"expected one of {', '.join(ROLES)}, got {role!r}")
    address, key = _KEYS[role]
    return Account(role, address, bytes.fromhex(key))


# The owner as the documentation has it, and the accounts that the lab makes operators.
DOCUMENTED_OPERATORS = tuple(role_account(role).address for role in ("owner", *OPERATOR_ROLES))


def created_address(creator: str, nonce: int) -> str:
    """The address of the contract that an account's transaction of this nonce creates."""
    # Here, since who creates nothing does without it: the exporter.
    import rlp

    return "0x" + keccak(rlp.encode([bytes.fromhex(creator.removeprefix("0x")), nonce]))[12:].hex()


def rollup_address(chain: str) -> str:
    """The address that stands for a chain inside the contracts: the same in every run."""
    return "0x" + keccak(text=f"tesseract-lab rollup {chain}")[12:].hex()
