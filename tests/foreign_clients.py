"""Other people's clients verify a contract at the rehearsal's explorer, and sign deployments: `make foreign`.

The explorer would else mirror the mistakes of the lab's own client. LAB_FORGE names forge (npm
`@foundry-rs/forge-linux-amd64`), LAB_TITANOBOA a Python with titanoboa, LAB_CAST cast (tests/foreign_signers.py); what
is not named is left out, and said. Each client must verify the contract, and none may where the explorer changes a
byte. forge takes the version of a Vyper contract for one of Solidity's compiler, which it would download: a stand-in
that says its version keeps it from that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import role_account
from lab.deploy.deployer import deployable
from lab.deploy.placement import put_on_chain
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.server import open_explorer
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.paths import CONTRACTS
from lab.rpc import HttpTransport, Rpc
from tests import foreign_signers as signing
from tests.compiling import compile_once
from tests.foreign_signers import Trial

CONTRACT = CONTRACTS / "plain" / "PlainCoordinator.vy"
NETWORK, VERSION, TIMEOUT_S = "sepolia", "0.4.3", 240
SETTINGS = '[profile.default]\nsrc = "src"\nevm_version = "cancun"\n[vyper]\npath = "{vyper}"\noptimize = "gas"\n'
STAND_IN = '#!/bin/sh\necho "solc, the solidity compiler"\necho "Version: {version}+commit.00000000.Linux.g++"\n'
BOA = """
import sys
import boa
from boa.verifiers import Blockscout
deployer = boa.load_partial(sys.argv[1])
Blockscout(sys.argv[3]).verify(sys.argv[2], "PlainCoordinator", deployer.solc_json, b"", wait=True)
"""


def commands(folder: Path, address: str, explorer: str, chain_id: int) -> Iterator[tuple[str, list[str]]]:
    """Who verifies where, and how."""
    if boa := os.environ.get("LAB_TITANOBOA"):
        words = [boa, "-c", BOA, f"src/{CONTRACT.name}", address, f"{explorer}/blockscout/{chain_id}"]
        yield "titanoboa, Blockscout", words
    if forge := os.environ.get("LAB_FORGE"):
        places = {
            "Sourcify": ["sourcify", "--verifier-url", f"{explorer}/sourcify/"],
            "Blockscout": ["blockscout", "--verifier-url", f"{explorer}/blockscout/{chain_id}/api/"],
            "Etherscan": [
                "etherscan",
                "--etherscan-api-key",
                "key",
                "--verifier-url",
                f"{explorer}/etherscan/v2/api?chainid={chain_id}",
            ],
        }
        named = f"src/{CONTRACT.name}:{CONTRACT.stem}"
        for place, words in places.items():
            how = ["--language", "vyper", "--skip-is-verified-check", "--watch", "--chain", str(chain_id)]
            yield f"forge, {place}", [forge, "verify-contract", address, named, *how, "--verifier", *words]


def prepare(folder: Path) -> None:
    """A project of forge's with the contract in it, built, and the stand-in for a compiler."""
    (folder / "src").mkdir()
    (folder / "src" / CONTRACT.name).write_text(CONTRACT.read_text(encoding="utf-8"), encoding="utf-8")
    vyper = Path(sys.executable).with_name("vyper")
    (folder / "foundry.toml").write_text(SETTINGS.format(vyper=vyper), encoding="utf-8")
    compiler = folder / ".svm" / VERSION / f"solc-{VERSION}"
    compiler.parent.mkdir(parents=True)
    compiler.write_text(STAND_IN.format(version=VERSION), encoding="utf-8")
    compiler.chmod(0o755)
    if forge := os.environ.get("LAB_FORGE"):
        run(folder, [forge, "build"])


def run(folder: Path, words: list[str]) -> tuple[bool, str]:
    """Whether it succeeded, and the end of what it said."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    said = (done.stdout + done.stderr).strip()
    return done.returncode == 0, said[-600:]


def verifications(folder: Path) -> Iterator[Trial]:
    """Every client verifies the contract, and none what was changed."""
    profile = load_network(NETWORK)
    with ExitStack() as stack:
        backend = ProcessBackend()
        stack.callback(backend.close)
        (node,) = backend.start_all([NodeSpec(NETWORK, "foreign", anvil_args(profile, genesis_time=1_800_000_000))])
        stack.callback(node.stop)
        rpc = Rpc(HttpTransport(node.url))
        rpc.call("anvil_setBalance", role_account("owner").address, hex(10**21))
        target = deployable(compile_once(CONTRACT))
        put_on_chain(rpc, NETWORK, target, profile, window_s=60, mine=partial(_mine, rpc))
        prepare(folder)
        for altered in (False, True):
            for name, _ in commands(folder, "", "", 0):
                # One explorer for each: some ask the same service, where it would be verified already.
                with open_explorer({profile.chain_id: node.url}, ExplorerFaults(altered=altered)) as explorer:
                    words = dict(commands(folder, target.address, explorer, profile.chain_id))[name]
                    verified, said = run(folder, words)
                what = "a changed byte" if altered else "the contract"
                outcome = f"{name}: {what} {'verified' if verified else 'refused'}"
                yield Trial(outcome, verified is not altered, said)


def tried(folder: Path) -> Iterator[Trial]:
    """By every program that is named."""
    if os.environ.get("LAB_TITANOBOA") or os.environ.get("LAB_FORGE"):
        (folder / "verifying").mkdir()
        yield from verifications(folder / "verifying")
    if cast := os.environ.get("LAB_CAST"):
        (folder / "signing").mkdir()
        yield from signing.trials(cast, folder / "signing")


def main() -> int:
    """0: every client that is there did what it should, and none what it should not."""
    good = list[bool]()
    with tempfile.TemporaryDirectory() as folder:
        for trial in tried(Path(folder)):
            good.append(trial.good)
            print(f"{'ok' if trial.good else 'NOT OK':7} {trial.name}", flush=True)
            if not trial.good:
                print(trial.said)
    if not good:
        print("nothing was tried: name clients by LAB_FORGE, LAB_TITANOBOA and LAB_CAST")
    return 0 if good and all(good) else 1


def _mine(rpc: Rpc, last: str) -> None:
    del last
    rpc.call("evm_mine")


if __name__ == "__main__":
    sys.exit(main())
