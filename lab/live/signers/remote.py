"""A signer behind JSON-RPC: web3signer's and Anvil's `eth_signTransaction`, clef's `account_signTransaction`."""

from __future__ import annotations

from typing import Any

from lab.live.declaration.deployment_file import RemoteSigner
from lab.live.signers.transaction import Signed, SignerFailure, Unsigned, checked
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, RpcFailure, Transport

# Somebody may have to press a button.
TIMEOUT_S = 300.0
ANSWER_BYTES_MAX = 4 << 20


class RemoteAccount:
    """Asks the signer for each transaction."""

    def __init__(self, given: RemoteSigner, url: RedactedUrl, transport: Transport | None = None) -> None:
        self._method, self.address = given.method, given.address
        self.described = f"remote signer {url}"
        self._transport = transport or HttpTransport(url, timeout_s=TIMEOUT_S, answer_bytes_max=ANSWER_BYTES_MAX)

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        try:
            answer: Any = self._transport.call(self._method, [{"from": self.address, **transaction.fields()}])
        except RpcFailure as failure:
            raise SignerFailure(f"{self.described}: expected {self._method} to sign: {failure}") from failure
        raw = answer.get("raw") if isinstance(answer, dict) else answer
        return checked(raw, transaction, self.address, self.described)
