"""Raw transactions on their way to one chain: held against the rules of its pool, followed, and recorded as they end.

The in-process gate and the HTTP proxy share it, so that both clocks leave the same records.
"""

from __future__ import annotations

from lab.chains.chain import Chain
from lab.chains.scheduler import Scheduler
from lab.coordinator import Codec
from lab.evidence import Recorder
from lab.faults.transport import methods
from lab.faults.transport.pool_rules import PoolRules
from lab.faults.transport.raw_transaction import Sent
from lab.faults.transport.sync_send import was_taken
from lab.model.records import Note, Outcome, Submit
from lab.networks.rpc_methods import served_methods
from lab.rpc import RpcFailure, RpcRefused

# So many things that a network does not have are put on record for each chain; more would say nothing new.
REFUSED_MAX = 20


class Submits:
    """What the relayer hands to one chain. Recorded as the relayer saw it end, whatever it believes."""

    def __init__(self, chain: Chain, scheduler: Scheduler, recorder: Recorder, codec: Codec) -> None:
        self.last_ms = 0
        self._chain = chain
        self.scheduler = scheduler
        self._recorder = recorder
        self._codec = codec
        self._pool = PoolRules(chain.profile)
        self._served = served_methods(chain.profile)
        self._refused: set[str] = set()

    def permit(self, method: str) -> None:
        """Raises RpcRefused for a method that no provider of the network serves; the first time it goes on record."""
        refused = methods.refusal(method, self._served)
        if refused is None:
            return
        self.note_refused(method, f"{refused.reason}: {methods.advice(method)}")
        raise refused

    def note_refused(self, what: str, reason: str) -> None:
        """Put on record, once, that something was asked for that a network does not have."""
        if what not in self._refused and len(self._refused) < REFUSED_MAX:
            self._refused.add(what)
            t_ms = max(0, self.scheduler.now_ms)
            self._recorder.add(Note(t_ms=t_ms, kind="refused", text=reason, chain=self._chain.name))

    def admit(self, sent: Sent) -> None:
        """Raises RpcRefused for what the network's own nodes would not take."""
        self._pool.admit(sent, waits=self._chain.waits)

    def admit_type(self, method: str, raw: object) -> None:
        """Raises RpcRefused for what is no transaction of the network; the first time it goes on record."""
        try:
            self._pool.admit_type(method, raw)
        except RpcRefused as refused:
            self.note_refused(refused.reason[:20], f"{refused.reason}: {str(raw)[:20]!r}")
            raise

    def taken(self, sent: Sent, raw: str) -> None:
        """The node took it."""
        self._chain.handed_over(sent.hash, raw)
        self._pool.accepted(sent)

    def any_unmined(self) -> bool:
        """Whether a nonce that the node took a transaction for is not mined. For the thread that mines."""
        mined = {(tx.sender, tx.nonce) for _, tx in self._chain.observer.observed.values()}
        return any(nonce not in mined for nonce in self._pool.nonces())

    def record(self, sent: Sent, failure: RpcFailure | None) -> None:
        """It ended: ok, fail if it certainly had no effect, info if that is unknown."""
        outcome: Outcome = "ok" if failure is None else "fail" if failure.definite else "info"
        if isinstance(failure, RpcRefused) and (self._chain.waits(sent.hash) or was_taken(failure)):
            # Refused because the node has it: handed over before, twice at once, or waited for in vain.
            outcome = "ok"
        call = self._codec.decode_call(sent.data) if sent.to == self._chain.contract else None
        # What is sent before genesis counts as there from the beginning.
        self.last_ms = max(0, self.scheduler.now_ms)
        self._recorder.add(
            Submit(
                t_ms=self.last_ms,
                chain=self._chain.name,
                sender=sent.sender,
                tx=sent.hash,
                nonce=sent.nonce,
                function=call.function if call else None,
                args=call.args if call else {},
                max_fee_per_gas=sent.max_fee_per_gas,
                outcome=outcome,
                error=str(failure) if failure is not None else None,
            )
        )
