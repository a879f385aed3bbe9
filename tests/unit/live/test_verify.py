"""Verification against the rehearsal's explorer, which compiles for itself: patience, idempotence, refusals."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Account
from lab.deploy.deployer import deployable
from lab.errors import UsageError
from lab.live.declaration.deployment_file import Explorer, Target
from lab.live.execution.deploy import deploy_all
from lab.live.explorer.faults import ExplorerFaults, with_faults
from lab.live.explorer.judge import Submission
from lab.live.explorer.server import open_explorer
from lab.live.journaling.undertaking import Undertaking
from lab.live.verify.bundle import Bundle, Code, recompiled
from lab.live.verify.client import Pace, Verification
from lab.live.verify.difference import first_difference
from lab.live.verify.everywhere import NetworkVerification, make_bundle, verify_everywhere
from lab.paths import CONTRACTS
from tests.compiling import compile_once

from .conftest import Open, World

PACE = Pace(first_s=0.05, max_s=0.05, deadline_s=300)
ALL = ("sourcify", "etherscan", "blockscout")
CONTRACT = CONTRACTS / "plain" / "PlainCoordinator.vy"


@dataclass
class Deployed:
    """A contract on a chain, and its bundle."""

    world: World
    work: Undertaking
    target: Target
    bundle: Bundle

    def verify(self, explorer: str, *kinds: str) -> NetworkVerification:
        """At an explorer that speaks all dialects."""
        addresses = {
            "sourcify": f"{explorer}/sourcify",
            "etherscan": f"{explorer}/etherscan/v2/api",
            "blockscout": f"{explorer}/blockscout/{self.target.profile.chain_id}",
        }
        explorers = tuple(Explorer(kind=kind, url=addresses[kind], key="env:KEY") for kind in kinds)  # type: ignore[arg-type]
        target = self.target.model_copy(update={"explorers": explorers})
        return verify_everywhere(self.work, [target], self.bundle, pace=PACE, variables={"KEY": "k"})[0]


@pytest.fixture(scope="module")
def bundles() -> dict[Path, Bundle]:
    """Source -> its bundle, which a compiler in a process of its own makes: the same one for each test."""
    return {}


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract, for any compiler."""
    source = tmp_path_factory.mktemp("loose") / "Loose.vy"
    source.write_text(CONTRACT.read_text().replace("version 0.4.3", "version >=0.3.10"))
    return source


@pytest.fixture
def deployed(world: Open, bundles: dict[Path, Bundle]) -> Callable[..., Deployed]:
    """Deploys the plain contract."""

    def make(path: str = str(CONTRACT)) -> Deployed:
        target = deployable(compile_once(type(CONTRACT)(path)))
        lab = world("sepolia", target=target)
        file = lab.folder / "deployment.yaml"
        deployer: Account = lab.account
        file.write_text(file.read_text().replace("0x976ea74026e726554db657fa54763abd0c3a0aa9", deployer.address))
        outcome = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())[0]
        assert outcome.problem is None
        work = lab.work()
        source = work.contract.source_path
        if source not in bundles:
            bundles[source] = make_bundle(work)
        return Deployed(lab, work, work.deployment.targets[0], bundles[source])

    return make


def explorer_of(place: Deployed) -> dict[int, str]:
    """The chains of the explorer."""
    return {place.target.profile.chain_id: place.world.nodes["sepolia"].url}


def test_all_explorers_through_all_their_troubles(deployed: Callable[..., Deployed]) -> None:
    """Waiting, limits, errors, not indexed yet; then exact; then "already"; then one changed byte is refused."""
    place = deployed()
    faults = ExplorerFaults(pending=4, busy=3, broken=2, not_indexed=2)
    with open_explorer(explorer_of(place), faults) as explorer:
        first = place.verify(explorer, *ALL)
        assert {one.explorer: one.result for one in first.verdicts} == dict.fromkeys(ALL, "match") | {
            "sourcify": "exact"
        }
        assert (faults.pending, faults.busy, faults.broken, faults.not_indexed) == (0, 0, 0, 0)
        again = place.verify(explorer, *ALL)
        assert [one.detail for one in again.verdicts] == ["was verified already"] * 3
    with open_explorer(explorer_of(place), ExplorerFaults(altered=True)) as explorer:
        refused = place.verify(explorer, "sourcify", "etherscan")
        assert [one.result for one in refused.verdicts] == ["no match", "no match"]
        # The server tells both codes, and no more: where they differ is found by the client.
        assert "runtime code as it compiled it: the first differing byte is" in refused.verdicts[0].detail
        assert "a constant or one operation was changed in the source" in refused.verdicts[0].detail
        for verdict in refused.verdicts:
            assert "compiles these sources to the chain's code here, so it took another compiler" in verdict.detail
        assert not refused.succeeded
    with open_explorer({1: "http://127.0.0.1:9"}) as explorer:
        unsupported = place.verify(explorer, "sourcify", "etherscan")
        assert [one.result for one in unsupported.verdicts] == ["unknown", "unknown"]
        assert "unsupported_chain" in unsupported.verdicts[0].detail


@pytest.mark.parametrize("first", ALL)
def test_each_service_verifies_by_itself(deployed: Callable[..., Deployed], first: str) -> None:
    """What one has verified the others do not know."""
    place = deployed()
    others = [kind for kind in ALL if kind != first]
    with open_explorer(explorer_of(place)) as explorer:
        assert place.verify(explorer, first).succeeded
        verdicts = place.verify(explorer, *others).verdicts
        assert [(one.explorer, one.detail) for one in verdicts] == [(kind, "") for kind in others]


@pytest.mark.parametrize(("version", "result"), [("0.4.2", "match"), ("0.4.1", "no match"), ("0.3.10", "unknown")])
def test_an_explorer_with_another_compiler(
    deployed: Callable[..., Deployed], loose: Path, version: str, result: str
) -> None:
    """The same code is a match, not an exact one; other code is none; what it cannot compile says nothing."""
    place = deployed(str(loose))
    with open_explorer(explorer_of(place), ExplorerFaults(other_compiler=version)) as explorer:
        (verdict,) = place.verify(explorer, "sourcify").verdicts
    assert verdict.result == result, verdict
    assert ("the first differing byte is" in verdict.detail) is (result == "no match")
    assert ("compiler_error" in verdict.detail) is (result == "unknown")


@pytest.mark.parametrize("count", [1, 3])
def test_sourcify_does_not_see_the_contract_yet(deployed: Callable[..., Deployed], count: int) -> None:
    """It says so at the job, which is over: the sources are sent again, and nothing is called a mismatch."""
    place = deployed()
    with open_explorer(explorer_of(place), ExplorerFaults(not_indexed=count)) as explorer:
        (verdict,) = place.verify(explorer, "sourcify").verdicts
    assert verdict.result == "exact", verdict


def test_faults_by_their_names() -> None:
    """As the command line has them; anything else is refused with what there is."""
    faults = with_faults(ExplorerFaults(altered=True), ["busy=2", "already=1", "compiler=0.4.1"])
    assert faults == ExplorerFaults(busy=2, already=1, altered=True, other_compiler="0.4.1")
    for wrong in ("busy", "busy=-1", "busy=99999", "silent=1", "compiler=x", "_lock=1", "altered=1"):
        with pytest.raises(UsageError, match=r"expected pending=N, busy=N, .* or compiler=VERSION .*, got"):
            with_faults(ExplorerFaults(), [wrong])


@pytest.mark.parametrize("kind", ALL)
def test_verified_by_somebody_else_meanwhile(deployed: Callable[..., Deployed], kind: str) -> None:
    """The explorer knew nothing when it was asked, and says so once the sources come: that is a success."""
    place = deployed()
    faults = ExplorerFaults(already=1)
    with open_explorer(explorer_of(place), faults) as explorer:
        (verdict,) = place.verify(explorer, kind).verdicts
    assert (verdict.result, verdict.detail, faults.already) == ("match", "was verified already", 0)


@pytest.mark.parametrize("kind", ALL)
def test_limits_in_the_words_of_each_dialect(deployed: Callable[..., Deployed], kind: str) -> None:
    """Etherscan's come with status 200."""
    place = deployed()
    faults = ExplorerFaults(busy=1)
    with open_explorer(explorer_of(place), faults) as explorer:
        address = place.work.journal.of("sepolia")[0].address
        if kind == "etherscan":
            first = f"{explorer}/etherscan/v2/api?chainid=11155111&apikey=k&action=getabi&address={address}"
            assert "rate limit" in asked(first)["result"]
            faults.busy = 2
        (verdict,) = place.verify(explorer, kind).verdicts
    assert verdict.result in ("exact", "match"), verdict
    assert faults.busy == 0


def test_what_other_clients_ask(deployed: Callable[..., Deployed]) -> None:
    """A job that waits has its contract, unknown as yet; sources may have absolute paths; Blockscout's older form."""
    place = deployed()
    chain, bundle = place.target.profile.chain_id, place.bundle
    address = place.work.journal.of("sepolia")[0].address
    moved = {f"/elsewhere/{path}": source for path, source in bundle.standard_json["sources"].items()}
    identifier = f"{bundle.path}:{bundle.name}"
    body = {"stdJsonInput": {**bundle.standard_json, "sources": moved}, "compilerVersion": bundle.version}
    with open_explorer(explorer_of(place), ExplorerFaults(pending=1)) as explorer:
        older = f"{explorer}/blockscout/{chain}/api/?module=contract&action=getabi&address={address}"
        assert asked(older)["result"] == "Contract source code not verified"
        there = f"{explorer}/sourcify/v2/verify"
        job = asked(f"{there}/{chain}/{address}", {**body, "contractIdentifier": identifier})["verificationId"]
        waiting = asked(f"{there}/{job}")
        assert (waiting["isJobCompleted"], waiting["contract"]["match"]) == (False, None)
        while not (ended := asked(f"{there}/{job}"))["isJobCompleted"]:
            time.sleep(PACE.first_s)
        assert ended["contract"]["match"] == "match", ended
        assert place.verify(explorer, "blockscout").succeeded
        assert asked(older)["status"] == "1"


def asked(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The explorer's JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        given: dict[str, Any] = json.loads(answer.read())
    return given


def test_a_source_that_is_not_that_of_the_chain_is_not_sent(deployed: Callable[..., Deployed]) -> None:
    """The difference is found here, and its likely cause is said."""
    place = deployed()
    changed = dict(place.bundle.standard_json)
    sources = {**changed["sources"]}
    content = sources[place.bundle.path]["content"]
    sources[place.bundle.path] = {"content": content.replace('"Not authorized"', '"Not authorised"', 1)}
    place.bundle = replace(place.bundle, standard_json={**changed, "sources": sources, "integrity": None})
    changed = place.bundle.standard_json
    changed.pop("integrity")
    with open_explorer(explorer_of(place)) as explorer:
        ended = place.verify(explorer, "sourcify")
    assert ended.verdicts == ()
    assert ended.difference is not None
    assert "a constant or one operation was changed in the source" in ended.difference


@pytest.mark.parametrize(
    ("expected", "got", "offset", "cause"),
    [
        ("0x6001", "0x", 0, "there is no code"),
        ("0x6001", "0x6001ff", 2, "1 more bytes follow"),
        ("0x6001ff", "0x6001", 2, "ends earlier"),
        ("0x" + "60" * 200 + "01", "0x" + "60" * 200 + "02", 200, "only the end differs"),
        ("0x01" + "60" * 300, "0x02" + "60" * 300, 0, "a constant or one operation"),
        ("0x01" + "60" * 300, "0x02" + "60" * 310, 0, "other compiler"),
    ],
)
def test_a_difference_and_its_cause(expected: str, got: str, offset: int, cause: str) -> None:
    """The first byte, and what it is likely to mean."""
    difference = first_difference(expected, got)
    assert difference is not None
    assert difference.offset == offset
    assert cause in str(difference)
    assert first_difference(expected, expected) is None


@pytest.mark.parametrize(
    ("expected", "got", "immutables", "same"),
    [
        ("0x6001", "0x6001" + "00" * 32, 32, True),
        ("0x6001", "0x6001" + "00" * 32, 0, False),
        ("0x6001", "0x6001" + "00" * 32, 64, False),
        ("0x6001", "0x6002" + "00" * 32, 32, False),
        ("0x6001", "0x6001", 32, False),
        ("0x6001", "0x6001" + "00" * 64, None, True),
        ("0x6001", "0x6001" + "00" * 63, None, False),
    ],
)
def test_immutables_stand_behind_the_code(expected: str, got: str, immutables: int | None, same: bool) -> None:
    """As many as the compiler said; where it says nothing, whole words."""
    assert (first_difference(expected, got, immutables) is None) is same


IMMUTABLES = """
owner: public(immutable(address))
most: immutable(uint256)

{deploy}
def __init__():
    owner = msg.sender
    most = 7

@external
def limit() -> uint256:
    return most
"""


@pytest.mark.parametrize(
    ("version", "deploy", "size"),
    [("0.4.3", "@deploy", 64), pytest.param("0.3.10", "@external", 64, marks=pytest.mark.older_vyper)],
)
def test_the_compiler_says_how_many(version: str, deploy: str, size: int) -> None:
    """In the metadata behind the creation code, in its form of either time."""
    sources = {"a.vy": {"content": IMMUTABLES.format(deploy=deploy)}}
    given = {"language": "Vyper", "sources": sources, "settings": {"outputSelection": {"a.vy": ["*"]}}}
    assert recompiled(given, version, "a.vy", "a").immutables == size


@pytest.mark.parametrize("creation", ["0x", "0x00", "0x6001600155", "0x" + "60" * 40 + "ffff", "0x" + "a0" * 9])
def test_code_without_such_metadata_says_nothing(creation: str) -> None:
    """Of an earlier compiler, or of another language."""
    assert Code(creation, "0x").immutables is None


BORN = '@deploy\ndef __init__(\n    a: uint256,\n):\n    assert a > 0, "no"\n\n\n'


@pytest.mark.parametrize(
    ("source", "altered"),
    [
        ('    assert x, "no"\n', '    assert x, "Jo"\n'),
        ('"""\n@notice says "no"\n"""\n    log E(why="Jo")\n', '"""\n@notice says "no"\n"""\n    log E(why="Ko")\n'),
        (
            '    # assert x, "no"\n    raw_revert(method_id("No()"))\n',
            '    # assert x, "no"\n    raw_revert(method_id("Jo()"))\n',
        ),
        ("# 5\nM: constant(uint256) = 30\n", "# 5\nM: constant(uint256) = 40\n"),
        ("    x: uint256 = y\n", None),
        (f'{BORN}@external\ndef f():\n    raise "so"\n', f'{BORN}@external\ndef f():\n    raise "Jo"\n'),
    ],
)
def test_a_byte_that_shows_in_the_code(source: str, altered: str | None) -> None:
    """Never one of a comment, a docstring or the constructor; of a contract without revert texts another one."""
    submission = Submission(1, "0x", {"sources": {"a.vy": {"content": source}}}, "0.4.3", "a.vy", "A", None)
    (content,) = (
        part["content"] for part in ExplorerFaults(altered=True).played(submission).standard_json["sources"].values()
    )
    assert content == (source if altered is None else altered)


def test_two_explorers_of_a_kind() -> None:
    """What one says does not hide behind the other."""
    verdicts = (Verification("blockscout", "no match", "other code"), Verification("blockscout", "match"))
    shown = NetworkVerification("sepolia", verdicts).shown()
    assert shown == {"blockscout": "no match: other code", "blockscout 2": "match"}
