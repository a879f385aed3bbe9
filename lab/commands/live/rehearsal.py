"""`lab live rehearse` and `lab live explorer`."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Sequence
from pathlib import Path

from lab.commands.live.actions import folder_of
from lab.commands.live.printing import format_paid, print_outcomes
from lab.commands.live.record import record
from lab.commands.live.terminal import notify
from lab.errors import UsageError
from lab.live.declaration.deployment_file import read_deployment
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.server import open_explorer
from lab.live.journaling.open import contract_of, system_of
from lab.live.rehearsal.rehearse import rehearse as run_rehearsal
from lab.live.verify.everywhere import without_source
from lab.model.redacted import RedactedUrl
from lab.rpc.endpoint import Endpoint
from lab.session.suite import new_run_id, open_suite

CHAIN_ID = re.compile(r"[1-9][0-9]{0,18}")


def rehearse(path: Path, results: Path, backend: str) -> int:
    """Everything on local chains; 0 if all of it went well."""
    deployment = read_deployment(path)
    contract = contract_of(deployment).contract
    folder = folder_of(results, path) / "rehearsal"
    folder.mkdir(parents=True, exist_ok=True)
    run_id = new_run_id()
    suite = open_suite(
        run_id=run_id,
        backend=backend,  # type: ignore[arg-type]  # the command line lets only backends through
        image=None,
        system=system_of(deployment),
        notify=notify,
    )
    try:
        ended = run_rehearsal(deployment, suite.target, suite.backend, folder, run_id, notify)
    finally:
        suite.close()
    page = record(ended.evidence, folder)
    for plan in ended.plans:
        for problem in plan.problems:
            print(f"{plan.network}: PROBLEM: {problem}")
    print_outcomes(ended.outcomes)
    for network in ended.evidence.networks:
        if network.paid_wei:
            print(f"{network.network}: {format_paid(network)}")
    for one in ended.verifications:
        print(f"{one.network}: verified: {', '.join(f'{k} {v}' for k, v in one.shown().items())}")
    if (why := without_source(contract)) is not None:
        print(f"not verified: {why}")
    for trial in ended.smokes:
        print(f"{trial.network}: smoke: {', '.join(f'{k} {v}' for k, v in trial.parts.items())}")
    met = ", ".join(f"{count} of {kind}" for kind, count in ended.faults.items())
    print(f"{ended.requests} requests met {sum(ended.faults.values())} faults ({met})")
    if ended.mishaps is not None:
        print(
            f"commands ended at a line of the journal and taken up again: {len(ended.mishaps.interrupted)}; blocks of "
            f"the contract reorganised away: {len(ended.mishaps.reorganised)}"
        )
    print(f"REHEARSED (this proves nothing about a real network): {page}" if ended.succeeded else f"FAILED: {page}")
    return 0 if ended.succeeded else 1


def explorer(chains: Sequence[str], port: int, faults: ExplorerFaults) -> None:
    """Serve until Ctrl-C."""
    urls = dict[int, str]()
    for text in chains:
        number, _, url = text.partition("=")
        if not CHAIN_ID.fullmatch(number) or not url:
            given = f"{number[:40]}=..." if CHAIN_ID.fullmatch(number) else RedactedUrl(text)
            raise UsageError(f"--chain: expected CHAIN_ID=URL (11155111=http://127.0.0.1:8545), got {given}")
        try:
            Endpoint.of(url)
        except ValueError as error:
            raise UsageError(f"--chain {number}: {error}") from None
        if int(number) in urls:
            raise UsageError(f"--chain {number}: expected each chain once, got it twice")
        urls[int(number)] = url
    with open_explorer(urls, faults, port=port) as base, contextlib.suppress(KeyboardInterrupt):
        print(f"sourcify   {base}/sourcify\netherscan  {base}/etherscan/v2/api", flush=True)
        for chain_id in urls:
            print(f"blockscout {base}/blockscout/{chain_id}", flush=True)
        threading.Event().wait()
