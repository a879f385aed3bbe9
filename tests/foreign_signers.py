"""Somebody else's signer deploys, tries and stops a contract through the `exec:` signer: `make foreign` with LAB_CAST.

What runs is the script of docs/live-networks.md, with an encrypted key file where the document has a device, and the
lab's own commands against local chains that have the ids of real ones. LAB_CAST names cast (npm
`@foundry-rs/cast-linux-amd64`). What somebody else's key signs must be refused, and nothing be sent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.keystore import save_key
from lab.documents.blocks import read_blocks
from lab.live.declaration.deployment_file import CommandSigner
from lab.live.signers import SignerFailure, TypedData, open_given
from lab.networks import load_network
from lab.rpc import Rpc
from lab.safe.transaction import SafeTransaction
from lab.secp256k1 import address_of
from lab.session.load_chains.interval import open_interval_chains

DOCUMENT = Path(__file__).parents[1] / "docs" / "live-networks.md"
# Networks whose blocks come soon, since a smoke run waits for several.
NETWORKS, BLOCK_MS, TIMEOUT_S = ("arbitrum-sepolia", "base-sepolia"), 250, 600
DEVICE, PASSWORD = "--ledger", "of the signer's key"
KEY, STRANGERS_KEY = bytes([0x5C]) * 32, bytes([0x5D]) * 32
FILE = """\
version: 1
deployer: {{exec: ./sign.sh, address: "{address}"}}
owner: "{address}"
operators: ["{address}"]
settings: {{coordination_window: 5}}
networks:
"""
ENTRY = "  {name}: {{rpc: [env:{variable}], finality: {{blocks: 2}}}}\n"
SAFE = "0x" + "5a" * 20
PROPOSED = SafeTransaction(to="0x" + "ab" * 20, data="0x1234", nonce=7)
TYPED = TypedData(PROPOSED.typed_data(11155111, SAFE), PROPOSED.hashes(11155111, SAFE).safe_tx)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried, whether it went as it should, and the end of what was said."""

    name: str
    good: bool
    said: str


def documented_script() -> str:
    """The script for a device, as it stands in the document."""
    (script,) = [block.text for block in read_blocks(DOCUMENT) if block.language == "sh" and DEVICE in block.text]
    return script


def trials(cast: str, folder: Path) -> Iterator[Trial]:
    """Each as soon as it is over."""
    address = write_project(folder, cast)
    with local_chains(folder) as (nodes, variables):
        for node in nodes.values():
            node.call("anvil_setBalance", address, hex(10**21))
        yield refused(folder, address, nodes, variables)
        for words in (
            "live deploy --broadcast",
            "live smoke --broadcast",
            "ops pause --all --yes --deployment deployment.yaml",
            "ops unpause --all --yes --deployment deployment.yaml",
            "live status",
        ):
            yield command(folder, words, variables)
        yield typed_data(folder, address)


def write_project(folder: Path, cast: str) -> str:
    """The deployment file, the signing script and its key; the address of the key."""
    # A real device is not asked for a password; nor may cast be, which has no terminal here.
    key = '--keystore "$SIGNER_KEY" --password-file password'
    script = folder / "sign.sh"
    script.write_text(documented_script().replace(DEVICE, key), encoding="utf-8")
    script.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin" / "cast").symlink_to(Path(cast).resolve())
    (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    (folder / "password").chmod(0o600)
    save_key(folder / "stranger.json", STRANGERS_KEY, PASSWORD, scrypt_n=1024)
    address = save_key(folder / "key.json", KEY, PASSWORD, scrypt_n=1024)
    text = FILE.format(address=address)
    text += "".join(ENTRY.format(name=name, variable=_variable(name)) for name in NETWORKS)
    (folder / "deployment.yaml").write_text(text, encoding="utf-8")
    return address


@contextmanager
def local_chains(folder: Path) -> Iterator[tuple[dict[str, Rpc], dict[str, str]]]:
    """Nodes with the ids of the networks, and the variables by which commands find them."""
    profiles = {
        name: load_network(name).model_copy(update={"block_time_ms": BLOCK_MS, "jitter_ms": 0}) for name in NETWORKS
    }
    backend = ProcessBackend()
    try:
        with open_interval_chains(
            profiles, backend, run_id="foreign", folder=folder, genesis_time=int(time.time())
        ) as chains:
            variables = {_variable(name): chain.url.reveal() for name, chain in chains.items()}
            yield {name: chain.rpc for name, chain in chains.items()}, variables
    finally:
        backend.close()


def refused(folder: Path, address: str, nodes: Mapping[str, Rpc], variables: Mapping[str, str]) -> Trial:
    """The signature of another account: nothing is sent."""
    code, said = _lab(folder, "live deploy --broadcast", variables, key="stranger.json")
    stranger = address_of(STRANGERS_KEY)
    sent = sum(rpc.nonce(account, "pending") for rpc in nodes.values() for account in (address, stranger))
    good = code != 0 and f"got that of {stranger}: refused, not sent" in said and sent == 0
    return Trial("a deployment signed by another account is refused", good, said)


def command(folder: Path, words: str, variables: Mapping[str, str]) -> Trial:
    """One of the lab's commands, which ends well."""
    code, said = _lab(folder, words, variables, key="key.json")
    return Trial(f"lab {words}", code == 0, said)


def typed_data(folder: Path, address: str) -> Trial:
    """The hash that an owner of a Safe signs: the signer computes it by itself."""
    name, before = "typed data of a Safe is signed, and refused by another key", dict(os.environ)
    given = CommandSigner(exec="./sign.sh", address=address)
    try:
        os.environ.update(_environment(folder, {}, "key.json"))
        signature = open_given(given, folder, input).sign_typed_data(TYPED)
        os.environ["SIGNER_KEY"] = "stranger.json"
        other = open_given(given, folder, input).sign_typed_data(TYPED)
    except SignerFailure as failure:
        return Trial(name, "another account signed" in str(failure), str(failure))
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Trial(name, False, f"{signature}\n{other} was taken for that of {address}")


def _lab(folder: Path, words: str, variables: Mapping[str, str], key: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lab")), *words.split()],
        cwd=folder,
        env=_environment(folder, variables, key),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, f"exit code {done.returncode}\n{done.stdout}{done.stderr}".strip()[-1500:]


def _environment(folder: Path, variables: Mapping[str, str], key: str) -> dict[str, str]:
    """cast is found by its name, and has no endpoint: whatever it would ask is not there."""
    return {
        **variables,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "SIGNER_KEY": key,
        "ETH_RPC_URL": "http://127.0.0.1:1",
    }


def _variable(network: str) -> str:
    return network.upper().replace("-", "_") + "_RPC"
