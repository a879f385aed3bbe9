"""What `lab safe show`, `sign` and `merge` do: nothing of it needs a chain."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from pydantic import ValidationError

from lab.errors import EnvironmentFailure, UsageError
from lab.live.declaration.deployment_file import CommandSigner, KeystoreSigner, RemoteSigner
from lab.live.signers import TypedData, open_given
from lab.live.signers.command import CommandAccount
from lab.live.signers.keystore import KeystoreAccount
from lab.live.signers.remote import RemoteAccount
from lab.safe.proposal import Proposal, check_proposal, merge_proposals, read_proposal, require_owner
from lab.safe.signatures import signature_from
from lab.safe.transaction import DELEGATE_CALL


@dataclass(frozen=True, slots=True)
class SignerOptions:
    """A signer as options of a command name it; none of them means another one."""

    keystore: Path | None
    password_file: Path | None = None
    remote: str | None = None
    command: str | None = None
    address: str | None = None

    def open(self) -> KeystoreAccount | RemoteAccount | CommandAccount | None:
        """Raises UsageError for options that do not go together."""
        kinds = {"--keystore": self.keystore, "--remote": self.remote, "--exec": self.command}
        given = [name for name, value in kinds.items() if value is not None]
        if not given:
            return None
        if len(given) > 1:
            raise UsageError(f"expected one signer, got {' and '.join(given)}")
        if self.keystore is None and self.address is None:
            raise UsageError(f"expected --address with {given[0]}: whose signature it is to be")
        try:
            return open_given(self._signer(), Path.cwd(), ask)
        except ValidationError as error:
            raise UsageError(f"{given[0]}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None

    def _signer(self) -> KeystoreSigner | RemoteSigner | CommandSigner:
        if self.keystore is not None:
            password = str(self.password_file) if self.password_file is not None else None
            return KeystoreSigner(keystore=str(self.keystore), password_file=password)
        if self.remote is not None:
            return RemoteSigner(remote=self.remote, address=self.address or "")
        return CommandSigner(exec=self.command or "", address=self.address or "")


def ask(question: str) -> str:
    """A password from the terminal. Raises EnvironmentFailure where there is none."""
    if not sys.stdin.isatty():
        raise EnvironmentFailure("expected a terminal to ask for a password: name a --password-file")
    return getpass.getpass(question)


def show(path: Path, *, as_json: bool) -> None:
    """Print a proposal. Raises UsageError, ProposalRefused."""
    proposal = read_proposal(path)
    print(proposal.model_dump_json(indent=2) if as_json else describe(proposal))


def describe(proposal: Proposal) -> str:
    """What a signer has to see before signing; all of it follows from the data that is signed."""
    transaction = proposal.transaction
    lines = [
        f"network    {proposal.network} (chain {proposal.chain_id})",
        f"Safe       {to_checksum_address(proposal.safe)} ({proposal.safe_version}), nonce {proposal.nonce}",
    ]
    for call in proposal.calls:
        at = f" ({call.contract})" if call.contract else ""
        lines += [
            f"call       {call.text}",
            f"  of       {to_checksum_address(call.to)}{at}",
            f"  value    {call.value} wei",
        ]
    if transaction.operation == DELEGATE_CALL:
        lines.append(f"batch      by MultiSendCallOnly {to_checksum_address(transaction.to)}, all or nothing")
    lines += [
        "compare on the device:",
        f"  hash     {proposal.hash}",
        f"  domain   {proposal.hashes.domain}",
        f"  message  {proposal.hashes.message}",
        f"signed by  {', '.join(map(to_checksum_address, proposal.signed_by())) or 'nobody'} "
        f"({proposal.threshold} of {len(proposal.owners)} must sign, as of block {proposal.block})",
    ]
    return "\n".join(lines)


def standing_of(proposal: Proposal, path: Path) -> dict[str, Any]:
    """A file's signatures for `--json`, as far as the file alone says."""
    return {
        "file": str(path),
        "hash": proposal.hash,
        "calls": [call.text for call in proposal.calls],
        "signed_by": [to_checksum_address(owner) for owner in proposal.signed_by()],
        "missing": max(0, proposal.threshold - len(proposal.signatures)),
    }


def sign(path: Path, options: SignerOptions, signature: str | None, *, yes: bool, as_json: bool = False) -> int:
    """Add a signature to the file; 0. Raises UsageError, ProposalRefused, SignatureRefused, SignerFailure."""
    proposal = read_proposal(path)
    if signature is not None:
        if options.address is None:
            raise UsageError("expected --address with --signature: whose signature it is")
        owner = options.address.lower()
        require_owner(proposal, owner)
        added = signature_from(signature, proposal.hash, owner)
    else:
        account = options.open()
        if account is None:
            raise UsageError("expected a signer: --keystore, --remote, --exec, or --signature")
        owner = account.address.lower()
        require_owner(proposal, owner)
        print(describe(proposal), file=sys.stderr if as_json else sys.stdout)
        _confirm(owner, yes=yes)
        typed = TypedData(proposal.transaction.typed_data(proposal.chain_id, proposal.safe), proposal.hash)
        added = signature_from(account.sign_typed_data(typed), proposal.hash, owner)
    signed = proposal.with_signatures(added)
    signed.write(path)
    if as_json:
        print(json.dumps(standing_of(signed, path), indent=2))
        return 0
    missing = max(0, signed.threshold - len(signed.signatures))
    print(
        f"{path}: signed by {to_checksum_address(owner)}; {f'{missing} more must sign' if missing else 'enough signed'}"
    )
    return 0


def merge(paths: Sequence[Path], out: Path, without: Sequence[str], *, as_json: bool = False) -> None:
    """Write one file of all. Raises UsageError, ProposalRefused."""
    merged = merge_proposals([read_proposal(path) for path in paths])
    for owner in without:
        if owner.lower() not in merged.signed_by():
            raise UsageError(f"expected an owner whose signature is there to leave out, got {owner}")
        merged = merged.without(owner)
    check_proposal(merged)
    merged.write(out)
    if as_json:
        print(json.dumps(standing_of(merged, out), indent=2))
        return
    print(f"{out}: signed by {', '.join(map(to_checksum_address, merged.signed_by())) or 'nobody'}")


def _confirm(owner: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("expected a terminal to ask whether to sign, or --yes: nothing was signed")
    if input(f"Sign as {to_checksum_address(owner)}? Type yes: ").strip() != "yes":
        raise UsageError("not confirmed: nothing was signed")
