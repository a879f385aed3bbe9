"""A Transaction Service beside the file: what is handed over comes back, and nothing that it says is trusted."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address

from lab.coordinator import role_account
from lab.model.redacted import RedactedUrl
from lab.safe.calls import ProposedCall
from lab.safe.proposal import Proposal, SafeDescription, make_proposal
from lab.safe.service import Given, ServiceFailure, TransactionService
from lab.safe.signatures import SignatureRefused
from tests.unit.real_safes import OWNERS, raw_signature, signed

from .fake_service import confirmation, fake_service

OF = SafeDescription(
    network="sepolia",
    chain_id=11155111,
    safe="0x" + "5a" * 20,
    version="1.4.1",
    threshold=2,
    owners=tuple(one.address for one in OWNERS),
    block=7,
)
BARE = make_proposal(OF, [ProposedCall(to="0x" + "0b" * 20, data="0x12345678")], 3)


def of_url(url: str, key: str | None = None) -> TransactionService:
    """A client."""
    return TransactionService(RedactedUrl(url), key)


def test_there_and_back() -> None:
    """The transaction with its first signature, the others as confirmations; once each."""
    both: Proposal = signed(BARE, *OWNERS[:2])
    with fake_service() as server:
        client = of_url(server.url, "KEY5f3a")
        assert client.given(both) == Given()
        assert client.publish(both)
        assert client.publish(both)
        shown = server.transactions[both.hash]
        assert (shown["nonce"], shown["operation"], len(shown["confirmations"])) == ("3", 0, 2)
        third = raw_signature(OWNERS[2], both.hash)
        shown["confirmations"].append(confirmation(OWNERS[2].address, third))
        assert len(BARE.with_signatures(*client.given(BARE).signatures).signatures) == 3
        assert {authorization for _, _, authorization in server.requests} == {"Bearer KEY5f3a"}


def test_a_query_of_the_address_stays_behind_the_path() -> None:
    """Some services take their key there."""
    with fake_service() as server:
        assert of_url(f"{server.url}/?api=KEY5f3a").publish(signed(BARE, OWNERS[0]))
        paths = [path for _, path, _ in server.requests]
        assert all(path.startswith("/api/v2/") and path.endswith("/?api=KEY5f3a") for path in paths)
        assert paths


def test_it_takes_a_transaction_and_never_shows_it() -> None:
    """As was seen in the field: said, since the file is the proposal."""
    with fake_service() as server:
        server.forgetful = True
        assert not of_url(server.url).publish(signed(BARE, *OWNERS[:2]))
        # A confirmation of what it does not know would be refused.
        assert [method for method, _, _ in server.requests] == ["GET", "POST", "GET"]


def test_proposed_by_somebody_else_meanwhile() -> None:
    """What is there already is not proposed again: the file's signatures join it, once each."""
    with fake_service() as server:
        assert of_url(server.url).publish(signed(BARE, OWNERS[1]))
        assert of_url(server.url).publish(signed(BARE, *OWNERS[:2]))
        assert [path for method, path, _ in server.requests if method == "POST"] == [
            f"/api/v2/safes/{to_checksum_address(OF.safe)}/multisig-transactions/",
            f"/api/v1/multisig-transactions/{BARE.hash}/confirmations/",
        ]
        owners = [one["owner"] for one in server.transactions[BARE.hash]["confirmations"]]
        assert owners == [OWNERS[1].address, OWNERS[0].address]


def test_what_the_service_refuses() -> None:
    """A nonce that another transaction used, a signer who is no owner: its words, and nothing is there."""
    with fake_service() as server:
        server.executed[3] = "0x" + "ee" * 32
        with pytest.raises(ServiceFailure, match=r"HTTP 400: .*nonce=3 .*already executed in tx-hash=.*as it was"):
            of_url(server.url).publish(signed(BARE, OWNERS[0]))
        server.executed.clear()
        server.owners = [OWNERS[1].address]
        with pytest.raises(ServiceFailure, match=r"HTTP 400: .*Signer=0x.* is not an owner"):
            of_url(server.url).publish(signed(BARE, OWNERS[0]))
        assert server.transactions == {}


def test_an_owner_who_signed_by_a_contract() -> None:
    """Such a signature is left out and its owner named; those of the others count."""
    with fake_service() as server:
        client = of_url(server.url)
        assert client.publish(signed(BARE, OWNERS[0]))
        by_contract = confirmation(OWNERS[2].address, "0x" + "00" * 200, "CONTRACT_SIGNATURE")
        server.transactions[BARE.hash]["confirmations"].append(by_contract)
        given = client.given(BARE)
        assert ([one.owner for one in given.signatures], given.contracts) == ([OWNERS[0].address], (OWNERS[2].address,))


def test_a_signature_that_is_none() -> None:
    """Of somebody else it is one of somebody else; bytes that are none are refused."""
    with fake_service() as server:
        forged = raw_signature(role_account("attacker"), BARE.hash)
        server.transactions[BARE.hash] = {"confirmations": [{"owner": OWNERS[0].address, "signature": forged}]}
        assert [one.owner for one in of_url(server.url).given(BARE).signatures] == [role_account("attacker").address]
        for nonsense in ("0x12", None, "0x" + "00" * 65):
            server.transactions[BARE.hash] = {"confirmations": [{"signature": nonsense}]}
            with pytest.raises(SignatureRefused):
                of_url(server.url).given(BARE)


MOVED = {"Location": "https://api.safe.global/tx-service/sep/?key=KEY5f3a"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "what_to_do"),
    [
        (500, b"down", {}, "later, or pass the file on"),
        (503, b"", {}, "later, or pass the file on"),
        (400, b'{"nonFieldErrors": ["KEY5f3a"]}', {}, "nothing was taken"),
        (401, b'{"detail": "KEY5f3a"}', {}, "another key than SAFE_API_KEY holds"),
        (422, b'{"code": 1, "message": "Checksum address validation failed"}', {}, "Checksum address validation"),
        (429, b'{"detail": "Request was throttled."}', {"Retry-After": "17"}, "again in 17 seconds"),
        (308, b"", MOVED, "moved to https://api.safe.global/"),
        (200, b"<html>", {}, "JSON"),
        (200, b"[1]", {}, "expected a transaction"),
    ],
)
def test_a_service_in_trouble(status: int, body: bytes, headers: dict[str, str], what_to_do: str) -> None:
    """Its words, without the key, and what to do."""
    with fake_service() as server:
        server.status, server.body, server.headers = status, body, headers
        for ask in (TransactionService.publish, TransactionService.given):
            with pytest.raises(ServiceFailure) as caught:
                ask(of_url(server.url, "KEY5f3a"), signed(BARE, OWNERS[0]))
            assert "KEY5f3a" not in str(caught.value)
            assert what_to_do in str(caught.value)


def test_nobody_there() -> None:
    """And a proposal that nobody signed."""
    with pytest.raises(ServiceFailure, match="nobody answers"):
        of_url("http://127.0.0.1:9").publish(signed(BARE, OWNERS[0]))
    with pytest.raises(SignatureRefused, match="sign it first"):
        of_url("http://127.0.0.1:9").publish(BARE)
