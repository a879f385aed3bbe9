"""Which JSON-RPC methods a network's public endpoints serve: those of `methods.yaml`, and those of its profile."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from lab.networks.profile import Citation, MethodName, NetworkProfile
from lab.yamlsource import load_yaml, validate

FILE = Path(__file__).parent / "methods.yaml"


class ServedMethods(Citation):
    """What every network has, with its source. `client_version` is the answer to `web3_clientVersion`."""

    client_version: str = Field(min_length=1)
    methods: tuple[MethodName, ...] = Field(min_length=1)


@cache
def common_methods() -> ServedMethods:
    """The file's content."""
    return validate(load_yaml(FILE), ServedMethods)


def served_methods(profile: NetworkProfile) -> frozenset[str]:
    """The names of all methods that a guest of this network may call."""
    return frozenset((*common_methods().methods, *(profile.rpc_methods or ())))
