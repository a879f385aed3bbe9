"""Deployments to many chains: what is done stays done, what was sent goes out again as it was, a wrong node is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from lab.coordinator import role_account
from lab.deploy.campaign import Site, deploy_everywhere, read_manifest
from lab.deploy.compile import compile_contract
from lab.deploy.deployer import Deployable, deployable
from lab.environment import cache_folder
from lab.errors import DeployFailure, LabError, UsageError
from lab.rpc import Rpc

CODE = "0x6001"


class Node:
    """A chain that mines what it is sent when somebody waits."""

    def __init__(self, chain_id: int) -> None:
        self.id, self.sent, self.mined = chain_id, list[str](), False
        self.interrupted = False

    def chain_id(self) -> int:
        """As told."""
        return self.id

    def block(self, _: str) -> dict[str, str]:
        """Only the fee is asked for."""
        return {"baseFeePerGas": "0x1"}

    def nonce(self, _: str) -> int:
        """Mined transactions."""
        return int(self.mined)

    def receipt(self, _: str) -> dict[str, str] | None:
        """Once it is mined."""
        return {"status": "0x1", "blockNumber": "0x2"} if self.mined else None

    def call(self, method: str, *_: Any) -> str:
        """Code at the address, and what the initcode would deploy."""
        return CODE if self.mined or method == "eth_call" else "0x"

    def wait(self, done: Callable[[], bool]) -> None:
        """Mine."""
        if self.interrupted:
            raise LabError("interrupted")
        self.mined = bool(self.sent)
        assert done()

    def site(self, name: str, chain_id: int) -> Site:
        """As a campaign sees it."""

        def send(raw: str) -> str:
            self.sent.append(raw)
            return raw

        return Site(name, chain_id, lambda: cast("Rpc", self), send, self.wait)


@pytest.fixture(scope="module")
def target() -> Deployable:
    """The plain contract."""
    source = Path(__file__).parents[3] / "contracts" / "plain" / "PlainCoordinator.vy"
    return deployable(compile_contract(source, cache_dir=cache_folder() / "compiled"))


def test_an_interrupted_campaign_is_taken_up_again(target: Deployable, tmp_path: Path) -> None:
    """Both times the same transaction."""
    nodes, manifest, account = [Node(1), Node(2)], tmp_path / "m.json", role_account("newowner")
    sites = [node.site(f"chain{node.id}", node.id) for node in nodes]
    nodes[1].interrupted = True
    with pytest.raises(LabError, match="interrupted"):
        deploy_everywhere(target, sites, account, manifest)
    assert {name: placed.block for name, placed in read_manifest(manifest).items()} == {"chain1": 2, "chain2": None}
    nodes[1].interrupted = False
    assert deploy_everywhere(target, sites, account, manifest) == ["chain2"]
    assert len(nodes[0].sent) == 1
    assert len(nodes[1].sent) == 2
    assert len(set(nodes[1].sent)) == 1
    assert deploy_everywhere(target, sites, account, manifest) == []


def test_a_node_of_another_chain_gets_nothing(target: Deployable, tmp_path: Path) -> None:
    """Said before anything is signed."""
    node = Node(5)
    with pytest.raises(DeployFailure, match="chain 1, it says 5"):
        deploy_everywhere(target, [node.site("one", 1)], role_account("newowner"), tmp_path / "m.json")
    assert node.sent == []


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    """Rather than deploy twice."""
    path = tmp_path / "m.json"
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(UsageError, match="expected a manifest"):
        read_manifest(path)
