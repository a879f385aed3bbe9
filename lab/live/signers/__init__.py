"""Who signs: one protocol, three kinds. Whatever they answer is decoded and compared with what was asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab.bounded_files import read_object
from lab.errors import UsageError
from lab.live.deployment_file import CommandSigner, Deployment, KeystoreSigner, RemoteSigner
from lab.live.signers.command import CommandAccount
from lab.live.signers.keystore import Ask, KeystoreAccount, open_keystore
from lab.live.signers.remote import RemoteAccount
from lab.live.signers.transaction import Signed, Signer, SignerFailure, Unsigned
from lab.live.signers.typed_data import TypedData, TypedDataSigner
from lab.model.redacted import RedactedUrl

__all__ = [
    "Account",
    "Signed",
    "Signer",
    "SignerFailure",
    "TypedData",
    "TypedDataSigner",
    "Unsigned",
    "declared_deployer",
    "open_account",
    "open_administrator",
    "open_operator",
    "open_signer",
]

Given = KeystoreSigner | RemoteSigner | CommandSigner
Account = KeystoreAccount | RemoteAccount | CommandAccount


def open_signer(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """The deployer of a file. `ask` gets a password from the user. Raises UsageError, SignerFailure."""
    return open_account(deployment.file.deployer, deployment.path.absolute().parent, ask, variables)


def open_operator(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """Who signs the smoke run: the file's `operator`, else its deployer."""
    given = deployment.file.operator or deployment.file.deployer
    return open_account(given, deployment.path.absolute().parent, ask, variables)


def open_administrator(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """Who signs what is the owner's to do: the file's `administrator`, else its deployer."""
    given = deployment.file.administrator or deployment.file.deployer
    return open_account(given, deployment.path.absolute().parent, ask, variables)


def declared_deployer(deployment: Deployment) -> str | None:
    """The deployer's address, known without its key, in lower case; None for a keystore that is not there."""
    given = deployment.file.deployer
    if not isinstance(given, KeystoreSigner):
        return given.address
    try:
        stated = read_object(deployment.path.absolute().parent / Path(given.keystore).expanduser()).get("address")
    except (OSError, ValueError):
        return None
    return f"0x{stated.lower().removeprefix('0x')}" if isinstance(stated, str) else None


def open_account(given: Given, folder: Path, ask: Ask, variables: Mapping[str, str] | None = None) -> Account:
    """A signer of transactions and of typed data; paths are as seen from `folder`. Raises UsageError, SignerFailure."""
    if isinstance(given, KeystoreSigner):
        return open_keystore(given, folder, ask)
    if isinstance(given, RemoteSigner):
        name = given.remote.removeprefix("env:")
        there = os.environ if variables is None else variables
        if not there.get(name):
            raise UsageError(f"expected the signer's address in the environment variable {name}, it is not set")
        return RemoteAccount(given, RedactedUrl(there[name]))
    return CommandAccount(given, folder)
