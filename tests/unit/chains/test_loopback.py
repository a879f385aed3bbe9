"""No page of a browser drives a server of the lab: each refuses foreign hosts and origins."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from flask import Flask

import lab
from lab.chains.loopback import is_from_page
from lab.coordinator import role_account
from lab.live.explorer.server import open_explorer
from lab.live.rehearsal.endpoint import faulty_endpoint
from lab.live.rehearsal.signing import signing_server
from lab.load.generator.ports import keep_pages_out

FOREIGN = [
    {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:{port}"}, {"Host": "127.0.0.1:1"}, {"Host": "127.0.0.1"},
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:3000"}, {"Origin": "file://"},
]  # fmt: skip
# Modules that open a server -> why no page has power over it: the guard that they have, or that they only read.
SERVERS = {
    "chains/nodes/guard_program.py": "the guard itself: tests/unit/chains/test_guard.py",
    "faults/transport/proxy.py": "tests/unit/faults/test_proxy.py",
    "live/explorer/server.py": "here",
    "live/rehearsal/endpoint.py": "here",
    "live/rehearsal/signing.py": "here",
    "monitor/exporter.py": "answers GET only, with figures for whoever scrapes it, on other machines, too",
}
STARTS = ("ThreadingHTTPServer((", 'super().__init__(("127.0.0.1"', "TCPSite(", ".listen(", ".accept()")


@contextmanager
def endpoint() -> Iterator[str]:
    with faulty_endpoint("http://127.0.0.1:1", share=0, seed=1) as server:
        yield server.url


@contextmanager
def explorer() -> Iterator[str]:
    with open_explorer({}) as url:
        yield url


def ask(url: str, headers: dict[str, str]) -> int:
    """The status of a POST."""
    port = urlsplit(url).port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.putrequest("POST", "/", skip_host=True)
    for name, value in ({"Host": f"127.0.0.1:{port}", "Content-Length": "0"} | headers).items():
        connection.putheader(name, value.format(port=port))
    connection.endheaders()
    return connection.getresponse().status


@contextmanager
def signer() -> Iterator[str]:
    with signing_server(role_account("owner")) as url:
        yield url


@pytest.mark.parametrize("server", [endpoint, explorer, signer])
def test_pages_are_refused(server: object) -> None:
    """By Host and by Origin; without either a program gets its answer."""
    with server() as url:  # type: ignore[operator]
        assert [ask(url, headers) for headers in FOREIGN] == [403] * len(FOREIGN)
        assert ask(url, {}) != 403


def test_every_server_is_known() -> None:
    """A new one cannot be forgotten."""
    root = Path(lab.__file__).parent
    texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    opening = {name for name, text in texts.items() if any(start in text for start in STARTS)}
    assert opening - {"session/doctor.py"} == set(SERVERS), "doctor only looks whether it could listen"


def test_only_locusts_own_page_drives_a_load() -> None:
    """Its own origin is let through, others are not, nor links and pictures of other pages."""
    app = Flask(__name__)
    app.add_url_rule("/swarm", "swarm", lambda: "", methods=["GET", "POST"])
    app.add_url_rule("/", "index", lambda: "")
    keep_pages_out(SimpleNamespace(host="127.0.0.1", port=8089, app=app))
    client = app.test_client()

    def status(path: str = "/swarm", **headers: str) -> int:
        given = {"Host": "127.0.0.1:8089"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return (
            client.post(path, headers=given).status_code if path != "/" else client.get(path, headers=given).status_code
        )

    assert [status(**{name: value.format(port=8089) for name, value in one.items()}) for one in FOREIGN] == [403] * 8
    assert status(Sec_Fetch_Site="cross-site") == status(Sec_Fetch_Site="same-site") == 403
    assert status(Origin="http://127.0.0.1:8089", Sec_Fetch_Site="same-origin") == status() == 200
    assert status("/", Sec_Fetch_Site="cross-site") == 200, "a link to the page may be followed"
    open_app = Flask(__name__)
    keep_pages_out(SimpleNamespace(host="0.0.0.0", port=8089, app=open_app))
    assert open_app.before_request_funcs == {}, "its user lets other machines in"


def test_a_request_without_a_host_is_of_no_browser() -> None:
    assert not is_from_page(None, None, 1)
    assert not is_from_page("LOCALHOST:1", None, 1)
