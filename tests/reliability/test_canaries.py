"""No key reaches a file that is passed on, a log, or a terminal: canaries in every place where a user gives one."""

from __future__ import annotations

import functools
import http.client
import http.server
import json
import os
import re
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lab.chains.answering import AnsweringHandler
from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.cli import app
from lab.load.generator.wire import NoAnswer, Wire
from lab.load.record.plan import URLS
from lab.model.redacted import RedactedUrl
from lab.paths import REFERENCE_CONTRACT, SCENARIOS
from lab.rpc import HttpTransport, RpcFailure
from tests.unit.live.conftest import FILE as DEPLOYMENT
from tests.waiting import eventually

from .caller import Caller, calling
from .figures import Trials
from .file_kinds import proposal
from .mutants import commands
from .test_mutants import UP_SESSION

pytestmark = pytest.mark.reliability

CANARY = "C4naryKq9"
LAB = [sys.executable, "-m", "lab.cli"]
# With the one file of a run that has to hold the key: for its owner only.
SECRET_FILES = {URLS}
LOAD = ["load", "--tps", "10", "--duration", "3", "--workers", "2"]


def leaks(folder: Path) -> list[str]:
    """Every file that has the canary in its name or its content."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if CANARY in str(path) or CANARY.encode() in path.read_bytes()]


def run(arguments: list[str], folder: Path, cache: Path) -> tuple[int, str]:
    """Exit code and output of a command of the lab that ran in a folder."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "COLUMNS": "400"}
    command = [*LAB, *arguments, "--results", str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=environment, cwd=folder
    )
    return done.returncode, done.stdout + done.stderr


def invoke(arguments: list[str], folder: Path) -> tuple[int, str]:
    """The same in this process, for what starts nothing."""
    done = CliRunner().invoke(app, [*arguments, "--results", str(folder)], env={"COLUMNS": "400"})
    return done.exit_code, done.output + repr(done.exception)


@pytest.fixture
def node(shared_backend: ProcessBackend) -> Iterator[str]:
    """A node that mines by itself, as `HOST:PORT`."""
    (one,) = shared_backend.start_all([NodeSpec("base", "canaries", ("--block-time", "1", "--chain-id", "8453"))])
    try:
        yield one.url.removeprefix("http://")
    finally:
        one.stop()


class Keyed(AnsweringHandler):
    """A provider in front of a node: it wants its key in path, query and user info, and quotes what it was given."""

    upstream = ""
    seen: list[tuple[str, str | None]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append((self.path, self.headers["Authorization"]))
        if b"eth_getBlockByHash" in body:
            status, answer = 403, f"no access for {self.path} with {self.headers['Authorization']}".encode()
        else:
            status, answer = 200, self._forward(body)
        self.answer(status, answer)

    def _forward(self, body: bytes) -> bytes:
        host, _, port = self.upstream.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=600)
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return connection.getresponse().read()


@pytest.fixture
def provider(node: str) -> Iterator[tuple[int, type[Keyed], http.server.ThreadingHTTPServer]]:
    """Its port; its class, which keeps what it saw; its server."""
    kind: type[Keyed] = type("Keyed_", (Keyed,), {"upstream": node, "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, kind, server
    server.shutdown()
    server.server_close()


def url(port: int, scheme: str = "http") -> str:
    """With a key in every part that can hold one."""
    return f"{scheme}://me:{CANARY}@127.0.0.1:{port}/v3/{CANARY}?apikey={CANARY}"


@pytest.mark.load
def test_a_load_through_a_url_with_keys(
    provider: tuple[int, type[Keyed], http.server.ThreadingHTTPServer], tmp_path: Path, own_cache: Path
) -> None:
    """The node's provider gets the keys with every request; no output and no file but `urls.json` has them."""
    port, seen, _ = provider
    code, output = run([*LOAD, "--url", f"base={url(port)}"], tmp_path, own_cache)
    assert code in (0, 1, 3), output
    assert CANARY not in output
    assert {path for path, _ in seen.seen} == {f"/v3/{CANARY}?apikey={CANARY}"}
    assert {header for _, header in seen.seen} == {"Basic bWU6QzRuYXJ5S3E5"}
    leaked = leaks(tmp_path)
    assert {Path(path).name for path in leaked} == SECRET_FILES
    assert {stat.S_IMODE(Path(path).stat().st_mode) for path in leaked} == {0o600}
    shown = f"base=http://***@127.0.0.1:{port}/v3/***?apikey=***"
    assert shown in (tmp_path / "load" / "latest" / "context.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong",
    [
        "base=http://u:§@127.0.0.1:abc/§", "base=http://u:§@[::1/§", "base=http://127.0.0.1:99999/v3/§?k=§",
        "http://127.0.0.1/§", "base=ftp://u:§@h/§", "§=http://127.0.0.1", "base=http://u:§@10.0.0.1/v3/§",
        "bse=http://127.0.0.1/§", "base=http://127.0.0.1:1/v3/§?k=§", "base=https://u:§@127.0.0.1:1/§", "base=§",
        "base=http://127.0.0.1:§",
    ],
)  # fmt: skip
def test_urls_that_are_refused(wrong: str, tmp_path: Path) -> None:
    """Exit code 2 with a message that has no key in it."""
    code, output = invoke([*LOAD, "--url", wrong.replace("§", CANARY)], tmp_path)
    assert code == 2, output
    assert "Traceback" not in output
    assert CANARY not in output
    assert leaks(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    ["./nope --api-key @", "./nope -k @ --pass @", "AUTH=@ ./nope", "./nope --rpc http://h/v3/@", "sh -c 'x --token @"],
)
def test_relayer_commands_that_cannot_be_started(command: str, tmp_path: Path) -> None:
    """The error names the program, and not its secrets."""
    arguments = ["load", "flow", "--tps", "2", "--duration", "2", "--backend", "process"]
    code, output = invoke([*arguments, "--relayer-cmd", command.replace("@", CANARY)], tmp_path)
    assert code == 2, output
    assert CANARY not in output
    assert leaks(tmp_path) == []


@pytest.mark.load
def test_a_load_with_a_relayer_that_has_keys(tmp_path: Path, own_cache: Path) -> None:
    """Contract and figures are written down with the command; its secrets are not, though it prints them all."""
    code, output = run([*LOAD, "--backend", "process", "--relayer-cmd", talkative(tmp_path)], tmp_path, own_cache)
    assert code in (0, 1, 3), output
    assert CANARY not in output
    assert leaks(tmp_path) == []
    assert_fit(tmp_path / "load" / "latest" / "logs" / "relayer.log")


def talkative(folder: Path) -> str:
    """The command of a relayer that writes its secrets, escapes and a line of 300 kB to its log."""
    script = folder / "relayer.sh"
    text = (
        'echo "$AUTH $@"; printf "\\033[2J\\n"; head -c 300000 /dev/zero | tr "\\0" x; echo; echo over; exec sleep 60'
    )
    script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    script.chmod(0o755)
    return f"AUTH={CANARY} ./relayer.sh -k {CANARY} --rpc http://h/v3/{CANARY}?a={CANARY}"


def assert_fit(log: Path) -> None:
    """It can be shown, and is short."""
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "over"
    assert all(line.isprintable() and len(line) <= 400 for line in lines)


@pytest.mark.real_clock
def test_networks_with_a_relayer_that_has_keys(tmp_path: Path, own_cache: Path) -> None:
    """While they run, state and output have none; once they are stopped, its log has none either."""
    try:
        code, output = run(
            ["up", "base", "--backend", "process", "--relayer-cmd", talkative(tmp_path)], tmp_path, own_cache
        )
        assert code == 0, output
        code, status = run(["status"], tmp_path, own_cache)
    finally:
        stopped = run(["down"], tmp_path, own_cache)
    assert stopped[0] == 0, stopped[1]
    assert CANARY not in output + status + stopped[1]
    assert leaks(tmp_path) == []
    assert_fit(tmp_path / "up" / "logs" / "relayer.log")


@pytest.mark.real_clock
@pytest.mark.parametrize("command", ["pytest", "load", "up"])
def test_a_kill_while_a_relayer_that_has_keys_runs(command: str, tmp_path: Path, own_cache: Path) -> None:
    """Nobody is left who could clean its log: it is clean at every moment."""
    relayer = ["--relayer-cmd", talkative(tmp_path), "--results", str(tmp_path / "results")]
    words = {
        "pytest": [sys.executable, "-m", "pytest", str(SCENARIOS / "networks" / "real_clock.yaml")],
        "load": [*LAB, "load", "flow", "--tps", "2", "--duration", "60", "--backend", "process"],
        "up": [*LAB, "up", "base", "--foreground", "--backend", "process"],
    }[command]
    environment = {**os.environ, "XDG_CACHE_HOME": str(own_cache)}
    silent = subprocess.DEVNULL
    with subprocess.Popen([*words, *relayer], cwd=tmp_path, env=environment, stdout=silent, stderr=silent) as lab:
        try:
            logs = functools.partial((tmp_path / "results").rglob, "relayer.log")
            eventually(lambda: any("over" in log.read_text(encoding="utf-8") for log in logs()), "its log")
        finally:
            lab.kill()
    assert leaks(tmp_path) == []


def chain_of(rpc_url: str) -> dict[str, Any]:
    """A chain as `session.json` names it."""
    return {
        "name": "base", "network": "base", "chain_id": 8453, "rpc_url": rpc_url, "contract": "0x" + "11" * 20,
        "rollup": "0x" + "22" * 20, "finality": {"blocks": 1}, "start_block": 0, "block_time_ms": 2000,
        "mines_empty_blocks": True,
    }  # fmt: skip


class Quoting(AnsweringHandler):
    """An endpoint that refuses everything, and quotes all that it was given."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer = f"no access for {self.path} with {self.headers['Authorization']} at {self.headers['Host']}".encode()
        self.answer(403, answer)

    do_POST = do_GET = _answer


@pytest.fixture(scope="module")
def quoting() -> Iterator[int]:
    """Its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory, quoting: int) -> Iterator[Caller]:
    """With the variables that the deployment file names."""
    with pytest.MonkeyPatch.context() as patch:
        for name in "AB":
            patch.setenv(name, url(quoting))
        with calling(tmp_path_factory.mktemp("canaries")) as lab:
            yield lab


# What a command needs beyond one word for each of its required parameters, which is found by the parameter's name.
WORDS = {
    "init": "", "load": "flow --tps=2", "up": "base", "swarm": "--seeds=1", "mutate": "--limit=1",
    "attest": "SCS-01 --owner=A --document=case.yaml --expires=2099-01-01 --note=n --link=",
    "networks": "base", "prune": "--keep=1", "monitor exporter": "--port=0", "live deploy": "--broadcast",
    "live smoke": "--broadcast",
    "sign": "--name=A --decision=GO", "checklist import": "case.yaml", "lint": "case.yaml", "live init": "new.yaml",
    "ops rotate owner": "--accept", "ops maintenance begin": "--for=1h", "analyse": "--sarif=a.sarif",
    "live explorer": "--chain=1=http://127.0.0.1:1", "live rehearse": "missing.yaml",
    "doctor": "--live=deployment.yaml",
}  # fmt: skip
VALUES = {
    "address": "0x" + "22" * 20, "old": "0x" + "22" * 20, "new": "0x" + "33" * 20, "to": "results/up/session.json",
    "file": "backup.json", "proposal": "proposal.json", "proposals": "proposal.json", "function": "pause",
    "only": "base", "folder": "results", "folders": "results", "path": "results", "run": "results",
    "service": "http://127.0.0.1:1",
}  # fmt: skip
# Options that take a URL, a command or the file of a secret: each is tried with a secret in it.
SECRETS = {
    "url": "base=@", "relayer_url": "@", "chain": "1=@", "link": "@", "service": "@", "alertmanager": "@",
    "remote": "@", "key": "§",
    "keystore": "§", "password_file": "§", "key_file": "§",
    "relayer_cmd": "AUTH=§ ./nope -k § --rpc @", "command": "./nope --api-key §",
}  # fmt: skip
# A link of an attestation is there to be read.
PUBLIC = {("attest", "link")}
OPERATED = {"--deployment": "deployment.yaml", "--executor": "calldata", "--from": "0x" + "22" * 20}
SAID = re.compile(r"URL\b|http://|^Command\b|\b[Kk]ey file\b|\b[Ff]ile (of|with)\b.*\b(key|password)\b")
ALL = {" ".join(names): command for names, command in commands(typer.main.get_command(app))}


def lines_with_secrets() -> Iterator[str]:
    """Each command on a project with keys, and with each of its options that can hold one."""
    for name, command in ALL.items():
        required = () if name in WORDS else [one for one in command.params if one.required]
        options = [f"{one.opts[0]}=" if one.param_type_name == "option" else "" for one in required]
        needed = [option + VALUES[one.name] for option, one in zip(options, required, strict=True)]
        line = " ".join([name, WORDS[name]] if name in WORDS else [name, *needed])
        yield line
        if name == "load":
            # One in stretches writes down what it is going to do.
            yield f"load soak --tps=1 --duration=8s --checkpoint=4s --relayer-cmd\t{SECRETS['relayer_cmd']}"
        if name.startswith("ops "):
            known = {opt for one in command.params for opt in one.opts}
            yield " ".join([line, *(f"{opt}={value}" for opt, value in OPERATED.items() if opt in known)])
        for one in command.params:
            if one.name in SECRETS and (name, one.name) not in PUBLIC:
                yield f"{line} {one.opts[0]}\t{SECRETS[one.name]}"


def test_every_option_that_can_hold_a_secret_is_tried() -> None:
    """Whatever takes a URL, a command, a key or a password says so in its help."""
    named = {
        one.name
        for command in ALL.values()
        for one in command.params
        if one.param_type_name == "option" and SAID.search(getattr(one, "help", None) or "")
    }
    assert named == set(SECRETS)


@pytest.mark.parametrize("line", list(lines_with_secrets()))
def test_a_project_with_keys(line: str, caller: Caller, quoting: int, tmp_path: Path, trials: Trials) -> None:
    """Whatever a command says of the project and of a session whose URLs have keys: only their own files hold them."""
    given = {
        "lab.yaml": f'contract: {REFERENCE_CONTRACT}\nrelayer_cmd: "AUTH={CANARY} ./r -k {CANARY} --rpc {url(1)}"\n',
        "case.yaml": "name: x\n",
        "backup.json": "{}",
        "proposal.json": json.dumps(proposal()),
        "deployment.yaml": DEPLOYMENT
        + f"  sepolia: {{rpc: [env:A], max_fee_gwei: 1}}\n  base: {{rpc: ['{url(1)}']}}\n",
        "results/up/session.json": json.dumps(UP_SESSION | {"chains": {"base": chain_of(url(quoting))}}),
    }
    for name, text in given.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    # What follows a tab is one word, blanks and all.
    words, _, secret = line.partition("\t")
    value = secret.replace("@", url(quoting)).replace("§", CANARY)
    outcome = caller([*words.split(), *([value] if value else [])], tmp_path)
    trials.add(findings=bool(outcome.trouble), peak_mb=outcome.peak_mb)
    assert not outcome.trouble, outcome
    assert CANARY not in outcome.output
    assert {str(Path(path).relative_to(tmp_path)) for path in leaks(tmp_path)} <= {
        "lab.yaml",
        "deployment.yaml",
        "results/up/session.json",
    }


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    path = tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    try:
        subprocess.run(
            [*command, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed: no certificate to test with")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.mark.parametrize("client", ["transport", "generator"])
def test_https_is_tls(
    client: str,
    provider: tuple[int, type[Keyed], http.server.ThreadingHTTPServer],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the certificate checked, path, query and credentials kept, and nothing sent where the check fails."""
    port, seen, server = provider
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = RedactedUrl(url(port, "https"))

    def ask(method: str) -> Any:
        if client == "transport":
            return HttpTransport(address, timeout_s=600).call(method, [])
        return Wire(address, connections=1, timeout_s=600).call(method)

    with pytest.raises((RpcFailure, NoAnswer), match=r"(?i)certificate") as caught:
        ask("eth_chainId")
    assert CANARY not in str(caught.value)
    assert seen.seen == []
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    assert ask("eth_chainId") == "0x2105"
    assert seen.seen == [(f"/v3/{CANARY}?apikey={CANARY}", "Basic bWU6QzRuYXJ5S3E5")]
    refused = functools.partial(ask, "eth_getBlockByHash")
    with pytest.raises((RpcFailure, NoAnswer), match="no access for") as caught:
        refused()
    assert CANARY not in str(caught.value)
    assert "bWU6QzRuYXJ5S3E5" not in str(caught.value)
