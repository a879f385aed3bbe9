"""Writes the hashes of random Safe transactions as safe-eth-py computes them: `python -m tests.safe_vectors [SEED]`.

The transactions follow from the seed, so the file holds the hashes alone. safe-eth-py takes seconds to load, hence a
file, which tests/unit/safe/test_transaction.py compares with. tests/reliability/test_safe_hashes.py asks safe-eth-py.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from lab.safe.transaction import SafeTransaction

VECTORS = Path(__file__).parent / "unit" / "safe" / "hashes.json"
SEED, COUNT = 15, 1000
VERSIONS = ("1.3.0", "1.4.1", "1.5.0")


def random_transactions(seed: int, count: int) -> Iterator[tuple[int, str, SafeTransaction]]:
    """Chain id, Safe and transaction; every field is drawn, small and large values alike."""
    rng = random.Random(seed)

    def number(bits: int = 256) -> int:
        return int(rng.getrandbits(min(bits, rng.choice((0, 1, 8, 63, 64, 128, 256)))))

    def address() -> str:
        return "0x" + (bytes(20) if rng.random() < 0.1 else rng.randbytes(20)).hex()

    for _ in range(count):
        transaction = SafeTransaction(
            to=address(),
            value=number(),
            data="0x" + rng.randbytes(rng.choice((0, 1, 4, 31, 32, 33, 68, 500))).hex(),
            operation=rng.choice((0, 1)),
            safeTxGas=number(),
            baseGas=number(),
            gasPrice=number(),
            gasToken=address(),
            refundReceiver=address(),
            nonce=number(),
        )
        yield 1 + number(60), address(), transaction


def theirs(seed: int, count: int) -> list[str]:
    """The hashes as safe-eth-py computes them, 0x hex."""
    from eth_utils.address import to_checksum_address
    from safe_eth.safe.safe_tx import SafeTx  # type: ignore[import-untyped,unused-ignore]

    hashes = []
    for place, (chain_id, safe, given) in enumerate(random_transactions(seed, count)):
        there = SafeTx(
            None,  # type: ignore[arg-type,unused-ignore]
            to_checksum_address(safe),
            to_checksum_address(given.to),
            given.value,
            bytes.fromhex(given.data[2:]),
            given.operation,
            given.safeTxGas,
            given.baseGas,
            given.gasPrice,
            to_checksum_address(given.gasToken),
            to_checksum_address(given.refundReceiver),
            safe_nonce=given.nonce,
            safe_version=VERSIONS[place % len(VERSIONS)],
            chain_id=chain_id,
        )
        # A nonce of 0 counts as none there, and would be asked of a chain.
        there._safe_nonce = given.nonce
        hashes.append("0x" + bytes(there.safe_tx_hash).hex())
    return hashes


def main() -> None:
    """Write the file."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else SEED
    document = {"safe-eth-py": version("safe-eth-py"), "seed": seed, "hashes": theirs(seed, COUNT)}
    VECTORS.write_text(json.dumps(document, indent=0) + "\n")


if __name__ == "__main__":
    main()
