"""Genesis blocks of the built-in networks: by them a real network is told from a local chain of the same id."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field, RootModel

from lab.model.frozen import Frozen
from lab.yamlsource import load_yaml, validate

GENESIS = Path(__file__).with_name("genesis.yaml")


class Genesis(Frozen):
    """The hash of a genesis block; `date` is when the source was read."""

    hash: str = Field(pattern=r"^0x[0-9a-f]{64}$")
    source: str = Field(min_length=3)
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


class _File(RootModel[dict[str, Genesis]]):
    pass


def genesis_hash(network: str) -> str | None:
    """That of a built-in profile; None for others."""
    known = _known().get(network)
    return known.hash if known is not None else None


@cache
def _known() -> dict[str, Genesis]:
    return validate(load_yaml(GENESIS), _File).root
