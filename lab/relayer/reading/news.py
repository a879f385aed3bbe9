"""What is new on each chain: asked of all side by side where they carry several calls at once, else one by one.

Nothing of it is taken over here, so that what a poll learns is in one order, whoever answers first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import Head, Mark
from lab.relayer.reading.apply_scan import Findings, apply_scan
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.completeness import check_announced
from lab.relayer.reading.scan import Scan
from lab.rpc import Rpc, RpcFailure, RpcTimeout

# After so many looks in a row that show a lower head, it is the chain that went back, and not a replica that is behind.
LOWER_HEADS_MAX = 4


class LowerHead(RpcFailure):
    """The head is below the known one, and may well be what that one stands on: nothing was learnt."""

    definite = True


@dataclass(frozen=True, slots=True)
class News:
    """A chain's head; where it moved, what was scanned since, and what that means."""

    head: Head
    scan: Scan | None = None
    findings: Findings | None = None


class Looks:
    """Looks at chains. `close` ends the threads that it did so with."""

    def __init__(
        self,
        ledger: Ledger,
        scan: Callable[[Rpc, str, list[Mark], int], tuple[Head, Scan | None]],
        complete: Callable[[Chain, Scan], None],
    ) -> None:
        self._ledger, self._scan, self._complete = ledger, scan, complete
        self._threads: ThreadPoolExecutor | None = None

    def at(self, chains: Sequence[Chain]) -> Iterator[tuple[Chain, News | RpcFailure]]:
        """Each chain in order, with its news or with why there are none.

        One by one the next is looked at once the caller is done with the one before.
        """
        if len(chains) < 2 or not all(chain.ahead.batches for chain in chains):
            yield from ((chain, self._look(chain)) for chain in chains)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(thread_name_prefix="look")
        yield from zip(chains, list(self._threads.map(self._look, chains)), strict=True)

    def close(self) -> None:
        """No look is under way any more."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def _look(self, chain: Chain) -> News | RpcFailure:
        try:
            return self._news(chain)
        except RpcFailure as failure:
            chain.silent += isinstance(failure, RpcTimeout)
            return failure

    def _news(self, chain: Chain) -> News:
        chain.knock()
        if not chain.identified:
            chain.identify()
        head, scan = self._scan(chain.rpc, chain.facts.contract, chain.trail, chain.facts.start_block)
        findings = None
        if scan is None or scan.ancestor is None:
            chain.lower_heads = 0
        if scan is not None:
            if scan.ancestor is not None:
                # Another history: a reorg, or another chain altogether, or a part of the known one.
                chain.identify()
                _check_lower(chain, scan.head)
            self._complete(chain, scan)
            findings = apply_scan(chain, self._ledger, scan)
            check_announced(chain, findings.unannounced)
        if chain.window_s is None or (findings is not None and findings.window_touched):
            chain.window_s = chain.read_window()
        return News(head, scan, findings)


def _check_lower(chain: Chain, head: Head) -> None:
    """Raises LowerHead where a lower head contradicts nothing that is known, until it was shown several times."""
    highest = chain.trail[-1][0]
    known = next((mark[1] for mark in chain.trail if mark[0] == head.number), head.hash)
    if head.number < highest and known == head.hash:
        chain.lower_heads += 1
        if chain.lower_heads < LOWER_HEADS_MAX:
            raise LowerHead("eth_getBlockByNumber", f"expected a head of at least block {highest}, got {head.number}")
