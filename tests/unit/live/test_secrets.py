"""A whole deployment through endpoints, a signer and an explorer that want keys: no key is said or written anywhere."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.coordinator import role_account
from lab.deploy.keystore import save_key
from lab.live.explorer.server import open_explorer
from lab.monitor.tools import missing as missing_tools
from tests.unit.endpoints import Asked, endpoint, forwarded

from .conftest import DEPLOYER, Open, World

pytestmark = [pytest.mark.real_clock, pytest.mark.reliability]

TOKEN, HEADER, EXPLORER_KEY, PASSWORD = "C4naryToken9", "C4naryHeader9", "C4naryExplorer9", "C4nary Password 9"
OPERATOR = role_account("relayer")
# Of five signatures one is refused.
REFUSED_EVERY, UNSIGNED_EVERY = 9, 4


@contextmanager
def keyed(node: str, every: int = REFUSED_EVERY) -> Iterator[str]:
    """A provider that wants its key in path, query and a header; each so many requests it refuses, and quotes it."""
    count = itertools.count(1)

    def answer(asked: Asked) -> tuple[int, bytes]:
        good = asked.path == f"/v3/{TOKEN}?apikey={TOKEN}" and asked.headers["X-Api-Key"] == HEADER
        if not good or next(count) % every == 0:
            return 403, f"no access for {asked.path} with {asked.headers['X-Api-Key']}".encode()
        return 200, forwarded(node, asked.body)

    with endpoint(answer) as url:
        yield f"{url}/v3/{TOKEN}?apikey={TOKEN}#X-Api-Key={HEADER}"


@contextmanager
def fast(world: World) -> Iterator[None]:
    """Five blocks a second, in each of which seconds go by."""
    rpc, over = world.rpc("arbitrum-sepolia"), threading.Event()

    def hurry() -> None:
        while not over.wait(0.2):
            rpc.call("evm_increaseTime", 4)
            rpc.call("evm_mine")

    thread = threading.Thread(target=hurry, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def prepared(lab: World, explorer: str) -> None:
    """The file, and the operator's encrypted key with its password; the deployer's is Anvil's."""
    save_key(lab.folder / "operator.json", OPERATOR.key, PASSWORD, scrypt_n=1024)
    (lab.folder / "pw").write_text(PASSWORD + "\n")
    (lab.folder / "pw").chmod(0o600)
    lab.rpc("arbitrum-sepolia").call("anvil_setBalance", OPERATOR.address, hex(10**21))
    file = lab.folder / "deployment.yaml"
    explorers = f"[{{kind: etherscan, key: env:SCAN, url: '{explorer}/etherscan/v2/api'}}]"
    text = file.read_text().replace("finality: {blocks: 2}", f"finality: {{blocks: 1}}, explorers: {explorers}")
    text = text.replace("{keystore: deployer.json}", f"{{remote: env:SIGNER, address: '{DEPLOYER.address}'}}")
    file.write_text(f"operator: {{keystore: operator.json, password_file: pw}}\n{text}")


def leaks(folder: Path) -> dict[str, set[str]]:
    """File -> the secrets that stand in its name or its content."""
    secrets = {TOKEN, HEADER, EXPLORER_KEY, PASSWORD, DEPLOYER.key.hex(), OPERATOR.key.hex()}
    found = {
        path.name: {one for one in secrets if one in str(path) or one.encode() in path.read_bytes()}
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: there for name, there in found.items() if there}


def test_no_key_gets_out(world: Open) -> None:
    """From the doctor to the session: in no output, journal, evidence, page or configuration."""
    lab, said = world("arbitrum-sepolia"), ""
    node = lab.nodes["arbitrum-sepolia"].url
    with (
        open_explorer({421614: node}) as explorer,
        keyed(node) as url,
        keyed(node, UNSIGNED_EVERY) as signer,
        fast(lab),
    ):
        prepared(lab, explorer)
        places = {f"ARBITRUM_SEPOLIA_{place}": url for place in "AB"}
        environment = {**os.environ, **places, "SIGNER": signer, "SCAN": EXPLORER_KEY, "COLUMNS": "400"}
        for words, expected in (
            ("doctor --live deployment.yaml", {0}),
            ("live plan", {0}),
            ("live estimate --json", {0}),
            ("live deploy --broadcast", {4}),
            ("live deploy --broadcast", {3}),
            ("live verify", {0}),
            ("live smoke --broadcast", {0}),
            ("live smoke --read-only", {0}),
            ("live status", {1}),
            ("live session", {0}),
            ("monitor config --deployment deployment.yaml --out monitoring", {4 if missing_tools() else 0}),
            ("ops drift --deployment deployment.yaml", {1}),
        ):
            command = [sys.executable, "-m", "lab.cli", *words.split()]
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=lab.folder, env=environment, timeout=3_600, check=False
            )
            said += done.stdout + done.stderr
            assert done.returncode in expected, (words, done.returncode, done.stdout + done.stderr)
    assert "no access for" in said
    for secret in (TOKEN, HEADER, EXPLORER_KEY, PASSWORD, DEPLOYER.key.hex(), OPERATOR.key.hex()):
        assert secret not in said
    leaked = leaks(lab.folder)
    assert set(leaked) == {"session.json", "pw"}
    assert leaked["pw"] == {PASSWORD}
    assert leaked["session.json"] == {TOKEN, HEADER}
    assert {path.stat().st_mode & 0o077 for path in lab.folder.rglob("session.json")} == {0}
    written = {path.name for path in lab.folder.rglob("*")}
    assert {"deployment.journal.jsonl", "deployment.smoke.jsonl", "evidence.json", "deployment.html"} <= written
