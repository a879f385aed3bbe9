"""A Transaction Service beside the file: what is handed over comes back, and nothing that it says is trusted."""

from __future__ import annotations

import pytest

from lab.coordinator import role_account
from lab.model.redacted import RedactedUrl
from lab.safe.calls import ProposedCall
from lab.safe.proposal import Proposal, SafeDescription, make_proposal
from lab.safe.service import ServiceFailure, TransactionService
from lab.safe.signatures import SignatureRefused
from tests.unit.real_safes import OWNERS, raw_signature, signed

from .fake_service import fake_service

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
        assert client.signatures(both) == ()
        assert client.publish(both)
        assert client.publish(both)
        shown = server.transactions[both.hash]
        assert (shown["nonce"], shown["operation"], len(shown["confirmations"])) == ("3", 0, 2)
        third = raw_signature(OWNERS[2], both.hash)
        shown["confirmations"].append({"owner": OWNERS[2].address, "signature": third})
        assert len(BARE.with_signatures(*client.signatures(BARE)).signatures) == 3
        assert {authorization for _, _, authorization in server.requests} == {"Bearer KEY5f3a"}


def test_a_query_of_the_address_stays_behind_the_path() -> None:
    """Some services take their key there."""
    with fake_service() as server:
        assert of_url(f"{server.url}/?api=KEY5f3a").publish(signed(BARE, OWNERS[0]))
        paths = [path for _, path, _ in server.requests]
        assert all(path.startswith("/api/v1/") and path.endswith("/?api=KEY5f3a") for path in paths)
        assert paths


def test_it_takes_a_transaction_and_never_shows_it() -> None:
    """As was seen in the field: said, since the file is the proposal."""
    with fake_service() as server:
        server.forgetful = True
        assert not of_url(server.url).publish(signed(BARE, *OWNERS[:2]))


def test_a_signature_that_is_none() -> None:
    """Of somebody else it is one of somebody else; bytes that are none are refused."""
    with fake_service() as server:
        forged = raw_signature(role_account("attacker"), BARE.hash)
        server.transactions[BARE.hash] = {"confirmations": [{"owner": OWNERS[0].address, "signature": forged}]}
        assert [one.owner for one in of_url(server.url).signatures(BARE)] == [role_account("attacker").address]
        for nonsense in ("0x12", None, "0x" + "00" * 65):
            server.transactions[BARE.hash] = {"confirmations": [{"signature": nonsense}]}
            with pytest.raises(SignatureRefused):
                of_url(server.url).signatures(BARE)


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"down"), (400, b'{"nonFieldErrors": ["KEY5f3a"]}'), (200, b"<html>"), (200, b"[1]")]
)
def test_a_service_in_trouble(status: int, body: bytes) -> None:
    """Its words, without the key."""
    with fake_service() as server:
        server.status, server.body = status, body
        with pytest.raises(ServiceFailure) as caught:
            of_url(server.url, "KEY5f3a").publish(signed(BARE, OWNERS[0]))
        assert "KEY5f3a" not in str(caught.value)


def test_nobody_there() -> None:
    """And a proposal that nobody signed."""
    with pytest.raises(ServiceFailure, match="nobody answers"):
        of_url("http://127.0.0.1:9").publish(signed(BARE, OWNERS[0]))
    with pytest.raises(SignatureRefused, match="sign it first"):
        of_url("http://127.0.0.1:9").publish(BARE)
