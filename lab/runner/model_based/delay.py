"""The delay between buffering and resolve that a contract's `lab.yaml` declares is one that it keeps."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from lab.runner.model_based.build import Builder
from lab.runner.model_based.player import Player
from lab.runner.model_based.sequence import Due


def declared_delay(player: Player) -> str:
    """What it is; empty where none is declared. What the smoke run learnt was seen already."""
    limits = player.codec.names.limits
    known = (_counted(limits.resolve_after_blocks, "block"), _counted(limits.resolve_after_seconds, "second"))
    return " and ".join(filter(None, known))


def ready_too_soon(player: Player) -> str | None:
    """How a transaction becomes READY one block, or one second, before the declared delay is over; else None."""
    limits, usual = player.codec.names.limits, player.traits.gap_blocks
    blocks, seconds = limits.resolve_after_blocks or 0, limits.resolve_after_seconds or 0
    # Blocks between two calls, one a second: so many of them that it is the other delay which is too short.
    for count, unit, between in ((blocks, "block", blocks - 2), (seconds, "second", usual)):
        if count and _ready_after(player, count - 1, max(0, between)):
            return f"resolve_dependency: expected no TransactionReady so soon, got it after {_counted(count - 1, unit)}"
    return None


def _ready_after(player: Player, seconds: int, between: int) -> bool:
    """Whether what is due by then is READY so many seconds after its buffering, with so many blocks between them."""
    usual = player.traits
    player.traits = replace(usual, gap_blocks=between)
    try:
        make = Builder(Random(0), player.traits, 0)
        tx_id = make.buffer(Due(make.now + seconds))
        make.wait(seconds)
        make.resolve(tx_id)
        result = player.results(make.steps)[-1]
    finally:
        player.traits = usual
    events = [player.codec.decode_log(log) for log in result["logs"]] if result["status"] == "0x1" else []
    return any(event is not None and event.event == "TransactionReady" for event in events)


def _counted(number: int | None, unit: str) -> str:
    return "" if number is None else f"{number} {unit}{'' if number == 1 else 's'}"
