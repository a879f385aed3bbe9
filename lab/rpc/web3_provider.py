"""Lets web3 speak through a transport of the lab's, faults included."""

from __future__ import annotations

from typing import Any, cast

from web3 import Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from lab.rpc.errors import RpcRefused
from lab.rpc.transport import Transport


def web3_on(transport: Transport) -> Web3:
    """A web3 handle on a transport."""
    return Web3(_TransportProvider(transport))


class _TransportProvider(BaseProvider):
    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One call; a refusal becomes the error answer that web3 expects, other failures surface as they are."""
        try:
            result = self._transport.call(str(method), list(params))
        except RpcRefused as refused:
            error = {"code": refused.code, "message": refused.message, "data": refused.data}
            return cast("RPCResponse", {"jsonrpc": "2.0", "id": 0, "error": error})
        return cast("RPCResponse", {"jsonrpc": "2.0", "id": 0, "result": result})

    def is_connected(self, show_traceback: bool = False) -> bool:
        """The transport connects by itself."""
        return True
