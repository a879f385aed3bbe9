"""A node goes back. Where it goes behind a state that it was loaded with, Anvil 1.7.1 leaves out all code."""

from __future__ import annotations

import gzip

from pydantic_core import from_json

from lab.rpc import Rpc


def roll_back(rpc: Rpc, *, head: int, depth: int, loaded_at: int) -> None:
    """Take the last `depth` blocks back. `loaded_at`: the block of which the node was given the state, 0 for none.

    Raises an RpcFailure.
    """
    ancestor = head - depth
    codes = _codes_at(rpc, ancestor) if ancestor < loaded_at else {}
    rpc.call("anvil_rollback", depth)
    for address, code in codes.items():
        rpc.call("anvil_setCode", address, code)


def _codes_at(rpc: Rpc, number: int) -> dict[str, str]:
    """The code of all contracts as of a block, by address."""
    dumped = gzip.decompress(bytes.fromhex(str(rpc.call("anvil_dumpState", False)).removeprefix("0x")))
    accounts = from_json(dumped)["accounts"]
    coded = sorted(address for address, account in accounts.items() if account["code"] != "0x")
    codes = {address: str(rpc.call("eth_getCode", address, hex(number))) for address in coded}
    return {address: code for address, code in codes.items() if code != "0x"}
