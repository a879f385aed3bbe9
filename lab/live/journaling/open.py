"""From a deployment file to an undertaking: read the file, compile the contract, open the journal."""

from __future__ import annotations

from pathlib import Path

from lab.live.declaration.deployment_file import Deployment
from lab.live.journaling.journal import Header, Journal, journal_path, open_journal
from lab.live.journaling.undertaking import Connect, Notify, Undertaking
from lab.session.suite import compile_target
from lab.session.under_test import SystemUnderTest, system_under_test


def system_of(deployment: Deployment) -> SystemUnderTest:
    """The contract that the file names, else that of lab.yaml, else the reference. Raises UsageError."""
    return system_under_test(contract=deployment.contract, relayer_cmd="", beside=[deployment.path])


def undertake(
    deployment: Deployment, deployer: str, connect: Connect, notify: Notify, *, journal: Path | None = None
) -> Undertaking:
    """Raises CompileFailure, UsageError. The journal begins with the first step that is written."""
    target = compile_target(system_of(deployment))
    header = Header(contract=target.contract.bytecode_sha256, deployer=deployer)
    opened: Journal = open_journal(journal or journal_path(deployment.path), header)
    return Undertaking(deployment, target.contract, target.codec, deployer, opened, connect, notify)
