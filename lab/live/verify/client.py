"""What all explorers have in common: a request, an answer, and polite HTTP with a bounded number of tries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import urllib3

from lab.bounded_files import UnfitFile, parse_json
from lab.errors import LabError
from lab.live.verify.bundle import Bundle
from lab.model.redacted import RedactedUrl, redact_text
from lab.rpc.urls import url_below

ANSWER_BYTES_MAX = 8 << 20
TIMEOUT_S = 30.0
Result = Literal["exact", "match", "no match", "unknown"]


class ExplorerFailure(LabError):
    """An explorer that cannot be reached, refuses, or answers in another shape."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Request:
    """A contract to verify."""

    chain_id: int
    address: str
    creation_tx: str
    bundle: Bundle


@dataclass(frozen=True, slots=True)
class Verification:
    """`exact`: every byte, metadata included; `match`: the code; `no match` and `unknown` say why in `detail`."""

    explorer: str
    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long is asked, in seconds."""

    first_s: float = 3.0
    max_s: float = 30.0
    deadline_s: float = 600.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    now: Callable[[], float] = field(default=time.monotonic)


class Explorer(Protocol):
    """One place that verifies."""

    name: str

    def verify(self, request: Request) -> Verification:
        """Submit, unless it is verified already, and wait for the verdict. Raises ExplorerFailure."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `value` is its JSON."""

    status: int
    value: Any

    def get(self, key: str, default: Any = None) -> Any:
        """A key of an object; the default for anything else."""
        return self.value.get(key, default) if isinstance(self.value, dict) else default


class Web:
    """JSON over HTTP to one explorer. `secret` is a key that no message may show."""

    def __init__(self, name: str, base: str, secret: str | None = None) -> None:
        self._name, self._base, self._secret = name, base, secret
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(total=TIMEOUT_S), retries=False, headers={"User-Agent": "tesseract-lab"}
        )

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None, **how: Any) -> Answer:
        """Raises ExplorerFailure where nobody answers, or answers with something else than bounded JSON."""
        try:
            address = url_below(self._base, path, query)
            response = self._pool.request(method, address, preload_content=False, redirect=False, **how)
            try:
                body = response.read(ANSWER_BYTES_MAX + 1)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise ExplorerFailure(f"{self._name} ({RedactedUrl(self._base)}): {self._hidden(str(error))}") from error
        if len(body) > ANSWER_BYTES_MAX:
            raise ExplorerFailure(f"{self._name}: expected an answer of at most {ANSWER_BYTES_MAX} bytes, got more")
        try:
            return Answer(response.status, parse_json(body, f"{self._name}'s answer"))
        except UnfitFile:
            return Answer(response.status, {"message": self._hidden(body[:200].decode("utf-8", errors="replace"))})

    def _hidden(self, text: str) -> str:
        return redact_text(text.replace(self._secret, "***") if self._secret else text)


def until(pace: Pace, name: str, attempt: Callable[[], Verification | str]) -> Verification:
    """Ask again, less and less often, while the answer is a reason to wait. Raises ExplorerFailure at the deadline."""
    deadline, pause = pace.now() + pace.deadline_s, pace.first_s
    while True:
        answer = attempt()
        if isinstance(answer, Verification):
            return answer
        if pace.now() + pause > deadline:
            raise ExplorerFailure(f"{name}: expected a verdict within {pace.deadline_s:g} s, it last said: {answer}")
        pace.sleep(pause)
        pause = min(pause * 1.5, pace.max_s)


def busy(answer: Answer) -> str | None:
    """Why the same should be asked again later: overload, limits; None for an answer."""
    text = str(answer.get("result") or answer.get("message") or "")
    if answer.status == 429 or "rate limit" in text.lower():
        return "too many requests"
    if answer.status >= 500:
        return f"HTTP {answer.status}"
    return None
