"""A Safe Transaction Service, for signers who use one. Never needed: the file stays the proposal.

What it answers is not trusted: each signature that it hands out is recovered and compared with its owner. Its API is
that of safe-transaction-service 5.18 (2025-03): transactions are v2, their v1 is deprecated; confirmations are v1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import urllib3
from eth_utils.address import to_checksum_address

from lab.bounded_files import UnfitFile, parse_json
from lab.errors import LabError
from lab.model.redacted import RedactedUrl
from lab.rpc.urls import url_below
from lab.safe.proposal import Proposal
from lab.safe.signatures import Signature, SignatureRefused, read_signature

ANSWER_BYTES_MAX = 4 << 20
TIMEOUT_S = 30.0
BY_CONTRACT, ADDRESS_LENGTH = "CONTRACT_SIGNATURE", 42


class ServiceFailure(LabError):
    """A service that cannot be reached, refuses, or answers in another shape; the proposal's file is as it was."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Given:
    """What a service has of a proposal; `contracts` are owners who signed by one (EIP-1271), which is unsupported."""

    signatures: tuple[Signature, ...] = ()
    contracts: tuple[str, ...] = ()


class TransactionService:
    """One service; `url` is that of a chain, as `https://host/tx-service/sep`. `key` is sent, and shown nowhere."""

    def __init__(self, url: RedactedUrl, key: str | None = None) -> None:
        self._url, self._key = url, key
        headers = {"User-Agent": "tesseract-lab", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=TIMEOUT_S), retries=False, headers=headers)

    def publish(self, proposal: Proposal) -> bool:
        """Hand over the transaction with all signatures; whether the service shows it afterwards.

        Raises ServiceFailure, SignatureRefused for a proposal without a signature: a service takes none of these.
        """
        signed = [one for one in proposal.signatures if one.kind != "approved"]
        if not signed:
            raise SignatureRefused(
                "expected a signature of an owner, a service takes no proposal without: sign it first"
            )
        if self._shown(proposal) is None:
            first, transaction = signed[0], proposal.transaction.model_dump()
            body = {
                **transaction,
                "safe": to_checksum_address(proposal.safe),
                "contractTransactionHash": proposal.hash,
                "sender": to_checksum_address(first.owner),
                "signature": first.signature,
                "origin": "tesseract-lab",
            }
            self._ask("POST", f"/api/v2/safes/{to_checksum_address(proposal.safe)}/multisig-transactions/", body)
        # Services were seen to answer 201 and never show the transaction: they take no confirmations of it either.
        if self._shown(proposal) is None:
            return False
        known = {one.owner for one in self.given(proposal).signatures}
        for one in signed:
            if one.owner not in known:
                path = f"/api/v1/multisig-transactions/{proposal.hash}/confirmations/"
                self._ask("POST", path, {"signature": one.signature})
        return True

    def given(self, proposal: Proposal) -> Given:
        """What it has; nothing where it does not know the proposal. Raises ServiceFailure, SignatureRefused."""
        shown = self._shown(proposal)
        confirmations = shown.get("confirmations") if shown is not None else None
        if confirmations is not None and not isinstance(confirmations, list):
            raise ServiceFailure(
                f"{self._url}: expected a list of confirmations, got {self._hidden(str(confirmations))[:80]!r}"
            )
        signatures, contracts = [], []
        for one in confirmations or ():
            confirmation = one if isinstance(one, dict) else {}
            if confirmation.get("signatureType") == BY_CONTRACT:
                contracts.append(str(confirmation.get("owner"))[:ADDRESS_LENGTH])
            else:
                signatures.append(read_signature(str(confirmation.get("signature")), proposal.hash))
        return Given(tuple(signatures), tuple(contracts))

    def _shown(self, proposal: Proposal) -> dict[str, Any] | None:
        answer = self._ask("GET", f"/api/v2/multisig-transactions/{proposal.hash}/", missing_is_none=True)
        if answer is not None and not isinstance(answer, dict):
            raise ServiceFailure(f"{self._url}: expected a transaction, got {self._hidden(str(answer))[:80]!r}")
        return answer

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, missing_is_none: bool = False) -> Any:
        try:
            address = url_below(self._url.reveal(), path)
            response = self._pool.request(method, address, json=body, preload_content=False, redirect=False)
            try:
                text = response.read(ANSWER_BYTES_MAX + 1)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise ServiceFailure(f"{self._url}: nobody answers: {self._hidden(str(error))}") from error
        if response.status == 404 and missing_is_none:
            return None
        if not 200 <= response.status < 300:
            said = self._hidden(text[:300].decode("utf-8", errors="replace"))
            raise ServiceFailure(
                f"{self._url}: expected {'an answer' if method == 'GET' else 'it to take the proposal'}, got HTTP "
                f"{response.status}: {said}; {self._advice(response)}"
            )
        try:
            return parse_json(text, "the service's answer") if text.strip() else None
        except UnfitFile as error:
            raise ServiceFailure(f"{self._url}: {self._hidden(str(error))}") from error

    def _hidden(self, text: str) -> str:
        return self._url.redact_in(text.replace(self._key, "***") if self._key else text)

    def _advice(self, response: urllib3.BaseHTTPResponse) -> str:
        """What to do about a refusal."""
        status, headers = response.status, response.headers
        if 300 <= status < 400:
            where = self._hidden(headers.get("Location", "")) or "an address that it does not name"
            return f"it has moved to {where}: give that address"
        if status in (401, 403):
            return "it wants another key than SAFE_API_KEY holds"
        if status == 404:
            return "is this the service of the proposal's chain?"
        if status == 429:
            return f"it limits requests: run the command again in {headers.get('Retry-After', 'some')[:20]} seconds"
        if status >= 500:
            return "the service is in trouble: run the command again later, or pass the file on"
        return "nothing was taken, and the file is as it was"
