"""Verifies a deployment at all of its explorers at once, and says where and why one does not agree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lab.deploy.compiled import CompiledContract
from lab.deploy.vyper.source import read_source
from lab.errors import DeployFailure, LabError, UsageError
from lab.live.declaration.deployment_file import Explorer as ExplorerEntry
from lab.live.declaration.deployment_file import Target
from lab.live.journaling.journal import Entry
from lab.live.journaling.side_by_side import side_by_side
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.steps import DEPLOY
from lab.live.verify.blockscout import Blockscout
from lab.live.verify.bundle import Bundle, bundle_of, recompiled
from lab.live.verify.client import Explorer, Pace, Request, Verification
from lab.live.verify.difference import first_difference
from lab.live.verify.etherscan import Etherscan
from lab.live.verify.sourcify import Sourcify
from lab.model.live_evidence import UNKNOWN
from lab.rpc import RpcFailure


@dataclass(frozen=True, slots=True)
class NetworkVerification:
    """One network: the verdict of each explorer, and what the sources give here where that is not the chain's code.

    `problem` says why the chain could not be read.
    """

    network: str
    verdicts: tuple[Verification, ...]
    difference: str | None = None
    problem: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether every explorer agrees."""
        return (
            self.difference is None
            and self.problem is None
            and all(one.result in ("exact", "match") for one in self.verdicts)
        )

    def shown(self) -> dict[str, str]:
        """Explorer -> its verdict, for the evidence; of several of a kind the further ones have a number."""
        if self.problem is not None:
            return {"endpoint": f"{UNKNOWN}{self.problem}"}
        if self.difference is not None:
            return {"sources": self.difference}
        shown: dict[str, str] = {}
        for place, one in enumerate(self.verdicts):
            number = 1 + sum(other.explorer == one.explorer for other in self.verdicts[:place])
            name = one.explorer if number == 1 else f"{one.explorer} {number}"
            shown[name] = f"{one.result}: {one.detail}" if one.detail else one.result
        return shown


def without_source(contract: CompiledContract) -> str | None:
    """Why a contract cannot be verified, and what to do about it; None for a source."""
    path = contract.source_path
    if path.suffix == ".vy":
        return None
    return (
        f"{path}: expected a Vyper source to verify, an artifact has none: name the .vy file by contract: (the journal "
        "goes on where it compiles to the same code), or verify by the tool that compiled it"
    )


def make_bundle(work: Undertaking) -> Bundle:
    """The sources to send. Raises UsageError for an artifact, which has none; CompileFailure."""
    if (problem := without_source(work.contract)) is not None:
        raise UsageError(problem)
    return bundle_of(read_source(work.contract.source_path))


def verify_everywhere(
    work: Undertaking,
    targets: Sequence[Target],
    bundle: Bundle,
    *,
    pace: Pace | None = None,
    variables: Mapping[str, str] | None = None,
) -> list[NetworkVerification]:
    """One result for each network, in order. Nothing is sent where the sources do not give the chain's code."""
    deployed = [(target, _created(work, target)) for target in targets]
    code = recompiled(bundle.standard_json, bundle.number, bundle.path, bundle.name)
    there = os.environ if variables is None else variables

    def one(target: Target, entry: Entry) -> NetworkVerification:
        address = entry.address or ""
        try:
            standing = str(work.connect(target).rpc.call("eth_getCode", address, "latest"))
        except RpcFailure as failure:
            return NetworkVerification(target.name, (), problem=str(failure))
        if (difference := first_difference(code.runtime, standing, code.immutables)) is not None:
            return NetworkVerification(target.name, (), str(difference))
        request = Request(target.profile.chain_id, address, entry.tx, bundle)
        explorers = [_explorer(given, pace or Pace(), there) for given in target.explorers]
        verdicts = side_by_side([partial(_attempt, explorer, request) for explorer in explorers])
        return NetworkVerification(target.name, tuple(verdicts))

    return [one(target, entry) for target, entry in deployed]


def _created(work: Undertaking, target: Target) -> Entry:
    entry = work.journal.last(target.name, DEPLOY, "final")
    if entry is None or entry.address is None:
        raise DeployFailure(f"{target.name}: expected a finished deployment, the journal has none")
    return entry


def _attempt(explorer: Explorer, request: Request) -> Verification:
    """The explorer's verdict; where it says no, what that is likely to mean, since the sources were compiled here."""
    try:
        verdict = explorer.verify(request)
    except LabError as error:
        return Verification(explorer.name, "unknown", str(error))
    if verdict.result != "no match":
        return verdict
    cause = (
        f"vyper {request.bundle.number} compiles these sources to the chain's code here, so it took another compiler, "
        "other settings or other sources"
    )
    return replace(verdict, detail=f"{verdict.detail}; {cause}")


def _explorer(given: ExplorerEntry, pace: Pace, variables: Mapping[str, str]) -> Explorer:
    if given.kind == "sourcify":
        return Sourcify(given.url, pace)
    if given.kind == "blockscout":
        assert given.url is not None  # the file's model requires it
        return Blockscout(given.url, pace)
    assert given.key is not None  # likewise
    return Etherscan(variables[given.key.removeprefix("env:")], given.url, pace)
