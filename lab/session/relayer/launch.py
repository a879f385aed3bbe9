"""What is started as a relayer, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.chains.processes.python_child import python_command
from lab.model.redacted import RedactedCommand
from lab.model.session import Session
from lab.session.relayer.command import secrets_of

SESSION_VARIABLE = "LAB_SESSION"


def reference_command(session: Path, store: Path) -> list[str]:
    """The reference relayer's command line."""
    return python_command("-m", "lab.relayer", "--session", str(session), "--store", str(store))


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started as a relayer, and with what. `quiet_ms` is how long it sends nothing before it rests.

    `clock` are the variables that make its clock as fast as the chains', beside those of its command.
    """

    command: tuple[str, ...]
    session: Session
    session_path: Path
    log_path: Path
    name: str = "relayer"
    working_folder: Path | None = None
    quiet_ms: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)
    clock: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> RedactedCommand:
        """What of the command and its variables no log may show."""
        return secrets_of(self.command, self.variables)

    def second(self) -> Launch:
        """The same with a session file and a store of its own."""
        store, path = f"{self.session.store_path}.second", self.session_path.with_name("session-second.json")
        return replace(
            self,
            command=tuple(
                word.replace(str(self.session_path), str(path)).replace(self.session.store_path, store)
                for word in self.command
            ),
            session=self.session.model_copy(update={"store_path": store}),
            session_path=path,
            log_path=self.log_path.with_name("relayer-second.log"),
            name="second relayer",
        )
