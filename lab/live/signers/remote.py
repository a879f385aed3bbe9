"""A signer behind JSON-RPC: web3signer, clef, Anvil. Their methods differ: what one does not know the next may.

web3signer knows `eth_signTransaction` and `eth_signTypedData`, and hands all else on to a node (JsonRpcRoute.java,
3522fc8); clef knows `account_signTransaction` and `account_signTypedData`. Each process of them signs for one chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils.address import to_checksum_address

from lab.live.declaration.deployment_file import RemoteSigner
from lab.live.signers.transaction import Signed, SignerFailure, Unsigned, checked
from lab.live.signers.typed_data import TypedData, checked_signature
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, RpcFailure, RpcRefused, Transport

# Somebody may have to press a button.
TIMEOUT_S = 300.0
ANSWER_BYTES_MAX = 4 << 20
TRANSACTIONS = ("eth_signTransaction", "account_signTransaction")
TYPED_DATA = ("eth_signTypedData_v4", "eth_signTypedData", "account_signTypedData")
# JSON-RPC's "method not found", web3signer's "not enabled", EIP-1474's "not supported"; a gateway whose node is away.
UNKNOWN = frozenset({-32601, -32604, -32004, 404, 405, 502, 503, 504})


class RemoteAccount:
    """Asks the signer for each transaction; `urls` is one for all chains, or that of each chain id."""

    def __init__(
        self,
        given: RemoteSigner,
        urls: RedactedUrl | Mapping[int, RedactedUrl],
        transport: Transport | None = None,
    ) -> None:
        self._methods = (given.method,) if given.method else TRANSACTIONS
        self._typed_methods = (given.typed_data_method,) if given.typed_data_method else TYPED_DATA
        self._urls, self._transport, self.address = urls, transport, given.address
        shown = urls.values() if isinstance(urls, Mapping) else (urls,)
        self.described = f"remote signer {', '.join(dict.fromkeys(map(str, shown)))}"

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        asked = {"from": to_checksum_address(self.address), **transaction.fields()}
        at, answer = self._ask(transaction.chain_id, self._methods, asked)
        raw = answer.get("raw") if isinstance(answer, dict) else answer
        return checked(raw, transaction, self.address, at)

    def sign_typed_data(self, typed: TypedData) -> str:
        """See `TypedDataSigner`."""
        chain_id = int(typed.document["domain"]["chainId"])
        at, answer = self._ask(chain_id, self._typed_methods, to_checksum_address(self.address), typed.document)
        return checked_signature(answer, typed, self.address, at)

    def _ask(self, chain_id: int, methods: tuple[str, ...], *parameters: Any) -> tuple[str, Any]:
        """Who answered, and what; where it knows no method, the first one's refusal counts. Raises SignerFailure."""
        url = self._urls.get(chain_id) if isinstance(self._urls, Mapping) else self._urls
        if url is None:
            raise SignerFailure(
                f"{self.described}: expected a signer for chain {chain_id}, its variable in the deployment file is not "
                "set or not there"
            )
        at, failures = f"remote signer {url}", list[RpcFailure]()
        transport = self._transport or HttpTransport(url, timeout_s=TIMEOUT_S, answer_bytes_max=ANSWER_BYTES_MAX)
        for method in methods:
            try:
                return at, transport.call(method, list(parameters))
            except RpcFailure as failure:
                failures.append(failure)
                if not _is_unknown(failure):
                    break
        refusal = failures[0] if _is_unknown(failures[-1]) else failures[-1]
        raise SignerFailure(f"{at}: expected it to sign: {refusal}") from refusal


def _is_unknown(failure: RpcFailure) -> bool:
    """Whether the signer does not know the method, so that another one may be its own."""
    return isinstance(failure, RpcRefused) and failure.code in UNKNOWN
