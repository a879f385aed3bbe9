"""Procedures inside of a run: over the lab's own connections, under its clock, signed by the keys of its roles."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from lab.chains.chain import Chain
from lab.coordinator import role_account
from lab.live.declaration.deployment_file import Target
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Header, open_journal
from lab.live.signers.keystore import KeystoreAccount
from lab.ops.chain import OperatedChain
from lab.ops.declared import Declared
from lab.ops.executors import SignerExecutor
from lab.ops.operation import Operation, OpsDesk, Timing
from lab.rpc import Rpc, RpcTimeout
from lab.runner.operations import WAIT_MS
from lab.runner.script import Script

T = TypeVar("T")
LOOK_S, STUCK_S = 1.0, 30.0
STEP_S = 0.25
# As long as the sessions of `lab up` have it.
TIMEOUT_S = 5.0


class ChainTransport:
    """The lab's connection as of now. What is sent is sent by the chain, so that no block holds a stray.

    A node that hangs is waited for, as by everybody who cannot know that it does: for `TIMEOUT_S` of the run's time.
    """

    def __init__(self, chain: Chain, sleep: Callable[[float], None]) -> None:
        self._chain, self._sleep = chain, sleep

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport`."""
        if self._chain.condition == "paused":
            patience_s = TIMEOUT_S if timeout_s is None else timeout_s
            self._sleep(patience_s)
            raise RpcTimeout(method, patience_s)
        if method == "eth_sendRawTransaction":
            return self._chain.send(params[0])
        rpc = self._chain.look()
        if method == "eth_getBlockByNumber" and params[0] in ("safe", "finalized"):
            params = [hex(self._chain.tagged(params[0], rpc.block_number())), *params[1:]]
        return rpc.transport.call(method, params, timeout_s)


@dataclass
class Command(Generic[T]):
    """A procedure under way, as an actor of the run."""

    script: Script
    value: T | None = None
    done: bool = False

    def result(self) -> T:
        """Wait until it has ended."""
        run = self.script.run
        run.lab.scheduler.advance_until(
            lambda: self.done, deadline_ms=run.now_ms + WAIT_MS * 4, step_ms=250, waiting_for="the procedure to end"
        )
        assert self.value is not None
        return self.value


class ScenarioOps:
    """The operation of a run's contracts, or of others of the same interface (`contracts`: chain -> address)."""

    def __init__(
        self,
        script: Script,
        *,
        declared: Mapping[str, Declared] | None = None,
        contracts: Mapping[str, str] | None = None,
        name: str = "ops",
    ) -> None:
        """Records go to the folder `name` of the run, which is emptied."""
        self._script, lab = script, script.run.lab
        target, places = lab.spec.target, dict(contracts or dict.fromkeys(lab.chains, lab.spec.target.address))
        self._folder = lab.spec.folder / name
        # What an earlier run of the same folder left is none of this one.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        chains = tuple(
            OperatedChain(
                _target(lab.chains[chain]),
                Rpc(ChainTransport(lab.chains[chain], lab.scheduler.sleep)),
                target.codec,
                address.lower(),
                lab.numbering,
                start_block=1,
            )
            for chain, address in places.items()
        )
        owner = role_account("owner").address
        self.operation = Operation(
            name=name,
            chains=chains,
            declared=declared or dict.fromkeys(places, Declared(owner=owner, operators=lab.operators())),
            timing=self._timing(),
            folder=self._folder,
            who="drill",
            notify=lambda text: None,
        )

    def _timing(self) -> Timing:
        scheduler, genesis = self._script.run.lab.scheduler, self._script.run.lab.genesis_time

        def unix() -> float:
            return genesis + scheduler.now_ms / 1000

        waiting = Waiting(
            look_s=LOOK_S,
            stuck_s=STUCK_S,
            deadline_s=1800,
            sleep=scheduler.sleep,
            now=lambda: scheduler.now_ms / 1000,
            unix=unix,
        )
        return Timing(waiting, unix, self._everywhere)

    def _everywhere(self, tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Actors of the run, so that chains go on side by side under either clock."""
        scheduler, results = self._script.run.lab.scheduler, dict[str, Any]()
        if len(tasks) == 1:
            return {name: task() for name, task in tasks.items()}

        def keep(name: str, task: Callable[[], Any]) -> None:
            results[name] = task()

        for name, task in tasks.items():
            scheduler.spawn(f"{self._folder.name}-{name}", partial(keep, name, task))
        while len(results) < len(tasks):
            scheduler.sleep(STEP_S)
        return {name: results[name] for name in tasks}

    def executor(self, role: str = "owner") -> SignerExecutor:
        """That of a role. Its journal is one file for each role."""
        account = role_account(role)
        header = Header(contract=self._folder.name, deployer=account.address)
        journal = open_journal(self._folder / f"{role}.journal.jsonl", header)
        desk = OpsDesk(journal, self.operation.notify)
        return SignerExecutor(desk, KeystoreAccount(account, Path(role)), self.operation.timing.waiting)

    def start(self, command: Callable[[], T]) -> Command[T]:
        """Let a procedure go its way while the script does other things."""
        started: Command[T] = Command(self._script)

        def body() -> None:
            started.value = command()
            started.done = True

        self._script.run.lab.scheduler.spawn(f"{self._folder.name}-command", body)
        return started

    def patient(self, **changes: Any) -> Operation:
        """The operation with other waits, such as `deadline_s`."""
        timing = self.operation.timing
        return replace(self.operation, timing=replace(timing, waiting=replace(timing.waiting, **changes)))


def _target(chain: Chain) -> Target:
    return Target(
        name=chain.name,
        profile=chain.profile,
        variables=(),
        explorers=(),
        max_fee_gwei=None,
        finality=chain.finality,
        genesis=None,
        owner=role_account("owner").address,
        operators=(),
    )
