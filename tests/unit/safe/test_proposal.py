"""Proposals: files that nobody has to trust. Whatever is changed in one is seen before it is signed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from lab.bounded_files import UnfitFile
from lab.coordinator import Codec, role_account
from lab.deploy.deployer import Deployable
from lab.safe.calls import ProposedCall, named_call
from lab.safe.folder import all_proposals, file_name, next_nonce
from lab.safe.multisend import InnerCall, batch_calls, batch_data
from lab.safe.proposal import (
    Proposal,
    ProposalRefused,
    SafeDescription,
    make_proposal,
    merge_proposals,
    read_proposal,
    require_owner,
)
from lab.safe.published import deployments, published
from lab.safe.signatures import SignatureRefused
from lab.safe.transaction import SafeTransaction
from tests.unit.real_safes import OWNERS, signed

CONTRACT, SAFE, SOMEBODY = "0x" + "c0" * 20, "0x" + "5a" * 20, "0x" + "0b" * 20
OF = SafeDescription(
    network="sepolia",
    chain_id=11155111,
    safe=SAFE,
    version="1.4.1",
    threshold=2,
    owners=tuple(one.address for one in OWNERS),
    block=7,
)


def calls(reference: Deployable) -> list[ProposedCall]:
    """Of the lab's own contract."""
    codec = Codec(reference.contract.abi)
    return [
        named_call(codec, CONTRACT, "add_operator", codec.encode("add_operator", [SOMEBODY])),
        named_call(codec, CONTRACT, "pause", codec.encode("pause", [])),
    ]


@pytest.fixture
def proposal(reference: Deployable) -> Proposal:
    """A batch that two owners signed."""
    return signed(make_proposal(OF, calls(reference), 3), *OWNERS[:2])


def test_it_is_written_and_read_again(proposal: Proposal, tmp_path: Path) -> None:
    """Signers see the decoded calls; nothing is lost."""
    path = tmp_path / file_name(proposal)
    proposal.write(path)
    assert read_proposal(path) == proposal
    assert proposal.text == "add_operator(operator=0x0B0b0b0b0B0B0B0B0b0b0b0b0B0B0B0B0B0b0B0b); pause()"


def change(document: dict[str, Any], route: str, value: Any) -> None:
    """Set what stands at `a.0.b`."""
    *way, last = route.split(".")
    place: Any = document
    for step in way:
        place = place[int(step)] if step.isdecimal() else place[step]
    place[int(last) if last.isdecimal() else last] = value


CHANGES: dict[str, tuple[str, Any, str]] = {
    "nonce": ("transaction.nonce", "4", "the file was changed"),
    "target": ("transaction.to", SOMEBODY, "the file was changed"),
    "data": ("transaction.data", "0x12", "the file was changed"),
    "chain": ("chain_id", 1, "the file was changed"),
    "safe": ("safe", CONTRACT, "the file was changed"),
    "hash": ("hashes.safe_tx", "0x" + "00" * 32, "the file was changed"),
    "device hash": ("hashes.message", "0x" + "00" * 32, "the file was changed"),
    "listed call": ("calls.0.to", SOMEBODY, "the calls that the transaction makes"),
    "listed value": ("calls.1.value", "1", "the calls that the transaction makes"),
    "words": ("calls.0.function", "remove_operator(address)", "the words of the file are not those of its data"),
    "bad types": ("calls.0.function", "add_operator(", "the words of the file are not those of its data"),
    "signature": ("signatures.0.signature", "0x" + "11" * 64 + "1b", "signature 1: "),
    "owner of a signature": ("signatures.0.owner", SOMEBODY, "signature 1: expected a signature of"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed(proposal: Proposal, tmp_path: Path, name: str) -> None:
    """The file is named, and what to do."""
    route, value, expected = CHANGES[name]
    document = json.loads(proposal.model_dump_json())
    change(document, route, value)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ProposalRefused, match=f"changed.json: .*{expected}"):
        read_proposal(path)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"safe_proposal": 2}', "x" * 100, "\x00"])
def test_what_is_no_proposal(tmp_path: Path, content: str) -> None:
    """Never a trace."""
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UnfitFile, match="expected"):
        read_proposal(path)
    with pytest.raises(UnfitFile, match="No such file"):
        read_proposal(tmp_path / "nowhere.json")


def rehashed(proposal: Proposal, **changes: Any) -> Proposal:
    """Another transaction, with its right hash: whoever wrote it meant it."""
    transaction = SafeTransaction.model_validate({**proposal.transaction.model_dump(), **changes})
    hashes = transaction.hashes(proposal.chain_id, proposal.safe)
    return proposal.model_copy(update={"transaction": transaction, "hashes": hashes, "signatures": ()})


DANGERS: dict[str, tuple[dict[str, Any], str]] = {
    "delegates to a stranger": ({"to": SOMEBODY}, "act as the Safe itself .* do not sign it"),
    "pays a refund": ({"gasPrice": 5}, "expected no refund of gas"),
    "pays in tokens": ({"gasToken": SOMEBODY}, "expected no refund of gas"),
    "value of a batch": ({"value": 1}, "a batch without a value of its own"),
    "batch that delegates": ({"data": batch_data([InnerCall(SOMEBODY)]).replace("000b0b", "010b0b", 1)}, "do not sign"),
    "no batch": ({"data": "0x12345678"}, "do not sign"),
}


@pytest.mark.parametrize("name", DANGERS)
def test_what_nobody_should_sign(proposal: Proposal, tmp_path: Path, name: str) -> None:
    """A hash that is right makes no transaction harmless."""
    changes, expected = DANGERS[name]
    rehashed(proposal, **changes).write(tmp_path / "danger.json")
    with pytest.raises(ProposalRefused, match=expected):
        read_proposal(tmp_path / "danger.json")


def test_merging(proposal: Proposal, reference: Deployable) -> None:
    """All signatures of copies; none of another proposal."""
    bare = make_proposal(OF, calls(reference), 3)
    copies = [signed(bare, one) for one in OWNERS]
    assert len(merge_proposals(copies).signatures) == 3
    with pytest.raises(ProposalRefused, match="signatures of one are none of the other"):
        merge_proposals([bare, make_proposal(OF, calls(reference), 4)])
    with pytest.raises(ProposalRefused, match="expected one of the owners"):
        require_owner(bare, role_account("attacker").address)


def test_a_folder(proposal: Proposal, reference: Deployable, tmp_path: Path) -> None:
    """Copies are merged; the next free nonce is the first that nobody has."""
    later = make_proposal(OF, calls(reference)[:1], 5)
    for name, one in (("", proposal), ("-third", signed(later, OWNERS[2])), ("-bare", later)):
        one.write(tmp_path / file_name(one).replace(".proposal", f"{name}.proposal"))
    found = all_proposals(tmp_path, OF)
    assert [(one.nonce, len(one.signatures)) for one in found] == [(3, 2), (5, 1)]
    assert [next_nonce(found, start) for start in (3, 4, 5, 9)] == [4, 4, 6, 9]
    (tmp_path / "sepolia-nonce-9-x.proposal.json").write_text("{}")
    with pytest.raises(UnfitFile, match="nonce-9-x"):
        all_proposals(tmp_path, OF)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_batches(count: int) -> None:
    """What is packed is unpacked; other forms are refused."""
    given = tuple(InnerCall(f"0x{i:040x}", i, "0x" + "ab" * i) for i in range(count))
    data = batch_data(given)
    assert batch_calls(data) == given
    for broken in (data[:-64], data[:10], data + "00" * 32, "0x"):
        with pytest.raises(ValueError, match="expected"):
            batch_calls(broken)


def test_no_batches_where_nobody_published_the_contract(reference: Deployable) -> None:
    """The calls are proposed one by one there."""
    of = OF.model_copy(update={"chain_id": 31337})
    assert make_proposal(of, calls(reference)[:1], 0).transaction.operation == 0
    with pytest.raises(ProposalRefused, match="propose the calls one by one"):
        make_proposal(of, calls(reference), 0)


def test_the_published_list_agrees_with_that_of_safe_eth_py() -> None:
    """Two lists of different makers, of different days: no address of the lab's networks is in one of them alone."""
    spec = find_spec("safe_eth")
    assert spec is not None
    assert spec.submodule_search_locations
    theirs = run_path(f"{spec.submodule_search_locations[0]}/safe/safe_deployments.py")["safe_deployments"]
    for version, name in product(("1.4.1", "1.5.0"), ("MultiSendCallOnly", "SafeL2", "SafeProxyFactory")):
        given = {chain: {one.lower() for one in several} for chain, several in theirs[version][name].items()}
        for chain_id in (1, 10, 137, 8453, 42161, 11155111):
            assert given.get(str(chain_id), set()) <= set(published(name, version)), (version, chain_id, name)
            assert set(published(name, version, chain_id)) <= set().union(*given.values()), (version, chain_id, name)
    assert deployments().source.startswith("npm ")


def test_signature_refused_is_an_error_of_the_lab() -> None:
    """It ends a command with its text."""
    assert SignatureRefused.exit_code == ProposalRefused.exit_code == 1
