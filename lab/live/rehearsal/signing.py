"""Signers of a rehearsal, each of the kind that the file declares, with a key that lives as long as the rehearsal.

A remote one is a JSON-RPC server on 127.0.0.1, a command is this module run as one: with `KEYSTORE PASSWORD_FILE` it
signs the transaction on its standard input. So what goes to the user's own signer and what comes back is rehearsed, and
the signer itself is not.
"""

from __future__ import annotations

import json
import secrets
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.bounded_files import write_atomically
from lab.chains.answering import AnsweringHandler
from lab.chains.loopback import is_from_page
from lab.chains.processes.python_child import python_command
from lab.coordinator import Account, Fees
from lab.deploy.keystore import save_key
from lab.live.declaration.deployment_file import CommandSigner, KeystoreSigner, RemoteSigner
from lab.live.signers import Signer, open_given
from lab.live.signers.keystore import KeystoreAccount, open_keystore
from lab.live.signers.transaction import Unsigned

BODY_BYTES_MAX = 4 << 20
# A throw-away key needs no slow derivation.
SCRYPT_N = 2
TIMEOUT_S = 120.0


def signed_as_asked(signer: Signer, fields: Mapping[str, Any]) -> str:
    """The raw transaction that a JSON-RPC request for a signature describes."""
    number = {name: int(value, 16) for name, value in fields.items() if name not in ("from", "to", "data", "type")}
    fees = Fees(number["maxFeePerGas"], number["maxPriorityFeePerGas"])
    asked = Unsigned(
        number["chainId"], number["nonce"], fields.get("to"), fields["data"], number["gas"], fees, number["value"]
    )
    return signer.sign(asked).raw


@contextmanager
def stand_in(
    declared: KeystoreSigner | RemoteSigner | CommandSigner, account: Account, folder: Path
) -> Iterator[Signer]:
    """A signer of that kind; whatever is written to `folder` for it is gone at the end. Raises LabError."""
    name = f"signer-{account.role}"
    key, password = folder / f"{name}.json", folder / f"{name}.password"
    for path in (key, password):
        path.unlink(missing_ok=True)
    try:
        word = secrets.token_hex(16)
        write_atomically(password, f"{word}\n", mode=0o600)
        save_key(key, account.key, word, scrypt_n=SCRYPT_N)
        given = KeystoreSigner(keystore=key.name, password_file=password.name)
        if isinstance(declared, RemoteSigner):
            with signing_server(account) as url:
                remote = declared.model_copy(update={"remote": "env:SIGNER", "address": account.address})
                yield open_given(remote, folder, input, {"SIGNER": url})
        elif isinstance(declared, CommandSigner):
            words = shlex.join(python_command("-m", "lab.live.rehearsal.signing", key.name, password.name))
            yield open_given(CommandSigner(exec=words, address=account.address, timeout_s=TIMEOUT_S), folder, input)
        else:
            yield open_given(given, folder, input)
    finally:
        for path in (key, password):
            path.unlink(missing_ok=True)


class _Handler(AnsweringHandler):
    server: _Server

    def do_POST(self) -> None:
        """One request for a signature."""
        if is_from_page(self.headers["Host"], self.headers["Origin"], self.server.server_port):
            self.send_error(403)
            return
        try:
            request = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX)))
            raw = signed_as_asked(self.server.signer, request["params"][0])
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            self.send_error(400)
            return
        # clef answers with an object, web3signer with the bytes.
        result = {"raw": raw} if request["method"] == "account_signTransaction" else raw
        self.answer(200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, account: Account) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.signer = KeystoreAccount(account, Path("rehearsal"))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a trace."""


@contextmanager
def signing_server(account: Account) -> Iterator[str]:
    """Serve until the block ends; its URL."""
    server = _Server(account)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def main(keystore: str, password_file: str) -> None:
    """Sign what is on standard input; the raw transaction on standard output."""
    given = KeystoreSigner(keystore=keystore, password_file=password_file)
    print(signed_as_asked(open_keystore(given, Path(), input), json.loads(sys.stdin.read())))


if __name__ == "__main__":
    main(*sys.argv[1:])
