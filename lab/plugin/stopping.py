"""Whether a session goes on: that contract or relayer cannot work at all is found once, and not by each item again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lab.plugin.sharing import relayer_command, session_folder, suite

if TYPE_CHECKING:
    from lab.runner.not_run import Blocked
    from lab.runner.runner import Result
    from lab.scenario.item import ScenarioItem

# Left in a session's folder by the first item that a contract which cannot work kept from running.
STOPPED = "stopped"
# Left there by an item whose relayer never asked its chains for anything, with the reason.
NO_RELAYER = "no-relayer.json"


def blocked(node: pytest.Item, item: ScenarioItem) -> Blocked | None:
    """Why an item need not be run; None where it can show something, or is to be run all the same (`--go-on`)."""
    from lab.model import records
    from lab.runner.not_run import Blocked

    config = node.config
    if config.option.lab_go_on:
        return None
    if (why := suite(config).stopping()) is not None:
        return Blocked("blocked", why)
    mark = session_folder(config) / NO_RELAYER
    if item.relayer is None or relayer_command(config) is None or not mark.exists():
        return None
    record = json.loads(mark.read_text(encoding="utf-8"))
    # The item that found it is tried again where pytest-rerunfailures wants that.
    return None if record["item"] == node.nodeid else Blocked(records.NO_RELAYER, record["reason"])


def note_relayer(node: pytest.Item, result: Result) -> None:
    """Tell the session's other items, over all workers, that the relayer never worked, if that is what came of one."""
    from lab.bounded_files import write_atomically
    from lab.model import records

    reasons = [note.text for note in result.history.of(records.Note) if note.kind == records.NO_RELAYER]
    if reasons:
        record = {"item": node.nodeid, "reason": reasons[0]}
        write_atomically(session_folder(node.config) / NO_RELAYER, json.dumps(record) + "\n")


def not_run_since(node: pytest.Item, why: Blocked) -> str | None:
    """What is said of an item that was not run; None of the first one that the contract stops: it fails, and says why.

    That of a relayer which never worked has failed before.
    """
    from lab.model import records

    if why.kind == records.NO_RELAYER:
        return "the relayer never asks its chains for anything, as the run has said (--lab-go-on)"
    if first_to_stop(node):
        return None
    return "a core operation of the contract never succeeds, as the run has said (--lab-go-on)"


def first_to_stop(item: pytest.Item) -> bool:
    """Whether this is the first item of the session, over all workers, that is not run: the one that says why.

    It is in a second try, too, or pytest-rerunfailures would make a session that ran nothing a success.
    """
    mark = session_folder(item.config) / STOPPED
    try:
        with mark.open("x", encoding="utf-8") as stream:
            stream.write(item.nodeid)
    except FileExistsError:
        return mark.read_text(encoding="utf-8") == item.nodeid
    return True
