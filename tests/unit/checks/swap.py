"""The story most tests vary: `swap.pay` on chain one, then `swap.settle` on chain two after it.

pay: buffered at 12 s, READY at 36 s (final at 60 s), executed at 48 s. settle: due at 60 s; mirror submitted at 61 s,
mined at 62 s; mirror and child READY at 66 s, child executed at 68 s. The run ends at 100 s.
"""

from __future__ import annotations

from typing import Any

from lab.model.history import History

from .calls import buffer, execute, mirror, resolve
from .histories import GENESIS, Story, leg, rollup, stored

PAY = leg("swap.pay", "one", 30, id=1)
SETTLE = leg("swap.settle", "two", 60, id=2, after="swap.pay")


def begin(**header: Any) -> Story:
    """Both legs buffered."""
    story = Story(PAY, SETTLE, **header)
    story.mine("two", 2, story.tx("two", "operator", buffer(SETTLE, dependency=PAY.tx_id)))
    story.mine("one", 12, story.tx("one", "operator", buffer(PAY)))
    return story


def pay(story: Story, *, ready: int = 36, executed: int | None = 48) -> None:
    """The parent becomes READY and is executed."""
    submitted(story, "one", ready, resolve(PAY.tx_id, "relayer"))
    if executed is not None:
        submitted(story, "one", executed, execute(PAY.tx_id, "relayer"))


def submitted(story: Story, chain: str, at: int, *calls: Any, sent: float | None = None) -> None:
    """A relayer's transaction, handed over a second before its block unless told otherwise."""
    tx = story.tx(chain, "relayer", *calls)
    story.submit(at - 1 if sent is None else sent, chain, tx)
    story.mine(chain, at, tx)


def settle(
    story: Story, *, mirrored: int = 62, sent: float | None = None, ready: int = 66, executed: int | None = 68
) -> None:
    """The parent is mirrored, mirror and child become READY, the child is executed."""
    submitted(story, "two", mirrored, mirror(PAY, "two", GENESIS + ready), sent=sent)
    submitted(story, "two", ready, resolve(PAY.tx_id, "relayer"), resolve(SETTLE.tx_id, "relayer"))
    if executed is not None:
        submitted(story, "two", executed, execute(SETTLE.tx_id, "relayer"))


def finish(story: Story, *, at: int = 100, pay: Any = "EXECUTED", settle: Any = "EXECUTED", ready: int = 66) -> History:
    """Final reads of both chains, with the mirror READY."""
    copy = stored(PAY, "READY", target=rollup("two"), timestamp=GENESIS + ready)
    story.final("one", at, stored(PAY, pay))
    story.final("two", at, stored(SETTLE, settle, dependency=PAY.tx_id), copy)
    return story.history()


def swap(**header: Any) -> History:
    """The whole story, without a fault."""
    story = begin(**header)
    pay(story)
    settle(story)
    return finish(story)
