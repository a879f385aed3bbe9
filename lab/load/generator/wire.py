"""JSON-RPC batches over keep-alive connections, as lean as a generator needs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gevent.ssl  # type: ignore[import-untyped]  # has no type information
from geventhttpclient import HTTPClient
from pydantic_core import from_json

from lab.model.redacted import RedactedUrl
from lab.rpc.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Refusal:
    """A JSON-RPC error, or an answer that is none."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"


class NoAnswer(Exception):
    """The connection failed or nothing came in time: what was sent may have arrived."""


class Wire:
    """One node's API. Raises NoAnswer from every method."""

    def __init__(self, url: RedactedUrl, *, connections: int, timeout_s: float) -> None:
        endpoint = Endpoint.of(url)
        self.url, self._path = url, endpoint.target
        self._headers = {"Content-Type": "application/json", **endpoint.headers}
        self._client = HTTPClient(
            endpoint.host,
            endpoint.port,
            concurrency=connections,
            connection_timeout=timeout_s,
            network_timeout=timeout_s,
            block_size=65536,
            ssl=endpoint.tls,
            ssl_context_factory=lambda cafile=None: gevent.ssl.create_default_context(),
        )

    def send_raw(self, raws: Sequence[bytes]) -> list[Refusal | None]:
        """Hand over raw transactions in one request; for each None where the node took it."""
        calls = [
            f'{{"jsonrpc":"2.0","id":{i},"method":"eth_sendRawTransaction","params":["0x{raw.hex()}"]}}'
            for i, raw in enumerate(raws)
        ]
        answers = self._post(calls[0] if len(calls) == 1 else f"[{','.join(calls)}]")
        if isinstance(answers, dict):
            answers = [answers]
        refusals: list[Refusal | None] = [Refusal(0, "the node gave no answer to this call of the batch")] * len(raws)
        for answer in answers:
            index, error = answer.get("id"), answer.get("error")
            if isinstance(index, int) and 0 <= index < len(raws):
                refusals[index] = None if error is None else self._refusal(error)
            elif error is not None:
                # The whole request was refused: no call of it was taken.
                return [self._refusal(error)] * len(raws)
        return refusals

    def call(self, method: str, *params: Any) -> Any:
        """One call; a refusal is returned as it is."""
        answer = self._post(json.dumps({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}))
        return self._refusal(answer["error"]) if answer.get("error") is not None else answer.get("result")

    def call_many(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """The same method many times in one request; results in order, None for a refused one."""
        answers = self._post(
            json.dumps([{"jsonrpc": "2.0", "id": i, "method": method, "params": p} for i, p in enumerate(params)])
        )
        by_id = {answer.get("id"): answer.get("result") for answer in answers}
        return [by_id.get(i) for i in range(len(params))]

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _post(self, body: str) -> Any:
        try:
            response = self._client.post(self._path, body, self._headers)
            status, content = response.status_code, response.read()
        except Exception as error:
            # The client lets errors of sockets, TLS and its parser through; all mean the same.
            raise NoAnswer(self._without_key(f"{type(error).__name__}: {error}")) from error
        try:
            answer = from_json(content)
        except ValueError as error:
            shown = self._without_key(repr(bytes(content)))[:80]
            raise NoAnswer(f"expected JSON, got HTTP {status}: {shown}") from error
        if not isinstance(answer, (dict, list)):
            raise NoAnswer(f"expected a JSON-RPC answer, got {self._without_key(repr(answer))[:80]}")
        return answer

    def _refusal(self, error: Any) -> Refusal:
        code, message = (error.get("code"), error.get("message", "")) if isinstance(error, dict) else (0, error)
        return Refusal(code if isinstance(code, int) else 0, self._without_key(str(message))[:200])

    def _without_key(self, text: str) -> str:
        # A provider's answer may quote the key that it refuses.
        return self.url.redact_in(text) if self.url.is_secret else text
