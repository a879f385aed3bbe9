"""Commands that are killed at logical moments: their words, what has to be there before, what must hold after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.coordinator import Account, Codec, role_account
from lab.deploy.keystore import save_key
from lab.errors import LabError
from lab.monitor.servers import free_ports
from lab.monitor.tools import missing
from lab.ops.backup.file import read as read_backup
from lab.rpc import HttpTransport, Rpc
from lab.safe.calls import named_call
from lab.safe.proposal import SafeDescription, make_proposal, read_proposal
from lab.sdk.coordinator import reference_abi
from lab.secp256k1 import address_of
from tests.unit.live.conftest import ENTRY, FILE
from tests.unit.real_safes import OWNERS, signed
from tests.unit.test_cli import recorded_run

from .test_kills import COMMANDS, ON_DOCKER
from .test_mutants import UP_SESSION

PYTHON = (sys.executable, "-m")
CHAIN_ID = 11155111
PATIENCE_S = 600


@dataclass(frozen=True)
class Place:
    """A trial's folder, its results, and a node that mines by itself and is none of the trial's."""

    folder: Path
    results: Path
    node: str

    def lab(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in that folder, which nobody kills."""
        environment = {**os.environ, "COLUMNS": "200"} | self.variables
        return subprocess.run(
            [*PYTHON, "lab.cli", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    @property
    def variables(self) -> dict[str, str]:
        """Endpoints of the deployment file."""
        return {"SEPOLIA_A": self.node, "SEPOLIA_B": self.node}

    @property
    def session(self) -> Path:
        """Of networks of the trial's own, where it has some."""
        return self.results / "up" / "session.json"


Prepare = Callable[[Place], tuple[str, ...]]
After = Callable[[Place], list[str]]


def _nothing(place: Place) -> tuple[str, ...]:
    return ()


def _fine(place: Place) -> list[str]:
    return []


@dataclass(frozen=True)
class Victim:
    """`prepare` gives more words of the command line, `after` what is wrong once it was killed and called again.

    `clean` ends what `prepare` started; `endless`: it runs until it is told to end.
    """

    words: tuple[str, ...]
    prepare: Prepare = _nothing
    after: After = _fine
    clean: Callable[[Place], object] = _fine
    on_docker: bool = False
    endless: bool = False


def _report(place: Place) -> tuple[str, ...]:
    session = place.results / "20261124-110000-0000"
    recorded_run(session / "case")
    recorded_run(session / "bad", met=False)
    (place.folder / "key").write_text("11" * 32)
    (place.folder / "key").chmod(0o600)
    return (str(place.results),)


def _signed(place: Place) -> tuple[str, ...]:
    _report(place)
    assert place.lab("report", str(place.results)).returncode in (1, 3)
    return "--key", str(place.folder / "key"), "--results", str(place.results)


def _bundled(place: Place) -> tuple[str, ...]:
    _signed(place)
    return str(place.results), "--key", str(place.folder / "key"), "--out", str(place.folder / "bundle.tar.gz")


def _again(*words: str, codes: tuple[int, ...]) -> After:
    """The same command once more ends as it would have, and what it wrote is whole."""

    def after(place: Place) -> list[str]:
        given = [word.replace("RESULTS", str(place.results)) for word in words]
        done = place.lab(*given)
        if done.returncode not in codes or "Traceback" in done.stderr:
            return [f"{' '.join(given)} ended with {done.returncode}: {(done.stdout + done.stderr)[-600:]}"]
        return []

    return after


def _whole_report(place: Place) -> list[str]:
    """Whatever is there of a report can be read: it is that of before, or that of after."""
    path = place.results / "readiness" / "readiness.json"
    if path.exists():
        json.loads(path.read_text())
    return _again("report", "RESULTS", codes=(1, 3))(place)


def _whole_bundle(place: Place) -> list[str]:
    """A bundle that lies there verifies; one that does not was never begun for those who look."""
    out = place.folder / "bundle.tar.gz"
    address = address_of(bytes.fromhex("11" * 32))
    verify = _again("verify", str(out), "--signer", address, codes=(0,))
    bundle = _again("bundle", "RESULTS", "--key", "key", "--out", str(out), codes=(0,))
    return (verify(place) if out.exists() else []) + bundle(place) + verify(place)


def _whole_signature(place: Place) -> list[str]:
    """A signature that lies there holds; a second one can be made."""
    address = address_of(bytes.fromhex("11" * 32))
    sign = ("sign", "--name=A", "--decision=NO-GO", "--key=key", "--results=RESULTS")
    verify = _again("verify", "RESULTS", "--signer", address, codes=(0,))
    return _again(*sign, codes=(0,))(place) + verify(place)


def _deployment(place: Place) -> tuple[str, ...]:
    """A deployer of the trial's own, rich, and a file of one network."""
    account = _deployer(place)
    save_key(place.folder / "deployer.json", account.key, "pw", scrypt_n=1024)
    (place.folder / "pw").write_text("pw\n")
    (place.folder / "pw").chmod(0o600)
    text = FILE.replace("{keystore: deployer.json}", "{keystore: deployer.json, password_file: pw}")
    (place.folder / "deployment.yaml").write_text(text + ENTRY % ("sepolia", "SEPOLIA", "SEPOLIA"))
    Rpc(HttpTransport(place.node)).call("anvil_setBalance", account.address, hex(10**21))
    return "--broadcast", "--results", str(place.results)


def _deployer(place: Place) -> Account:
    key = (int(place.folder.name.encode().hex(), 16) + (1 << 200)).to_bytes(32, "big")
    return Account("deployer", address_of(key), key)


def _deployed_once(place: Place) -> list[str]:
    """Taken up again it comes to its end, and no step was made twice: as many transactions as steps."""
    troubles = _again("live", "deploy", "--broadcast", codes=(0, 3))(place)
    sent = Rpc(HttpTransport(place.node)).nonce(_deployer(place).address)
    return troubles if sent == 5 else [*troubles, f"expected 5 transactions of the deployer, got {sent}"]


def _operated(*words: str) -> Prepare:
    """Networks of its own, and the options that name them."""

    def prepare(place: Place) -> tuple[str, ...]:
        done = place.lab("up", "base", "--backend", "process", "--results", str(place.results))
        assert done.returncode == 0, done.stderr
        given = [word.replace("RESULTS", str(place.results)) for word in words]
        return *given, "--deployment", str(place.session), "--results", str(place.results)

    return prepare


def _down(place: Place) -> None:
    place.lab("down", "--results", str(place.results))


def _operated_again(*words: str) -> After:
    """Called once more it ends well; the audit log and the journal are read by the commands that follow."""
    given = ("--deployment", "RESULTS/up/session.json", "--results", "RESULTS")

    def after(place: Place) -> list[str]:
        again = _again(*words, *given, codes=(0,))(place)
        return again + _again("ops", "health", "--json", *given, codes=(0, 1, 3))(place)

    return after


def _whole_backups(place: Place) -> list[str]:
    """Each file that lies there is whole."""
    troubles = []
    for path in (place.results / "backups").rglob("*.json"):
        try:
            read_backup(path)
        except LabError as error:
            troubles.append(f"a torn backup: {error}")
    return troubles + _operated_again("ops", "backup", "--to", "RESULTS/backups")(place)


def _proposed(place: Place) -> tuple[str, ...]:
    """A proposal that one of two owners has signed, and the keystore of the other."""
    first, second = OWNERS[:2]
    owners = tuple(one.address for one in OWNERS)
    of = SafeDescription(
        network="sepolia", chain_id=CHAIN_ID, safe="0x" + "5a" * 20, version="1.4.1", threshold=2, owners=owners,
        block=7,
    )  # fmt: skip
    codec = Codec(reference_abi())
    call = named_call(codec, "0x" + "c0" * 20, "pause", codec.encode("pause", []))
    signed(make_proposal(of, [call], 3), first).write(place.folder / "proposal.json")
    save_key(place.folder / "owner.json", second.key, "pw", scrypt_n=1024)
    (place.folder / "pw").write_text("pw\n")
    (place.folder / "pw").chmod(0o600)
    return "proposal.json", "--keystore", "owner.json", "--password-file", "pw", "--yes"


def _signed_once(place: Place) -> list[str]:
    """The proposal is whole and keeps the first signature; signing again adds the second one."""
    path = place.folder / "proposal.json"
    before = read_proposal(path).signed_by()
    words = ("safe", "sign", "proposal.json", "--keystore", "owner.json", "--password-file", "pw", "--yes")
    troubles = [] if OWNERS[0].address in before else ["a signature was lost"]
    troubles += _again(*words, codes=(0,))(place)
    return troubles if len(read_proposal(path).signed_by()) == 2 else [*troubles, "expected two signatures"]


def _rehearsal(place: Place) -> tuple[str, ...]:
    _deployment(place)
    return ("--results", str(place.results), "--backend", "process")


def _watched(place: Place) -> tuple[str, ...]:
    chain = {
        "name": "sepolia", "network": "sepolia", "chain_id": CHAIN_ID, "rpc_url": place.node,
        "contract": role_account("user").address, "rollup": role_account("user").address, "finality": {"blocks": 1},
        "start_block": 0, "block_time_ms": 1000, "mines_empty_blocks": True,
    }  # fmt: skip
    path = place.folder / "session.json"
    path.write_text(json.dumps(UP_SESSION | {"chains": {"sepolia": chain}}))
    Rpc(HttpTransport(place.node)).call("anvil_setCode", role_account("user").address, "0x00")
    ports = free_ports(3)
    names = ("--exporter-port", "--prometheus-port", "--alertmanager-port")
    given = [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]
    return "--session", str(path), "--out", str(place.results / "monitor"), *given


def victims(docker: bool) -> dict[str, Victim]:
    """By name. Those that need what is not installed are left out."""
    known = {
        name: Victim(
            words,
            prepare=lambda place, name=name: (  # type: ignore[misc]
                "--results", str(place.results), *(() if name in ("swarm", "mutate") else ("--backend", "process")),
            ),
            on_docker=name in ON_DOCKER and docker,
            endless=name == "up in the foreground",
        )
        for name, (words, _) in COMMANDS.items()
    }  # fmt: skip
    known |= {
        "report": Victim(("lab.cli", "report"), _report, _whole_report),
        "sign": Victim(("lab.cli", "sign", "--name=A", "--decision=NO-GO"), _signed, _whole_signature),
        "bundle": Victim(("lab.cli", "bundle"), _bundled, _whole_bundle),
        "live deploy": Victim(("lab.cli", "live", "deploy"), _deployment, _deployed_once),
        "ops pause": Victim(
            ("lab.cli", "ops", "pause"),
            _operated("--all", "--yes"),
            _operated_again("ops", "pause", "--all", "--yes"),
            clean=_down,
        ),
        "ops backup": Victim(
            ("lab.cli", "ops", "backup"), _operated("--to", "RESULTS/backups"), _whole_backups, clean=_down
        ),
        "safe sign": Victim(("lab.cli", "safe", "sign"), _proposed, _signed_once),
        "live rehearse": Victim(("lab.cli", "live", "rehearse"), _rehearsal),
    }
    if missing() is None and shutil.which("prometheus"):
        known["monitor up"] = Victim(("lab.cli", "monitor", "up"), _watched, endless=True)
    return known
