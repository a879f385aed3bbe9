"""What an expectation asked of a call: which refusal, or which event."""

from __future__ import annotations

import re
from collections import Counter

from lab.report.causes.documentation import reasons_of

_WANTED = re.compile(r"expected (?:a revert with|it to revert \()\s*([^,;)]+)")
_SAYS = re.compile(r"it says '?([^'();]+)")
# The refusals that checks ask for by themselves.
_REFUSALS = {
    "S6": re.compile(r"Not authorized|Only (?:pending )?owner|want of authority"),
    "S10": re.compile(r"\b(?:is|while) paused\b"),
}
# What a call emitted, beside what it had to.
_EVENTS = r"(?:\d+ )?[A-Z]\w+(?: and (?:\d+ )?[A-Z]\w+)*|no documented event"
_EMITTED = re.compile(rf"expected ({_EVENTS})(?: with (\w+) [^,]+)?, got ({_EVENTS}|\w+)")
_EVENT = re.compile(r"(?:(\d+) )?([A-Z]\w+)")
_REVERTED = re.compile(r"it reverted(?:: |; it says )'?([^'(]+)")


def demanded(function: str, text: str) -> str:
    """Which refusal an expectation asks for: the check that asks for the same, else the documented reason."""
    quoted = [words for pattern in (_WANTED, _SAYS, _REVERTED) for words in pattern.findall(text)]
    expected = " ".join(quoted) or text.partition("; got")[0]
    check = next((check for check, reason in _REFUSALS.items() if reason.search(expected)), "")
    documented = next((reason for reason in reasons_of(function) if reason in expected), "")
    refused, emitted = _REVERTED.search(text), _EMITTED.search(text)
    if emitted is not None:
        event, field, came = emitted.groups()
        return f"{event} {field}" if field else _events_differing(event, came)
    return (
        check or documented or next(iter(_WANTED.findall(text)), "") or (f"no {refused[1].strip()}" if refused else "")
    )


def _events_differing(expected: str, came: str) -> str:
    """Which events are missing, and which came instead or beside, however many others agree."""
    first, second = (
        Counter(name for count, name in _EVENT.findall(names) for _ in range(int(count or 1)))
        for names in (expected, came)
    )
    missing, more = (" and ".join(sorted(names)) for names in (first - second, second - first))
    return f"{missing or 'nothing'} not {more or 'nothing'}"
