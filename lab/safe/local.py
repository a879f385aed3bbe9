"""A real Safe on a local chain: the published contracts, from the files that safe-eth-py brings (the extra `safe`).

They are read, not imported: loading that package takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from lab.bounded_files import read_object
from lab.errors import UsageError
from lab.safe.transaction import ZERO

_FILES = {
    "SafeL2": "Safe",
    "SafeProxyFactory": "ProxyFactory",
    "MultiSendCallOnly": "MultiSendCallOnly",
    "CompatibilityFallbackHandler": "CompatibilityFallbackHandler",
}
CONTRACTS = tuple(_FILES)
_CREATED = "0x" + keccak(text="ProxyCreation(address,address)").hex()
_SETUP = "setup(address[],uint256,address,bytes,address,address,uint256,address)"


def available() -> bool:
    """Whether the contracts are installed."""
    return find_spec("safe_eth") is not None


def creation_code(contract: str, version: str) -> str:
    """The code that creates a contract of Safe, 0x hex. Raises UsageError where the extra is not installed."""
    spec = find_spec("safe_eth")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("expected the contracts of Safe, they are not installed: pip install 'tesseract-lab[safe]'")
    name = f"{_FILES[contract]}_V{version.replace('.', '_')}.json"
    path = Path(next(iter(spec.submodule_search_locations))) / "eth" / "contracts" / "abis" / name
    try:
        return str(read_object(path)["bytecode"])
    except OSError as error:
        raise UsageError(f"{path}: expected the contract {contract} {version}: {error.strerror or error}") from error


def setup_data(owners: Sequence[str], threshold: int, fallback_handler: str = ZERO) -> str:
    """The call that gives a new Safe its owners, 0x hex."""
    types = _SETUP.partition("(")[2].removesuffix(")").split(",")
    values = [list(owners), threshold, ZERO, b"", fallback_handler, ZERO, 0, ZERO]
    return "0x" + (keccak(text=_SETUP)[:4] + encode(types, values)).hex()


def create_proxy_data(singleton: str, setup: str, salt: int = 0) -> str:
    """The call of the factory that creates a Safe, 0x hex."""
    selector = keccak(text="createProxyWithNonce(address,bytes,uint256)")[:4]
    values = [singleton, bytes.fromhex(setup[2:]), salt]
    return "0x" + (selector + encode(["address", "bytes", "uint256"], values)).hex()


def created_safe(logs: Sequence[Mapping[str, Any]]) -> str:
    """The address of the Safe in the logs of its creation, in lower case. Raises UsageError where there is none."""
    for log in logs:
        topics = log["topics"]
        if topics and str(topics[0]).lower() == _CREATED:
            word = topics[1] if len(topics) > 1 else log["data"][:66]
            return "0x" + str(word)[-40:].lower()
    raise UsageError("expected the event ProxyCreation, the transaction has none: it created no Safe")
