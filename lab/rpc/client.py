"""Typed calls over a transport: quantities as integers, answers checked for shape, web3 for those who want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lab.rpc.errors import RpcMalformed
from lab.rpc.transport import Transport

if TYPE_CHECKING:
    from web3 import Web3

BlockRef = int | str


def quantity(method: str, value: Any) -> int:
    """A hex quantity as an integer. Raises RpcMalformed for anything else."""
    if isinstance(value, str):
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise RpcMalformed(method, f"expected a hex quantity, got {str(value)[:80]!r}")


def block_ref(block: BlockRef) -> str:
    """A block number, tag or hash-free reference as the node wants it."""
    return hex(block) if isinstance(block, int) else block


def call_request(
    to: str, data: str, *, block: BlockRef | dict[str, Any] = "latest", sender: str | None = None
) -> tuple[str, list[Any]]:
    """Method and parameters of a call that changes nothing."""
    request = {"to": to, "data": data} | ({"from": sender} if sender else {})
    return "eth_call", [request, block if isinstance(block, dict) else block_ref(block)]


def hex_data(answer: Any) -> str:
    """What a call returned. Raises RpcMalformed for anything but hex data."""
    if not isinstance(answer, str) or not answer.startswith("0x"):
        raise RpcMalformed("eth_call", f"expected hex data, got {str(answer)[:80]!r}")
    return answer


class Rpc:
    """One node's API as the lab uses it; any other method goes through `call`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def close(self) -> None:
        """Close the connection, where the transport has one; the next call opens another."""
        if (close := getattr(self.transport, "close", None)) is not None:
            close()

    def call(self, method: str, *params: Any, timeout_s: float | None = None) -> Any:
        """The raw result of any method. Raises an RpcFailure."""
        return self.transport.call(method, list(params), timeout_s)

    def chain_id(self) -> int:
        """The chain id the node reports."""
        return quantity("eth_chainId", self.call("eth_chainId"))

    def block_number(self) -> int:
        """The head's number."""
        return quantity("eth_blockNumber", self.call("eth_blockNumber"))

    def block(self, block: BlockRef = "latest", *, full: bool = False) -> dict[str, Any] | None:
        """A block by number, tag, or hash (66 characters); None if the node has none."""
        by_hash = isinstance(block, str) and len(block) == 66
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        result = self.call(method, block_ref(block), full)
        if result is not None and not (isinstance(result, dict) and "hash" in result and "number" in result):
            raise RpcMalformed(method, f"expected a block, got {str(result)[:80]!r}")
        return cast("dict[str, Any] | None", result)

    def nonce(self, address: str, block: BlockRef = "latest") -> int:
        """The account's transaction count at a block."""
        return quantity("eth_getTransactionCount", self.call("eth_getTransactionCount", address, block_ref(block)))

    def balance(self, address: str, block: BlockRef = "latest") -> int:
        """The account's balance in wei."""
        return quantity("eth_getBalance", self.call("eth_getBalance", address, block_ref(block)))

    def receipt(self, tx_hash: str) -> dict[str, Any] | None:
        """A receipt, None while the transaction is not mined."""
        return cast("dict[str, Any] | None", self.call("eth_getTransactionReceipt", tx_hash))

    def send_raw(self, raw: str, *, timeout_s: float | None = None) -> str:
        """Hand over a signed transaction; its hash."""
        return str(self.call("eth_sendRawTransaction", raw, timeout_s=timeout_s))

    def eth_call(
        self, to: str, data: str, *, block: BlockRef | dict[str, Any] = "latest", sender: str | None = None
    ) -> str:
        """Return data of a call. Raises RpcRefused with the revert data when it reverts."""
        method, params = call_request(to, data, block=block, sender=sender)
        return hex_data(self.call(method, *params))

    def logs(self, address: str, first: int, last: int) -> list[dict[str, Any]]:
        """Logs of one contract in a range of blocks, both ends included."""
        query = {"address": address, "fromBlock": hex(first), "toBlock": hex(last)}
        result = self.call("eth_getLogs", query)
        if not isinstance(result, list):
            raise RpcMalformed("eth_getLogs", f"expected a list of logs, got {str(result)[:80]!r}")
        return result

    def web3(self) -> Web3:
        """A web3 handle on the same transport, for tests written in Python."""
        # Importing web3 takes a second: only who asks for it pays.
        from lab.rpc.web3_provider import web3_on

        return web3_on(self.transport)
