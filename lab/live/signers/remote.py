"""A signer behind JSON-RPC: web3signer's and Anvil's `eth_signTransaction`, clef's `account_signTransaction`."""

from __future__ import annotations

from typing import Any

from lab.live.declaration.deployment_file import RemoteSigner
from lab.live.signers.transaction import Signed, SignerFailure, Unsigned, checked
from lab.live.signers.typed_data import TypedData, checked_signature
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, RpcFailure, Transport

# Somebody may have to press a button.
TIMEOUT_S = 300.0
ANSWER_BYTES_MAX = 4 << 20


class RemoteAccount:
    """Asks the signer for each transaction."""

    def __init__(self, given: RemoteSigner, url: RedactedUrl, transport: Transport | None = None) -> None:
        self._method, self._typed_method, self.address = given.method, given.typed_data_method, given.address
        self.described = f"remote signer {url}"
        self._transport = transport or HttpTransport(url, timeout_s=TIMEOUT_S, answer_bytes_max=ANSWER_BYTES_MAX)

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        answer = self._ask(self._method, {"from": self.address, **transaction.fields()})
        raw = answer.get("raw") if isinstance(answer, dict) else answer
        return checked(raw, transaction, self.address, self.described)

    def sign_typed_data(self, typed: TypedData) -> str:
        """See `TypedDataSigner`."""
        answer = self._ask(self._typed_method, self.address, typed.document)
        return checked_signature(answer, typed, self.address, self.described)

    def _ask(self, method: str, *parameters: Any) -> Any:
        try:
            return self._transport.call(method, list(parameters))
        except RpcFailure as failure:
            raise SignerFailure(f"{self.described}: expected {method} to sign: {failure}") from failure
