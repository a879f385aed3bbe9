"""`python -m lab.load.prepare.deploy`: puts the contract on nodes that somebody started, and says so in a session file.

For containers: the Locust master runs it before it becomes Locust, a relayer waits with it for that file. With a
command behind the options it becomes that command.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.errors import DeadlineExceeded, LabError, UsageError
from lab.load.profile.profile import CHAIN_NAME, network
from lab.model.redacted import RedactedUrl
from lab.rpc import RpcFailure
from lab.session.description import RunningNetworks
from lab.session.keys import hand_to_guest, write_keys
from lab.session.load_chains.interval import IntervalChain, session_of, set_up
from lab.session.suite import compile_target, new_run_id
from lab.session.under_test import system_under_test

WITHIN_S = 120.0
POLL_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy or wait, then become the command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.load.prepare.deploy", description=__doc__)
    parser.add_argument("--chain", action="append", default=[], help="NAME=NETWORK=URL of a fresh node")
    parser.add_argument("--out", type=Path, help="the session file to write")
    parser.add_argument("--await", dest="awaited", type=Path, help="a session file to wait for")
    parser.add_argument("--contract", type=Path, help="default: lab.yaml's, else the reference")
    parser.add_argument("--window", type=int, default=300, help="coordination window in seconds")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    try:
        if options.awaited is not None:
            await_file(options.awaited)
        elif options.out is not None and options.chain:
            deploy(options.chain, options.out, options.contract, options.window)
        else:
            raise UsageError("expected --chain and --out, or --await")
    except LabError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    if options.command:
        os.execvp(options.command[0], options.command)
    return 0


def deploy(chains: Sequence[str], out: Path, contract: Path | None, window_s: int) -> None:
    """Set up every chain and write session and keys beside each other. Raises a LabError."""
    system = system_under_test(contract=contract, relayer_cmd=None)
    target = compile_target(system)
    by_name = dict(map(_chain, chains))
    numbering = None
    for chain in by_name.values():
        _await_node(chain)
        numbering = set_up(chain, target, window_s=window_s)
    assert numbering is not None
    out.parent.mkdir(parents=True, exist_ok=True)
    write_keys(out.parent / "keys.json")
    networks = RunningNetworks(new_run_id(), "compose", "real", int(time.time()), out.parent)
    session = session_of(by_name, target, numbering, networks, system=system, poll_ms=500)
    hand_to_guest(session, out.parent)
    session.write(out)
    print(system.described(target.contract.name).line, file=sys.stderr, flush=True)
    print(f"{', '.join(by_name)}: {target.contract.name} at {target.address}", file=sys.stderr, flush=True)


def await_file(path: Path) -> None:
    """Raises DeadlineExceeded."""
    deadline = time.monotonic() + WITHIN_S
    while not path.is_file():
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"{path}: expected a session file within {WITHIN_S:g} s, there is none")
        time.sleep(POLL_S)


def _chain(text: str) -> tuple[str, IntervalChain]:
    name, _, rest = text.partition("=")
    profile_name, _, url = rest.partition("=")
    if not (CHAIN_NAME.fullmatch(name) and profile_name and url):
        raise UsageError(f"--chain: expected NAME=NETWORK=URL, got {RedactedUrl(text)}")
    try:
        return name, IntervalChain.connect(name, network(profile_name), url)
    except ValueError as error:
        raise UsageError(f"--chain {name}={profile_name}=: {error}") from None


def _await_node(chain: IntervalChain) -> None:
    """The node's own chain id is taken over: two nodes of one network differ in it."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            chain.profile = chain.profile.model_copy(update={"chain_id": chain.rpc.chain_id()})
            return
        except RpcFailure as failure:
            if time.monotonic() > deadline:
                raise DeadlineExceeded(
                    f"{chain.name}: expected an answer within {WITHIN_S:g} s: {failure}"
                ) from failure
            time.sleep(POLL_S)


if __name__ == "__main__":
    sys.exit(main())
