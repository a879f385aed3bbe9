"""JSON-RPC answers from their bytes, checked: one for each request, a result or what the node refused it with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic_core import from_json

from lab.json_values import json_values
from lab.rpc.errors import RpcFailure, RpcMalformed, RpcRefused

# A block with 5,000 transactions and their logs has 300,000; parsed, so many take 100 MB.
VALUES_MAX = 500_000


def parse_answer(method: str, request_id: int, status: int, body: bytes) -> Any:
    """The `result` in a JSON-RPC answer. Raises RpcRefused for an error answer, RpcMalformed for anything else.

    Under an HTTP status other than 200 everything that is no error answer is a refusal with that status.
    """
    return _result(method, request_id, status, body, _decoded(method, status, body))


def parse_answers(method: str, request_ids: Sequence[int], status: int, body: bytes) -> list[Any]:
    """The `result` of each request in the answer to a batch. Raises as `parse_answer` does.

    A node that refuses the batch as a whole answers with one error.
    """
    outcomes = parse_outcomes([(method, number) for number in request_ids], status, body)
    if (refused := next((outcome for outcome in outcomes if isinstance(outcome, RpcRefused)), None)) is not None:
        raise refused
    return outcomes


def parse_outcomes(requests: Sequence[tuple[str, int]], status: int, body: bytes) -> list[Any]:
    """What became of each request of a batch, given as (method, id): its `result`, or the RpcRefused that answered it.

    Raises RpcRefused where the node refuses the batch as a whole, RpcMalformed where one has no answer.
    """
    answered = _decoded(requests[0][0], status, body)
    if not isinstance(answered, list):
        # An error for all of them, or an answer to at most one: this raises.
        return [_result(method, number, status, body, answered) for method, number in requests]
    by_id = {str(answer.get("id")): answer for answer in answered if isinstance(answer, dict)}
    outcomes: list[Any] = []
    for method, number in requests:
        try:
            outcomes.append(_result(method, number, status, body, by_id.get(str(number), answered)))
        except RpcRefused as refused:
            outcomes.append(refused)
    return outcomes


def _decoded(method: str, status: int, body: bytes) -> Any:
    # Each value takes a byte at least.
    if len(body) > VALUES_MAX and json_values(body) > VALUES_MAX:
        raise RpcMalformed(method, f"expected an answer of at most {VALUES_MAX} values, got more")
    try:
        # Not json.loads: web3's dependencies raise Python's recursion limit, and deep nesting then ends the process.
        return from_json(body)
    except ValueError as error:
        raise _malformed(method, status, body, "JSON") from error


def _malformed(method: str, status: int, body: bytes, expected: str) -> RpcFailure:
    if status != 200:
        return RpcRefused(method, status, f"HTTP {status}: {body[:200]!r}")
    return RpcMalformed(method, f"expected {expected}, got {body[:200]!r}")


def _result(method: str, request_id: int, status: int, body: bytes, answer: Any) -> Any:
    malformed = partial(_malformed, method, status, body)
    if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
        raise malformed("a JSON-RPC answer")
    error_object = answer.get("error")
    # A node that cannot read the request answers with an error and the id null.
    if answer.get("id") != request_id and not (error_object is not None and answer.get("id") is None):
        raise malformed(f"the answer to request {request_id}")
    if error_object is not None:
        if not isinstance(error_object, dict):
            raise malformed("an error object")
        code = error_object.get("code")
        message = str(error_object.get("message", ""))[:2000]
        raise RpcRefused(method, code if isinstance(code, int) else 0, message, error_object.get("data"))
    if status != 200 or "result" not in answer:
        raise malformed("a result or an error")
    return answer["result"]
