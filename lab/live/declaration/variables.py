"""What a deployment's environment variables hold, never shown: endpoints, keys of explorers, a signer's address."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lab.errors import EnvironmentFailure
from lab.live.declaration.deployment_file import Deployment, RemoteSigner, Target
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, Rpc
from lab.rpc.endpoint import Endpoint
from lab.rpc.failover import FailoverTransport

TIMEOUT_S = 20.0
Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Unset:
    """A variable that is missing or malformed: its name and what is wrong, never its value."""

    name: str
    used_by: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name} ({self.used_by}): {self.problem}"


def missing_variables(
    deployment: Deployment, targets: tuple[Target, ...], variables: Mapping[str, str] | None = None
) -> list[Unset]:
    """Every variable that these targets need and that is not there or is no URL, in the file's order."""
    there = os.environ if variables is None else variables
    return [
        Unset(name, used_by, problem)
        for name, used_by, is_url in _requested(deployment, targets)
        if (problem := _problem(there.get(name), is_url)) is not None
    ]


def variables_of(deployment: Deployment, target: Target) -> tuple[str, ...]:
    """The names of what one network needs, signers included, each once."""
    return tuple(dict.fromkeys(name for name, _, _ in _requested(deployment, (target,))))


def _requested(deployment: Deployment, targets: tuple[Target, ...]) -> Iterable[tuple[str, str, bool]]:
    """Name, what it is for, and whether it has to be a URL."""
    requested = [(name, f"networks.{target.name}.rpc", True) for target in targets for name in target.variables]
    requested += [
        (explorer.key.removeprefix("env:"), f"networks.{target.name}.explorers", False)
        for target in targets
        for explorer in target.explorers
        if explorer.key is not None
    ]
    file = deployment.file
    signers = {"deployer": file.deployer, "operator": file.operator, "administrator": file.administrator}
    for role, signer in signers.items():
        if isinstance(signer, RemoteSigner):
            names = (signer.variable(target.name) for target in targets)
            requested += [(name, f"{role}.remote", True) for name in names if name is not None]
    return dict.fromkeys(requested)


def _problem(value: str | None, is_url: bool) -> str | None:
    if not value:
        return "is not set"
    if value != value.strip() or "\n" in value:
        return "has spaces or a line end around its value"
    if is_url:
        try:
            Endpoint.of(RedactedUrl(value))
        except ValueError as error:
            return str(error).split(": ")[-1]
    return None


def require_variables(deployment: Deployment, targets: tuple[Target, ...]) -> None:
    """Raises EnvironmentFailure with all that is missing, by name only."""
    if missing := missing_variables(deployment, targets):
        lines = "\n".join(f"  {unset}" for unset in missing)
        raise EnvironmentFailure(
            f"{deployment.path}: {len(missing)} environment variables are missing or malformed:\n{lines}\n"
            "Set them in the shell or in your CI's secrets; their values appear in no output of the lab."
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """A network's endpoints as one client."""

    rpc: Rpc
    transport: FailoverTransport


def connect(target: Target, notify: Notify, variables: Mapping[str, str] | None = None) -> Connection:
    """A client for a network; nothing is asked yet. The variables must be there."""
    there = os.environ if variables is None else variables
    urls = [RedactedUrl(there[name]) for name in target.variables]
    transports = {
        f"{target.name}: {name} ({url})": HttpTransport(url, timeout_s=TIMEOUT_S)
        for name, url in zip(target.variables, urls, strict=True)
    }
    transport = FailoverTransport(transports, chain_id=target.profile.chain_id, notify=notify)
    return Connection(Rpc(transport), transport)
