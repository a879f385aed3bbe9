"""Several endpoints as one: who answers, who is put back, what is said, and what is never mixed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from lab.rpc.failover import EndpointsDisagree, FailoverTransport, Patience

CHAIN = 10
Answer = Callable[[str, list[Any]], Any]


class Clock:
    """Simulated seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.now_s += seconds


class Endpoint:
    """Answers by method; a failure is raised. `calls` are the methods asked, but for the chain id."""

    def __init__(self, chain_id: int = CHAIN, **answers: Any) -> None:
        self.answers: dict[str, Any] = {"eth_chainId": hex(chain_id), "eth_blockNumber": "0x64", **answers}
        self.answers.setdefault("eth_getBlockByNumber", {"hash": "0xa"})
        self.calls: list[str] = []

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        if method != "eth_chainId":
            self.calls.append(method)
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer


def several(*endpoints: Endpoint, **patience: float) -> tuple[FailoverTransport, Clock, list[str]]:
    """A transport over endpoints named a, b, c; its clock, and what it says."""
    clock, said = Clock(), list[str]()
    named = {chr(ord("a") + place): endpoint for place, endpoint in enumerate(endpoints)}
    transport = FailoverTransport(
        named,
        chain_id=CHAIN,
        patience=Patience(**patience),  # type: ignore[arg-type]  # tests give numbers only
        now=clock,
        sleep=clock.sleep,
        notify=said.append,
    )
    return transport, clock, said


TROUBLE: dict[str, RpcFailure] = {
    "no connection": RpcUnavailable("m", "refused", sent=False),
    "it broke": RpcUnavailable("m", "reset", sent=True),
    "silence": RpcTimeout("m", 1),
    "no JSON": RpcMalformed("m", "expected JSON"),
    "HTTP 429": RpcRefused("m", 429, "HTTP 429"),
    "HTTP 503": RpcRefused("m", 503, "HTTP 503"),
    "limit of EIP-1474": RpcRefused("m", -32005, "daily request count exceeded"),
    "limit in words": RpcRefused("m", -32000, "Too Many Requests, retry later"),
    "compute units": RpcRefused("m", -32000, "exceeded its compute units per second capacity"),
    "it lags": RpcRefused("m", -32000, "header not found"),
    "it lags, Nethermind": RpcRefused("m", -32000, "43234 could not be found"),
    "it lags, Anvil": RpcRefused("m", -32602, "BlockOutOfRangeError: block height is 12 but requested was 13"),
    "internal": RpcRefused("m", -32603, "internal error"),
    "no such method": RpcRefused("m", -32601, "the method does not exist"),
}
ANSWERS: dict[str, RpcRefused] = {
    "a revert": RpcRefused("m", 3, "execution reverted: Not authorized", "0x08c379a0"),
    "a revert without data": RpcRefused("m", -32603, "execution reverted"),
    "bad parameters": RpcRefused("m", -32602, "invalid argument 0"),
    "a revert that names what it misses": RpcRefused("m", 3, "execution reverted: 7 could not be found", "0x08c379a0"),
    "a nonce": RpcRefused("m", -32000, "nonce too low"),
    "no funds": RpcRefused("m", -32000, "insufficient funds for gas * price + value"),
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_of_the_first_is_no_trouble(kind: str) -> None:
    """The next one answers, and the first is not asked again for a while."""
    first, second = Endpoint(m=TROUBLE[kind]), Endpoint(m="yes")
    transport, _, said = several(first, second)
    assert transport.call("m", []) == "yes"
    assert transport.call("m", []) == "yes"
    lacks_method = kind == "no such method"
    assert first.calls == (["m", "m"] if lacks_method else ["m"])
    assert bool(said) is not lacks_method


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_an_answer(kind: str) -> None:
    """What is about the call comes back from the first; nobody else is asked."""
    first, second = Endpoint(m=ANSWERS[kind]), Endpoint(m="yes")
    transport, _, said = several(first, second)
    with pytest.raises(RpcRefused) as caught:
        transport.call("m", [])
    assert caught.value is ANSWERS[kind]
    assert not second.calls
    assert not said


def test_it_is_asked_again_later_each_time() -> None:
    """The pauses double up to the longest, and end with the first answer."""
    first, second = Endpoint(m=RpcTimeout("m", 1)), Endpoint(m="yes")
    transport, clock, _ = several(first, second, first_s=1, max_s=4, look_every_s=1e9)
    asked = []
    for _ in range(200):
        before = len(first.calls)
        transport.call("m", [])
        if len(first.calls) > before:
            asked.append(clock.now_s)
        clock.sleep(0.125)
    assert [later - sooner for sooner, later in pairwise(asked)][:5] == [1, 2, 4, 4, 4]
    first.answers["m"] = "mine"
    clock.sleep(10)
    assert transport.call("m", []) == "mine"


def test_another_chain_is_never_asked() -> None:
    """Its answers would be of another network."""
    first, second = Endpoint(chain_id=1, m="wrong"), Endpoint(m="right")
    transport, clock, said = several(first, second)
    for _ in range(3):
        assert transport.call("m", []) == "right"
        clock.sleep(100)
    assert first.calls == []
    assert said[0] == "a: expected chain 10, it is of chain 1: it is not asked again"
    assert [report.state for report in transport.reports()] == ["excluded", "in use"]


def test_nobody_left() -> None:
    """All of another chain: one error that names each."""
    transport, _, _ = several(Endpoint(chain_id=1), Endpoint(chain_id=2))
    with pytest.raises(RpcUnavailable, match="a: expected chain 10, it is of chain 1; b: expected chain 10"):
        transport.call("m", [])


def test_all_in_trouble_for_a_moment() -> None:
    """Within bounds it waits for the first that may be asked again."""
    first, second = Endpoint(m=RpcTimeout("m", 1)), Endpoint(m=RpcTimeout("m", 1))
    transport, clock, _ = several(first, second, first_s=1, all_down_s=20)
    real = first.call

    def mended(method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        if clock.now_s >= 3:
            first.answers["m"] = "back"
        return real(method, params, timeout_s)

    first.call = mended  # type: ignore[method-assign]
    assert transport.call("m", []) == "back"
    assert clock.now_s == 3


def test_one_that_is_put_back_for_longer_than_a_call_may_wait() -> None:
    """It is asked again all the same: both were in trouble now and then, and that is no reason to give up a call."""
    first, second = Endpoint(m="0x1"), Endpoint(m="0x1")
    transport, clock, _ = several(first, second, first_s=1, max_s=60, all_down_s=20)
    for _ in range(8):
        first.answers["m"] = TROUBLE["HTTP 503"]
        assert transport.call("m", []) == "0x1"
        first.answers["m"], second.answers["m"] = "0x1", TROUBLE["HTTP 503"]
        assert transport.call("m", []) == "0x1"
        second.answers["m"] = "0x1"
    begun_s, real = clock.now_s, second.call
    first.answers["m"] = second.answers["m"] = TROUBLE["HTTP 503"]

    def mended(method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        if clock.now_s >= begun_s + 3:
            first.answers["m"] = "back"
        return real(method, params, timeout_s)

    second.call = mended  # type: ignore[method-assign]
    assert transport.call("m", []) == "back"
    assert clock.now_s - begun_s <= 20


def test_a_silent_one_behind_one_in_trouble() -> None:
    """While the second one's time ran out, the first one's was over, too: it is asked again, and not given up."""
    first, second = Endpoint(eth_gasPrice=TROUBLE["HTTP 503"]), Endpoint(eth_gasPrice=TROUBLE["silence"])
    transport, clock, _ = several(first, second)
    answer = second.call

    def silent(method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        if method == "eth_gasPrice":
            clock.sleep(3.0)
            first.answers["eth_gasPrice"] = "0x1"
        return answer(method, params, timeout_s)

    second.call = silent  # type: ignore[method-assign]
    assert transport.call("eth_gasPrice", []) == "0x1"


def test_all_in_trouble_for_good() -> None:
    """The last failure, after the time that it may take and not for ever."""
    transport, clock, _ = several(Endpoint(m=RpcTimeout("m", 1)), Endpoint(m=RpcTimeout("m", 1)), all_down_s=20)
    with pytest.raises(RpcTimeout):
        transport.call("m", [])
    assert clock.now_s <= 20


def test_a_method_that_nobody_has_is_said_at_once() -> None:
    """Waiting would not help."""
    missing = TROUBLE["no such method"]
    transport, clock, _ = several(Endpoint(m=missing), Endpoint(m=missing))
    with pytest.raises(RpcRefused, match="does not exist"):
        transport.call("m", [])
    assert clock.now_s == 0


def test_a_head_that_lags() -> None:
    """It is put back once it is further behind than allowed."""
    first, second = Endpoint(m="old", eth_blockNumber="0x60"), Endpoint(m="new", eth_blockNumber="0x64")
    transport, clock, said = several(first, second, look_every_s=15, lag_blocks_max=3)
    assert transport.call("m", []) == "old"
    clock.sleep(16)
    assert transport.call("m", []) == "new"
    assert said == ["a: put back for 15 s: its head 96 is 4 blocks behind that of b"]


def test_a_head_that_stands_still() -> None:
    """A small lag is no lag, but for one that does not move for long."""
    first, second = Endpoint(m="old", eth_blockNumber="0x63"), Endpoint(m="new", eth_blockNumber="0x64")
    transport, clock, said = several(first, second, look_every_s=15, stall_s=120)
    for _ in range(8):
        assert transport.call("m", []) == "old"
        clock.sleep(16)
        second.answers["eth_blockNumber"] = hex(0x64)
    clock.sleep(16)
    assert transport.call("m", []) == "new"
    assert "has stood still for" in said[0]


def test_a_send_goes_to_all() -> None:
    """One that keeps it to itself, or loses it, then does not matter."""
    endpoints = [Endpoint(eth_sendRawTransaction="0xhash") for _ in range(3)]
    transport, _, _ = several(*endpoints)
    assert transport.call("eth_sendRawTransaction", ["0x02"]) == "0xhash"
    assert [endpoint.calls for endpoint in endpoints] == [["eth_sendRawTransaction"]] * 3


@pytest.mark.parametrize(
    "failures",
    [
        (RpcTimeout("s", 1), RpcRefused("s", -32000, "already known")),
        (RpcRefused("s", -32000, "already known"), RpcUnavailable("s", "no connection", sent=False)),
        (RpcRefused("s", -32000, "nonce too low"), RpcTimeout("s", 1)),
    ],
)
def test_a_send_that_nobody_took(failures: tuple[RpcFailure, ...]) -> None:
    """What may have had an effect weighs more than what says "known", and that more than a plain refusal."""
    transport, _, _ = several(*(Endpoint(eth_sendRawTransaction=failure) for failure in failures))
    with pytest.raises(RpcFailure) as caught:
        transport.call("eth_sendRawTransaction", ["0x02"])
    indefinite = [failure for failure in failures if not failure.definite]
    assert caught.value is (indefinite or [failures[0]])[0]
    # A refusal of the transaction is an answer, and no trouble of the endpoint.
    refused = [isinstance(failure, RpcRefused) for failure in failures]
    assert [(report.answers, report.failures) for report in transport.reports()] == [
        (int(answered), int(not answered)) for answered in refused
    ]


def test_a_refusal_of_the_transaction_weighs_more_than_trouble() -> None:
    """Who is limited has no opinion of it."""
    answers = (RpcRefused("s", 503, "HTTP 503"), RpcRefused("s", -32000, "insufficient funds"))
    transport, _, _ = several(*(Endpoint(eth_sendRawTransaction=answer) for answer in answers))
    with pytest.raises(RpcRefused, match="insufficient funds"):
        transport.call("eth_sendRawTransaction", ["0x02"])


def test_endpoints_that_disagree_are_said() -> None:
    """A fork is no question of majorities."""
    one, two = ({"hash": f"0x{digit * 64}"} for digit in "ab")
    transport, _, _ = several(Endpoint(eth_getBlockByNumber=one), Endpoint(eth_getBlockByNumber=two))
    with pytest.raises(EndpointsDisagree, match=r"a has 0xa+; b has 0xb+"):
        transport.agreeing(7)


def test_agreement_is_counted() -> None:
    """Who does not answer, or has no such block, is not counted."""
    same = {"hash": f"0x{'a' * 64}"}
    transport, _, _ = several(
        Endpoint(eth_getBlockByNumber=same),
        Endpoint(eth_getBlockByNumber=None),
        Endpoint(eth_getBlockByNumber=RpcTimeout("m", 1)),
        Endpoint(eth_getBlockByNumber=same),
    )
    assert transport.agreeing(7) == 2


def test_one_that_lags_is_left_alone_until_the_next_look() -> None:
    """Between two looks it would answer for an old chain."""
    first, second = Endpoint(m="old", eth_blockNumber="0x10"), Endpoint(m="new")
    transport, clock, said = several(first, second, look_every_s=15)
    clock.sleep(15)
    for _ in range(60):
        assert transport.call("m", []) == "new"
        clock.sleep(1)
    assert said == ["a: put back for 15 s: its head 16 is 84 blocks behind that of b"]
    first.answers["eth_blockNumber"] = "0x64"
    clock.sleep(15)
    assert transport.call("m", []) == "old"
    assert said[1:] == ["a: answers again"]


def test_two_forks_are_said_once_and_their_end() -> None:
    """Nothing is voted on: the preferred one goes on to answer."""
    first, second = Endpoint(m="a's"), Endpoint(m="b's")
    second.answers["eth_getBlockByNumber"] = {"hash": "0xb"}
    transport, clock, said = several(first, second, look_every_s=15)
    for _ in range(3):
        clock.sleep(15)
        assert transport.call("m", []) == "a's"
    assert [text.partition(":")[0] for text in said] == ["chain 10"]
    assert "expected one block 88 from all endpoints" in said[0]
    assert transport.disagreement == said[0]
    second.answers["eth_getBlockByNumber"] = {"hash": "0xa"}
    clock.sleep(15)
    transport.call("m", [])
    assert said[1:] == ["chain 10: the endpoints agree again at block 88"]
    assert transport.disagreement is None


def test_one_that_comes_back_as_another_chain() -> None:
    """After trouble it is asked again which chain it is of."""
    first, second = Endpoint(m="mine"), Endpoint(m="yours")
    transport, clock, said = several(first, second, look_every_s=1e9)
    assert transport.call("m", []) == "mine"
    first.answers |= {"m": RpcTimeout("m", 1)}
    assert transport.call("m", []) == "yours"
    first.answers |= {"m": "another chain's", "eth_chainId": "0x1"}
    clock.sleep(60)
    assert transport.call("m", []) == "yours"
    assert said[-1] == "a: expected chain 10, it is of chain 1: it is not asked again"
