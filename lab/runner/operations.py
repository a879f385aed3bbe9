"""Client operations: transactions that a scenario sends over the lab's own connection, followed until they are mined.

Each runs as an actor of its own. It ends ok (mined, status 1), fail (mined and reverted, or refused for good), or info
when its deadline comes first: it may or may not have happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.chains.chain import Chain
from lab.chains.scheduler import Actor, Scheduler
from lab.coordinator import Account, Codec, Fees, role_account, sign_transaction
from lab.coordinator.calling import all_roles
from lab.deploy.deployer import Deployable
from lab.deploy.layers import binds
from lab.evidence import Recorder
from lab.model.records import Operation, Outcome, Tx
from lab.rpc import Rpc, RpcFailure, RpcRefused

DEADLINE_MS = 300_000
# Who waits for operations gives each the time to say that it has no known outcome.
WAIT_MS = DEADLINE_MS + 10_000
POLL_MS_MIN, POLL_MS_MAX = 250, 2_000
GAS_FALLBACK, GAS_PER_WORD = 400_000, 25_000
# What a call may cost more than estimated when an earlier one has been mined: two words of storage that were empty.
GAS_BEHIND_OTHERS = 50_000
TIP_WEI = 10**9
BUMP_PERCENT = 15


@dataclass
class Pending:
    """An operation under way, and what became of it."""

    id: str
    role: str
    chain: str
    function: str
    args: dict[str, Any]
    leg: str | None
    started_ms: int
    actor: Actor | None = None
    outcome: Outcome | None = None
    tx: Tx | None = None
    block: int | None = None
    error: str | None = None
    hashes: list[str] = field(default_factory=list)
    # Calls that go with it: of an operator's second roles.
    beside: list[Pending] = field(default_factory=list)
    # How long it waited for a block with room for it.
    spaced_ms: int = 0

    @property
    def done(self) -> bool:
        return self.outcome is not None and all(other.done for other in self.beside)

    @property
    def subject(self) -> str:
        """The call, for messages."""
        return f"{self.chain}: {self.function} by {self.role}"

    @property
    def actual(self) -> str:
        """Its outcome with the reason, for messages."""
        return "ok" if self.outcome == "ok" else f"{self.outcome} ({self.revert})"

    def reverted(self, reason: str, target: Deployable) -> bool:
        """Whether it reverted, and with a reason that holds this text where the contract has to use it."""
        if self.outcome != "fail":
            return False
        return reason in (self.revert or "") or not binds(target, reason, self.function)

    @property
    def revert(self) -> str | None:
        """Why it failed, as the contract or the node said it."""
        if self.tx is not None and self.tx.status == 0:
            return next((call.revert for call in self.tx.calls if call.revert), "reverted without a reason")
        return self.error


class Operations:
    """Sends and follows the operations of one run."""

    def __init__(
        self,
        chains: dict[str, Chain],
        scheduler: Scheduler,
        recorder: Recorder,
        codec: Codec,
        contract: str,
        per_block: int | None = None,
    ) -> None:
        """`per_block`: how many operations of one account the contract takes in a block, None for any number."""
        self._chains = chains
        self._scheduler = scheduler
        self._recorder = recorder
        self._codec = codec
        self._contract = contract
        self._per_block = per_block
        self._in_flight: dict[tuple[str, str], list[Pending]] = {}

    def ahead(self, chain: str, role: str) -> int:
        """How many operations of the account are under way."""
        return len(self._in_flight.get((chain, role), ()))

    def start(
        self,
        op_id: str,
        chain: str,
        function: str,
        args: Sequence[Any],
        role: str,
        *,
        leg: str | None = None,
        finished: Callable[[Pending], None],
    ) -> Pending:
        """Begin an operation; `finished` is called at its end. KeyError or ValueError for a call that cannot be.

        Who is made an operator, or ceases to be one, takes or loses the contract's second roles by calls beside it.
        """
        made: list[Pending] = []
        for number, name in enumerate(all_roles(function, self._codec.functions, self._codec.names)):
            data = self._codec.encode(name, args, any_width=True)
            decoded = self._codec.decode_call(data)
            given = decoded.args if decoded else {}
            own = (op_id, leg, finished) if number == 0 else (f"{op_id}+{number}", None, lambda _: None)
            made.append(Pending(own[0], role, chain, name, given, own[1], self._scheduler.now_ms))
            self._spawn(made[-1], data, own[2])
        first, *first.beside = made
        return first

    def _spawn(self, pending: Pending, data: str, finished: Callable[[Pending], None]) -> None:
        lane = pending.chain, pending.role

        def body() -> None:
            try:
                self._follow(pending, data)
            finally:
                self._in_flight.get(lane, [pending]).remove(pending)
            self._record(pending)
            finished(pending)

        self._in_flight.setdefault(lane, []).append(pending)
        pending.actor = self._scheduler.spawn(pending.id, body)

    def _follow(self, pending: Pending, data: str) -> None:
        chain, account = self._chains[pending.chain], role_account(pending.role)
        deadline_ms = pending.started_ms + DEADLINE_MS
        poll_s = min(POLL_MS_MAX, max(POLL_MS_MIN, chain.profile.block_time_ms // 2)) / 1000
        fees: Fees | None = None
        nonce = gas = 0
        while self._scheduler.now_ms < deadline_ms:
            if chain.condition == "up":
                rpc = chain.look()
                if self._mined(pending, chain):
                    return
                if fees is None and self._block_is_full(pending):
                    self._scheduler.sleep(poll_s)
                    pending.spaced_ms = self._scheduler.now_ms - pending.started_ms
                    continue
                if fees is None:
                    nonce, gas = self._nonce(rpc, pending, account), self._gas(rpc, pending, account, data)
                if fees is None or self._lost_or_underpriced(rpc, chain, pending, fees):
                    fees = self._fees(chain, fees)
                    if not self._send(chain, pending, account, nonce, data, gas, fees):
                        return
            self._scheduler.sleep(poll_s)
        pending.outcome = "info"
        pending.error = f"not mined within {DEADLINE_MS // 1000} s"

    def _mined(self, pending: Pending, chain: Chain) -> bool:
        for tx_hash in pending.hashes:
            seen = chain.observer.observed.get(tx_hash)
            if seen is not None:
                pending.block, pending.tx = seen
                pending.outcome = "ok" if pending.tx.status == 1 else "fail"
                return True
        return False

    def _block_is_full(self, pending: Pending) -> bool:
        """Whether the contract would refuse one more operation of the account in the next block."""
        return self._per_block is not None and len(self._sent_before(pending)) >= self._per_block

    def _sent_before(self, pending: Pending) -> list[Pending]:
        """The account's other operations that are sent and not mined."""
        others = self._in_flight.get((pending.chain, pending.role), [])
        # One that is mined counts once, though it may not have looked yet.
        mined = self._chains[pending.chain].observer.observed
        return [one for one in others if one is not pending and one.hashes and mined.keys().isdisjoint(one.hashes)]

    def _nonce(self, rpc: Rpc, pending: Pending, account: Account) -> int:
        """The account's next nonce: what is mined, plus this run's operations that are sent and not mined."""
        return rpc.nonce(account.address) + len(self._sent_before(pending))

    def _gas(self, rpc: Rpc, pending: Pending, account: Account, data: str) -> int:
        request = {"from": account.address, "to": self._contract, "data": data}
        try:
            estimate = int(rpc.call("eth_estimateGas", request), 16)
            behind = GAS_BEHIND_OTHERS if self._sent_before(pending) else 0
            return max(estimate * 5 // 4, estimate + behind)
        except RpcRefused:
            # It would revert now: that is for the chain to say, when it is mined.
            return GAS_FALLBACK + GAS_PER_WORD * (len(data) // 64)

    @staticmethod
    def _fees(chain: Chain, before: Fees | None) -> Fees:
        tip = max(TIP_WEI, chain.profile.min_tip_wei)
        offer = Fees(3 * chain.producer.next_base_fee() + tip, tip)
        if before is None:
            return offer
        raised = before.bumped(BUMP_PERCENT)
        return Fees(
            max(offer.max_fee_per_gas, raised.max_fee_per_gas),
            max(offer.max_priority_fee_per_gas, raised.max_priority_fee_per_gas),
        )

    @staticmethod
    def _lost_or_underpriced(rpc: Rpc, chain: Chain, pending: Pending, fees: Fees) -> bool:
        if chain.producer.next_base_fee() > fees.max_fee_per_gas:
            return True
        return all(rpc.call("eth_getTransactionByHash", tx_hash) is None for tx_hash in pending.hashes)

    def _send(
        self, chain: Chain, pending: Pending, account: Account, nonce: int, data: str, gas: int, fees: Fees
    ) -> bool:
        raw, tx_hash = sign_transaction(
            account,
            chain_id=chain.profile.chain_id,
            nonce=nonce,
            to=self._contract,
            data=data,
            gas=gas,
            fees=fees,
        )
        pending.hashes.append(tx_hash)
        try:
            chain.send(raw)
        except RpcRefused as refused:
            if not _passing(refused):
                pending.outcome, pending.error = "fail", refused.reason
                return False
        except RpcFailure as failure:
            pending.error = str(failure)
        return True

    def _record(self, pending: Pending) -> None:
        assert pending.outcome is not None
        self._recorder.add(
            Operation(
                t_ms=pending.started_ms,
                id=pending.id,
                actor=pending.role,
                chain=pending.chain,
                function=pending.function,
                args=pending.args,
                leg=pending.leg,
                end_ms=self._scheduler.now_ms,
                outcome=pending.outcome,
                tx=pending.tx.hash if pending.tx else (pending.hashes[-1] if pending.hashes else None),
                block=pending.block,
                revert=pending.revert,
            )
        )


def _passing(refused: RpcRefused) -> bool:
    """Whether the refusal is about fees or the pool, and the next try may go through."""
    text = refused.reason.lower()
    return any(words in text for words in ("base fee", "underpriced", "already", "nonce too low", "max fee"))
