"""A Safe Transaction Service, for signers who use one. Never needed: the file stays the proposal.

What it answers is not trusted: each signature that it hands out is recovered and compared with its owner.
"""

from __future__ import annotations

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


class ServiceFailure(LabError):
    """A service that cannot be reached, refuses, or answers in another shape; the proposal's file is as it was."""

    exit_code = 3


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
            self._ask("POST", f"/api/v1/safes/{to_checksum_address(proposal.safe)}/multisig-transactions/", body)
        known = {one.owner for one in self.signatures(proposal)}
        for one in signed:
            if one.owner not in known:
                path = f"/api/v1/multisig-transactions/{proposal.hash}/confirmations/"
                self._ask("POST", path, {"signature": one.signature})
        # Services were seen to answer 201 and never show the transaction.
        return self._shown(proposal) is not None

    def signatures(self, proposal: Proposal) -> tuple[Signature, ...]:
        """Those that it has; empty where it does not know the proposal. Raises ServiceFailure, SignatureRefused."""
        shown = self._shown(proposal)
        confirmations = shown.get("confirmations") if shown is not None else None
        if confirmations is not None and not isinstance(confirmations, list):
            raise ServiceFailure(
                f"{self._url}: expected a list of confirmations, got {self._hidden(str(confirmations))[:80]!r}"
            )
        given = []
        for confirmation in confirmations or ():
            text = confirmation.get("signature") if isinstance(confirmation, dict) else None
            given.append(read_signature(str(text), proposal.hash))
        return tuple(given)

    def _shown(self, proposal: Proposal) -> dict[str, Any] | None:
        answer = self._ask("GET", f"/api/v1/multisig-transactions/{proposal.hash}/", missing_is_none=True)
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
            raise ServiceFailure(f"{self._url}: expected it to take the proposal, HTTP {response.status}: {said}")
        try:
            return parse_json(text, "the service's answer") if text.strip() else None
        except UnfitFile as error:
            raise ServiceFailure(f"{self._url}: {self._hidden(str(error))}") from error

    def _hidden(self, text: str) -> str:
        return self._url.redact_in(text.replace(self._key, "***") if self._key else text)
