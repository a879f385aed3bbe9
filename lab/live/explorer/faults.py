"""What goes wrong at explorers, on demand: waiting, limits, errors, and sources that are not those of the contract."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Lock

from lab.errors import UsageError
from lab.live.explorer.judge import Submission

_PROSE = re.compile(r'""".*?"""|#[^\n]*', re.DOTALL)
# A constructor's code is not where the contract is.
_CONSTRUCTOR = re.compile(r"^def __init__\(.*?(?=^[@\w]|\Z)", re.DOTALL | re.MULTILINE)
# What shows in the code, the surest first: a revert text, any other text, a number that is given or compared.
_SHOWN = (
    re.compile(r'^[ \t]*(?:assert\b[^\n"#]*,|raise)[ \t]*"\w', re.MULTILINE),
    re.compile(r'(?<!")"\w'),
    re.compile(r"(?:[=<>] ?|\breturn )[1-9](?=\d*\b)"),
)
COUNTED = ("pending", "busy", "broken", "not_indexed", "already")
COUNT_DIGITS_MAX = 4
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}")


@dataclass(slots=True)
class ExplorerFaults:
    """Counts go down as they are used up.

    `pending` answers say wait, `busy` ones are limits, `broken` ones HTTP 503, `not_indexed` ones do not know the
    address yet, `already` ones say that it is verified, whoever did that in between. `altered` changes one byte of a
    revert text.
    """

    pending: int = 0
    busy: int = 0
    broken: int = 0
    not_indexed: int = 0
    already: int = 0
    altered: bool = False
    other_compiler: str | None = None
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def take(self, kind: str) -> bool:
        """Whether the fault happens now; it is used up by one."""
        with self._lock:
            left = int(getattr(self, kind))
            if left > 0:
                setattr(self, kind, left - 1)
            return left > 0

    def played(self, given: Submission) -> Submission:
        """The submission as this explorer takes it."""
        if self.altered:
            changed = copy.deepcopy(given.standard_json)
            # The main source first; where it reverts with no text, those that it imports.
            for path in sorted(changed["sources"], key=lambda path: path != given.path):
                source = changed["sources"][path]
                altered = _one_byte_changed(str(source["content"]))
                if altered is not None:
                    source["content"] = altered
                    source.pop("sha256sum", None)
                    break
            changed.pop("integrity", None)
            given = replace(given, standard_json=changed)
        return replace(given, version=self.other_compiler) if self.other_compiler else given


def with_faults(faults: ExplorerFaults, given: Iterable[str]) -> ExplorerFaults:
    """The same with `NAME=COUNT` of the counted ones, and `compiler=VERSION`. Raises UsageError."""
    for text in given:
        name, _, value = text.partition("=")
        if name in COUNTED and value.isdecimal() and len(value) <= COUNT_DIGITS_MAX:
            setattr(faults, name, int(value))
        elif name == "compiler" and _VERSION.fullmatch(value):
            faults.other_compiler = value
        else:
            known = "=N, ".join(COUNTED)
            raise UsageError(f"--fault: expected {known}=N or compiler=VERSION (compiler=0.4.1), got {text[:60]!r}")
    return faults


def _one_byte_changed(source: str) -> str | None:
    """A byte of a text or of a number: the smallest change that shows in the code. None without one."""
    code = source
    for without in (_PROSE, _CONSTRUCTOR):
        code = without.sub(lambda left_out: " " * len(left_out[0]), code)
    text = next((text for shown in _SHOWN if (text := shown.search(code)) is not None), None)
    if text is None:
        return None
    place = text.end() - 1
    other = str(int(source[place]) % 9 + 1) if source[place].isdigit() else "K" if source[place] == "J" else "J"
    return source[:place] + other + source[place + 1 :]
