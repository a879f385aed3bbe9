"""One keep-alive HTTP connection to one node: requests in order, answers bounded in size and time.

Not safe for use by several threads at once; each thread opens its own.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from pydantic_core import to_json

from lab.model.redacted import RedactedUrl
from lab.rpc.ahead import AHEAD_MAX, Ahead
from lab.rpc.answers import parse_answer, parse_answers, parse_outcomes
from lab.rpc.deadline_socket import DeadlineSocket, DeadlineTlsSocket
from lab.rpc.endpoint import Endpoint
from lab.rpc.errors import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from lab.rpc.http_response import Response, read_response

ANSWER_BYTES_MAX = 32 * 1024 * 1024

Connect = Callable[[float], socket.socket]


def _encoded(request: object) -> bytes:
    """A request as JSON: in a third of the time that `json` takes, but for text that is no Unicode."""
    try:
        return to_json(request)
    except ValueError:
        return json.dumps(request).encode()


class Transport(Protocol):
    """Anything that carries a JSON-RPC call: a socket, or the fault layer in front of one."""

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """The `result` of the answer. Raises an RpcFailure."""
        ...


class HttpTransport:
    """JSON-RPC over HTTP/1.1 with keep-alive, over TLS for https. 0.1 ms a call against a local node."""

    def __init__(
        self,
        url: str | RedactedUrl,
        *,
        timeout_s: float = 10.0,
        answer_bytes_max: int | None = None,
        connect: Connect | None = None,
        pipelined: bool = True,
    ) -> None:
        """`connect` opens a connection within a time in seconds, where that is not by the URL's host and port.

        Not `pipelined`, nothing is handed over ahead: a program between the two acknowledges answers late, 40 ms each.
        Raises ValueError for a URL that is none; the message shows it redacted.
        """
        self._endpoint = Endpoint.of(url)
        self._timeout_s, self._answer_bytes_max = timeout_s, answer_bytes_max or ANSWER_BYTES_MAX
        # Percent signs of the URL are not to be taken for places of the format.
        lines = [f"POST {self._endpoint.target} HTTP/1.1", *(f"{k}: {v}" for k, v in self._endpoint.headers.items())]
        head = "\r\n".join([*lines, "Content-Type: application/json", "Content-Length: "]).replace("%", "%%")
        self._head = f"{head}%d\r\n\r\n".encode()
        self._open: Connect = connect or self._by_address
        self._pipelined = pipelined
        self._socket: DeadlineSocket | DeadlineTlsSocket | None = None
        # How many there were: with more than one, nobody knows what became of a request before the last.
        self.connections = 0
        self._next_id = 0
        self._unread: list[Ahead] = []

    @property
    def url(self) -> RedactedUrl:
        """The URL that it speaks to."""
        return self._endpoint.url

    @property
    def host(self) -> str:
        """The host and port that it speaks to."""
        return f"{self._endpoint.host.lower()}:{self._endpoint.port}"

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`. `timeout_s` bounds the whole call, however slowly the answer comes."""
        return self._one(self._request(method, params), timeout_s)

    def _one(self, request: dict[str, Any], timeout_s: float | None) -> Any:
        parse = partial(parse_answer, request["method"], request["id"])
        return self._answered(request["method"], request, parse, timeout_s)

    def batch(self, method: str, calls: Sequence[list[Any]]) -> list[Any]:
        """The results of several calls of one method in one request. Raises an RpcFailure if one of them fails."""
        requests = [self._request(method, params) for params in calls]
        ids = [request["id"] for request in requests]
        results: list[Any] = self._answered(method, requests, partial(parse_answers, method, ids), None)
        return results

    def many(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """What became of several calls in one request: the result of each, or the RpcRefused that it met with.

        Raises an RpcFailure where the request as a whole failed, RpcRefused where the node takes no batches.
        """
        requests = [self._request(method, params) for method, params in calls]
        parse = partial(parse_outcomes, [(request["method"], request["id"]) for request in requests])
        outcomes: list[Any] = self._answered(calls[0][0], requests, parse, None)
        return [self._refused(outcome) if isinstance(outcome, RpcRefused) else outcome for outcome in outcomes]

    def ahead(self, calls: Sequence[tuple[str, list[Any]]]) -> Ahead:
        """Hand over up to `AHEAD_MAX` calls in one write; the node carries them out one after the other.

        Whatever goes wrong is raised by `Ahead.results`, a broken connection by the next call, too.
        """
        ahead = Ahead([self._request(method, params) for method, params in calls], self._read_ahead)
        method = calls[0][0]
        try:
            if not self._pipelined:
                ahead.answers += [self._one(request, None) for request in ahead.requests]
                return ahead
            if sum(len(unread.requests) for unread in self._unread) + len(calls) > AHEAD_MAX:
                self._read_ahead()
            self._send(method, list(map(_encoded, ahead.requests)), self._timeout_s)
        except RpcFailure as failure:
            ahead.failure = failure
        else:
            self._unread.append(ahead)
            self._acknowledge()
        return ahead

    def _read_ahead(self, within_s: float | None = None) -> None:
        """Read the answers to all that was handed over ahead. Raises an RpcFailure if they cannot be read in time."""
        timeout_s = within_s or self._timeout_s
        unread, self._unread = self._unread, []
        if unread and self._socket is not None:
            self._socket.limit(timeout_s)
        left = sum(len(ahead.requests) for ahead in unread)
        received = b""
        self._acknowledge()
        for place, ahead in enumerate(unread):
            for request in ahead.requests:
                left -= 1
                method = request["method"]
                parse = partial(parse_answer, method, request["id"])
                try:
                    response = self._receive(method, timeout_s, received, more=left > 0)
                    received = response.rest
                    ahead.answers.append(self._parsed(method, parse, response))
                except RpcRefused as refused:
                    ahead.answers.append(None)
                    ahead.failure = ahead.failure or refused
                except RpcFailure as failure:
                    for unanswered in unread[place:]:
                        unanswered.failure = unanswered.failure or failure
                    raise

    def _acknowledge(self) -> None:
        """Have every packet acknowledged at once: a node holds back a small one while the one before it is not.

        Else an answer behind another waits for the system's delayed acknowledgement, 40 ms. Only Linux has the switch.
        """
        if self._socket is not None and hasattr(socket, "TCP_QUICKACK"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _request(self, method: str, params: list[Any]) -> dict[str, Any]:
        self._next_id += 1
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}

    def _answered(
        self, method: str, request: object, parse: Callable[[int, bytes], Any], timeout_s: float | None
    ) -> Any:
        timeout_s = timeout_s or self._timeout_s
        if self._unread:
            self._read_ahead(timeout_s)
        self._send(method, [_encoded(request)], timeout_s)
        return self._parsed(method, parse, self._receive(method, timeout_s))

    def _parsed(self, method: str, parse: Callable[[int, bytes], Any], response: Response) -> Any:
        try:
            return parse(response.status, response.body)
        except RpcMalformed as malformed:
            # Whatever comes next on this connection need not be the answer to what is asked next.
            self.close()
            raise RpcMalformed(method, self._without_key(str(malformed).removeprefix(f"{method}: "))) from None
        except RpcRefused as refused:
            raise self._refused(refused) from None

    def _refused(self, refused: RpcRefused) -> RpcRefused:
        return RpcRefused(refused.method, refused.code, self._without_key(refused.message), refused.data)

    def _without_key(self, text: str) -> str:
        # A provider's answer may quote the key that it refuses.
        return self.url.redact_in(text) if self.url.is_secret else text

    def _send(self, method: str, bodies: Sequence[bytes], timeout_s: float) -> None:
        connected = self._connected(method, timeout_s)
        try:
            # One packet: http.client's own `request` would send the headers and the body apart.
            connected.sendall(b"".join(self._head % len(body) + body for body in bodies))
        except OSError as error:
            raise self._broken(method, timeout_s, error) from error

    def _receive(self, method: str, timeout_s: float, received: bytes = b"", *, more: bool = False) -> Response:
        """The next response, as `read_response` reads it. Raises an RpcFailure."""
        if self._socket is None:
            raise RpcUnavailable(method, f"the connection to {self.url} was closed", sent=True)
        try:
            response = read_response(self._socket, self._answer_bytes_max, received, more=more)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(method, timeout_s, error) from error
        if len(response.body) > self._answer_bytes_max:
            self.close()
            raise RpcMalformed(method, f"expected an answer of at most {self._answer_bytes_max} bytes, got more")
        if response.last:
            # The answer said so.
            self.close()
        return response

    def _broken(self, method: str, timeout_s: float, error: Exception) -> RpcFailure:
        self.close()
        if isinstance(error, TimeoutError):
            return RpcTimeout(method, timeout_s)
        return RpcUnavailable(method, f"the connection to {self.url} broke: {error!r}", sent=True)

    def _connected(self, method: str, timeout_s: float) -> DeadlineSocket | DeadlineTlsSocket:
        if self._socket is None:
            try:
                self._socket = self._connect(timeout_s)
                self.connections += 1
            except OSError as error:
                raise RpcUnavailable(method, f"no connection to {self.url}: {error}", sent=False) from error
        self._socket.limit(timeout_s)
        return self._socket

    def _by_address(self, timeout_s: float) -> socket.socket:
        return socket.create_connection((self._endpoint.host, self._endpoint.port), timeout_s)

    def _connect(self, timeout_s: float) -> DeadlineSocket | DeadlineTlsSocket:
        plain = self._open(timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._endpoint.tls:
            return DeadlineSocket(plain.family, plain.type, plain.proto, plain.detach())
        context = ssl.create_default_context()
        context.sslsocket_class = DeadlineTlsSocket
        try:
            secured = context.wrap_socket(plain, server_hostname=self._endpoint.host)
        except BaseException:
            plain.close()
            raise
        assert isinstance(secured, DeadlineTlsSocket)
        return secured

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        for ahead in self._unread:
            ahead.failure = RpcUnavailable("close", f"the connection to {self.url} was closed", sent=True)
        self._unread = []
