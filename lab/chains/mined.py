"""Blocks as the producer made them."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from lab.networks.fees import FeeState
from lab.rpc.forwarded import ADDRESS

QUANTITY = re.compile("0x(0|[1-9a-f][0-9a-f]*)", re.ASCII)
POOL_STATUS = "txpool_status"


def pool_counts(pool: Any) -> tuple[int, int]:
    """How many transactions a node's pool holds: executable ones, and ones that wait for a nonce before them."""
    return int(pool["pending"], 16), int(pool["queued"], 16)


@dataclass(frozen=True, slots=True)
class Mined:
    """One block the producer made. `shown` is it as the node has it; `body` the same, None where it holds nothing.

    `waiting` counts executable transactions that were left in the pool.
    """

    number: int
    t_ms: int
    timestamp: int
    base_fee: int
    gas_used: int
    gas_limit: int
    body: dict[str, Any] | None
    waiting: int
    fee_state: FeeState
    shown: dict[str, Any] | None = None


class RecentBlocks:
    """The newest blocks of a chain, as far back as a reorg may go, with its first one as long as that is among them."""

    def __init__(self, first: Mined, remember: int) -> None:
        self._blocks: deque[Mined] = deque([first], maxlen=remember)

    @property
    def head(self) -> Mined:
        return self._blocks[-1]

    @property
    def deepest_reorg(self) -> int:
        """How many blocks can be taken back; set-up and the first block stay."""
        return len(self._blocks) - 1 - (self._blocks[0].number == 0)

    def add(self, mined: Mined) -> None:
        """Have a new head."""
        self._blocks.append(mined)

    def take_back(self, depth: int) -> list[Mined]:
        """The last `depth` blocks, which are gone."""
        return [self._blocks.pop() for _ in range(depth)][::-1]

    def shown(self, reference: object) -> dict[str, Any] | None:
        """The block of a number or "latest" as the node shows it, with hashes of its transactions.

        None where that is not known, or where the reference is any other: the node is asked then.
        """
        place = self._place(reference)
        block = self._blocks[place].shown if place is not None else None
        return block and block | {"transactions": [tx["hash"] for tx in block["transactions"]]}

    def without_logs(self, wanted: object) -> bool:
        """Whether none of the blocks that `eth_getLogs` is to search for one address holds a transaction.

        False where that is not known, or where the filter is any other: the node is asked then.
        """
        if not isinstance(wanted, dict) or ADDRESS.fullmatch(str(wanted.get("address"))) is None:
            return False
        if wanted.keys() == {"address", "blockHash"}:
            asked = [mined for mined in self._blocks if mined.shown and mined.shown["hash"] == wanted["blockHash"]]
        elif wanted.keys() == {"address", "fromBlock", "toBlock"}:
            first, last = self._place(wanted["fromBlock"]), self._place(wanted["toBlock"])
            if first is None or last is None:
                return False
            asked = [self._blocks[place] for place in range(first, last + 1)]
        else:
            return False
        return bool(asked) and all(mined.shown is not None and mined.body is None for mined in asked)

    def forget_shown(self) -> None:
        """Ask the node for each of them: it is another one, which may show them in its own way."""
        self._blocks = deque((replace(mined, shown=None) for mined in self._blocks), self._blocks.maxlen)

    def _place(self, reference: object) -> int | None:
        """Where a block stands among them; None where it does not, or is named by anything but a number or "latest"."""
        place = len(self._blocks) - 1
        if reference != "latest":
            if not isinstance(reference, str) or QUANTITY.fullmatch(reference) is None:
                return None
            place -= self.head.number - int(reference, 16)
        return place if 0 <= place < len(self._blocks) else None
