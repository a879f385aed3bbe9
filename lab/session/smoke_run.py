"""Gives the smoke run a node of its own, and remembers per bytecode that a contract passed it."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from pathlib import Path

from lab.chains.nodes.backend import Backend, NodeSpec
from lab.coordinator import StateNumbering
from lab.deploy.compiled import hash_bytes
from lab.deploy.deployer import Deployable
from lab.deploy.smoke import Smoke, smoke
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.rpc import HttpTransport, Rpc

NETWORK = "ethereum"
GENESIS = 1_800_000_000
TIMEOUT_S = 30.0
# Raise it when the smoke run asks for more: what passed before must then be tried again.
SMOKE_FORMAT = 1


def smoke_run(target: Deployable, backend: Backend, *, run_id: str, cache_dir: Path) -> Smoke:
    """The smoke run of a contract, from the cache where it passed before. Raises an EnvironmentFailure."""
    kept = cache_dir / f"{_key(target)}.json"
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return Smoke(None, StateNumbering({str(name): int(n) for name, n in json.loads(kept.read_text()).items()}))
    profile = load_network(NETWORK)
    # Its steps are traced: only they tell which line of the source refused an operation.
    args = (*anvil_args(profile, genesis_time=GENESIS), "--steps-tracing")
    (node,) = backend.start_all([NodeSpec("smoke", run_id, args)])
    transport = HttpTransport(node.url, timeout_s=TIMEOUT_S)
    try:
        result = smoke(Rpc(transport), target, profile, genesis_time=GENESIS)
    finally:
        transport.close()
        node.stop()
    if result.failure is None:
        _keep(kept, result)
    return result


def _key(target: Deployable) -> str:
    names = target.codec.names.model_dump()
    return hash_bytes(json.dumps([SMOKE_FORMAT, target.contract.bytecode_sha256, names], sort_keys=True).encode())


def _keep(kept: Path, result: Smoke) -> None:
    """Best effort, and whole or not at all: several processes may pass the same contract at once."""
    temporary = kept.with_suffix(f".{secrets.token_hex(4)}")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(result.numbering.numbers))
        temporary.replace(kept)
