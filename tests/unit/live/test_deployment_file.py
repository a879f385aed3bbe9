"""What `deployment.yaml` may say, and what is said of what it may not: file, line, column."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import EnvironmentFailure, InvalidFile, UsageError
from lab.live.declaration.deployment_file import CommandSigner, RemoteSigner, read_deployment
from lab.live.declaration.template import TEMPLATE
from lab.live.declaration.variables import missing_variables, require_variables
from lab.model.chain.genesis import genesis_hash
from lab.networks import BUILT_IN

GOOD = """\
version: 1
deployer: {keystore: deployer.json}
owner: "0x976ea74026e726554db657fa54763abd0c3a0aa9"
operators: ["0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"]
networks:
  sepolia: {rpc: [env:SEP_A, env:SEP_B]}
  mine: {network: base-sepolia, rpc: [env:BASE_A], explorers: [{kind: etherscan, key: env:SCAN_KEY}]}
"""


def written(folder: Path, text: str) -> Path:
    """A file with that text."""
    path = folder / "deployment.yaml"
    path.write_text(text)
    return path


def test_a_good_file(tmp_path: Path) -> None:
    """Choices are made, defaults filled in, addresses are in lower case."""
    deployment = read_deployment(written(tmp_path, GOOD))
    sepolia, mine = deployment.targets
    assert (sepolia.variables, sepolia.profile.chain_id) == (("SEP_A", "SEP_B"), 11155111)
    assert (mine.name, mine.profile.name, mine.explorers[0].kind) == ("mine", "base-sepolia", "etherscan")
    assert sepolia.finality == sepolia.profile.finality
    assert [target.name for target in deployment.select(("mine",))] == ["mine"]
    with pytest.raises(UsageError, match="expected one of mine, sepolia, got 'base'"):
        deployment.select(("base",))


def test_the_template_is_a_good_file(tmp_path: Path) -> None:
    """Whoever runs `lab live init` begins with one that can be read."""
    assert {target.name for target in read_deployment(written(tmp_path, TEMPLATE)).targets} == {
        "sepolia",
        "base-sepolia",
    }


@pytest.mark.parametrize(
    ("deployer", "kind"),
    [
        ('{remote: env:SIGNER, address: "0x976ea74026e726554db657fa54763abd0c3a0aa9"}', RemoteSigner),
        ('{exec: "cast mktx --ledger", address: "0x976ea74026e726554db657fa54763abd0c3a0aa9"}', CommandSigner),
    ],
)
def test_other_signers(tmp_path: Path, deployer: str, kind: type) -> None:
    """Each is told by the key that only it has."""
    text = GOOD.replace("{keystore: deployer.json}", deployer)
    assert isinstance(read_deployment(written(tmp_path, text)).file.deployer, kind)


BAD: dict[str, tuple[str, str, str]] = {
    "a signer for a network that is not there": (
        "{keystore: deployer.json}",
        f"{{address: '0x{'97' * 20}', remote: {{sepolia: env:A, mine: env:B, base: env:C}}}}",
        "2:105 deployer.remote.base: expected a network of the file, got 'base'",
    ),
    "a network without a signer": (
        "{keystore: deployer.json}",
        f"{{address: '0x{'97' * 20}', remote: {{sepolia: env:A}}}}",
        "2:75 deployer.remote: expected env:NAME for each network of the file, there is none for mine",
    ),
    "a signer's address in place of a variable": (
        "{keystore: deployer.json}",
        f"{{address: '0x{'97' * 20}', remote: {{sepolia: 'http://127.0.0.1', mine: env:B}}}}",
        "2:85 deployer.remote.sepolia: expected env:NAME",
    ),
    "an address with a key": (
        "env:SEP_A",
        '"https://x.example/v3/SECRETKEY"',
        "6:19 networks.sepolia.rpc[0]: expected env:NAME",
    ),
    "no address": (
        'owner: "0x976ea74026e726554db657fa54763abd0c3a0aa9"',
        'owner: "0x12"',
        "3:8 owner: expected an address",
    ),
    "a letter of the wrong case": (
        "0x976ea74026e726554db657fa54763abd0c3a0aa9",
        "0x976EA74026E726554dB657fA54763abd0C3a0aA9",
        "3:8 owner: expected an address with its checksum (EIP-55)",
    ),
    "the zero address": (
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "0x" + "00" * 20,
        "4:13 operators[0]: expected an address",
    ),
    "an operator twice": (
        "operators: [",
        'operators: ["0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc", ',
        "4:12 operators: expected each operator once",
    ),
    "an operator of one network twice": (
        "{rpc: [env:SEP_A",
        f"{{operators: ['0x{'3c' * 20}', '0x{'3C' * 20}'], rpc: [env:SEP_A",
        "6:24 networks.sepolia.operators: expected each operator once",
    ),
    "a command whose quotes are open": (
        "{keystore: deployer.json}",
        f"""{{exec: "sign --key 'SECRETKEY", address: '0x{"97" * 20}'}}""",
        "2:18 deployer.exec: expected a command whose quotes are closed: No closing quotation",
    ),
    "a command of blanks": (
        "{keystore: deployer.json}",
        f"{{exec: '  ', address: '0x{'97' * 20}'}}",
        "2:18 deployer.exec: expected a command, got blanks",
    ),
    "a service with a password": (
        "version: 1",
        "version: 1\nservices: {exporter: 'https://user:SECRETKEY@host/metrics'}",
        "2:22 services.exporter: expected http(s)://HOST[:PORT][/PATH] without user info, query and fragment",
    ),
    "an explorer with a key in its address": (
        "key: env:SCAN_KEY",
        "key: env:SCAN_KEY, url: 'https://host/api?apikey=SECRETKEY'",
        "explorers[0].url: expected http(s)://HOST[:PORT][/PATH]",
    ),
    "an endpoint twice": (
        "[env:SEP_A, env:SEP_B]",
        "[env:SEP_A, env:SEP_A]",
        "6:18 networks.sepolia.rpc: expected each endpoint once, got one twice",
    ),
    "an explorer twice": (
        "[{kind: etherscan, key: env:SCAN_KEY}]",
        "[{kind: sourcify}, {kind: sourcify}]",
        "networks.mine.explorers: expected each explorer once, got one twice",
    ),
    "no network": (
        "network: base-sepolia",
        "network: base-sepolla",
        "7:19 networks.mine.network: expected a network, got 'base-sepolla'",
    ),
    "a retired network": (
        "sepolia: {rpc",
        "mumbai: {rpc",
        "6:3 networks.mumbai: the network 'mumbai' is retired: use amoy",
    ),
    "one chain twice": (
        "network: base-sepolia",
        "network: sepolia",
        "7:3 networks.mine: chain 11155111 is also that of sepolia",
    ),
    "no endpoint": ("rpc: [env:SEP_A, env:SEP_B]", "rpc: []", "6:18 networks.sepolia.rpc: expected at least 1"),
    "an explorer without its key": (
        "{kind: etherscan, key: env:SCAN_KEY}",
        "{kind: etherscan}",
        "networks.mine.explorers[0]: expected key: env:NAME",
    ),
    "a Blockscout of nobody": (
        "{kind: etherscan, key: env:SCAN_KEY}",
        "{kind: blockscout}",
        "expected the url of the Blockscout",
    ),
    "an unknown key": ("version: 1", "version: 1\nmargn: 2", "2:1 margn: unknown key 'margn' (did you mean margin?)"),
    "another version": ("version: 1", "version: 2", "1:10 version: expected version 1, got 2"),
    "a window of a day": (
        "version: 1",
        "version: 1\nsettings: {coordination_window: 86400}",
        "settings.coordination_window: expected at most 300",
    ),
    "the old form of an owner that is a Safe": (
        "version: 1",
        "version: 1\nowner_kind: safe",
        "2:1 owner_kind: unknown key 'owner_kind': remove it; an owner that is a Safe is owner: {kind: safe, address",
    ),
    "the same below a network": (
        "{rpc: [env:SEP_A",
        "{owner_kind: account, rpc: [env:SEP_A",
        "6:13 networks.sepolia.owner_kind: unknown key 'owner_kind': remove it",
    ),
    "a signer of no kind": ("{keystore: deployer.json}", "{ledger: 0}", "deployer"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file(tmp_path: Path, what: str) -> None:
    """One clear error at its place; a secret in it is not repeated."""
    old, new, expected = BAD[what]
    assert old in GOOD
    with pytest.raises(InvalidFile) as caught:
        read_deployment(written(tmp_path, GOOD.replace(old, new, 1)))
    assert expected in str(caught.value)
    assert "SECRETKEY" not in str(caught.value)


def test_variables_are_named_and_never_shown(tmp_path: Path) -> None:
    """Missing, malformed, padded: the name and what is wrong, not the value."""
    deployment = read_deployment(written(tmp_path, GOOD))
    there = {
        "SEP_A": "https://a.example/v3/CANARYKEY",
        "SEP_B": "htps://b.example/CANARYKEY",
        "BASE_A": " http://x/CANARYKEY",
    }
    missing = [str(unset) for unset in missing_variables(deployment, deployment.targets, there)]
    assert [line.partition(" ")[0] for line in missing] == ["SEP_B", "BASE_A", "SCAN_KEY"]
    assert "CANARYKEY" not in "".join(missing)
    assert missing[2] == "SCAN_KEY (networks.mine.explorers): is not set"


def test_missing_variables_are_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, before anything is asked of the network."""
    for name in ("SEP_A", "SEP_B", "BASE_A", "SCAN_KEY"):
        monkeypatch.delenv(name, raising=False)
    deployment = read_deployment(written(tmp_path, GOOD))
    with pytest.raises(EnvironmentFailure, match="4 environment variables are missing or malformed"):
        require_variables(deployment, deployment.targets)


def test_every_built_in_network_has_its_genesis_block() -> None:
    """Else nothing could ever be live evidence there."""
    hashes = [genesis_hash(name) for name in BUILT_IN]
    assert None not in hashes
    assert len(set(hashes)) == len(BUILT_IN)


def test_a_session_is_no_deployment_file(tmp_path: Path) -> None:
    """It has another form, and commands of its own: they are named."""
    path = tmp_path / "session.json"
    path.write_text('{"schema_version": 1, "run_id": "x", "chains": {}}')
    with pytest.raises(UsageError, match=r"session.json: expected a deployment file, got a session.json: `lab ops`"):
        read_deployment(path)
