"""Nodes and the pages of a browser: the guard in front of a node, and nodes that have no door for anybody else."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest

from lab.chains.nodes import guard_program
from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.guard import guarding_works
from lab.chains.nodes.guard_program import problem_of
from lab.chains.nodes.process import ProcessBackend, ProcessNode
from lab.chains.nodes.provision import AnvilBinary
from lab.rpc import HttpTransport, Rpc

VICTIM = "0x" + "11" * 20
SET_BALANCE = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": [VICTIM, "0x1234"]}
needs_guard = pytest.mark.skipif(not guarding_works(), reason="no network namespaces (they need Linux)")


@pytest.fixture(scope="module")
def node(shared_backend: ProcessBackend) -> Iterator[ProcessNode]:
    """One for all who only knock at its door."""
    (made,) = shared_backend.start_all([NodeSpec("n", "test", ("--silent", "--no-mining"))])
    yield made
    made.stop()


def rpc(node: ProcessNode) -> Rpc:
    """The lab's own connection."""
    return Rpc(HttpTransport(node.url, connect=node.connect, timeout_s=600))


def exchanged(node: ProcessNode, head: str, body: bytes = b"") -> bytes:
    """What comes back for a request written by hand."""
    with socket.create_connection(("127.0.0.1", urlsplit(node.url).port or 0), timeout=600) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        return connection.recv(65536)


@needs_guard
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost", "Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:{port}"},
        {"Origin": "http://chrome-extension.example"},
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_no_page_drives_a_node_by_http(node: ProcessNode, headers: dict[str, str], content_type: str) -> None:
    """A page of another site, a rebound name, and a page of another port on this machine are all turned away."""
    port = urlsplit(node.url).port
    connection = http.client.HTTPConnection("127.0.0.1", port or 0, timeout=600)
    shown = {name: value.format(port=port) for name, value in headers.items()}
    connection.request("POST", "/", json.dumps(SET_BALANCE), {"Content-Type": content_type, **shown})
    assert connection.getresponse().status == 403
    connection.close()
    assert rpc(node).balance(VICTIM) == 0


@needs_guard
@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "evil.example"])
@pytest.mark.parametrize("origin", ["Origin: http://evil.example\n", ""])
def test_there_is_no_web_socket(node: ProcessNode, host: str, origin: str) -> None:
    """Whoever asks for one."""
    key = base64.b64encode(os.urandom(16)).decode()
    named = host.format(port=urlsplit(node.url).port)
    head = f"GET / HTTP/1.1\nHost: {named}\n{origin}Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13"
    assert exchanged(node, f"{head}\nSec-WebSocket-Key: {key}").startswith(b"HTTP/1.1 403")
    assert exchanged(node, f"{head.replace('GET', 'POST')}\nSec-WebSocket-Key: {key}").startswith(b"HTTP/1.1 403")


@needs_guard
def test_a_page_cannot_use_the_connection_of_another(node: ProcessNode) -> None:
    """What comes first on a connection decides, and a browser's first is never let through: not a plain GET either."""
    port = urlsplit(node.url).port
    assert exchanged(node, f"GET / HTTP/1.1\nHost: 127.0.0.1:{port}").startswith(b"HTTP/1.1 403")
    assert exchanged(node, f"OPTIONS / HTTP/1.1\nHost: 127.0.0.1:{port}").startswith(b"HTTP/1.1 403")


@needs_guard
def test_programs_get_through(node: ProcessNode) -> None:
    """By address and by localhost, many requests and big ones on one connection, and a wallet in a browser."""
    client = Rpc(HttpTransport(node.url, timeout_s=600))
    assert client.chain_id() == 31337
    assert client.call("web3_sha3", "0x" + "00" * 1_000_000).startswith("0x")
    assert Rpc(HttpTransport(node.url.replace("127.0.0.1", "localhost"), timeout_s=600)).chain_id() == 31337
    port = urlsplit(node.url).port
    extension = f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: chrome-extension://abcdef"
    assert problem_of(extension.encode(), port or 0) is None


@needs_guard
def test_a_private_node_answers_the_lab_only(backend: ProcessBackend) -> None:
    """No socket of it is in anybody's reach: nothing listens, and its URL leads nowhere."""
    (node,) = backend.start_all([NodeSpec("n", "test", ("--silent",), private=True)])
    assert rpc(node).chain_id() == 31337
    root = psutil.Process(node.pid)
    assert [each for process in (root, *root.children()) for each in process.net_connections()] == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(node.url).port or 0), timeout=5).close()


def guards_running() -> list[psutil.Process]:
    """Those that this process has started."""
    running = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in running if str(guard_program.__file__) in child.cmdline()]


@needs_guard
def test_private_nodes_share_a_guard_until_their_backend_closes(anvil: AnvilBinary) -> None:
    """A killed node is refused, a frozen one hangs and goes on, a new one has a port of its own."""
    before = set(guards_running())
    with contextlib.closing(ProcessBackend(anvil)) as backend:
        one, two = backend.start_all([NodeSpec(name, "test", ("--silent",), private=True) for name in ("1", "2")])
        (guard,) = set(guards_running()) - before
        one.pause()
        assert guard.status() != psutil.STATUS_STOPPED
        assert rpc(two).chain_id() == 31337
        one.resume()
        assert rpc(one).chain_id() == 31337
        os.kill(one.pid or 0, signal.SIGKILL)
        gone(one)
        with pytest.raises(OSError, match="refused"):
            one.connect(5)
        url = one.url
        one.restart()
        assert one.url not in (url, two.url)
        assert rpc(one).chain_id() == rpc(two).chain_id() == 31337
        assert set(guards_running()) - before == {guard}
    assert not guard.is_running()


@needs_guard
def test_a_killed_guard_is_followed_by_another(anvil: AnvilBinary) -> None:
    """Its nodes are out of reach and say so; those started after it have a new one."""
    before = set(guards_running())
    with contextlib.closing(ProcessBackend(anvil)) as backend:
        (lost,) = backend.start_all([NodeSpec("1", "test", ("--silent",), private=True)])
        (guard,) = set(guards_running()) - before
        guard.kill()
        guard.wait(600)
        with pytest.raises(OSError, match=r"gone|pipe|reset|refused"):
            lost.connect(5)
        (found,) = backend.start_all([NodeSpec("2", "test", ("--silent",), private=True)])
        assert rpc(found).chain_id() == 31337


@needs_guard
def test_a_node_for_others_has_a_guard_that_goes_with_it(anvil: AnvilBinary) -> None:
    """Nothing listens for it once it is stopped, and a restarted one listens elsewhere."""
    before = set(guards_running())
    with contextlib.closing(ProcessBackend(anvil)) as backend:
        (node,) = backend.start_all([NodeSpec("n", "test", ("--silent",))])
        own = set(guards_running()) - before
        os.kill(node.pid or 0, signal.SIGKILL)
        gone(node)
        with pytest.raises(OSError, match="refused"):
            node.connect(5)
        node.restart()
        assert Rpc(HttpTransport(node.url, timeout_s=600)).chain_id() == rpc(node).chain_id() == 31337
        assert len(set(guards_running()) & own) == 1, "the shared one stays, its own is another"
        port = urlsplit(node.url).port or 0
        node.stop()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()


def gone(node: ProcessNode) -> None:
    """Wait until the kernel has ended it: then its port is closed."""
    psutil.Process(node.pid).wait(600)
