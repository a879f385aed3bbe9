"""The relayer under load, the reference one or the user's: a process that finds its networks in a session file."""

from __future__ import annotations

from pathlib import Path

from lab.chains.processes.guest_log import GuestLog
from lab.chains.processes.process_group import ProcessGroup
from lab.chains.processes.reaper import Reaper
from lab.session.relayer.command import RelayerCommand, not_started, secrets_of
from lab.session.relayer.launch import SESSION_VARIABLE, reference_command

STOPS_WITHIN_S = 10.0


class LoadRelayer:
    """Started before the load, stopped after it; its death is seen by the sampler and costs uptime."""

    def __init__(self, own: RelayerCommand | None, session: Path, store: Path, log: Path) -> None:
        """`own` None is the reference relayer."""
        self._folder = own.folder if own is not None else Path.cwd()
        self.command = own.argv(session) if own is not None else reference_command(session, store)
        self._variables = own.variables(session) if own is not None else {}
        self._session = session
        self._log = GuestLog(log, secrets_of(self.command, self._variables).redact_in)
        self._group: ProcessGroup | None = None

    def look(self) -> int | None:
        """Its process while it is looked after: the program's, or that of what a wrapper left. Publishes its log."""
        self._log.publish()
        return self._group.oldest() if self._group is not None else None

    def start(self, run_id: str, reaper: Reaper) -> None:
        """Raises UsageError where the command cannot be started."""
        try:
            self._group = ProcessGroup.start(
                self.command,
                run_id=run_id,
                log=self._log,
                reaper=reaper,
                environment={**self._variables, SESSION_VARIABLE: str(self._session)},
                folder=self._folder,
            )
        except OSError as error:
            raise not_started(self.command, None, error) from error

    def stop(self) -> None:
        """Ask all of it first, and kill what is left."""
        group, self._group = self._group, None
        if group is not None:
            group.stop(STOPS_WITHIN_S)
        self._log.close()
