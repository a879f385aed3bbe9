"""Time, and whose turn it is. One scheduler owns a run's clock; actors are greenlets that sleep on it.

Under the virtual clock time jumps from one due turn to the next and never looks at the wall. Under the real clock the
same turns are taken when the wall clock reaches them, or late if a turn before them took long; `speed` is how many
seconds of the run pass in one of the wall's. Turns due at the same millisecond are taken in the order in which they
were asked for, so that a run has one order of events.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from itertools import count
from typing import Literal

from greenlet import GreenletExit, getcurrent, greenlet

from lab.errors import DeadlineExceeded

Turn = Callable[[], None]
NS_PER_MS = 1_000_000
# How far simulated time goes on before chains are let begin with their blocks once more.
AHEAD_MS = 1_000


class Actor:
    """Something that acts and sleeps. An exception that it does not catch ends the run: it surfaces in `advance_to`."""

    def __init__(self, scheduler: Scheduler, name: str, body: Turn) -> None:
        self.name = name
        self._scheduler = scheduler
        self._greenlet = greenlet(body, parent=scheduler.hub)
        self._generation = 0

    @property
    def done(self) -> bool:
        """True once the body has returned, raised, or been killed."""
        return bool(self._greenlet.dead)

    def kill(self, error: type[BaseException] = GreenletExit) -> None:
        """Raise `error` in the actor where it sleeps. GreenletExit ends it silently, another one surfaces here."""
        self._generation += 1
        if not self._greenlet.dead:
            # A dying greenlet hands over to its parent: that has to be whoever kills it, not the hub.
            self._greenlet.parent = getcurrent()
            self._greenlet.throw(error)

    def wake_at(self, t_ms: int) -> None:
        """Ask for a turn; a kill in between voids it."""
        generation = self._generation

        def turn() -> None:
            if self._generation == generation and not self._greenlet.dead:
                self._greenlet.switch()

        self._scheduler.at(t_ms, turn)


class Scheduler:
    """The clock of one run. `now_ms` counts from the run's genesis. `speed` has a meaning under the real clock only."""

    def __init__(self, clock: Literal["virtual", "real"] = "virtual", speed: float = 1.0) -> None:
        self.clock, self.speed = clock, speed
        self._now_ms = 0
        self.hub = getcurrent()
        self._turns: list[tuple[int, int, Turn]] = []
        self._order = count()
        self._actors: dict[greenlet, Actor] = {}
        self._wall_zero_ns = time.monotonic_ns()
        self._late_ms = 0
        # Called under the virtual clock when time has gone on, before anybody acts at the new time.
        self.before_turns: list[Turn] = []
        self._prepared_ms = 0

    def take_lateness_ms(self) -> int:
        """The most that a turn, or a wait, was late since this was asked last: 0 under the virtual clock.

        Whoever asks amid something long sees by how much the next turn is overdue; it counts again when it is taken.
        """
        overdue_ms = self.now_ms - max(0, self._turns[0][0]) if self._turns else 0
        late_ms, self._late_ms = max(self._late_ms, overdue_ms), 0
        return late_ms

    @property
    def now_ms(self) -> int:
        """Milliseconds since genesis. Under the real clock it moves on by itself, and any thread may ask."""
        if self.clock == "real":
            return int((time.monotonic_ns() - self._wall_zero_ns) * self.speed) // NS_PER_MS
        return self._now_ms

    def restart_wall(self, now_ms: int = 0) -> None:
        """Under the real clock: let it be `now_ms` now, negative before genesis (set-up took its time)."""
        self._wall_zero_ns = time.monotonic_ns() - self._wall_ns(now_ms)

    def of_wall(self, seconds: float) -> int:
        """How many milliseconds of the run pass in so many seconds of the wall: for what the machine itself takes."""
        return round(seconds * 1000 * self.speed)

    def on_wall(self, milliseconds: float) -> float:
        """How many seconds of the wall so many milliseconds of the run last."""
        return milliseconds / 1000 / self.speed

    def _wall_ns(self, t_ms: int) -> int:
        return int(t_ms * NS_PER_MS / self.speed)

    def at(self, t_ms: int, turn: Turn) -> None:
        """Take `turn` at `t_ms`, or at the next occasion if that has passed."""
        heapq.heappush(self._turns, (max(t_ms, self.now_ms), next(self._order), turn))

    def spawn(self, name: str, body: Turn, *, at_ms: int | None = None) -> Actor:
        """Start an actor, now or later."""
        actor = Actor(self, name, body)
        self._actors[actor._greenlet] = actor
        actor.wake_at(self.now_ms if at_ms is None else at_ms)
        return actor

    def sleep(self, seconds: float) -> None:
        """Sleep in an actor, or let time pass from outside of all actors."""
        self.sleep_until(self.now_ms + max(0, round(seconds * 1000)))

    def sleep_until(self, t_ms: int) -> None:
        """Like `sleep`, to a moment."""
        actor = self._actors.get(getcurrent())
        if actor is None:
            self.advance_to(t_ms)
        else:
            actor.wake_at(t_ms)
            self.hub.switch()

    def advance_to(self, t_ms: int) -> None:
        """Take every turn due up to `t_ms` and stop there. Only from outside of all actors."""
        while self._turns and self._turns[0][0] <= t_ms:
            due, _, turn = heapq.heappop(self._turns)
            self._reach(due)
            self._note_lateness(due)
            self._prepare()
            turn()
            self._forget_finished()
        self._reach(t_ms)
        # Set-up waits for genesis.
        if t_ms > 0:
            self._note_lateness(t_ms)

    def _note_lateness(self, due_ms: int) -> None:
        """A turn, or a wait from outside, was due. Before genesis set-up makes it late, which no bound counts."""
        self._late_ms = max(self._late_ms, self.now_ms - max(0, due_ms))

    def advance_until(self, done: Callable[[], bool], *, deadline_ms: int, step_ms: int, waiting_for: str) -> None:
        """Advance in steps until `done()`. Raises DeadlineExceeded, which quotes what was waited for."""
        while not done():
            if self.now_ms >= deadline_ms:
                raise DeadlineExceeded(f"expected {waiting_for} by {deadline_ms / 1000:g} s; it did not happen")
            self.advance_to(min(deadline_ms, self.now_ms + step_ms))

    def _reach(self, t_ms: int) -> None:
        if self.clock == "real":
            due_ns = self._wall_zero_ns + self._wall_ns(t_ms)
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                time.sleep(left_ns / 1e9)
        self._now_ms = max(self._now_ms, t_ms)

    def _prepare(self) -> None:
        if self.clock == "virtual" and self._now_ms - self._prepared_ms >= AHEAD_MS:
            self._prepared_ms = self._now_ms
            for prepare in self.before_turns:
                prepare()

    def _forget_finished(self) -> None:
        if len(self._actors) > 32:
            self._actors = {glet: actor for glet, actor in self._actors.items() if not glet.dead}
