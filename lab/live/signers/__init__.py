"""Who signs: one protocol, three kinds. Whatever they answer is decoded and compared with what was asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab.bounded_files import read_object
from lab.errors import UsageError
from lab.live.declaration.deployment_file import CommandSigner, Deployment, KeystoreSigner, RemoteSigner
from lab.live.signers.command import CommandAccount
from lab.live.signers.keystore import Ask, KeystoreAccount, open_keystore
from lab.live.signers.remote import RemoteAccount
from lab.live.signers.transaction import Signed, Signer, SignerFailure, Unsigned
from lab.live.signers.typed_data import TypedData, TypedDataSigner
from lab.model.redacted import RedactedUrl
from lab.paths import expand_user

__all__ = [
    "Signed",
    "Signer",
    "SignerFailure",
    "TypedData",
    "TypedDataSigner",
    "Unsigned",
    "declared_deployer",
    "open_account",
    "open_given",
    "open_operator",
    "open_signer",
]


def open_signer(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """The deployer of a file. `ask` gets a password from the user. Raises UsageError, SignerFailure."""
    return _open(deployment.file.deployer, deployment, ask, variables)


def open_operator(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """Who signs the smoke run: the file's `operator`, else its deployer."""
    return _open(deployment.file.operator or deployment.file.deployer, deployment, ask, variables)


def open_account(
    deployment: Deployment, address: str, ask: Ask, variables: Mapping[str, str] | None = None
) -> Signer | None:
    """Whichever of administrator, deployer and operator has this account; None for nobody. Others are not opened."""
    file = deployment.file
    for given in (file.administrator, file.deployer, file.operator):
        if given is not None and _declared(given, deployment) == address:
            return _open(given, deployment, ask, variables)
    return None


def declared_deployer(deployment: Deployment) -> str | None:
    """The deployer's address, known without its key, in lower case; None for a keystore that is not there."""
    return _declared(deployment.file.deployer, deployment)


def _declared(given: KeystoreSigner | RemoteSigner | CommandSigner, deployment: Deployment) -> str | None:
    if given.address is not None:
        return given.address
    if not isinstance(given, KeystoreSigner):
        return None
    try:
        stated = read_object(deployment.path.absolute().parent / expand_user(given.keystore)).get("address")
    except (OSError, ValueError):
        return None
    return f"0x{stated.lower().removeprefix('0x')}" if isinstance(stated, str) else None


def _open(
    given: KeystoreSigner | RemoteSigner | CommandSigner,
    deployment: Deployment,
    ask: Ask,
    variables: Mapping[str, str] | None,
) -> Signer:
    return open_given(given, deployment.path.absolute().parent, ask, variables, deployment.chains)


def _remote_urls(
    given: RemoteSigner, there: Mapping[str, str], chains: Mapping[str, int]
) -> RedactedUrl | dict[int, RedactedUrl]:
    """One for all chains, or each chain's; what is not set is missed where it is needed. Raises UsageError for none."""
    if isinstance(given.remote, str):
        name = given.remote.removeprefix("env:")
        if not there.get(name):
            raise UsageError(f"expected the signer's address in the environment variable {name}, it is not set")
        return RedactedUrl(there[name])
    names = {chain: named for network, chain in chains.items() if (named := given.variable(network)) is not None}
    urls = {chain: RedactedUrl(there[named]) for chain, named in names.items() if there.get(named)}
    if not urls:
        raise UsageError(f"expected a signer's address in one of {', '.join(names.values())}, none of them is set")
    return urls


def open_given(
    given: KeystoreSigner | RemoteSigner | CommandSigner,
    folder: Path,
    ask: Ask,
    variables: Mapping[str, str] | None = None,
    chains: Mapping[str, int] | None = None,
) -> KeystoreAccount | RemoteAccount | CommandAccount:
    """A signer of transactions and of typed data; paths are as seen from `folder`. Raises UsageError, SignerFailure.

    `chains`: the id of each network that a remote signer may name.
    """
    if isinstance(given, KeystoreSigner):
        return open_keystore(given, folder, ask)
    if isinstance(given, RemoteSigner):
        return RemoteAccount(given, _remote_urls(given, os.environ if variables is None else variables, chains or {}))
    return CommandAccount(given, folder)
