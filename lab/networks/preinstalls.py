"""Contracts that stand at one address on every network: those of `preinstalls.yaml`, which each fresh node is given."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from lab.networks.profile import Citation, Frozen
from lab.yamlsource import load_yaml, validate

FILE = Path(__file__).parent / "preinstalls.yaml"


class Preinstall(Frozen):
    """One contract: its runtime code in hex, and the Keccak-256 of that."""

    name: str
    address: str = Field(pattern="^0x[0-9a-fA-F]{40}$")
    code_hash: str = Field(pattern="^0x[0-9a-f]{64}$")
    code: str = Field(pattern="^0x([0-9a-f]{2})+$")


class Preinstalls(Citation):
    """The file's content, with its source."""

    contracts: tuple[Preinstall, ...] = Field(min_length=1)


@cache
def preinstalls() -> tuple[Preinstall, ...]:
    """All of them."""
    return validate(load_yaml(FILE), Preinstalls).contracts
