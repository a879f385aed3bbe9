"""How many of its newest blocks a node of a run has a state of."""

from __future__ import annotations

import math

from lab.model.chain.finality import Finality
from lab.networks.profile import NetworkProfile

# What a full node has (TriesInMemory of go-ethereum).
STATES_OF_A_NODE = 128
ALIKE = 16


def states_kept(profile: NetworkProfile, rule: Finality, deepest_reorg: int) -> int:
    """As many as a full node has, counted from the newest final block on, or from the deepest reorg's ancestor.

    A relayer may ask what was stored in the block that is final by its rule.
    """
    if rule.blocks is not None:
        depth = rule.blocks
    elif rule.seconds is not None:
        depth = math.ceil(rule.seconds * 1000 / profile.block_time_ms)
    else:
        depth = profile.tag_depth(rule.tag or "finalized")
    return STATES_OF_A_NODE + max(depth, deepest_reorg)


def states_alike(kept: int) -> int:
    """A few more, so that a node of one run does for another whose finality is deeper by some blocks."""
    return math.ceil(kept / ALIKE) * ALIKE
