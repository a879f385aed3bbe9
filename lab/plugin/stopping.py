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
# Left there where a relayer worked in some item; items in which it never asked for anything, a line each.
RELAYER_WORKS, NO_RELAYER = "relayer-works", "no-relayer.jsonl"
# So many items that show the same are enough: one alone may have a network that the relayer does not know.
ALIKE = 3


def blocked(node: pytest.Item, item: ScenarioItem) -> Blocked | None:
    """Why an item need not be run; None where it can show something, or is to be run all the same (`--go-on`)."""
    from lab.bounded_files import parse_json, read_text
    from lab.model import records
    from lab.runner.not_run import Blocked

    config = node.config
    if config.option.lab_go_on:
        return None
    if (why := suite(config).stopping()) is not None:
        return Blocked("blocked", why)
    if item.relayer is None or relayer_command(config) is None:
        return None
    folder = session_folder(config)
    if (folder / RELAYER_WORKS).exists() or not (folder / NO_RELAYER).exists():
        return None
    alike: dict[str, set[str]] = {}
    for line in read_text(folder / NO_RELAYER).splitlines():
        record = parse_json(line, folder / NO_RELAYER)
        alike.setdefault(record["reason"], set()).add(record["item"])
    # What has shown it is tried again where pytest-rerunfailures wants that.
    reasons = [reason for reason, items in alike.items() if len(items) >= ALIKE and node.nodeid not in items]
    return Blocked(records.NO_RELAYER, reasons[0]) if reasons else None


def note_relayer(node: pytest.Item, result: Result) -> None:
    """Tell the session's other items, over all workers, that the relayer of one worked, or never asked for anything."""
    from lab.bounded_files import open_append, write_atomically
    from lab.model import records

    folder = session_folder(node.config)
    reasons = [note.text for note in result.history.of(records.Note) if note.kind == records.NO_RELAYER]
    if reasons:
        with open_append(folder / NO_RELAYER) as lines:
            lines.write(json.dumps({"item": node.nodeid, "reason": reasons[0]}).encode() + b"\n")
    elif any(mark.event == "ready" for mark in result.history.of(records.RelayerMark)):
        write_atomically(folder / RELAYER_WORKS, "")


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
