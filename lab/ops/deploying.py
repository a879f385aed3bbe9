"""A deployment file carried out inside of a run: the code of `lab live`, over the lab's own connections and clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.coordinator import role_account
from lab.deploy.deployer import created_by
from lab.live.declaration.deployment_file import Deployment, Target
from lab.live.declaration.variables import Connection
from lab.live.execution.deploy import Outcome, deploy_one
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Header, journal_path, open_journal
from lab.live.journaling.undertaking import Undertaking
from lab.live.signers.keystore import KeystoreAccount
from lab.ops.in_scenario import ChainTransport, ScenarioOps
from lab.rpc import Rpc
from lab.rpc.failover import FailoverTransport
from lab.runner.script import Script


@dataclass(frozen=True, slots=True)
class ScenarioDeployment:
    """A deployment by the account of a role. The journal lies beside the file, as that of a command does."""

    script: Script
    ops: ScenarioOps
    deployment: Deployment
    role: str

    def work(self) -> Undertaking:
        """What a command begins with; the journal is that of the commands before."""
        deployer = role_account(self.role).address
        target = created_by(self.script.run.lab.spec.target, deployer, local=True)
        header = Header(contract=target.contract.bytecode_sha256, deployer=deployer)
        journal = open_journal(journal_path(self.deployment.path), header)
        return Undertaking(
            self.deployment, target.contract, target.codec, deployer, journal, self._connect, lambda text: None
        )

    def _connect(self, target: Target) -> Connection:
        scheduler = self.script.run.lab.scheduler
        transport = FailoverTransport(
            {target.name: ChainTransport(self.script.run.lab.chains[target.name], scheduler.sleep)},
            chain_id=target.profile.chain_id,
            now=lambda: scheduler.now_ms / 1000,
            sleep=scheduler.sleep,
        )
        return Connection(Rpc(transport), transport)

    def deploy(self, sleep: Callable[[str, float], None] | None = None, **changes: Any) -> dict[str, Outcome]:
        """Run the command, all networks at once; outcomes by network.

        `sleep(network, seconds)` stands for the waits, `changes` for other fields of `Waiting`.
        """
        work, timing = self.work(), self.ops.operation.timing
        signer = KeystoreAccount(role_account(self.role), Path(f"{self.role}.json"))

        def waiting(name: str) -> Waiting:
            own = changes if sleep is None else {**changes, "sleep": partial(sleep, name)}
            return replace(timing.waiting, **own)

        def one(target: Target) -> Outcome:
            return deploy_one(work, target, signer, waiting(target.name))

        targets = self.deployment.targets
        command = self.ops.start(lambda: timing.everywhere({target.name: partial(one, target) for target in targets}))
        return command.result()
