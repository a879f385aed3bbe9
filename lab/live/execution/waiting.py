"""How long a transaction is waited for, on which clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.errors import DeadlineExceeded
from lab.model.live_evidence import STUCK_S


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long is waited for what, in seconds; a look at the chain each `look_s`. `final`: whether for final blocks.

    `unix` is the time by which blocks of an idle chain grow old; None: only by the chain's own.
    """

    look_s: float = 2.0
    stuck_s: float = STUCK_S
    deadline_s: float = 3600.0
    final: bool = True
    sleep: Callable[[float], None] = field(default=time.sleep)
    now: Callable[[], float] = field(default=time.monotonic)
    unix: Callable[[], float] | None = None

    def until(
        self, least: int, look: Callable[[], int], said: Callable[[int], str], within_s: float | None = None
    ) -> int:
        """What `look` gives once it is no less than `least`. It is asked for `within_s`, or until the deadline.

        Raises DeadlineExceeded with what is `said` of the last answer.
        """
        ends = self.now() + (self.deadline_s if within_s is None else within_s)
        while (seen := look()) < least:
            if self.now() > ends:
                raise DeadlineExceeded(said(seen))
            self.sleep(self.look_s)
        return seen

    def unix_s(self) -> float | None:
        """The time by which idle chains grow old now, if there is one."""
        return None if self.unix is None else self.unix()
