"""The executor that sends nothing: it prints every call, and writes a batch for the Safe Transaction Builder (1.0)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from lab.bounded_files import write_atomically
from lab.ops.chain import OperatedChain
from lab.ops.executors.call import Call, Result


class CalldataExecutor:
    """Writes `CHAIN.transactions.json` into a folder; `sender` is whoever is to make the calls, the owner usually."""

    sends = False

    def __init__(self, sender: str, folder: Path, show: Callable[[str], None], *, created_ms: int) -> None:
        """`created_ms` is the unix time that the files carry."""
        self._sender, self._folder, self._show, self._created_ms = sender.lower(), folder, show, created_ms
        self.described = f"call data for {self._sender}"

    def sender(self, chain: OperatedChain) -> str:
        """See `Executor`."""
        return self._sender

    def execute(self, chain: OperatedChain, calls: Sequence[Call]) -> list[Result]:
        """See `Executor`."""
        for call in calls:
            self._show(f"{chain.name} (chain {chain.chain_id}): {call.text}\n  to    {call.to}\n  data  {call.data}")
        path = self._folder / f"{chain.name}.transactions.json"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            batch = transaction_builder(chain.chain_id, calls, sender=self._sender, created_ms=self._created_ms)
            write_atomically(path, json.dumps(batch, indent=2) + "\n")
        except OSError as error:
            reason = f"{path}: expected to write the batch there: {error.strerror or error}"
            return [Result(call, "refused", reason=reason) for call in calls]
        return [Result(call, "proposed", path=path) for call in calls]


def transaction_builder(chain_id: int, calls: Sequence[Call], *, sender: str, created_ms: int) -> dict[str, Any]:
    """A batch as the Safe Transaction Builder imports it, version 1.0, with its checksum."""
    document: dict[str, Any] = {
        "version": "1.0",
        "chainId": str(chain_id),
        "createdAt": created_ms,
        "meta": {
            "name": ", ".join(call.function for call in calls)[:200],
            "description": "\n".join(call.text for call in calls),
            "txBuilderVersion": "1.17.1",
            "createdFromSafeAddress": to_checksum_address(sender),
            "createdFromOwnerAddress": "",
        },
        "transactions": [
            {
                "to": to_checksum_address(call.to),
                "value": str(call.value),
                "data": call.data,
                "contractMethod": None,
                "contractInputsValues": None,
            }
            for call in calls
        ],
    }
    document["meta"]["checksum"] = checksum(document)
    return document


def checksum(document: dict[str, Any]) -> str:
    """As the application counts it: keccak of the batch, keys sorted, without its name and the checksum itself."""
    meta = {key: value for key, value in document["meta"].items() if key != "checksum"} | {"name": None}
    return "0x" + keccak(text=_serialised(document | {"meta": meta})).hex()


def _serialised(value: Any) -> str:
    """Its own form of JSON: for an object all keys first, then each value with a comma behind it."""
    if isinstance(value, list):
        return "[" + ",".join(_serialised(item) for item in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value)
        names = json.dumps(keys, separators=(",", ":"), ensure_ascii=False)
        return "{" + names + "".join(_serialised(value[key]) + "," for key in keys) + "}"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
