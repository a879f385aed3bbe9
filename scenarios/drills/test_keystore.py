"""An operator's key lives in an encrypted file, is used from there, and is to be found in no artifact and no source."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from lab.coordinator import Account, Fees, rollup_address, sign_transaction
from lab.coordinator.reads import ZERO_ID
from lab.deploy.keystore import development_addresses, open_key, save_key, search
from lab.errors import UsageError
from lab.ops.in_scenario import ScenarioOps
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator, RemoveOperator
from lab.paths import CHECKOUT, PACKAGE
from lab.runner.script import Script

SETUP = """
name: A key in an encrypted keystore
description: >
  The key of a new operator is saved encrypted, with a password. A wrong password, a damaged file and one that others
  may read are refused, and nothing is overwritten. Opened again it is the same key: it signs, and the contract knows
  its account. A copy of the file opens as well as the file. Then all artifacts of the run, and all files of the
  source, are searched: no key of any account in use but the public development accounts is in them. The search finds
  a key that is planted.
rows: [ENV-04, RTE-05, OPS-04]
networks: {optimism: {}}
relayer: none
timeout: 10m
checks: [default, S6]
"""

CHAIN = "optimism"
# Never used outside of this drill, and no development account. The work factor is low, so that it takes no second.
KEY = keccak(text="tesseract-lab keystore drill")
PASSWORD, SCRYPT_N = "correct horse battery staple", 2**12
ROOT = CHECKOUT or PACKAGE


def refused(action: Callable[[], Any]) -> str | None:
    """Why an action is refused; None if it is not."""
    try:
        action()
    except UsageError as error:
        return str(error).rsplit("/", 1)[-1]
    return None


def round_trip(script: Script, folder: Path) -> Account:
    """Save, try what must not work, open, restore from a copy."""
    path, copy = folder / "operator.keystore.json", folder / "copy.keystore.json"
    address = save_key(path, KEY, PASSWORD, scrypt_n=SCRYPT_N)
    text = path.read_text(encoding="utf-8")
    account = open_key(path, PASSWORD)
    script.expect("the key to come back as it was", account.address, met=account.key == KEY)
    script.expect_equal("the address", account.address, address)
    script.expect("the key not to stand in the file", "searched", met=KEY.hex() not in text.lower())
    mode = path.stat().st_mode & 0o777
    script.expect("a new file for its owner only", oct(mode), met=mode == 0o600)
    wrong = refused(lambda: open_key(path, PASSWORD + "r"))
    script.expect("a wrong password to be refused", bool(wrong), met=wrong is not None)
    again = refused(lambda: save_key(path, KEY, PASSWORD, scrypt_n=SCRYPT_N))
    script.expect("a keystore not to be overwritten", bool(again), met=again is not None)
    copy.write_text(text, encoding="utf-8")
    copy.chmod(0o644)
    readable = refused(lambda: open_key(copy, PASSWORD))
    script.expect("a file that others may read to be refused", bool(readable), met=readable is not None)
    copy.chmod(0o600)
    path.write_text(text.replace('"ciphertext": "', '"ciphertext": "00', 1), encoding="utf-8")
    damaged = refused(lambda: open_key(path, PASSWORD))
    script.expect("a damaged file to be refused", bool(damaged), met=damaged is not None)
    path.unlink()
    restored = open_key(copy, PASSWORD)
    script.expect("the key to be restored from the copy", restored.address, met=restored.key == KEY)
    return restored


def use(script: Script, account: Account) -> None:
    """The account becomes an operator and acts as one."""
    chain = script.run.lab.chains[CHAIN]
    # What a faucet or a treasury does.
    chain.look().call("anvil_setBalance", account.address, hex(10**18))
    ops = ScenarioOps(script)
    added = carry_out(ops.operation, AddOperator(account.address), ops.executor())
    script.expect("the account to be added as an operator", f"exit code {added.exit_code}", met=added.exit_code == 0)
    target, tx_id = script.run.lab.spec.target, "0x" + "4e" * 32
    far = script.run.lab.genesis_time + 10_000
    request = [tx_id, rollup_address(CHAIN), rollup_address("b"), "0x01", ZERO_ID, far]
    raw, _ = sign_transaction(
        account,
        chain_id=chain.profile.chain_id,
        nonce=0,
        to=target.address,
        data=target.codec.encode("buffer_transaction", request),
        gas=400_000,
        fees=Fees(10**10, 10**9),
    )
    chain.send(raw)
    script.advance(5)
    script.expect_equal("what the account buffered", script.reader(CHAIN).state(tx_id), "BUFFERED")
    removal = RemoveOperator(account.address, ops.operation.declared)
    removed = carry_out(ops.operation, removal, ops.executor())
    script.expect("the account to be removed again", f"exit code {removed.exit_code}", met=removed.exit_code == 0)


def search_artifacts(script: Script, account: Account) -> None:
    """Everything that the run has left so far, and a planted key to show that the search works."""
    folder = script.run.lab.spec.folder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = search(folder, files, known=[account.address])
    strange = [each for each in found if each.what not in development_addresses()]
    script.expect("no key of an account in use in any artifact", f"{len(strange)} found", met=not strange)
    planted = folder / "logs" / "planted.log"
    planted.write_text(f"key=0x{KEY.hex()}\n", encoding="utf-8")
    found = [each for each in search(folder, [*files, planted]) if each.what == account.address]
    planted.unlink()
    script.expect("a planted key to be found", f"{len(found)} found", met=len(found) == 1)


def search_source(script: Script) -> None:
    """The files under version control; outside of a repository, the package."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    files = [path for path in files if path.is_file()] or sorted(PACKAGE.rglob("*.py"))
    known = development_addresses()
    strange = [each for each in search(ROOT, files, known=known) if each.what not in known]
    told = ", ".join(f"{each.file}: {each.what}" for each in strange[:3]) or "none found"
    script.expect("no key of an account in use in the source", told, met=not strange and bool(files))


def play(script: Script) -> None:
    """The keystore, its use, the searches."""
    folder = script.run.lab.spec.folder / "keys"
    folder.mkdir(exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    account = round_trip(script, folder)
    use(script, account)
    search_artifacts(script, account)
    search_source(script)


def test_keystore(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
