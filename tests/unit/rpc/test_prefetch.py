"""Several calls in one request: each is asked once, and nothing that was answered for another moment is handed out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from lab.rpc import RpcRefused, RpcTimeout
from lab.rpc.prefetch import AT_ONCE_MAX, Prefetching, Request
from lab.rpc.refusals import METHOD_NOT_FOUND


class Node:
    """Answers with the method and what it was asked for; `many` may be refused."""

    def __init__(self) -> None:
        self.singles: list[Request] = []
        self.requests: list[list[Request]] = []
        self.refusal: Exception | None = None
        self.head = "0xaa"

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        self.singles.append((method, params))
        return "single"

    def many(self, calls: Sequence[Request]) -> list[Any]:
        """See `HttpTransport.many`."""
        self.requests.append(list(calls))
        if self.refusal is not None:
            raise self.refusal
        return [self._answer(*call) for call in calls]

    def _answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getBlockByNumber":
            return {"hash": self.head}
        return RpcRefused(method, 3, "execution reverted") if params == ["bad"] else f"{method} {params[0]}"


class Plain:
    """A transport that carries one call at a time."""

    call = Node.call

    def __init__(self) -> None:
        self.singles: list[Request] = []


ASKED: list[Request] = [("m", ["a"]), ("m", ["bad"]), ("n", ["b"])]


def test_each_answer_is_handed_out_once() -> None:
    """Refusals, too; the second time, and behind the block, the node is asked."""
    node = Node()
    transport = Prefetching(node)
    with transport.asked(ASKED):
        assert transport.call("n", ["b"]) == "n b"
        assert transport.call("n", ["b"]) == "single"
        with pytest.raises(RpcRefused, match="execution reverted"):
            transport.call("m", ["bad"])
    assert transport.call("m", ["a"]) == "single"
    assert node.requests == [ASKED]
    assert len(node.singles) == 2


def test_a_transport_without_batches_is_asked_as_ever() -> None:
    """In the order of the calls, and for nothing that is not called for."""
    node = Plain()
    transport = Prefetching(node)
    assert not transport.batches
    with transport.asked(ASKED):
        assert transport.call("n", ["b"]) == "single"
    assert node.singles == [("n", ["b"])]


@pytest.mark.parametrize("code", [METHOD_NOT_FOUND, -32600, 405, 413])
def test_a_node_that_takes_no_batches_is_not_asked_again(code: int) -> None:
    """The calls themselves are made."""
    node = Node()
    node.refusal = RpcRefused("m", code, "no batches")
    transport = Prefetching(node)
    for _ in range(2):
        with transport.asked(ASKED):
            assert transport.call("m", ["a"]) == "single"
    assert len(node.requests) == 1


@pytest.mark.parametrize(
    "failure", [RpcTimeout("m", 1.0), RpcRefused("m", 429, "slow down"), RpcRefused("m", 503, "later"),
                RpcRefused("m", -32005, "limit exceeded")],
)  # fmt: skip
def test_a_request_that_fails_as_a_whole_fails(failure: Exception) -> None:
    """As a single call would have; the next is asked in batches again, and nothing of before is left."""
    node = Node()
    node.refusal = failure
    transport = Prefetching(node)
    with pytest.raises(type(failure)), transport.asked(ASKED):
        pass
    node.refusal = None
    with transport.asked(ASKED[:2]):
        assert transport.call("n", ["b"]) == "single"
        assert transport.call("m", ["a"]) == "m a"


def test_many_calls_are_several_requests() -> None:
    """Of at most a hundred each."""
    node = Node()
    transport = Prefetching(node)
    asked: list[Request] = [("m", [str(number)]) for number in range(2 * AT_ONCE_MAX + 1)]
    with transport.asked(asked):
        assert [transport.call(*request) for request in asked] == [f"m {number}" for number in range(len(asked))]
    assert [len(request) for request in node.requests] == [AT_ONCE_MAX, AT_ONCE_MAX, 1]
    assert not node.singles


@pytest.mark.parametrize(("there", "answer"), [("0xaa", "eth_call to"), ("0xbb", "single")])
def test_reads_of_the_head_go_by_its_number_and_count_for_its_hash_only(there: str, answer: str) -> None:
    """Where another block has the number by now, nobody hears what that one says."""
    node = Node()
    node.head = there
    transport = Prefetching(node)
    reads: list[Request] = [("eth_call", ["to", {"blockHash": "0xaa"}]), ("eth_call", ["from", {"blockHash": "0xaa"}])]
    with transport.asked(reads, (16, "0xaa")):
        assert transport.call("eth_call", ["to", {"blockHash": "0xaa"}]) == answer
    assert node.requests == [
        [("eth_call", ["to", "0x10"]), ("eth_call", ["from", "0x10"]), ("eth_getBlockByNumber", ["0x10", False])]
    ]
