"""The scheduler: one order of turns, time that only moves when nobody acts, actors that can be killed anywhere."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.chains.scheduler import Scheduler
from lab.errors import DeadlineExceeded


def test_turns_are_taken_by_time_then_by_request() -> None:
    """A tie goes to who asked first."""
    scheduler, taken = Scheduler(), list[tuple[str, int]]()
    for name, t_ms in (("late", 20), ("a", 10), ("b", 10), ("now", 0)):
        scheduler.at(t_ms, lambda name=name: taken.append((name, scheduler.now_ms)))  # type: ignore[misc]
    scheduler.advance_to(10)
    assert taken == [("now", 0), ("a", 10), ("b", 10)]
    scheduler.advance_to(30)
    assert taken[-1] == ("late", 20)
    assert scheduler.now_ms == 30


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 100))
def test_time_never_goes_back(moments: list[int], end: int) -> None:
    """Every turn is due when it is taken, and those after the end stay."""
    scheduler, seen = Scheduler(), list[int]()
    for t_ms in moments:
        scheduler.at(t_ms, lambda: seen.append(scheduler.now_ms))
    scheduler.advance_to(end)
    assert seen == sorted(t_ms for t_ms in moments if t_ms <= end)
    assert scheduler.now_ms == end
    scheduler.advance_to(0)
    assert scheduler.now_ms == end


def test_a_turn_in_the_past_is_taken_now() -> None:
    """Not at a time that is over."""
    scheduler, seen = Scheduler(), list[int]()
    scheduler.advance_to(50)
    scheduler.at(10, lambda: seen.append(scheduler.now_ms))
    scheduler.advance_to(50)
    assert seen == [50]


def test_actors_sleep_and_take_turns() -> None:
    """Two sleepers interleave; time stands still while one acts."""
    scheduler, seen = Scheduler(), list[tuple[str, int]]()

    def body(name: str, seconds: float) -> None:
        for _ in range(3):
            seen.append((name, scheduler.now_ms))
            scheduler.sleep(seconds)

    slow = scheduler.spawn("slow", lambda: body("slow", 2))
    fast = scheduler.spawn("fast", lambda: body("fast", 1.5), at_ms=500)
    assert seen == []
    scheduler.advance_to(3999)
    assert seen == [("slow", 0), ("fast", 500), ("slow", 2000), ("fast", 2000), ("fast", 3500)]
    assert not slow.done
    scheduler.advance_to(60_000)
    assert slow.done
    assert fast.done


def test_sleep_of_nothing_lets_others_act() -> None:
    """A sleep of 0 s is a turn for whoever is due; a negative one is no journey into the past."""
    scheduler, seen = Scheduler(), list[str]()

    def first() -> None:
        seen.append("first")
        scheduler.sleep(0)
        seen.append("first again")
        scheduler.sleep(-5)
        seen.append(str(scheduler.now_ms))

    scheduler.spawn("first", first)
    scheduler.spawn("second", lambda: seen.append("second"))
    scheduler.advance_to(0)
    assert seen == ["first", "second", "first again", "0"]


def test_sleeping_outside_of_actors_lets_time_pass() -> None:
    """Turns are taken meanwhile."""
    scheduler, seen = Scheduler(), list[int]()
    scheduler.at(700, lambda: seen.append(scheduler.now_ms))
    scheduler.sleep(1)
    assert (seen, scheduler.now_ms) == ([700], 1000)


def test_an_exception_surfaces_in_advance_and_ends_only_its_actor() -> None:
    """At its time; the others go on when time does."""
    scheduler, seen = Scheduler(), list[str]()

    def fails() -> None:
        scheduler.sleep(1)
        raise ZeroDivisionError("here")

    def lives() -> None:
        scheduler.sleep(2)
        seen.append("lived")

    failing = scheduler.spawn("fails", fails)
    scheduler.spawn("lives", lives)
    with pytest.raises(ZeroDivisionError, match="here"):
        scheduler.advance_to(5000)
    assert failing.done
    assert scheduler.now_ms == 1000
    scheduler.advance_to(5000)
    assert seen == ["lived"]


class _Death(BaseException):
    pass


def _victim(scheduler: Scheduler, seen: list[str]) -> None:
    try:
        scheduler.sleep(10)
        seen.append("survived")
    finally:
        seen.append("cleaned up")


def test_killed_from_outside() -> None:
    """It ends where it sleeps, silently; its later turn is void."""
    scheduler, seen = Scheduler(), list[str]()
    victim = scheduler.spawn("victim", lambda: _victim(scheduler, seen))
    scheduler.advance_to(5000)
    victim.kill()
    assert victim.done
    assert seen == ["cleaned up"]
    scheduler.advance_to(20_000)
    assert seen == ["cleaned up"]
    victim.kill()


def test_killed_by_another_actor() -> None:
    """The killer goes on with its next line, and so does everybody else."""
    scheduler, seen = Scheduler(), list[str]()
    victim = scheduler.spawn("victim", lambda: _victim(scheduler, seen))

    def murder() -> None:
        scheduler.sleep(3)
        victim.kill()
        seen.append(f"killer at {scheduler.now_ms}")
        scheduler.sleep(4)
        seen.append(f"killer at {scheduler.now_ms}")

    scheduler.spawn("killer", murder)
    scheduler.advance_to(20_000)
    assert seen == ["cleaned up", "killer at 3000", "killer at 7000"]


def test_killed_before_its_first_turn() -> None:
    """Its body never begins."""
    scheduler, seen = Scheduler(), list[str]()
    scheduler.spawn("victim", lambda: seen.append("began"), at_ms=10).kill()
    scheduler.advance_to(100)
    assert seen == []


def test_an_error_given_to_kill_surfaces_at_the_killer() -> None:
    """Unless the victim handles it."""
    scheduler, seen = Scheduler(), list[str]()
    victim = scheduler.spawn("victim", lambda: _victim(scheduler, seen))
    scheduler.advance_to(1)
    with pytest.raises(_Death):
        victim.kill(_Death)
    assert seen == ["cleaned up"]


def test_a_victim_that_survives_sleeps_its_new_sleep() -> None:
    """The turn it had asked for before is void."""
    scheduler, seen = Scheduler(), list[int]()

    def stubborn() -> None:
        try:
            scheduler.sleep(10)
        except _Death:
            scheduler.sleep(50)
        seen.append(scheduler.now_ms)

    victim = scheduler.spawn("victim", stubborn)
    scheduler.advance_to(5000)
    victim.kill(_Death)
    scheduler.advance_to(100_000)
    assert seen == [55_000]


def test_many_short_actors_leave_no_trace() -> None:
    """Finished ones are forgotten, sleeping ones are not."""
    scheduler, seen = Scheduler(), list[int]()

    def sleeper() -> None:
        scheduler.sleep(100)
        seen.append(scheduler.now_ms)

    scheduler.spawn("sleeper", sleeper)
    for number in range(200):
        scheduler.spawn(str(number), lambda: None, at_ms=number)
    scheduler.advance_to(200_000)
    assert seen == [100_000]
    assert len(scheduler._actors) <= 33


def test_waiting_until_something_happens() -> None:
    """As soon as a step finds it done, no later."""
    scheduler, seen = Scheduler(), list[int]()
    scheduler.at(1100, lambda: seen.append(1))
    scheduler.advance_until(lambda: bool(seen), deadline_ms=5000, step_ms=250, waiting_for="it")
    assert scheduler.now_ms == 1250


def test_waiting_in_vain_says_for_what() -> None:
    """And stops exactly at the deadline."""
    scheduler = Scheduler()
    with pytest.raises(DeadlineExceeded, match=r"expected the moon by 1\.1 s"):
        scheduler.advance_until(lambda: False, deadline_ms=1100, step_ms=250, waiting_for="the moon")
    assert scheduler.now_ms == 1100


def test_the_virtual_clock_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year passes without a moment's sleep."""
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    scheduler = Scheduler()
    scheduler.advance_to(365 * 86_400_000)
    assert scheduler.now_ms == 365 * 86_400_000


def test_lateness_is_of_turns_and_asked_for_once() -> None:
    """Under the virtual clock there is none; under the real one a turn that took long makes the next one late."""
    virtual = Scheduler()
    virtual.at(10, lambda: None)
    virtual.advance_to(20)
    assert virtual.take_lateness_ms() == 0
    real = Scheduler("real")
    real.at(0, lambda: time.sleep(0.05))
    real.at(1, lambda: None)
    real.advance_to(60)
    assert real.take_lateness_ms() >= 40
    assert real.take_lateness_ms() == 0


@pytest.mark.parametrize("speed", [1, 2.5, 10, 50])
def test_the_real_clock_runs_so_many_times_as_fast(monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
    """Turns come when the wall has reached their share of it, and lateness is told in the run's own time."""
    wall_ns, seen = 0, list[tuple[int, int]]()

    def sleep(seconds: float) -> None:
        nonlocal wall_ns
        wall_ns += max(1, round(seconds * 1e9))

    monkeypatch.setattr(time, "monotonic_ns", lambda: wall_ns)
    monkeypatch.setattr(time, "sleep", sleep)
    scheduler = Scheduler("real", speed)
    scheduler.restart_wall(-2_000)
    for t_ms in (0, 1_000, 60_000):
        scheduler.at(t_ms, lambda t_ms=t_ms: seen.append((t_ms, round(wall_ns / 1e6 * speed))))  # type: ignore[misc]
    scheduler.advance_to(30_000)
    assert seen == [(0, 2_000), (1_000, 3_000)]
    sleep(scheduler.on_wall(35_000))
    scheduler.advance_to(61_000)
    assert scheduler.take_lateness_ms() == 5_000
    # A wait from outside of all actors that ends late, with no turn in it; one for genesis is set-up's.
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(seconds + scheduler.on_wall(7_000)))
    scheduler.advance_to(scheduler.now_ms + 250)
    assert scheduler.take_lateness_ms() == pytest.approx(7_000, abs=1)
    scheduler.advance_to(0)
    assert scheduler.take_lateness_ms() == 0
    # The process was held up amid something, and the turn that was due meanwhile has not been taken yet.
    scheduler.at(scheduler.now_ms + 1_000, lambda: None)
    assert scheduler.take_lateness_ms() == 0
    wall_ns += int(scheduler.on_wall(60_000) * 1e9)
    assert scheduler.take_lateness_ms() == pytest.approx(59_000, abs=1)
    scheduler.restart_wall(-5_000)
    assert scheduler.take_lateness_ms() == 0
    assert scheduler.of_wall(scheduler.on_wall(1_234)) == 1_234
