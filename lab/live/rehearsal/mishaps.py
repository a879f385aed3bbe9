"""What happens once to each network of a rehearsal: its command ends, and a reorg takes its contract away."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from threading import Lock

from lab.errors import LabError
from lab.live.journaling.journal import Entry, Journal
from lab.live.planning.steps import DEPLOY
from lab.rpc import HttpTransport, Rpc

# Within the first two steps, which every deployment has but one of a contract that needs nothing to be set up.
LINES_MAX = 5


class Interrupted(LabError):
    """The command ends here, as if it were killed."""


class Mishaps:
    """At which line of a network's journal its command ends, drawn from a seed; and that its contract's block goes.

    `nodes` are the URLs of the networks' nodes. `interrupted` and `reorganised` are the networks where it happened.
    """

    def __init__(self, nodes: Mapping[str, str], *, seed: int) -> None:
        rng = random.Random(seed)
        self._nodes, self._lock, self._seen = nodes, Lock(), Counter[str]()
        self._last = {name: rng.randint(1, LINES_MAX) for name in nodes}
        self.interrupted: dict[str, Entry] = {}
        self.reorganised: dict[str, Entry] = {}

    def after(self, entry: Entry) -> None:
        """Whatever happens once a line is on the disk. Raises Interrupted, an RpcFailure."""
        name = entry.network
        with self._lock:
            self._seen[name] += 1
            ends = name not in self.interrupted and self._seen[name] >= self._last[name]
            goes = name not in self.reorganised and (entry.step, entry.event) == (DEPLOY, "mined")
            if ends:
                self.interrupted[name] = entry
            if goes:
                self.reorganised[name] = entry
        if goes:
            self._take_away(entry)
        if ends:
            raise Interrupted(f"{name}: interrupted after {entry.step} was {entry.event}, as if by a kill")

    def _take_away(self, entry: Entry) -> None:
        """Replace the blocks from that one on by empty ones; the transactions in them are gone."""
        rpc, block = Rpc(HttpTransport(self._nodes[entry.network], timeout_s=60)), entry.block or 0
        # A block that is mined meanwhile makes the depth too small.
        while (rpc.block(block) or {}).get("hash") == entry.block_hash:
            rpc.call("anvil_reorg", rpc.block_number() - block + 1, [])


class RehearsedJournal(Journal):
    """A journal to which mishaps happen once a line is written."""

    def __init__(self, journal: Journal, mishaps: Mishaps) -> None:
        super().__init__(journal.path, journal.entries, journal.head)
        self._mishaps = mishaps

    def add(self, entry: Entry) -> None:
        """See `Journal.add`. Raises Interrupted, too."""
        super().add(entry)
        self._mishaps.after(entry)
