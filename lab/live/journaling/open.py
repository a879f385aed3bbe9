"""From a deployment file to an undertaking: compile the contract, see whether it can be deployed, open the journal."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from lab.coordinator.overloads import constructor_inputs, types_of
from lab.deploy.deployer import Deployable, created_by
from lab.errors import InvalidFile
from lab.live.declaration.deployment_file import Deployment
from lab.live.journaling.journal import Header, Journal, journal_path, open_journal
from lab.live.journaling.undertaking import Connect, Notify, Undertaking
from lab.session.suite import compile_target
from lab.session.under_test import SystemUnderTest, system_under_test

# What deployment and smoke run call.
CALLED = (
    "owner",
    "authorized_operators",
    "coordination_window",
    "add_operator",
    "remove_operator",
    "buffer_transaction",
    "resolve_dependency",
    "mark_executed",
    "get_transaction_state",
)


def system_of(deployment: Deployment) -> SystemUnderTest:
    """The contract that the file names, else that of lab.yaml, else the reference. Raises UsageError."""
    return system_under_test(contract=deployment.contract, relayer_cmd="", beside=[deployment.path])


def contract_of(deployment: Deployment) -> Deployable:
    """The compiled contract. Raises CompileFailure, UsageError, and InvalidFile for one that is no coordinator."""
    system = system_of(deployment)
    target = compile_target(system)
    if unfit := _unfit(target, system.contract):
        raise InvalidFile([deployment.source.problem(("contract",), unfit)])
    return target


def created_on_network(target: Deployable, deployment: Deployment, deployer: str) -> Deployable:
    """The contract as the deployer creates it: the owner in its constructor's arguments is the deployer, who sets up.

    Raises InvalidFile at its place in lab.yaml for another account of the lab.
    """
    try:
        return created_by(target, deployer)
    except ValueError as error:
        project = system_of(deployment).project
        assert project is not None  # else there were no arguments
        raise InvalidFile([project.source.problem(("constructor",), str(error))]) from None


def _unfit(target: Deployable, path: Path) -> str | None:
    """Why `lab live` can do nothing with a contract: what it calls is not there, or what is asked for is not given."""
    if target.proxied is not None:
        return (
            f"expected a contract that is created by one transaction, {path} stands behind a proxy in lab.yaml: deploy "
            "both by the tool that knows your proxy; `lab live` deploys and verifies no proxies"
        )
    codec, expected = target.codec, types_of(constructor_inputs(target.contract.abi))
    if lacking := [function for function in CALLED if not codec.has(function)]:
        return (
            f"expected a coordinator, {path} has no {', '.join(lacking)}: `lab contract {quote(str(path))}` shows what "
            "it has; what it calls otherwise is said by functions: in lab.yaml"
        )
    if len(expected) != (given := len(codec.names.constructor)):
        return (
            f"the constructor of {path} takes ({', '.join(expected)}), got {given} arguments: say them by "
            "constructor: [...] in lab.yaml"
        )
    return None


def undertake(
    deployment: Deployment, deployer: str, connect: Connect, notify: Notify, *, journal: Path | None = None
) -> Undertaking:
    """Raises as `contract_of`. The journal begins with the first step that is written."""
    target = created_on_network(contract_of(deployment), deployment, deployer)
    header = Header(contract=target.contract.bytecode_sha256, deployer=deployer)
    opened: Journal = open_journal(journal or journal_path(deployment.path), header, deployment.chains)
    return Undertaking(deployment, target.contract, target.codec, deployer, opened, connect, notify)
