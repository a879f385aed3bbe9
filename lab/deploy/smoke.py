"""The smoke run: does each core operation of a contract succeed once, under the best of conditions?

On a chain of its own, before any scenario: a contract that can buffer nothing would fail every one of them at length.
What does not succeed at once is tried again some blocks later: so a delay that nobody declared is learnt. So is how
many operations of one account a block takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.coordinator import StateNumbering
from lab.deploy.as_mapped import MapTrial, Misfit
from lab.deploy.deployer import NO_LIMITS, Deployable, learn_numbering
from lab.deploy.placement import SetUpFailure, put_on_chain
from lab.deploy.trial import SmokeFailure as SmokeFailure
from lab.deploy.trial import Trial
from lab.errors import DeployFailure
from lab.model.contract.names import Limits
from lab.networks.profile import NetworkProfile
from lab.rpc import Rpc

CORE = ("buffer_transaction", "resolve_dependency", "mark_executed")
WINDOW_S = 30
ZERO_ID = "0x" + "00" * 32
# The rollups of transactions are these addresses and the next ones.
ORIGIN, TARGET = int("11" * 20, 16), int("22" * 20, 16)
PAYLOAD = "0x" + "ab" * 64
# Seconds after genesis of the first buffering, and between it, its timestamp, the resolve and the execution.
BUFFERED_AT, STEP_S = 12, 12
# How often, and how many seconds apart, an operation that does not succeed is tried again; and, where that does not
# help, how long after its buffering a transaction is resolved.
RETRIES, RETRY_S = 8, 2
LATER_S = (60, 180, 300)
# So many operations of one account fit into a block, or it is a limit.
CROWD = 16


@dataclass(frozen=True, slots=True)
class Smoke:
    """What came of it. Operations after the failed one were not tried: they need what it would have left.

    `limits` are the declared ones and those that were learnt, `misfits` what `lab.yaml` maps wrongly.
    """

    failure: SmokeFailure | None
    numbering: StateNumbering
    limits: Limits = NO_LIMITS
    misfits: tuple[Misfit, ...] = ()

    def lines(self) -> list[str]:
        """What went wrong, why, and the line itself; nothing where all is well."""
        if self.failure is None:
            return []
        line = self.failure.line
        quoted = [f"  {line.where} | {line.text.strip()}"] if line is not None else []
        return [f"smoke run: {self.failure}", *quoted]

    def blocks(self, needed: tuple[str, ...]) -> SmokeFailure | None:
        """The failure, for somebody who needs these operations: one that comes later needs those before it."""
        if self.failure is None or self.failure.operation not in CORE:
            return self.failure
        reached = CORE[: CORE.index(self.failure.operation)]
        return self.failure if any(operation not in reached for operation in needed) else None


def smoke(rpc: Rpc, target: Deployable, profile: NetworkProfile, *, genesis_time: int) -> Smoke:
    """Deploy, buffer, resolve and execute on a fresh node that mines only when told to.

    Raises SetUpFailure where a call of the project's set-up script does not succeed.
    """
    guess = StateNumbering.of_abi(target.contract.abi)
    trial = Trial(rpc, target, profile, genesis_time)
    try:
        put_on_chain(rpc, profile.name, target, profile, window_s=WINDOW_S, mine=lambda _: trial.mine(genesis_time + 1))
    except SetUpFailure:
        raise
    except DeployFailure as error:
        return Smoke(SmokeFailure("the deployment", str(error)), guess)
    if rpc.call("eth_getCode", target.address, "latest") == "0x":
        return Smoke(SmokeFailure("the deployment", "its creation code leaves no contract behind"), guess)
    flow = _Flow(trial, target.limits)
    failure = flow.play(genesis_time + BUFFERED_AT)
    if failure is not None:
        return Smoke(failure, guess)
    numbering = learn_numbering(rpc, target)
    return Smoke(None, numbering, flow.limits, MapTrial(trial, numbering, flow.limits).misfits())


@dataclass
class _Flow:
    """One transaction from its buffering to its execution, and what it shows of the contract's limits."""

    trial: Trial
    limits: Limits
    count: int = 0

    def play(self, start: int) -> SmokeFailure | None:
        """The first operation that never succeeds."""
        lead_s = max(STEP_S, self.limits.resolve_after_seconds or 0)
        tx_id, failure = self._buffer(start, lead_s)
        if failure is not None:
            return failure
        buffered_at, buffered_in = self.trial.now, self.trial.number
        # The middle of the window, or of the first seconds of a long one.
        inside_s = min(STEP_S, self.trial.window_s(WINDOW_S) // 2)
        failure = self._until("resolve_dependency", [tx_id], buffered_at + lead_s + inside_s)
        if failure is not None:
            later = self._much_later(inside_s)
            if later is None:
                return failure
            tx_id = later
        elif self.trial.number - buffered_in > max(1, self.limits.resolve_after_blocks or 0):
            self._learn_delay(self.trial.number - buffered_in, self.trial.now - buffered_at)
        failure = self._until("mark_executed", [tx_id], self.trial.now + STEP_S)
        if failure is None and self.limits.per_block is None:
            self._learn_room(lead_s)
        return failure

    def _buffer(self, at: int, lead_s: int) -> tuple[str, SmokeFailure | None]:
        """A new transaction with its timestamp so long after `at`."""
        request = self._request(at + lead_s)
        return request[0], self._until("buffer_transaction", request, at)

    def _request(self, due: int) -> list[Any]:
        """The arguments of a buffering with an id and rollups of its own."""
        self.count += 1
        most = self.limits.payload_bytes
        payload = PAYLOAD if most is None else PAYLOAD[: 2 + 2 * most]
        rollups = [f"0x{first + self.count:040x}" for first in (ORIGIN, TARGET)]
        return [f"0x{0x5E00 + self.count:064x}", *rollups, payload, ZERO_ID, due]

    def _until(self, operation: str, args: list[Any], at: int, retries: int = RETRIES) -> SmokeFailure | None:
        """Try it at this time and again in later blocks; why it failed at first where it never succeeds."""
        if not self.trial.target.codec.has(operation):
            return SmokeFailure(operation, "the contract has no such function")
        try:
            self.trial.target.codec.encode(operation, args)
        except ValueError as error:
            return SmokeFailure(operation, str(error))
        failure = self.trial.attempt(operation, args, max(at, self.trial.now + 1))
        for _ in range(retries if failure is not None and failure.needs is None else 0):
            if self.trial.attempt(operation, args, self.trial.now + RETRY_S, explain=False) is None:
                return None
        return failure

    def _much_later(self, inside_s: int) -> str | None:
        """The id of a transaction that could be resolved a long time after its buffering; None if none could."""
        for seconds in LATER_S:
            tx_id, failure = self._buffer(self.trial.now + RETRY_S, seconds)
            if failure is not None:
                return None
            due = self.trial.now + seconds + inside_s
            if self._until("resolve_dependency", [tx_id], due, retries=0) is None:
                self.limits = self.limits.model_copy(update={"resolve_after_seconds": seconds})
                return tx_id
        return None

    def _learn_delay(self, blocks: int, seconds: int) -> None:
        """Whether so many blocks have to lie between buffering and resolve, or so many seconds: one tried in haste."""
        tx_id, failure = self._buffer(self.trial.now + RETRY_S, 1)
        for _ in range(blocks - 1):
            self.trial.mine(self.trial.now + 1)
        if failure is None:
            failure = self._until("resolve_dependency", [tx_id], self.trial.now + 1, retries=0)
        learnt = {"resolve_after_blocks": blocks} if failure is None else {"resolve_after_seconds": seconds}
        self.limits = self.limits.model_copy(update=learnt)

    def _learn_room(self, lead_s: int) -> None:
        """How many operations of one account a block takes, where the next block takes more, and these are too many."""
        fitting = self._fitting(CROWD, lead_s)
        if 0 < fitting < CROWD and self._fitting(1, lead_s) == 1:
            self.limits = self.limits.model_copy(update={"per_block": fitting})

    def _fitting(self, count: int, lead_s: int) -> int:
        """How many bufferings in one block succeed; 0 where one does behind another that does not, or is not mined."""
        at = self.trial.now + RETRY_S
        calls = [self._request(at + lead_s) for _ in range(count)]
        encoded = [self.trial.target.codec.encode("buffer_transaction", call) for call in calls]
        receipts = self.trial.send_all("operator", encoded, at)
        taken = [receipt["status"] == "0x1" for receipt in receipts if receipt is not None]
        fitting = sum(taken)
        return fitting if len(taken) == count and all(taken[:fitting]) else 0
