"""The checks by id: a short title, and the sentence that says what each demands. lab/checks holds what judges them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class CheckSelection:
    """Which checks a scenario asks for: all default checks or none of them, plus and minus some."""

    default: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


DEFAULT_SELECTION = CheckSelection(default=True, added=(), removed=())


class CheckTitle(NamedTuple):
    """`short` stands beside the id, as in `S4 window`; `demand` is what must hold."""

    short: str
    demand: str


CHECK_TITLES: dict[str, CheckTitle] = {
    "S1": CheckTitle("state order", "States only go forward, each once"),
    "S2": CheckTitle("parent final", "A child is READY only on a final parent"),
    "S3": CheckTitle("execution order", "A child is EXECUTED only after its parent"),
    "S4": CheckTitle("window", "READY only within the coordination window"),
    "S5": CheckTitle("once", "Everything happens at most once per transaction"),
    "S6": CheckTitle("authority", "Only operators and the owner change state"),
    "S7": CheckTitle("payload", "Payloads are stored as given, up to 512 bytes; mirrors are copies"),
    "S8": CheckTitle("no merge", "One tx_id on two chains never merges"),
    "S9": CheckTitle("whole flows", "No flow ends half done"),
    "S10": CheckTitle("emergency stop", "The emergency stop stops everything but the owner"),
    "S11": CheckTitle("storage", "Events and calls reproduce the storage"),
    "S12": CheckTitle("relayer's store", "The relayer's store equals the chains' effects"),
    "L1": CheckTitle("ready in time", "READY within the liveness bound"),
    "L2": CheckTitle("every leg ends", "Every buffered leg ends"),
    "L3": CheckTitle("queue empty", "The relayer's queue is empty, without a nonce gap"),
    "L4": CheckTitle("crash recovery", "A crash changes no result"),
    "L5": CheckTitle("others go on", "One chain down leaves the others going"),
    "L6": CheckTitle("bounded sends", "Transactions sent per call are bounded"),
    "L7": CheckTitle("bounded requests", "Requests stay within what is declared, and back off"),
}


# As the reasons of a run's verdict begin.
_LEADING_ID = re.compile(r"^[SL]\d{1,2}(?=: )")


def check_name(check: str) -> str:
    """`S4 window`; an id that is not known stays as it is."""
    title = CHECK_TITLES.get(check)
    return f"{check} {title.short}" if title else check


def name_checks(reason: str) -> str:
    """A verdict's reason, whose `S4: ...` becomes `S4 window: ...`."""
    return _LEADING_ID.sub(lambda match: check_name(match[0]), reason)


def check_title(check: str) -> str:
    """`window` for S4; empty for an id that is not known."""
    title = CHECK_TITLES.get(check)
    return title.short if title else ""


def check_demand(check: str) -> str:
    """What it demands, as a sentence without its full stop; empty for an id that is not known."""
    title = CHECK_TITLES.get(check)
    return title.demand if title else ""
