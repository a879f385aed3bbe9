"""Names, options and help of `lab safe`; what its commands do is in the modules beside it, loaded when called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import command_of
from lab.commands.parameters import to_file, to_folder

safe = typer.Typer(
    no_args_is_help=True,
    help="Owner functions through a Safe: proposals as files that signers pass around, sign offline, and carry out.",
)
FILE = Path("deployment.yaml")
File = Annotated[Path, typer.Option("--file", help="The deployment file: networks, endpoints, the Safe.")]
Proposals = Annotated[list[Path], typer.Argument(metavar="PROPOSAL...", help="Proposals; copies of one are merged.")]
One = Annotated[Path, typer.Argument(metavar="PROPOSAL", help="A proposal.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Service = Annotated[str, typer.Option("--service", help="URL of the Transaction Service, or env:NAME.")]
Keystore = Annotated[Path | None, typer.Option(help="Encrypted key file of the signer.")]
PasswordFile = Annotated[Path | None, typer.Option(help="File with its password; default: it is asked for.")]
Remote = Annotated[str | None, typer.Option(help="env:NAME, a variable with the URL of a JSON-RPC signer.")]
Command = Annotated[str | None, typer.Option("--exec", help="Command that signs what it gets on its standard input.")]
Address = Annotated[str | None, typer.Option(help="The signer's address, for --remote and --exec.")]


@safe.command()
def propose(
    function: Annotated[list[str], typer.Argument(metavar="FUNCTION [ARGUMENT]...", help="What the Safe shall call.")],
    only: Annotated[str, typer.Option("--only", help="The network of the file.")],
    file: File = FILE,
    account: Annotated[str | None, typer.Option("--safe", help="The Safe. Default: the declared owner.")] = None,
    nonce: Annotated[
        int | None, typer.Option(min=0, max=2**63, help="Nonce of the Safe. Default: its next free one.")
    ] = None,
    out: Annotated[Path, typer.Option(callback=to_folder, help="Folder for proposals.")] = Path("proposals"),
    also: Annotated[
        list[str] | None, typer.Option("--and", help="One more call of a batch: 'FUNCTION ARGUMENT...'; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a proposal: call a function of the deployed contract as the Safe. Nothing is signed or sent."""
    from lab.commands.safe.proposing import propose as write

    calls = [tuple(function), *(tuple(one.split()) for one in also or ())]
    raise typer.Exit(write(file, only, calls, account=account, nonce=nonce, out=out, as_json=as_json))


@safe.command()
def show(proposal: One, as_json: Json = False) -> None:
    """Show what a proposal does, and the hashes to compare on the device. No chain is needed."""
    from lab.commands.safe.signing import show as print_it

    print_it(proposal, as_json=as_json)


@dataclass(frozen=True)
class SignRequest:
    """Which proposal, and who signs."""

    proposal: One
    keystore: Keystore = None
    password_file: PasswordFile = None
    remote: Remote = None
    command: Command = None
    address: Address = None
    signature: Annotated[
        str | None, typer.Option(help="Add this signature, made elsewhere, instead; with --address.")
    ] = None
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
    as_json: Json = False


def _sign(given: SignRequest) -> None:
    """Sign a proposal as one of the Safe's owners. No chain is needed; the signature is added to the file."""
    from lab.commands.safe.signing import SignerOptions
    from lab.commands.safe.signing import sign as add

    options = SignerOptions(given.keystore, given.password_file, given.remote, given.command, given.address)
    raise typer.Exit(add(given.proposal, options, given.signature, yes=given.yes, as_json=given.as_json))


safe.command("sign")(command_of(SignRequest, _sign))


@safe.command()
def merge(
    proposals: Proposals,
    out: Annotated[Path | None, typer.Option(callback=to_file, help="File to write. Default: the first one.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave out this owner's signature; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put the signatures of several copies of one proposal into one file."""
    from lab.commands.safe.signing import merge as put_together

    put_together(proposals, out or proposals[0], tuple(without or ()), as_json=as_json)


@safe.command()
def status(proposals: Proposals, file: File = FILE, as_json: Json = False) -> None:
    """Show who signed, what is missing, and what is stale. Exit code 0: carried out, 1: cannot be, 3: not yet."""
    from lab.commands.safe.executing import status as read

    raise typer.Exit(read(proposals, file, as_json=as_json))


@safe.command()
def execute(
    proposals: Proposals,
    file: File = FILE,
    broadcast: Annotated[bool, typer.Option("--broadcast", help="Send; without it everything but that.")] = False,
    confirm: Annotated[list[str] | None, typer.Option(help="Name of a mainnet to send to; may be repeated.")] = None,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Carry out what enough owners signed, or go on where an earlier command stopped. Any account may: it pays the gas.

    The account is the deployment file's deployer, unless a keystore is named.
    """
    from lab.commands.safe.executing import Execution
    from lab.commands.safe.executing import execute as carry_out
    from lab.commands.safe.signing import SignerOptions

    request = Execution(broadcast=broadcast, confirmed=tuple(confirm or ()), as_json=as_json)
    raise typer.Exit(carry_out(proposals, file, SignerOptions(keystore, password_file), request))


@safe.command()
def publish(proposal: One, service: Service, as_json: Json = False) -> None:
    """Hand a signed proposal to a Safe Transaction Service, for signers who use one. The file stays the proposal."""
    from lab.commands.safe.serving import publish as post

    raise typer.Exit(post(proposal, service, as_json=as_json))


@safe.command()
def fetch(proposal: One, service: Service, as_json: Json = False) -> None:
    """Add the signatures that a Safe Transaction Service has for a proposal to the file."""
    from lab.commands.safe.serving import fetch as get

    raise typer.Exit(get(proposal, service, as_json=as_json))
