"""What tests do with a real chain: send the coordinator's transactions by role, and read blocks as numbers."""

from __future__ import annotations

from typing import Any

from lab.coordinator import Fees, role_account, rollup_address, sign_transaction
from lab.session.lab import Lab

GAS = 900_000


def tx_id(number: int) -> str:
    """A transaction id."""
    return f"0x{number:064x}"


def signed(
    lab: Lab, chain: str, role: str, function: str, *args: Any, nonce: int | None = None, max_fee: int | None = None,
    tip: int = 10**9, to: str | None = None,
) -> tuple[str, str]:  # fmt: skip
    """A raw transaction and its hash, by default with the account's next nonce and three times the base fee."""
    running, account = lab.chains[chain], role_account(role)
    now = running.look()
    return sign_transaction(
        account,
        chain_id=running.profile.chain_id,
        nonce=now.nonce(account.address) if nonce is None else nonce,
        to=to or running.contract,
        data=lab.spec.target.codec.encode(function, args),
        gas=GAS,
        fees=Fees(3 * running.producer.next_base_fee() + tip if max_fee is None else max_fee, tip),
    )


def send(lab: Lab, chain: str, role: str, function: str, *args: Any, **how: Any) -> str:
    """Sign and hand over now; the hash."""
    raw, tx_hash = signed(lab, chain, role, function, *args, **how)
    assert lab.chains[chain].send(raw) == tx_hash
    return tx_hash


def buffer_args(lab: Lab, chain: str, number: int, *, at_s: int = 3600, payload_bytes: int = 64) -> list[Any]:
    """Arguments of buffer_transaction for a transaction without parent, due at second `at_s`."""
    payload = "0x" + "5a" * payload_bytes
    origin, target = rollup_address(chain), rollup_address("elsewhere")
    return [tx_id(number), origin, target, payload, tx_id(0), lab.genesis_time + at_s]


def buffer(lab: Lab, chain: str, number: int, *, at_s: int = 3600, payload_bytes: int = 64, **how: Any) -> str:
    """Buffer such a transaction by the operator; the hash."""
    args = buffer_args(lab, chain, number, at_s=at_s, payload_bytes=payload_bytes)
    return send(lab, chain, "operator", "buffer_transaction", *args, **how)


def block(lab: Lab, chain: str, number: int) -> dict[str, Any]:
    """A block as the node has it."""
    found = lab.chains[chain].producer.rpc.block(number)
    assert found is not None, f"{chain} has no block {number}"
    return found


def head(lab: Lab, chain: str) -> int:
    """The head's number, as the node says, with nothing mined for the look."""
    return lab.chains[chain].producer.rpc.block_number()


def hashes(lab: Lab, chain: str) -> list[str]:
    """The hashes of all blocks now."""
    lab.chains[chain].look()
    return [block(lab, chain, number)["hash"] for number in range(head(lab, chain) + 1)]
