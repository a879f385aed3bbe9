"""Rows that need a live network: passed by live evidence alone, never by a rehearsal, failed by what differs."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lab.commands.live.record import move_aside, record
from lab.deploy.deployer import Deployable
from lab.model.chain.genesis import genesis_hash
from lab.model.live_evidence import EVIDENCE, LiveEvidence, NetworkEvidence, Transaction
from lab.report.catalogue.rows import Row, load_catalogue
from lab.report.evidence.attestations import Attestation, Statement
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.deployments import FILES_MAX, LostDeployment, read_deployments
from lab.report.judge.deployment_opinions import deployment_opinions
from lab.report.judge.row_judge import judge
from lab.report.records.row_verdict import RowVerdict

CONTRACT = "ab" * 32


def network(profile: str, **changed: Any) -> NetworkEvidence:
    """One that is as it should be."""
    step = Transaction(step="deploy", tx="0x1", block=7, block_hash="0x2", gas_used=5, waited_s=14.0)
    good: dict[str, Any] = {
        "network": profile,
        "profile": profile,
        "title": profile,
        "chain_id": 1,
        "testnet": True,
        "kind": "live",
        "endpoints_agree": 2,
        "genesis_hash": genesis_hash(profile) or "0x" + "33" * 32,
        "address": "0x" + "11" * 20,
        "transactions": (step,),
        "funded_wei": str(10**18),
        "verified": {"sourcify": "exact"},
        "smoke": {"buffered": "ok", "ready": "ok", "a stranger may not": "ok"},
        "budget_wei": str(10**17),
        "services": {"exporter": "ok", "documents": "ok"},
        "variables": ("A_RPC", "A_RPC_2"),
        "events": {"TransactionBuffered": 2, "TransactionFailed": 1, "TransactionReady": 1},
    }
    return NetworkEvidence(**(good | changed))


def evidence(*networks: NetworkEvidence, **changed: Any) -> LiveEvidence:
    """Of a deployment to them."""
    whole: dict[str, Any] = {
        "kind": "live",
        "made": "2026-11-26T10:00:00+00:00",
        "file": "deployment.yaml",
        "contract": "Mine",
        "compiler": "vyper 0.4.3",
        "bytecode_sha256": CONTRACT,
        "source_sha256": "cd" * 32,
        "commit": "abc",
        "deployer": "0x" + "22" * 20,
    }
    return LiveEvidence(networks=networks, **(whole | changed))


def written(results: Path, *networks: NetworkEvidence, **changed: Any) -> Path:
    """The results folder with that evidence in it, and no line beside it."""
    evidence(*networks, **changed).write(results / "live" / "deployment")
    return results


def row(name: str) -> Row:
    """A row of the lab's own catalogue."""
    return next(one for one in load_catalogue().rows if one.id == name)


def verdict(results: Path, name: str, baseline: Baseline | None = None) -> tuple[RowVerdict, str]:
    """How a row stands by that folder alone."""
    against = baseline or Baseline()
    deployments, notes = read_deployments(results)
    assert not notes
    one = row(name)
    judged = judge(one, (), against, live=deployment_opinions(one, deployments, against))
    return judged.verdict, judged.reason


@pytest.mark.parametrize("name", ["SEP-01", "SEP-02", "SEP-03", "SEP-04", "SEP-05", "SEP-06", "SEP-07"])
def test_live_evidence_passes_a_row(tmp_path: Path, name: str) -> None:
    """And nothing else on record does."""
    assert verdict(tmp_path, name)[0] is RowVerdict.LIVE
    assert verdict(written(tmp_path, network("sepolia")), name)[0] is RowVerdict.PASS


# Of the rows of the checklist that need a network; what a usage target comes to nobody can read from contracts alone.
NO_PROOF = {"BUS-02"}
LIVE_ROWS = {one.id: one.live for one in load_catalogue().rows if one.live is not None}


def test_every_row_that_needs_a_network_has_a_proof() -> None:
    """The families that deployments are to show, whole."""
    needing = {one.id for one in load_catalogue().rows if one.row_class == "live"}
    assert needing - set(LIVE_ROWS) == NO_PROOF
    families = {name.partition("-")[0] for name in LIVE_ROWS}
    assert families == {"ENV", "SEP", "AMO", "MPR", "MDS", "PDV", "NET", "NSR"}
    rows = {name for name in needing if name.partition("-")[0] in ("SEP", "AMO", "MDS", "PDV", "NET")}
    assert {*rows, "ENV-05", "NSR-06", "MPR-02"} == set(LIVE_ROWS)


def test_a_row_that_no_deployment_shows_is_for_a_person(tmp_path: Path, reference: Deployable) -> None:
    """No function of a coordinator takes value, so none is there to read; the row says who answers for it."""
    assert {entry["stateMutability"] for entry in reference.contract.abi if entry["type"] == "function"} <= {
        "view",
        "pure",
        "nonpayable",
    }
    (name,) = NO_PROOF
    given, reason = verdict(written(tmp_path, network("ethereum")), name)
    assert given is RowVerdict.LIVE
    assert "a coordinator holds no value, the applications do that use it" in reason
    assert f"(`lab attest {name}`)" in reason
    said = Attestation(
        row=name, owner="Bo", date=date(2026, 11, 1), document="tvl.csv", sha256="ab" * 32, expires=date(2027, 2, 1)
    )
    judged = judge(row(name), (), Baseline(), statements=[Statement("BUS-02.yaml", name, said, "")])
    assert (judged.verdict, judged.owner) == (RowVerdict.ATTESTED, "Bo")


@pytest.mark.parametrize("name", LIVE_ROWS)
def test_each_row_turns(tmp_path: Path, name: str) -> None:
    """LIVE without a deployment, REHEARSED after a rehearsal of its networks, PASS by live ones, and by all of them."""
    proof = LIVE_ROWS[name]
    funded = str(100 * 10**18)
    assert verdict(tmp_path, name)[0] is RowVerdict.LIVE
    local = [network(profile, kind="rehearsal", funded_wei=funded) for profile in proof.networks]
    given, reason = verdict(written(tmp_path, *local, kind="rehearsal"), name)
    assert given is RowVerdict.LIVE
    assert reason.count("REHEARSED 2026-11-26") == len(proof.networks)
    live = [network(profile, funded_wei=funded) for profile in proof.networks]
    for absent in range(len(live)):
        some = [*live[:absent], *live[absent + 1 :]]
        assert verdict(written(tmp_path, *some), name)[0] is RowVerdict.LIVE
    assert verdict(written(tmp_path, *live), name)[0] is RowVerdict.PASS


AGAINST: list[tuple[str, dict[str, Any], RowVerdict]] = [
    ("SEP-01", {"funded_wei": str(10**16)}, RowVerdict.FAIL),
    ("ENV-05", {"variables": ()}, RowVerdict.FAIL),
    ("SEP-03", {"differences": ("expected owner a, it is b",)}, RowVerdict.FAIL),
    ("SEP-03", {"problem": "eth_chainId: no answer", "address": ""}, RowVerdict.UNKNOWN),
    ("SEP-04", {"verified": {}}, RowVerdict.FAIL),
    ("SEP-04", {"verified": {"sourcify": "exact", "etherscan": "no match: Fail"}}, RowVerdict.FAIL),
    ("SEP-04", {"verified": {"sourcify": "exact", "etherscan": "unknown: HTTP 503"}}, RowVerdict.UNKNOWN),
    ("SEP-04", {"verified": {"sourcify": "no match: Fail", "etherscan": "unknown: HTTP 503"}}, RowVerdict.FAIL),
    ("SEP-05", {"smoke": {}}, RowVerdict.FAIL),
    ("SEP-05", {"smoke": {"buffered": "ok", "ready": "unknown: no endpoint answered"}}, RowVerdict.UNKNOWN),
    ("SEP-06", {"events": {"TransactionBuffered": 2, "TransactionReady": 1}}, RowVerdict.FAIL),
    ("SEP-06", {"events": {}}, RowVerdict.FAIL),
    (
        "SEP-05",
        {"smoke": {"buffered": "ok", "ready": "expected the event TransactionReady, got none"}},
        RowVerdict.FAIL,
    ),
]


@pytest.mark.parametrize(("name", "changed", "expected"), AGAINST)
def test_what_speaks_against_it(tmp_path: Path, name: str, changed: dict[str, Any], expected: RowVerdict) -> None:
    """Each aspect can fail, and says how."""
    assert verdict(written(tmp_path, network("sepolia", **changed)), name)[0] is expected


def slow(waited_s: float | None) -> Transaction:
    """A step that took so long to its block; None: nobody knows."""
    return Transaction(step="deploy", tx="0x1", block=7, block_hash="0x2", gas_used=5, waited_s=waited_s)


MAINNETS = ("ethereum", "polygon", "arbitrum", "optimism", "base")


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("MDS-01", {"budget_wei": str(2 * 10**18)}),
        ("MDS-01", {"budget_wei": "0"}),
        ("PDV-03", {"smoke": {"a stranger may not": "expected a revert, the call would succeed"}}),
        ("PDV-03", {"smoke": {}}),
        ("PDV-02", {"reverted": 1}),
        ("PDV-02", {"transactions": (slow(90.1),)}),
        ("PDV-02", {"transactions": (slow(None),)}),
        ("PDV-04", {"services": {"exporter": "the exporter has no sample", "documents": "ok"}}),
        ("PDV-04", {"services": {}}),
        ("PDV-06", {"services": {"exporter": "ok", "documents": "no document names the contract 0x12"}}),
        ("PDV-06", {"services": {"exporter": "ok"}}),
        ("PDV-03", {"differences": ("expected no other operator",)}),
    ],
)
def test_rows_of_the_mainnets(tmp_path: Path, name: str, changed: dict[str, Any]) -> None:
    """The budget that the deployer has, and the doors that are closed."""
    assert verdict(written(tmp_path, *map(network, MAINNETS)), name)[0] is RowVerdict.PASS
    assert verdict(written(tmp_path, network("ethereum", **changed), *map(network, MAINNETS[1:])), name)[0] is (
        RowVerdict.FAIL
    )


@pytest.mark.parametrize(
    "name", ["SEP-03", "SEP-04", "SEP-05", "SEP-06", "MDS-01", "PDV-03", "AMO-03", "MPR-02", "NSR-06"]
)
def test_a_rehearsal_is_shown_and_passes_nothing(tmp_path: Path, name: str) -> None:
    """Neither one that says so, nor networks that only look alike."""
    one = row(name)
    assert one.live is not None
    local = [network(profile, kind="rehearsal") for profile in one.live.networks]
    for changed in ({"kind": "rehearsal"}, {}):
        given, reason = verdict(written(tmp_path, *local, **changed), name)
        assert given is RowVerdict.LIVE
        assert "REHEARSED 2026-11-26" in reason


def test_all_networks_of_a_row_count(tmp_path: Path) -> None:
    """One that is missing leaves it open, and is named; one that fails fails it."""
    good = [network(profile) for profile in ("arbitrum", "optimism")]
    given, reason = verdict(written(tmp_path, *good), "MDS-06")
    assert given is RowVerdict.LIVE
    assert "no deployment on record for base" in reason
    assert verdict(written(tmp_path, *good, network("base")), "MDS-06")[0] is RowVerdict.PASS
    assert verdict(written(tmp_path, *good, network("base", differences=("x",))), "MDS-06")[0] is RowVerdict.FAIL


def test_another_contract_is_stale(tmp_path: Path) -> None:
    """What is deployed is not what ships."""
    written(tmp_path, network("sepolia"))
    assert verdict(tmp_path, "SEP-03", Baseline(contract_sha256="ee" * 32))[0] is RowVerdict.STALE
    assert verdict(tmp_path, "SEP-03", Baseline(contract_sha256=CONTRACT))[0] is RowVerdict.PASS


def test_edited_evidence_does_not_count(tmp_path: Path) -> None:
    """Nobody knows what it was before: it may have been of any network."""
    path = written(tmp_path, network("sepolia", kind="rehearsal")) / "live" / "deployment" / "evidence.json"
    document = json.loads(path.read_text())
    document["networks"][0]["kind"] = "live"
    path.write_text(json.dumps(document))
    does_not_count(tmp_path, "it was changed afterwards")


def does_not_count(results: Path, why: str) -> None:
    """Every row that needs a network is UNKNOWN, and says which file it is."""
    deployments, notes = read_deployments(results)
    assert [type(one) for one in deployments] == [LostDeployment]
    for name in ("SEP-03", "AMO-03", "MDS-01"):
        judged = judge(row(name), (), Baseline(), live=deployment_opinions(row(name), deployments, Baseline()))
        assert judged.verdict is RowVerdict.UNKNOWN
        assert all(why in said and "live/deployment/evidence.json" in said for said in (judged.reason, *notes))


PRESENTED: list[tuple[str, dict[str, Any]]] = [
    ("it has doubts", {"doubts": ("its node is a development node (anvil)",)}),
    ("its genesis block is", {"genesis_hash": "0x" + "44" * 32}),
    ("its genesis block is", {"genesis_hash": ""}),
    ("its node is a development node", {"client": "anvil/v1.4.3"}),
    ("its node is a development node", {"client": "HardhatNetwork/2"}),
    ("1 endpoints agree", {"endpoints_agree": 1}),
]


@pytest.mark.parametrize(("why", "changed"), PRESENTED)
def test_a_rehearsal_presented_as_live_does_not_count(tmp_path: Path, why: str, changed: dict[str, Any]) -> None:
    """With its digest made again: what it says of itself speaks against it."""
    does_not_count(written(tmp_path, network("sepolia", **changed)), why)


OWNED = {"differences": ("expected owner a, it is b",)}


def recorded(results: Path, *networks: NetworkEvidence, name: str = "deployment", **changed: Any) -> Path:
    """As the commands write it, with its line; the file."""
    record(evidence(*networks, **changed), results / "live" / name)
    return results / "live" / name / EVIDENCE


def stands(results: Path, name: str) -> tuple[RowVerdict, str]:
    """How a row stands, whatever was lost."""
    deployments, _ = read_deployments(results)
    judged = judge(row(name), (), Baseline(), live=deployment_opinions(row(name), deployments, Baseline()))
    return judged.verdict, judged.reason


def test_a_later_command_takes_no_failure_back_that_was_lost(tmp_path: Path) -> None:
    """What it did not read anew is kept in its line; what it did is as it says."""
    recorded(tmp_path, network("sepolia", **OWNED), network("amoy", **OWNED)).write_text("{}")
    recorded(tmp_path, network("sepolia"))
    given, reason = stands(tmp_path, "AMO-03")
    assert given is RowVerdict.FAIL
    assert "expected owner a, it is b; besides, live/deployment/evidence.json does not count" in reason
    assert stands(tmp_path, "SEP-03")[0] is RowVerdict.PASS
    recorded(tmp_path, network("amoy"))
    assert stands(tmp_path, "SEP-03")[0] is RowVerdict.UNKNOWN


@pytest.mark.parametrize(("changed", "expected"), [(OWNED, RowVerdict.FAIL), ({}, RowVerdict.UNKNOWN)])
def test_an_endpoint_that_is_down_takes_nothing_back(
    tmp_path: Path, changed: dict[str, Any], expected: RowVerdict
) -> None:
    """With one less it is live evidence no more, of which the one before says what it was."""
    recorded(tmp_path, network("sepolia", **changed))
    file = recorded(tmp_path, network("sepolia", kind="rehearsal", doubts=("1 of 2",), **changed), kind="rehearsal")
    given, reason = stands(tmp_path, "SEP-03")
    assert given is expected
    assert "it is no live evidence of sepolia any more" in reason
    file.unlink()
    assert stands(tmp_path, "SEP-03")[0] is expected


def test_a_newer_deployment_stands_for_one_that_is_lost(tmp_path: Path) -> None:
    """As it would if that were there; an older one does not, nor one that was put back in its place."""
    file = recorded(tmp_path, network("sepolia"))
    before = file.read_bytes()
    recorded(tmp_path, network("sepolia", **OWNED), made="2026-11-26T11:00:00+00:00")
    file.write_bytes(before)
    recorded(tmp_path, network("sepolia"), name="older")
    given, reason = stands(tmp_path, "SEP-03")
    assert given is RowVerdict.FAIL
    assert "expected the last evidence, of 2026-11-26T11:00:00+00:00, got one of 2026-11-26T10:00:00+00:00" in reason
    recorded(tmp_path, network("sepolia"), name="newer", made="2026-11-26T12:00:00+00:00")
    assert stands(tmp_path, "SEP-03")[0] is RowVerdict.PASS


def test_what_is_moved_aside_takes_its_line_along(tmp_path: Path) -> None:
    """Another contract begins anew: the failures of the one before are where its evidence is, damaged or not."""
    file = recorded(tmp_path, network("sepolia", **OWNED))
    aside = move_aside(LiveEvidence.read(file), file.parent)
    assert stands(tmp_path, "SEP-03")[0] is RowVerdict.FAIL
    shutil.rmtree(aside)
    given, reason = stands(tmp_path, "SEP-03")
    assert given is RowVerdict.FAIL
    assert f"live/{aside.name}/evidence.json does not count: it is missing" in reason
    assert "live/deployment/" not in reason


def test_more_files_than_are_read(tmp_path: Path) -> None:
    """They hide nothing."""
    recorded(tmp_path, network("sepolia", **OWNED), name="z")
    for number in range(FILES_MAX):
        (tmp_path / "live" / f"a{number}").mkdir()
        (tmp_path / "live" / f"a{number}" / EVIDENCE).write_text("{}")
    given, reason = stands(tmp_path, "SEP-03")
    assert given is RowVerdict.FAIL
    assert "no more than 200 files are read" in reason
