"""Who signs: one protocol, three kinds. Whatever they answer is decoded and compared with what was asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab.bounded_files import read_object
from lab.live.declaration.deployment_file import CommandSigner, Deployment, KeystoreSigner, RemoteSigner
from lab.live.signers.command import CommandAccount
from lab.live.signers.keystore import Ask, open_keystore
from lab.live.signers.remote import RemoteAccount
from lab.live.signers.transaction import Signed, Signer, SignerFailure, Unsigned
from lab.model.redacted import RedactedUrl

__all__ = ["Signed", "Signer", "SignerFailure", "Unsigned", "declared_deployer", "open_operator", "open_signer"]


def open_signer(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """The deployer of a file. `ask` gets a password from the user. Raises UsageError, SignerFailure."""
    return _open(deployment.file.deployer, deployment, ask, variables)


def open_operator(deployment: Deployment, ask: Ask, variables: Mapping[str, str] | None = None) -> Signer:
    """Who signs the smoke run: the file's `operator`, else its deployer."""
    return _open(deployment.file.operator or deployment.file.deployer, deployment, ask, variables)


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


def _open(
    given: KeystoreSigner | RemoteSigner | CommandSigner,
    deployment: Deployment,
    ask: Ask,
    variables: Mapping[str, str] | None,
) -> Signer:
    folder = deployment.path.absolute().parent
    if isinstance(given, KeystoreSigner):
        return open_keystore(given, folder, ask)
    if isinstance(given, RemoteSigner):
        name = given.remote.removeprefix("env:")
        there = os.environ if variables is None else variables
        return RemoteAccount(given, RedactedUrl(there[name]))
    return CommandAccount(given, folder)
