"""URLs of nodes: what of them is sent, and how; what is refused, and that no secret of it is said."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lab.load.generator.wire import Wire
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, RpcRefused
from lab.rpc.endpoint import Endpoint

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
def provider() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An endpoint that wants a key in a header, and quotes what it was given; its URL, and the headers that it saw."""
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(dict(self.headers))
            given = self.headers["Authorization"] == f"Bearer {CANARY}"
            quoted = f"no access with {self.headers['Authorization']} and {self.headers['X-Project']}"
            body = b'{"jsonrpc":"2.0","id":1,"result":"0xa"}' if given else quoted.encode()
            self.send_response(200 if given else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/rpc", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("client", ["transport", "generator"])
def test_a_key_in_a_header(client: str, provider: tuple[str, list[dict[str, str]]]) -> None:
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
