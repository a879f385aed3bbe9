"""Programs of the user's that work on a run's networks as on those of `lab up`; the checks judge what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.chains.processes.child import Child
from lab.errors import UsageError
from lab.model.session import Session
from lab.runner.run import Run
from lab.session.keys import handed_to_programs

POLL_MS = 100


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. `code` is None where it was stopped at its deadline; `output` has both its streams."""

    code: int | None
    output: str


def run_programs(run: Run, commands: Sequence[Sequence[str]], timeout_s: float) -> list[Ended]:
    """Start programs beside each other, let time pass until all have ended, and say how.

    Each finds a session file in `LAB_SESSION`, with the keys of all roles: its requests pass the fault layer and are
    recorded. Raises UsageError unless the scenario runs on the real clock with a relayer, OSError for a program that
    cannot be started.
    """
    if run.lab.proxy is None:
        raise UsageError(f"{run.item.file}: programs need `clock: real` and a relayer, else no endpoint is there")
    folder = run.lab.spec.folder.absolute()
    with handed_to_programs(Session.read(folder / "session.json"), folder) as session:
        children = [_start(run, words, session, number) for number, words in enumerate(commands)]
        deadline_ms = run.now_ms + round(timeout_s * 1000)
        try:
            while any(child.alive for child in children) and run.now_ms < deadline_ms:
                run.lab.scheduler.advance_to(run.now_ms + POLL_MS)
        finally:
            codes = [child.returncode for child in children]
            for child in children:
                child.kill()
    return [Ended(code, _text(child.log)) for code, child in zip(codes, children, strict=True)]


def _start(run: Run, words: Sequence[str], session: Path, number: int) -> Child:
    log = run.lab.spec.folder / "logs" / f"program-{number}.log"
    log.unlink(missing_ok=True)
    return Child.start(
        words,
        run_id=run.lab.spec.run_id,
        log=log,
        reaper=run.lab.backend.reaper,
        environment={"LAB_SESSION": str(session)},
    )


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")
