"""A deployment over TLS, whose certificates a CA of one's own signed: plan, deploy, status; and what is refused."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.rpc.failover import FailoverTransport, Patience

from .conftest import DEPLOYER, Open
from .test_commands import prepare

NAMES = {"good": "IP:127.0.0.1", "for another host": "DNS:rpc.example"}


def openssl(*words: str) -> None:
    """Run it. Raises CalledProcessError."""
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def make_certificates(folder: Path) -> Path:
    """`ca.pem`, and `NAME.pem` and `NAME.key` of each of NAMES and of `stranger`, whom nobody knows; the CA's."""
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "stranger"):
        out = ("-keyout", f"{folder / name}.key", "-out", f"{folder / name}.pem")
        openssl(
            "req",
            "-x509",
            *new_key,
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            # From Python 3.13 on a CA is one that says so.
            "-addext",
            "keyUsage=critical,digitalSignature,keyCertSign",
            *out,
        )
    for name, alternative in NAMES.items():
        request = folder / f"{name}.csr"
        openssl("req", "-new", *new_key, "-subj", "/CN=rpc", "-keyout", f"{folder / name}.key", "-out", str(request))
        extensions = folder / "extensions"
        extensions.write_text(f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid\n")
        signer = ("-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "2")
        openssl(
            "x509", "-req", "-in", str(request), *signer, "-extfile", str(extensions), "-out", f"{folder / name}.pem"
        )
    return folder / "ca.pem"


@contextmanager
def tls_before(node: str, certificate: Path) -> Iterator[str]:
    """An https address of 127.0.0.1 in front of a node."""
    parts = urlsplit(node)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    listener = socket.create_server(("127.0.0.1", 0))
    place = listener.getsockname()[1]

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                # A node answers to its own name alone.
                sink.sendall(data.replace(f"Host: 127.0.0.1:{place}".encode(), f"Host: {parts.netloc}".encode()))
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                try:
                    client = context.wrap_socket(plain, server_side=True)
                except OSError:
                    continue
                upstream = socket.create_connection((parts.hostname or "", parts.port or 80))
                for ends in ((client, upstream), (upstream, client)):
                    threading.Thread(target=carry, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{place}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def run(*words: str) -> tuple[int, str]:
    """Exit code, and what was printed."""
    ended = CliRunner().invoke(app, ["live", *words])
    return ended.exit_code, ended.output


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: no certificate to test with")
def test_a_deployment_over_tls(world: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The certificate of a trusted CA passes from plan to status; any other is refused before anything is sent."""
    lab = world("sepolia")
    folder = tmp_path / "tls"
    folder.mkdir()
    authority = make_certificates(folder)
    file = lab.folder / "deployment.yaml"
    file.write_text(file.read_text().replace("finality: {blocks: 2}", "finality: {blocks: 0}"))
    prepare(lab, monkeypatch)
    lab.rpc("sepolia").call("evm_setIntervalMining", 1)
    # What is refused is not waited for.
    impatient = partial(FailoverTransport, patience=Patience(all_down_s=0.0))
    monkeypatch.setattr("lab.live.declaration.variables.FailoverTransport", impatient)
    for name, trusted, said in (
        ("good", None, "unable to get local issuer certificate"),
        ("stranger", authority, "self-signed certificate"),
        ("for another host", authority, "127.0.0.1"),
    ):
        with tls_before(lab.nodes["sepolia"].url, folder / f"{name}.pem") as url:
            for place in "AB":
                monkeypatch.setenv(f"SEPOLIA_{place}", url)
            if trusted is None:
                monkeypatch.delenv("SSL_CERT_FILE", raising=False)
            else:
                monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            code, output = run("deploy", "--broadcast")
        assert (code, "certificate verify failed" in output, said in output) == (1, True, True), output
    assert lab.rpc("sepolia").nonce(DEPLOYER.address) == 0
    monkeypatch.setattr("lab.live.declaration.variables.FailoverTransport", FailoverTransport)
    with tls_before(lab.nodes["sepolia"].url, folder / "good.pem") as url:
        for place in "AB":
            monkeypatch.setenv(f"SEPOLIA_{place}", url)
        code, output = run("plan")
        assert code == 0, output
        assert run("deploy", "--broadcast")[0] == 3
        code, output = run("status")
    assert (code, "who has yet to call accept_ownership" in output) == (1, True)
