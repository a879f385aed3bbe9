"""JSON-RPC to one node: transport, typed errors, and the few calls that every layer needs."""

from lab.rpc.client import Rpc
from lab.rpc.errors import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from lab.rpc.transport import HttpTransport, Transport

__all__ = [
    "HttpTransport",
    "Rpc",
    "RpcFailure",
    "RpcMalformed",
    "RpcRefused",
    "RpcTimeout",
    "RpcUnavailable",
    "Transport",
]
