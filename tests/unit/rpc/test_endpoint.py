"""URLs of nodes: what of them is sent, and how; what is refused, and that no secret of it is said."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

import pytest

from lab.load.generator.wire import Wire
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, RpcRefused
from lab.rpc.endpoint import Endpoint
from tests.unit.endpoints import Asked, endpoint, replied

CANARY = "C4naryHeader"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://h/v1", {}),
        ("https://h/v1#", {}),
        ("https://h/v1#X-Api-Key=abc", {"X-Api-Key": "abc"}),
        ("https://h/v1?k=1#Authorization=Bearer%20a.b-c", {"Authorization": "Bearer a.b-c"}),
        ("https://h#a=1%3D%26&b=x=y+z/", {"a": "1=&", "b": "x=y+z/"}),
        ("https://me:pw@h#a=1", {"a": "1", "Authorization": "Basic bWU6cHc="}),
    ],
)
def test_headers_of_a_url(url: str, headers: dict[str, str]) -> None:
    """The fragment's, and what is made of the user info; path and query stay as they are."""
    endpoint = Endpoint.of(url)
    assert endpoint.headers == {"Host": "h:443", **headers}
    assert "#" not in endpoint.target


@pytest.mark.parametrize(
    "fragment",
    [
        CANARY,
        f"={CANARY}",
        f"{CANARY}=",
        f"a b={CANARY}",
        f"a=x%0d%0aX-Other:%20{CANARY}",
        f"a=%20{CANARY}",
        f"a%0a={CANARY}",
        f"Host={CANARY}",
        f"content-LENGTH={CANARY}",
        f"Transfer-Encoding={CANARY}",
        f"a=1&A={CANARY}",
    ],
)
def test_a_fragment_that_is_no_header(fragment: str) -> None:
    """Nothing gets between the lines of a request, nor replaces what carries it."""
    with pytest.raises(ValueError, match=r"its fragment (is no header|has the header)") as caught:
        Endpoint.of(f"https://h/v1#{fragment}")
    assert CANARY not in str(caught.value)


def test_two_kinds_of_credentials() -> None:
    """Which one counts nobody could say."""
    with pytest.raises(ValueError, match="user info and a header Authorization"):
        Endpoint.of("https://me:pw@h#authorization=Bearer%20x")


@pytest.fixture
def provider() -> Iterator[tuple[str, list[Message]]]:
    """An endpoint that wants a key in a header, and quotes what it was given; its URL, and the headers that it saw."""
    seen: list[Message] = []

    def answer(asked: Asked) -> tuple[int, bytes]:
        seen.append(asked.headers)
        given = asked.headers["Authorization"]
        if given == f"Bearer {CANARY}":
            return replied(asked.call, result="0xa")
        return 403, f"no access with {given} and {asked.headers['X-Project']}".encode()

    with endpoint(answer) as url:
        yield f"{url}/rpc", seen


@pytest.mark.parametrize("client", ["transport", "generator"])
def test_a_key_in_a_header(client: str, provider: tuple[str, list[Message]]) -> None:
    """It is sent by all clients of the lab, and hidden wherever the URL is shown or an answer quotes it."""
    base, seen = provider
    address = RedactedUrl(f"{base}#Authorization=Bearer%20{CANARY}&X-Project=9f8e7d6c")
    assert CANARY not in f"{address} {address!r}"
    if client == "transport":
        assert HttpTransport(address, timeout_s=600).call("eth_chainId", []) == "0xa"
    else:
        assert Wire(address, connections=1, timeout_s=600).call("eth_chainId") == "0xa"
    assert (seen[0]["Authorization"], seen[0]["X-Project"]) == (f"Bearer {CANARY}", "9f8e7d6c")
    other = RedactedUrl(f"{base}#Authorization=Bearer%20x{CANARY}&X-Project=9f8e7d6c")
    with pytest.raises(RpcRefused, match="no access with") as caught:
        HttpTransport(other, timeout_s=600).call("eth_chainId", [])
    assert CANARY not in str(caught.value)
    assert "9f8e7d6c" not in str(caught.value)
