"""A relayer as a process of its own, under the real clock: started, stopped with SIGTERM, killed with SIGKILL.

Any program will do that finds its networks in the session file; nothing is known of it but what it sends.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lab.chains.processes.child import how_ended, was_killed
from lab.chains.processes.guest_log import GuestLog
from lab.chains.processes.log_tail import telling_line
from lab.chains.processes.process_group import ProcessGroup
from lab.chains.processes.reaper import Reaper
from lab.chains.scheduler import Scheduler
from lab.errors import RelayerFailure, UsageError
from lab.evidence import Recorder
from lab.faults.transport.submits import Submits
from lab.model.records import RelayerEvent, RelayerMark
from lab.model.redacted import redact_command
from lab.model.session import GUESTS
from lab.session.keys import write_keys
from lab.session.relayer.command import not_started, why_not_started
from lab.session.relayer.dilation import require_dilated
from lab.session.relayer.launch import SESSION_VARIABLE, Launch

WATCH_S = 0.2
STOP_S = 10.0
# The relayer rests when it has sent nothing for this many polls.
QUIET_POLLS = 3


class RelayerProcess:
    """Implements `RelayerControl`. A death that nobody asked for is a RelayerFailure where the clock is advanced."""

    def __init__(
        self,
        launch: Launch,
        scheduler: Scheduler,
        recorder: Recorder,
        submits: Sequence[Submits],
        reaper: Reaper,
        *,
        requests: Callable[[], int] | None = None,
    ) -> None:
        """`requests` counts what relayers asked so far: the first one after a start is recorded."""
        self._launch = launch
        self._scheduler = scheduler
        self._recorder = recorder
        self._submits = submits
        self._reaper = reaper
        self._group: ProcessGroup | None = None
        self._log = GuestLog(launch.log_path, launch.secrets.redact_in)
        self._asked: set[int] = set()
        self._stop_by_ms: int | None = None
        self._started_ms = 0
        self._requests = requests
        self._before_start = -1
        self._began = requests is None
        self._seconds: list[RelayerProcess] = []
        self.deaths = 0

    @property
    def running(self) -> bool:
        """Whether it lives, or anything that it started: a wrapper may have ended before its child."""
        return self._group is not None and self._group.alive

    @property
    def store_path(self) -> Path:
        """See `RelayerControl.store_path`."""
        return Path(self._launch.session.store_path)

    @property
    def session_path(self) -> Path:
        """The session file that it is given."""
        return self._launch.session_path

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self._launch.log_path

    @property
    def sends(self) -> int:
        """Nobody can tell its transactions from another's: 1 while it runs."""
        return int(self.running)

    @property
    def pid(self) -> int | None:
        """Its process id while it is looked after."""
        return self._group.pid if self._group is not None else None

    @property
    def ready(self) -> bool:
        """Whether it has asked for something since it was started, or does not run any more."""
        return self._before_start < 0 or not self.running

    @property
    def idle(self) -> bool:
        """Whether it sent nothing for a few polls and all it sent is mined; a dead or stopped one counts as idle."""
        if not self.running:
            return True
        since_ms = max([self._started_ms, *(submits.last_ms for submits in self._submits)])
        quiet_ms = max(QUIET_POLLS * self._launch.session.poll_interval_ms, self._launch.quiet_ms)
        quiet = self._scheduler.now_ms - since_ms >= quiet_ms
        return quiet and not any(submits.any_unmined() for submits in self._submits)

    def start(self) -> None:
        """See `RelayerControl.start`. One that is about to stop is waited for."""
        group = self._group
        if group is not None and (self._stop_by_ms is not None or not group.alive):
            if not group.wait(STOP_S):
                self._left(group)
            else:
                self._ended(group)
        if not self.running:
            self._note("start", "start")
            self._before_start = self._requests() if self._requests is not None else -1
            self._spawn()

    def stop(self) -> None:
        """Ask all of it for a clean stop: it finishes its poll first."""
        if self._group is not None and self._group.alive:
            self._asked = {process.pid for process in self._group.members()}
            self._group.signal(signal.SIGTERM)
            self._stop_by_ms = self._scheduler.now_ms + self._scheduler.of_wall(STOP_S)

    def kill(self) -> None:
        """See `RelayerControl.kill`."""
        group = self._group
        if group is not None and group.alive:
            self._group = None
            group.kill()
            self.deaths += 1
            self._note("kill", "killed")

    def kill_at(self, point: str) -> None:
        """Raises UsageError: nothing inside of a process can be seen from here."""
        raise UsageError(
            f"relayer_kill: the point {point} needs the virtual clock; under `clock: real` the relayer is a process of "
            "its own and can only be killed at once: leave `point` out"
        )

    def cancel_kill(self) -> None:
        """See `RelayerControl.cancel_kill`: there is never a kill to call off."""

    def pause(self) -> bool:
        """See `RelayerControl.pause`."""
        return self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """See `RelayerControl.resume`."""
        self._signal(signal.SIGCONT)

    def second(self) -> RelayerProcess:
        """See `RelayerControl.second`: the same command with a session file and a store of its own."""
        launch = self._launch.second()
        launch.session.write(launch.session_path)
        second = RelayerProcess(launch, self._scheduler, self._recorder, self._submits, self._reaper)
        self._seconds.append(second)
        return second

    def rotate(self, role: str) -> None:
        """See `RelayerControl.rotate`: the session file names the role whose key is used, the key file has it, too."""
        self.stop()
        write_keys(Path(self._launch.session.key_file), (*GUESTS, role))
        session = self._launch.session.model_copy(update={"relayer_role": role})
        session.write(self.session_path)
        self._launch = replace(self._launch, session=session)
        self.start()

    def close(self) -> None:
        """End it for good, and each `second`, without a note; what they wrote can be shown then."""
        group, self._group = self._group, None
        if group is not None:
            # One that was asked before has had its time.
            late = self._stop_by_ms is not None and self._scheduler.now_ms > self._stop_by_ms
            group.stop(0 if late else STOP_S)
        # However it ended: by itself, killed, or here.
        self._log.close()
        for second in self._seconds:
            second.close()

    def _spawn(self) -> None:
        launch = self._launch
        try:
            group = ProcessGroup.start(
                launch.command,
                run_id=launch.session.run_id,
                log=self._log,
                reaper=self._reaper,
                environment={**launch.variables, **launch.clock, SESSION_VARIABLE: str(launch.session_path)},
                folder=launch.working_folder,
            )
        except OSError as error:
            given = launch.command, launch.working_folder, error
            reason = f"the relayer could not be started: {why_not_started(*given)}"
            raise RelayerFailure(str(not_started(*given)), reason=reason, began=False) from error
        self._group, self._stop_by_ms, self._started_ms = group, None, self._scheduler.now_ms
        self._watch(group)

    def _watch(self, group: ProcessGroup) -> None:
        """Look now and again whether it still lives, until it is another's turn."""
        if self._group is not group:
            return
        self._log.publish()
        if self._requests is not None and 0 <= self._before_start < self._requests():
            self._before_start, self._began = -1, True
            self._note("ready", "its first request")
        if not group.alive:
            self._ended(group)
        elif self._stop_by_ms is not None and self._scheduler.now_ms > self._stop_by_ms:
            self._left(group)
        else:
            self._scheduler.at(self._scheduler.now_ms + self._scheduler.of_wall(WATCH_S), lambda: self._watch(group))

    def _ended(self, group: ProcessGroup) -> None:
        self._group = None
        self._log.publish(ended=True)
        if self._stop_by_ms is not None:
            self._note("stop", "stop" if group.returncode == 0 else f"stop, with {how_ended(group.returncode)}")
            return
        self._note("crash", f"crashed: {how_ended(group.returncode)}, nobody asked for it")
        said, killed = telling_line(self._log.tail()), was_killed(group.returncode)
        raise self.failure(
            f"{'was killed' if killed else 'ended by itself'} with {how_ended(group.returncode)}"
            f"{'' if self._began else ', before it asked a chain for anything'}{': ' if said else ''}{said}",
            "it to run until it is stopped",
            began=self._began,
            killed=killed,
        )

    def _left(self, group: ProcessGroup) -> None:
        """Kill what is left so long after SIGTERM. Raises RelayerFailure where nothing of it had listened."""
        names, left = group.names(), {process.pid for process in group.members()}
        heeded = self._asked - left
        self._group = None
        group.kill()
        if heeded:
            self._note("stop", f"stop; killed {STOP_S:g} s after SIGTERM: {', '.join(map(redact_command, names))}")
            return
        raise self.failure(f"still runs {STOP_S:g} s after SIGTERM", "a clean stop")

    def _signal(self, number: signal.Signals) -> bool:
        return self._group is not None and self._group.signal(number)

    def require_dilated(self) -> None:
        """Raise RelayerFailure where its clock was to be made faster and is not."""
        if self._launch.clock and self._group is not None:
            shown = redact_command(shlex.join(self._launch.command))
            try:
                require_dilated(self._group.members(), shown, self._launch.session.speed)
            except UsageError as error:
                # What is the same in every run, whatever its session is called.
                reason = str(error).replace(f" `{shown}`", "", 1)
                raise RelayerFailure(str(error), reason=reason, began=False) from error

    def failure(
        self, what: str, expected: str, *, hints: str = "", began: bool = True, killed: bool = False
    ) -> RelayerFailure:
        """What it did instead of what was expected of it, and what may be why, with its last log lines."""
        story = f"the relayer {what}; expected {expected}. {hints}"
        message = f"{story}{self.last_words()}"
        return RelayerFailure(message, reason=story.rstrip(". "), began=began, killed=killed)

    def last_words(self) -> str:
        """A sentence with its last log lines, indented."""
        return f"Its last log lines ({self.log_path}):\n{self._log.tail()}"

    def _note(self, event: RelayerEvent, text: str) -> None:
        # One that is started before genesis is there from the beginning.
        mark = RelayerMark(t_ms=max(0, self._scheduler.now_ms), kind=self._launch.name, event=event, text=text)
        self._recorder.add(mark)
