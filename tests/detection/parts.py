"""The reference without one optional part, or with one in another way: correct contracts, made from its own source."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from .conftest import ROOT

CONTRACTS = ROOT / "contracts"
MAIN = "TesseractCoordinator.vy"
INTERFACE = "implements: ITesseractCoordinator\n"
Change = Callable[[Path], None]


def cut(path: Path, pattern: str, times: int = 1) -> None:
    """Take a piece of a source away. A source that has changed is a failure, not a pass."""
    text, found = re.subn(pattern, "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert found == times, f"expected {times} times {pattern!r} in {path.name}, got {found}"
    path.write_text(text)


def replace(path: Path, old: str, new: str) -> None:
    """One piece of a source in place of another."""
    text = path.read_text()
    assert text.count(old) == 1, f"expected {old!r} once in {path.name}, got {text.count(old)}"
    path.write_text(text.replace(old, new))


def without_exports(module: str, *functions: str) -> Change:
    """External functions of a module that the contract leaves out."""

    def change(folder: Path) -> None:
        for function in functions:
            cut(folder / MAIN, rf"^    {module}\.{function},\n")

    return change


def without_functions(*functions: str) -> Change:
    """External functions of the contract's own that are gone."""

    def change(folder: Path) -> None:
        for function in functions:
            cut(folder / MAIN, rf"^@external\n(@view\n)?def {function}\(.*?(?=^@)")

    return change


def without_event(source: str, event: str, times: int = 1) -> Change:
    """An event that is never emitted, nor declared."""

    def change(folder: Path) -> None:
        cut(folder / source, rf"^ +log {event}\([^\n]*\)\n", times)
        cut(folder / source, rf"^event {event}:\n(    [^\n]+\n)+\n*")

    return change


def without_breaker(folder: Path) -> None:
    """Nothing is counted, and nothing stops the contract but its owner."""
    without_exports("controls", "breaker_threshold", "set_breaker_threshold", "failure_count")(folder)
    cut(folder / "controls.vy", r"(?<=def _count_failure\(\) -> bool:\n).*?(?=    return tripped)")
    replace(folder / "controls.vy", "    return tripped\n", "    return False\n")


def without_stop_events(folder: Path) -> None:
    """It stops, by its owner or by itself, and says nothing."""
    cut(folder / "controls.vy", r"^    if tripped:\n        log EmergencyStop\([^\n]*\)\n")
    without_event("controls.vy", "EmergencyStop")(folder)


def without_any_word_of_stops(folder: Path) -> None:
    """Neither a getter nor an event says that it has stopped."""
    without_exports("controls", "paused")(folder)
    without_stop_events(folder)


def without_any_word_of_proposals(folder: Path) -> None:
    """Neither a getter nor an event names the proposed owner."""
    without_exports("ownership", "pending_owner")(folder)
    without_event("ownership.vy", "OwnershipProposed")(folder)


def without_most_functions(folder: Path) -> None:
    """It stops itself, nobody can stop it or let it go on, and nothing but its events tells."""
    without_exports("controls", "pause", "unpause", "paused", "set_execution_window", "execution_window")(folder)
    without_exports("ownership", "propose_owner", "accept_ownership", "pending_owner")(folder)
    without_functions("buffer_batch", "execute_batch", "mark_failed", "expire_transaction")(folder)


def with_the_stop_told_first(folder: Path) -> None:
    """A failure that trips the breaker tells of the stop before it tells of itself."""
    replace(
        folder / MAIN,
        "    log ITesseractCoordinator.TransactionFailed(tx_id=tx_id, reason=reason)\n"
        "    return controls._count_failure()\n",
        "    tripped: bool = controls._count_failure()\n"
        "    log ITesseractCoordinator.TransactionFailed(tx_id=tx_id, reason=reason)\n"
        "    return tripped\n",
    )


def with_empty_batches_refused(folder: Path) -> None:
    """What would change nothing is refused: empty batches, and a proposal of the owner itself."""
    for loop in ("request: BufferRequest in requests", "tx_id: bytes32 in tx_ids"):
        source = folder / MAIN
        several = f"len({loop.rpartition(' ')[2]})"
        head = f"    for {loop}:\n"
        source.write_text(source.read_text().replace(head, f'    assert {several} > 0, "Empty batch"\n{head}'))
    proposal = "    self.pending_owner = new_owner\n"
    refusal = '    assert new_owner != self.owner, "Already the owner"\n'
    replace(folder / "ownership.vy", proposal, refusal + proposal)


def with_lowering(code: str) -> Change:
    """A threshold below what is counted is taken in a way of its own."""

    def change(folder: Path) -> None:
        setting = "    settings.breaker_threshold = threshold\n"
        replace(folder / "controls.vy", setting, setting + code)

    return change


STOPS_AT_ONCE = """    if threshold != 0 and settings.failure_count >= threshold:
        settings.paused = True
        log EmergencyStop(caller=msg.sender, reason="Failure threshold reached")
"""
# What is left out, or in another way -> how.
PARTS: dict[str, Change] = {
    "stop getter": without_exports("controls", "paused"),
    "stop": without_exports("controls", "pause", "unpause", "paused"),
    "breaker": without_breaker,
    "threshold getter": without_exports("controls", "breaker_threshold"),
    "threshold setter": without_exports("controls", "set_breaker_threshold"),
    "failure count": without_exports("controls", "failure_count"),
    "pending owner": without_exports("ownership", "pending_owner"),
    "word of proposals": without_any_word_of_proposals,
    "hand-over": without_exports("ownership", "propose_owner", "accept_ownership", "pending_owner"),
    "deadline": without_exports("controls", "set_execution_window", "execution_window"),
    "deadline getter": without_exports("controls", "execution_window"),
    "expiry": without_functions("expire_transaction"),
    "failed executions": without_functions("mark_failed"),
    "batches": without_functions("buffer_batch", "resolve_batch", "execute_batch"),
    "batch of resolves": without_functions("resolve_batch"),
    "batch of executions": without_functions("execute_batch"),
    "batch of bufferings": without_functions("buffer_batch"),
    "most functions": without_most_functions,
    "event of proposals": without_event("ownership.vy", "OwnershipProposed"),
    "event of hand-overs": without_event("ownership.vy", "OwnershipTransferred", 2),
    "event of operators": without_event(MAIN, "OperatorAdded", 2),
    "event of windows": without_event("controls.vy", "CoordinationWindowSet", 2),
    "event of thresholds": without_event("controls.vy", "BreakerThresholdSet", 2),
    "event of stops": without_stop_events,
    "word of stops": without_any_word_of_stops,
    "event of lifted stops": without_event("controls.vy", "EmergencyStopLifted"),
    "stop told first": with_the_stop_told_first,
    "empty batches refused": with_empty_batches_refused,
    "lowering stops": with_lowering(STOPS_AT_ONCE),
    "lowering counts anew": with_lowering("    settings.failure_count = 0\n"),
    "lowering refused": with_lowering('    assert threshold == 0 or threshold > settings.failure_count, "Too low"\n'),
}


def written_without(part: str, folder: Path) -> Path:
    """The reference's sources without a part; the path of its main source."""
    return written(PARTS[part], folder)


def written(change: Change, folder: Path) -> Path:
    """The reference's sources, changed; the path of its main source."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in CONTRACTS.glob("*.vy"):
        shutil.copyfile(source, folder / source.name)
    shutil.copytree(CONTRACTS / "interfaces", folder / "interfaces", dirs_exist_ok=True)
    cut(folder / MAIN, re.escape(INTERFACE))
    change(folder)
    return folder / MAIN
