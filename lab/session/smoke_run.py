"""Gives the smoke run a node of its own, and remembers per contract, its code and its ABI, that it passed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, write_atomically
from lab.chains.nodes.backend import Backend, NodeSpec
from lab.coordinator import StateNumbering
from lab.deploy.compiled import hash_bytes
from lab.deploy.deployer import Deployable
from lab.deploy.smoke import Smoke, smoke
from lab.model.contract.names import Limits
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.rpc import HttpTransport, Rpc

NETWORK = "ethereum"
GENESIS = 1_800_000_000
TIMEOUT_S = 30.0
# Raise it when the smoke run asks for more: what passed before must then be tried again.
SMOKE_FORMAT = 5


def smoke_run(target: Deployable, backend: Backend, *, run_id: str, cache_dir: Path) -> Smoke:
    """The smoke run of a contract, from the cache where it passed before. Raises an EnvironmentFailure."""
    kept = cache_dir / f"{_key(target)}.json"
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        return _kept(read_object(kept))
    with fresh_node(backend, "smoke", run_id) as rpc:
        result = smoke(rpc, target, load_network(NETWORK), genesis_time=GENESIS)
    if result.failure is None and not result.misfits:
        _keep(kept, result)
    return result


@contextmanager
def fresh_node(backend: Backend, name: str, run_id: str) -> Iterator[Rpc]:
    """A node of its own, which mines only when told to, and is gone afterwards. Raises an EnvironmentFailure."""
    (node,) = backend.start_all([NodeSpec(name, run_id, anvil_args(load_network(NETWORK), genesis_time=GENESIS))])
    transport = HttpTransport(node.url, timeout_s=TIMEOUT_S)
    try:
        yield Rpc(transport)
    finally:
        transport.close()
        node.stop()


def _key(target: Deployable) -> str:
    names = target.codec.names.model_dump()
    return hash_bytes(json.dumps([SMOKE_FORMAT, target.contract.identity, names], sort_keys=True).encode())


def _kept(document: dict[str, Any]) -> Smoke:
    numbers = {name: int(number) for name, number in document["states"].items()}
    return Smoke(None, StateNumbering(numbers), Limits.model_validate(document["limits"]))


def _keep(path: Path, result: Smoke) -> None:
    """Best effort: several processes may pass the same contract at once."""
    with suppress(OSError):
        text = json.dumps({"states": result.numbering.numbers, "limits": result.limits.model_dump()})
        write_atomically(path, text)
