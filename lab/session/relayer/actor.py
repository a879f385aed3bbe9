"""The reference relayer as an actor of the virtual clock: polls, can be stopped, killed anywhere, started again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from greenlet import GreenletExit

from lab.chains.scheduler import Actor, Scheduler
from lab.coordinator import Account, role_account
from lab.errors import UsageError
from lab.evidence import Recorder
from lab.faults.transport.methods import SENDS
from lab.model.records import RelayerEvent, RelayerMark
from lab.model.session import Session
from lab.relayer import CRASH_POINTS, Relayer
from lab.relayer.pace import until_poll
from lab.rpc import RpcFailure, Transport

# Takes what `Relayer` takes.
RelayerFactory = Callable[..., Relayer]
HELD_LOOK_S = 0.1


class Killed(GreenletExit):
    """Raised inside the relayer where it dies: nothing after this point of its code runs."""


class SchedulerClock:
    """The run's clock as the relayer wants it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now_ms(self) -> int:
        """Milliseconds since genesis."""
        return self._scheduler.now_ms

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        self._scheduler.sleep(seconds)


class _Held:
    """A transport that its user cannot get past while the relayer is held: asked late, or told late."""

    def __init__(self, transport: Transport, actor: RelayerActor) -> None:
        self._transport, self._actor = transport, actor

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        self._actor.wait_while_held()
        self._actor.sends += method in SENDS
        try:
            result = self._transport.call(method, params, timeout_s)
        except RpcFailure:
            # Not for other exceptions: one that is killed does not sleep any more.
            self._actor.wait_while_held()
            raise
        self._actor.wait_while_held()
        return result


class RelayerActor:
    """Implements `RelayerControl`. Each life is a new Relayer on the store that the last one left."""

    def __init__(
        self,
        session: Session,
        transports: dict[str, Transport],
        account: Account,
        scheduler: Scheduler,
        recorder: Recorder,
        factory: RelayerFactory = Relayer,
        *,
        name: str = "relayer",
    ) -> None:
        self._session = session
        self._bare = transports
        self._transports: dict[str, Transport] = {chain: _Held(bare, self) for chain, bare in transports.items()}
        self._name = name
        self._held = False
        self._account = account
        self._scheduler = scheduler
        self._recorder = recorder
        self._factory = factory
        self._actor: Actor | None = None
        self._relayer: Relayer | None = None
        self._deadly_point: str | None = None
        self._stopping = False
        self._again = False
        self.deaths = 0
        self.sends = 0

    @property
    def store_path(self) -> Path:
        """See `RelayerControl.store_path`."""
        return Path(self._session.store_path)

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._actor is not None and not self._actor.done

    ready = True  # it looks at the chains as soon as it is started

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do and nothing under way; a dead or stopped one counts as idle."""
        return not self.running or self._relayer is None or self._relayer.idle()

    def start(self) -> None:
        """See `RelayerControl.start`. One that is about to stop is waited for, and begins anew after that."""
        self._again = self.running and self._stopping
        if not self.running:
            self._begin()

    def _begin(self) -> None:
        self._stopping = self._again = False
        self._note("start", "start")
        self._actor = self._scheduler.spawn(self._name, self._live)

    def stop(self) -> None:
        """Ask for a clean stop: it finishes its poll first."""
        self._stopping, self._again = True, False

    def kill(self) -> None:
        """See `RelayerControl.kill`."""
        if self.running and self._actor is not None:
            self._actor.kill(Killed)
            self._died("killed")

    def kill_at(self, point: str) -> None:
        """See `RelayerControl.kill_at`."""
        if point not in CRASH_POINTS:
            raise UsageError(f"relayer_kill: expected a commit point ({', '.join(CRASH_POINTS)}), got {point!r}")
        self._deadly_point = point

    def cancel_kill(self) -> None:
        """See `RelayerControl.cancel_kill`."""
        self._deadly_point = None

    def pause(self) -> bool:
        """See `RelayerControl.pause`. It stops where it next asks a chain, or hears from one."""
        self._held = self.running
        return self._held

    def resume(self) -> None:
        """See `RelayerControl.resume`."""
        self._held = False

    def wait_while_held(self) -> None:
        """Sleep as long as it is held. For its own transports."""
        while self._held:
            self._scheduler.sleep(HELD_LOOK_S)

    def second(self) -> RelayerActor:
        """See `RelayerControl.second`."""
        session = self._session.model_copy(update={"store_path": f"{self._session.store_path}.second"})
        return RelayerActor(
            session,
            self._bare,
            self._account,
            self._scheduler,
            self._recorder,
            self._factory,
            name="second relayer",
        )

    def rotate(self, role: str) -> None:
        """See `RelayerControl.rotate`."""
        if self._actor is not None and not self._actor.done:
            self._actor.kill(Killed)
        self._close_store()
        self._note("stop", "stop")
        self._account = role_account(role)
        self.start()

    def close(self) -> None:
        """End it for good, without a note."""
        if self._actor is not None and not self._actor.done:
            self._actor.kill(Killed)
        self._close_store()

    def _live(self) -> None:
        clock = SchedulerClock(self._scheduler)
        relayer = self._factory(
            self._session,
            self._transports,
            self._account,
            Path(self._session.store_path),
            clock,
            crash=self._pass,
        )
        self._relayer = relayer
        while not self._stopping:
            # From the beginning of one poll to that of the next, however long it took.
            poll_ms = self._scheduler.now_ms + self._session.poll_interval_ms
            relayer.step()
            until_poll(relayer, clock, poll_ms, lambda: self._stopping)
        self._close_store()
        self._note("stop", "stop")
        if self._again:
            self._begin()

    def _pass(self, point: str) -> None:
        """Called by the relayer at each commit point."""
        if point == self._deadly_point:
            self._deadly_point = None
            self._died(f"killed at {point}")
            raise Killed

    def _died(self, how: str) -> None:
        self.deaths += 1
        relayer, self._relayer = self._relayer, None
        if relayer is not None:
            relayer.abandon()
        self._note("kill", how)

    def _close_store(self) -> None:
        relayer, self._relayer = self._relayer, None
        if relayer is not None:
            relayer.close()

    def _note(self, event: RelayerEvent, text: str) -> None:
        self._recorder.add(RelayerMark(t_ms=self._scheduler.now_ms, kind=self._name, event=event, text=text))
