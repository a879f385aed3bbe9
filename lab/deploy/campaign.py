"""One contract put on many chains, one after another, so that it can be taken up again wherever it stopped.

What is done stands in a manifest: chain id, address, transaction and digest of the code. A transaction is written down
before it is sent; one of which nobody knows what became of it is looked for, and sent again as it was, never anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.bounded_files import read_object, write_atomically
from lab.coordinator import Account, Fees, created_address, sign_transaction
from lab.deploy.deployer import DEPLOY_GAS, Deployable
from lab.errors import DeployFailure, UsageError
from lab.rpc import Rpc, RpcRefused


@dataclass(frozen=True, slots=True)
class Site:
    """A chain to deploy to. `connect` gives its node as of now; `wait` returns when a condition holds, or raises."""

    name: str
    chain_id: int
    connect: Callable[[], Rpc]
    send: Callable[[str], str]
    wait: Callable[[Callable[[], bool]], None]
    min_tip_wei: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """A deployment as the manifest has it. `block` and `code_sha256` are None until it is confirmed."""

    chain: str
    chain_id: int
    address: str
    tx: str
    raw: str
    bytecode_sha256: str
    block: int | None = None
    code_sha256: str | None = None


def deploy_everywhere(target: Deployable, sites: Sequence[Site], account: Account, manifest: Path) -> list[str]:
    """Deploy to every site that has none yet; the names of the sites that were deployed to now.

    Raises DeployFailure or an RpcFailure at the first site that fails; what was done before it stays in the manifest.
    """
    done = read_manifest(manifest)
    names = []
    for site in sites:
        rpc = site.connect()
        if rpc.chain_id() != site.chain_id:
            raise DeployFailure(
                f"{site.name}: expected a node of chain {site.chain_id}, it says {rpc.chain_id()}: nothing was sent"
            )
        placed = done.get(site.name)
        if placed is not None and placed.bytecode_sha256 != target.contract.bytecode_sha256:
            raise DeployFailure(f"{site.name}: {manifest} is of another contract: name another manifest")
        if placed is not None and placed.block is not None and _code_sha256(rpc, placed.address) == placed.code_sha256:
            continue
        if placed is None:
            placed = _signed(target, site, rpc, account)
            done[site.name] = placed
            _write(manifest, done)
        done[site.name] = _confirmed(target, site, placed, account)
        _write(manifest, done)
        names.append(site.name)
    return names


def _signed(target: Deployable, site: Site, rpc: Rpc, account: Account) -> Placed:
    head = rpc.block("latest")
    base_fee = int(head["baseFeePerGas"], 16) if head else 0
    tip = max(site.min_tip_wei, 10**9)
    nonce = rpc.nonce(account.address)
    raw, tx_hash = sign_transaction(
        account,
        chain_id=site.chain_id,
        nonce=nonce,
        to=None,
        data=target.contract.bytecode,
        gas=DEPLOY_GAS,
        fees=Fees(3 * base_fee + tip, tip),
    )
    address = created_address(account.address, nonce)
    return Placed(site.name, site.chain_id, address, tx_hash, raw, target.contract.bytecode_sha256)


def _confirmed(target: Deployable, site: Site, placed: Placed, account: Account) -> Placed:
    rpc = site.connect()
    if rpc.receipt(placed.tx) is None:
        try:
            site.send(placed.raw)
        except RpcRefused as refused:
            if "already" not in refused.reason.lower():
                raise
        site.wait(lambda: site.connect().receipt(placed.tx) is not None)
    receipt = site.connect().receipt(placed.tx)
    if receipt is None or receipt["status"] != "0x1":
        raise DeployFailure(f"{site.name}: expected the deployment {placed.tx} to succeed, it reverted")
    code = _code_sha256(rpc, placed.address)
    wanted = rpc.call("eth_call", {"from": account.address, "data": target.contract.bytecode}, "latest")
    if code != _sha256(wanted):
        raise DeployFailure(f"{site.name}: expected the contract's code at {placed.address}, there is other code")
    return replace(placed, block=int(receipt["blockNumber"], 16), code_sha256=code)


def _sha256(code: str) -> str:
    return hashlib.sha256(bytes.fromhex(code.removeprefix("0x"))).hexdigest()


def _code_sha256(rpc: Rpc, address: str) -> str:
    return _sha256(rpc.call("eth_getCode", address, "latest"))


def read_manifest(path: Path) -> dict[str, Placed]:
    """What a manifest holds; nothing if there is none. Raises UsageError for one that cannot be read."""
    if not path.exists():
        return {}
    try:
        return {name: Placed(**fields) for name, fields in read_object(path).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: expected a manifest of deployments, got: {error}; use the one written") from error


def _write(path: Path, done: dict[str, Placed]) -> None:
    text = json.dumps({name: asdict(placed) for name, placed in done.items()}, indent=2)
    write_atomically(path, text + "\n", durable=True)
