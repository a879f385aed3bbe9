"""How much two names have in common: by words that mean the same, else by letters."""

from __future__ import annotations

import difflib
import re

# Without so much in common a pair of names says nothing.
NAMES_LIKELY = 0.45
# Words that mean the same in contracts of this kind, by the word that the documentation uses.
ALIKE: dict[str, str] = {
    **dict.fromkeys(("enqueue", "queue", "enqueued", "queued", "submit", "schedule", "buffered"), "buffer"),
    **dict.fromkeys(("settle", "confirm"), "resolve"),
    **dict.fromkeys(("settled", "confirmed", "resolved"), "ready"),
    **dict.fromkeys(("finish", "finished", "complete", "completed", "done", "execute", "finalize"), "executed"),
    **dict.fromkeys(("halt", "halted", "stop", "stopped", "emergency", "pause"), "paused"),
    **dict.fromkeys(("resume", "resumed", "restart", "lift", "lifted", "unstop"), "unpause"),
    **dict.fromkeys(("relayer", "agent", "operators", "authorised", "authorized"), "operator"),
    **dict.fromkeys(("admin", "governance", "governor", "new", "ownable"), "owner"),
    "unauthorized": "only",
    **dict.fromkeys(("grace", "period", "timeout"), "window"),
    **dict.fromkeys(("dropped", "drop", "rejected"), "failed"),
    **dict.fromkeys(("total", "number"), "count"),
    **dict.fromkeys(("status", "phase"), "state"),
    **dict.fromkeys(("item", "items", "entry", "details", "transactions", "txs"), "transaction"),
    **dict.fromkeys(("due", "deadline", "eta"), "timestamp"),
    **dict.fromkeys(("parent", "depends", "predecessor"), "dependency"),
    **dict.fromkeys(("source", "sender", "src", "from"), "origin"),
    **dict.fromkeys(("destination", "dest", "dst", "to", "sink", "recipient", "receiver"), "target"),
    **dict.fromkeys(("body", "data", "message"), "payload"),
    **dict.fromkeys(("id", "identifier"), "tx"),
    **dict.fromkeys(("why", "cause"), "reason"),
}


def _words(name: str) -> list[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [ALIKE.get(part.lower(), part.lower()) for part in parts]


def alike(one: str, other: str) -> float:
    """How much two names have in common, from 0 to 1: in words, else in letters."""
    first, second = _words(one), _words(other)
    common = len(set(first) & set(second))
    words = 2 * common / (len(set(first)) + len(set(second))) if first and second else 0.0
    return max(words, 0.8 * difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio())


def mentions(text: str, word: str) -> bool:
    """Whether a text has the word, or one that means the same."""
    return word in _words(text)


def likeness(one: str, other: str) -> float:
    """The same, where it says anything."""
    score = alike(one, other)
    return score if score >= NAMES_LIKELY else 0.0
