"""The nonces of one account on one chain: how many are mined, and which one comes next."""

from __future__ import annotations

from lab.relayer.reading.chain import Chain


class Nonces:
    """Asks the node once for each head. Every method raises an RpcFailure."""

    def __init__(self, chain: Chain, address: str) -> None:
        self._chain, self._address = chain, address
        self._known: tuple[str, int] | None = None

    def mined(self, *, again: bool = False) -> int:
        """How many are mined as of the head; with `again` the node is asked whatever it said before."""
        head = self._chain.head.hash if self._chain.head is not None else ""
        if again or self._known is None or self._known[0] != head:
            self._known = head, self._chain.rpc.nonce(self._address)
        return self._known[1]

    def next(self, highest: int | None) -> int:
        """The first that is free, `highest` being the highest of what is under way, None where nothing is."""
        if highest is not None:
            return max(highest + 1, self.mined())
        # Nothing of ours is under way, but an earlier life whose store is gone may have left something in the pool.
        return self._chain.rpc.nonce(self._address, "pending")
