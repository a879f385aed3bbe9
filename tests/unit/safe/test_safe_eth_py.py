"""safe-eth-py's client of the Transaction Service and the lab's, at the same service: each reads what the other wrote.

So the stand-in of the tests is no mirror of the lab's own mistakes, and its paths are those in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from lab.model.redacted import RedactedUrl
from lab.safe.calls import ProposedCall
from lab.safe.proposal import Proposal, make_proposal
from lab.safe.service import TransactionService
from tests.unit.real_safes import OWNERS, SafeWorld, raw_signature, signed

from .fake_service import FakeService, fake_service

pytestmark = pytest.mark.reliability
NONCE = 3


class Both:
    """A service with two clients, and a proposal of a real Safe."""

    def __init__(self, there: SafeWorld, server: FakeService) -> None:
        # Untyped here: it takes seconds to load, and has types of its own for what are texts.
        eth: Any = import_module("safe_eth.eth")
        api: Any = import_module("safe_eth.safe.api")
        self.server = server
        self.proposal: Proposal = make_proposal(
            there.description(), [ProposedCall(to="0x" + "0b" * 20, data="0x12345678")], NONCE
        )
        self._node = eth.EthereumClient(there.world.nodes["sepolia"].url)
        self.theirs = api.TransactionServiceApi(eth.EthereumNetwork.SEPOLIA, self._node, base_url=server.url)
        self.ours = TransactionService(RedactedUrl(server.url))
        self.signatures = [bytes.fromhex(raw_signature(one, self.proposal.hash)[2:]) for one in OWNERS]

    def transaction(self, signatures: bytes) -> Any:
        """The proposal's, as safe-eth-py makes it."""
        safe_tx: Any = import_module("safe_eth.safe").SafeTx
        given, safe = self.proposal.transaction, to_checksum_address(self.proposal.safe)
        data = bytes.fromhex(given.data[2:])
        numbers = (given.operation, given.safeTxGas, given.baseGas, given.gasPrice)
        places = (given.gasToken, given.refundReceiver)
        return safe_tx(
            self._node, safe, to_checksum_address(given.to), given.value, data, *numbers, *places, signatures, NONCE
        )


@pytest.fixture
def both(safe_world: Callable[..., SafeWorld]) -> Iterator[Both]:
    """On one chain."""
    with fake_service() as server:
        yield Both(safe_world("1.4.1"), server)


def test_safe_eth_py_reads_what_the_lab_published(both: Both) -> None:
    """It computes the hash from what it is shown and from the chain, and refuses another; and it finds who signed."""
    proposal = both.proposal
    assert both.ours.publish(signed(proposal, *OWNERS[:2]))
    transaction, executed = both.theirs.get_safe_transaction(proposal.hash)
    assert ("0x" + bytes(transaction.safe_tx_hash).hex(), executed) == (proposal.hash, None)
    assert sorted(one.lower() for one in transaction.signers) == sorted(one.address for one in OWNERS[:2])
    (listed,) = both.theirs.get_transactions(to_checksum_address(proposal.safe), safe_tx_hash=proposal.hash)
    assert int(listed["nonce"]) == NONCE


def test_the_lab_reads_what_safe_eth_py_published(both: Both) -> None:
    """Proposed by it with one signature, confirmed by it with another; the lab adds the third, proposing nothing."""
    proposal = both.proposal
    assert both.theirs.post_transaction(both.transaction(both.signatures[0]))
    assert both.theirs.post_signatures(bytes.fromhex(proposal.hash[2:]), both.signatures[1])
    assert {one.owner for one in both.ours.given(proposal).signatures} == {one.address for one in OWNERS[:2]}
    assert both.ours.publish(signed(proposal, OWNERS[2]))
    transaction, _ = both.theirs.get_safe_transaction(proposal.hash)
    assert len(transaction.signers) == 3
    theirs = {path for method, path, _ in both.server.requests if method == "POST"}
    both.server.transactions.clear()
    both.server.requests.clear()
    assert both.ours.publish(signed(proposal, *OWNERS))
    assert theirs == {path for method, path, _ in both.server.requests if method == "POST"}, "both use the same"


def test_safe_eth_py_is_refused_where_the_lab_is(both: Both) -> None:
    """A nonce that is used up, and an address without its checksum."""
    failure: Any = import_module("safe_eth.safe.api").SafeAPIException
    both.server.executed[NONCE] = "0x" + "ee" * 32
    with pytest.raises(failure, match=r"nonce=3 .* already executed"):
        both.theirs.post_transaction(both.transaction(both.signatures[0]))
    transaction = both.transaction(both.signatures[0])
    assert "0x" + bytes(transaction.safe_tx_hash).hex() == both.proposal.hash
    transaction.safe_address = both.proposal.safe.lower()
    with pytest.raises(failure, match="Checksum address validation failed"):
        both.theirs.post_transaction(transaction)
