"""What can go wrong with a call, told apart by whether it may have taken effect."""

from __future__ import annotations

from typing import Any

from lab.errors import LabError, printable


class RpcFailure(LabError):
    """Root of the RPC errors. `definite` says that the call certainly had no effect."""

    definite = False

    def __init__(self, method: str, message: str) -> None:
        self.method = method
        super().__init__(f"{method}: {message}")


class RpcRefused(RpcFailure):
    """The node answered with a JSON-RPC error, or an HTTP status other than 200.

    `message` is its own, as others are handed it; `reason` the same as a terminal can show it.
    """

    definite = True

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        self.code = code
        self.data = data
        self.message, self.reason = message, printable(message)
        super().__init__(method, f"refused with code {code}: {self.reason}")


class RpcUnavailable(RpcFailure):
    """No connection, or it broke. `definite` when the request never left."""

    def __init__(self, method: str, message: str, *, sent: bool) -> None:
        self.definite = not sent
        super().__init__(method, message)


class RpcTimeout(RpcFailure):
    """No answer in time. The call may have taken effect, or may still."""

    def __init__(self, method: str, timeout_s: float) -> None:
        super().__init__(method, f"no answer within {timeout_s:g} s")


class RpcMalformed(RpcFailure):
    """An answer that is not the JSON-RPC answer to this call, or is too large."""
