"""A Safe Transaction Service on 127.0.0.1: the paths, checks and answers of safe-transaction-service 5.18 (2025-03).

Who signed is recovered by eth-account, which the lab does not use for it. safe-eth-py's client has to get along with
it: test_safe_eth_py.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

from eth_account import Account
from eth_utils.address import is_checksum_address

from lab.chains.answering import AnsweringHandler
from lab.safe.transaction import SafeTransaction
from tests.unit.real_safes import OWNERS

CHAIN_ID = 11155111
TRANSACTION = re.compile(r"/api/v2/multisig-transactions/(0x[0-9a-f]{64})/")
LIST = re.compile(r"/api/v2/safes/(0x[0-9a-fA-F]{40})/multisig-transactions/")
CONFIRMATIONS = re.compile(r"/api/v1/multisig-transactions/(0x[0-9a-f]{64})/confirmations/")
FIELDS = tuple(SafeTransaction.model_fields)
MISSING = (404, {"detail": "No MultisigTransaction matches the given query."})
Answer = tuple[int, Any]


class FakeService(ThreadingHTTPServer):
    """`transactions`: hash -> document. `executed`: nonces that are used up. `owners` of every Safe.

    `forgetful`: it answers 201 and never shows the transaction. `status`, `body`, `headers`: its answer to everything.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.transactions: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.owners: Collection[str] = [one.address for one in OWNERS]
        self.executed: dict[int, str] = {}
        self.forgetful, self.status, self.body = False, 0, b""
        self.headers: Mapping[str, str] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def propose(self, safe: str, given: dict[str, Any]) -> Answer:
        """A transaction with its first signatures."""
        if not is_checksum_address(safe):
            return 422, {"code": 1, "message": "Checksum address validation failed", "arguments": [safe]}
        tx_hash, nonce = given["contractTransactionHash"], int(given["nonce"])
        fields = {name: given[name] for name in FIELDS} | {"data": given["data"] or "0x"}
        actual = SafeTransaction.model_validate(fields).hashes(CHAIN_ID, safe).safe_tx
        if actual != tx_hash:
            return _refused(f"Contract-transaction-hash={actual} does not match provided contract-tx-hash={tx_hash}")
        if nonce in self.executed:
            return _refused(f"Tx with nonce={nonce} for safe={safe} already executed in tx-hash={self.executed[nonce]}")
        signers = signers_of(given["signature"], tx_hash)
        for signer in signers:
            if signer not in self.owners:
                return _refused(f"Signer={signer} is not an owner or delegate. Current owners={self.owners}")
        if signers and given["sender"].lower() not in signers:
            return _refused(f"Signature does not match sender={given['sender']}. Calculated owners={signers}")
        if not self.forgetful and tx_hash not in self.transactions:
            self.transactions[tx_hash] = _shown(safe, given)
            self.confirm(tx_hash, given)
        return 201, None

    def confirm(self, tx_hash: str, given: dict[str, Any]) -> Answer:
        """One or more signatures; those of an owner who signed already are the same once more."""
        known = self.transactions.get(tx_hash)
        if known is None:
            return 404, {"detail": f"Multisig transaction with safe-tx-hash={tx_hash} was not found"}
        for place, signer in enumerate(signers_of(given["signature"], tx_hash)):
            if signer not in self.owners:
                said = f"Signer={signer} is not an owner. Current owners={self.owners}"
                return 400, {"signature": [said]}
            if signer not in {one["owner"].lower() for one in known["confirmations"]}:
                signature = "0x" + given["signature"][2 + 130 * place :][:130]
                known["confirmations"].append(confirmation(signer, signature))
        return 201, {"signature": given["signature"]}


def confirmation(owner: str, signature: str, kind: str = "EOA") -> dict[str, Any]:
    """As it is shown."""
    at = "2026-01-01T00:00:00Z"
    return {
        "owner": owner, "submissionDate": at, "transactionHash": None, "signature": signature, "signatureType": kind
    }  # fmt: skip


def signers_of(signatures: str, tx_hash: str) -> list[str]:
    """Who signed the hash, in lower case."""
    raw = bytes.fromhex(signatures[2:])
    parts = [raw[start : start + 65] for start in range(0, len(raw), 65)]
    return [Account._recover_hash(bytes.fromhex(tx_hash[2:]), signature=part).lower() for part in parts]


def _shown(safe: str, given: dict[str, Any]) -> dict[str, Any]:
    numbers = ("value", "safeTxGas", "baseGas", "gasPrice", "nonce")
    return {
        **{name: given[name] for name in FIELDS},
        **{name: str(given[name]) for name in numbers},
        "safe": safe,
        "data": given["data"] if given["data"] not in (None, "0x") else None,
        "safeTxHash": given["contractTransactionHash"],
        "proposer": given["sender"],
        "transactionHash": None,
        "isExecuted": False,
        "signatures": None,
        "confirmations": [],
    }


def _refused(said: str) -> Answer:
    return 400, {"nonFieldErrors": [said]}


class _Handler(AnsweringHandler):
    server: FakeService

    def do_GET(self) -> None:
        """One transaction, or those of a Safe."""
        path, known = self._path(), self.server.transactions
        if (one := TRANSACTION.fullmatch(path)) is not None:
            self._answer(*((200, known[one[1]]) if one[1] in known else MISSING))
        elif (several := LIST.fullmatch(path)) is not None:
            results = [shown for shown in known.values() if shown["safe"] == several[1]]
            self._answer(200, {"count": len(results), "next": None, "previous": None, "results": results})
        else:
            self._answer(404, {"detail": "Not found."})

    def do_POST(self) -> None:
        """A transaction, or a confirmation of one."""
        path = self._path()
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if (proposed := LIST.fullmatch(path)) is not None:
            self._answer(*self.server.propose(proposed[1], given))
        elif (confirmed := CONFIRMATIONS.fullmatch(path)) is not None:
            self._answer(*self.server.confirm(confirmed[1], given))
        else:
            self._answer(404, {"detail": "Not found."})

    def _path(self) -> str:
        self.server.requests.append((self.command, self.path, self.headers.get("Authorization")))
        return self.path.partition("?")[0]

    def _answer(self, status: int, document: Any) -> None:
        body = self.server.body or (b"" if document is None else json.dumps(document).encode())
        self.answer(self.server.status or status, body, headers=self.server.headers)


@contextmanager
def fake_service() -> Iterator[FakeService]:
    """Serve until the block ends."""
    server = FakeService()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
