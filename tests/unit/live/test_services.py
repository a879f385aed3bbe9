"""Exporter and documents are asked over HTTP; what each says of which network is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from lab.chains.answering import AnsweringHandler
from lab.live.declaration.deployment_file import Services
from lab.live.results.services import ask_services

ADDRESS = "0x" + "ab" * 20
PAGES = {
    "/metrics": 'tesseract_chain_up{chain="sepolia"} 1.0\ntesseract_chain_up{chain="base"} 0.0\n',
    "/contracts": f"<p>Sepolia: {ADDRESS.upper().replace('X', 'x')}</p>",
}


class _Handler(AnsweringHandler):
    def do_GET(self) -> None:
        """One page."""
        body = PAGES.get(self.path, "").encode()
        self.answer(200 if body else 404, body, "text/plain")


@pytest.fixture
def host() -> Iterator[str]:
    """Where it listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_answers_and_what_does_not(host: str) -> None:
    """Each network by itself; nothing is asked that the file does not name."""
    places = {"sepolia": ADDRESS, "base": "0x" + "cd" * 20, "amoy": ADDRESS}
    said = ask_services(Services(exporter=f"{host}/metrics", documents=(f"{host}/contracts",)), places)
    assert said["sepolia"] == {"exporter": "ok", "documents": "ok"}
    assert "last poll of base failed" in said["base"]["exporter"]
    assert f"no document names the contract 0x{'cd' * 20}" in said["base"]["documents"]
    assert "no sample tesseract_chain_up of amoy" in said["amoy"]["exporter"]
    assert ask_services(Services(), places) == {name: {} for name in places}
    gone = ask_services(Services(exporter="http://127.0.0.1:1/metrics", documents=(f"{host}/nowhere",)), places)
    assert "http://127.0.0.1:1/***: expected an answer" in gone["sepolia"]["exporter"]
    assert "expected status 200, got 404" in gone["sepolia"]["documents"]
