"""`lab ops backup`, `restore` and `migrate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.bounded_files import write_atomically
from lab.commands.ops.actions import CALLDATA, SAFE, SIGNER, Choice, executor_of, opened, owner_of
from lab.errors import LabError, UsageError
from lab.ops.backup.file import Backup, read, write
from lab.ops.backup.migrate import Migration
from lab.ops.backup.restore import LEAD_S, Restoration
from lab.ops.backup.take import take
from lab.ops.chain import OperatedChain
from lab.ops.executors import Executor, SignerExecutor
from lab.ops.opening import Opened
from lab.ops.procedures.operators import checked_address
from lab.ops.report import absent_reports, report_id

AT_ONCE = 50
# What had a timestamp that has passed gets one so far ahead, where others have to send it first.
LEAD_OTHERS_S = 3600


def backup(choice: Choice, folder: Path) -> int:
    """A file for each chain; 0: all were taken, 3: one could not be read."""
    there = opened(choice, empty=True)
    operation = there.operation
    folder.mkdir(parents=True, exist_ok=True)

    def one(chain: OperatedChain) -> dict[str, Any]:
        path = folder / f"{chain.name}.backup.json"
        try:
            earlier = read(path) if path.exists() else None
            taken = take(operation, chain, earlier=earlier)
            digest = write(taken, path)
        except LabError as error:
            return {"chain": chain.name, "problem": str(error)}
        count = len(taken.transactions)
        return {"chain": chain.name, "file": str(path), "sha256": digest, "block": taken.block, "transactions": count}

    chains = operation.select(choice.only)
    made = operation.timing.everywhere({chain.name: partial(one, chain) for chain in chains})
    made |= {one.chain: {"chain": one.chain, "problem": one.left[0]} for one in absent_reports(operation, choice.only)}
    if choice.as_json:
        print(json.dumps(list(made.values()), indent=2))
    for entry in () if choice.as_json else made.values():
        if "problem" in entry:
            print(f"{entry['chain']}: UNKNOWN: {entry['problem']}")
        else:
            print(
                f"{entry['chain']}: {entry['transactions']} transactions as of block {entry['block']}: "
                f"{entry['file']}, sha256 {entry['sha256']}"
            )
    return 3 if any("problem" in entry for entry in made.values()) else 0


def restore(choice: Choice, file: Path, operator: str | None) -> int:
    """Onto the contract of one chain; 0: as saved but for timestamps that had passed, 1: differs."""
    saved, there = read(file), opened(choice)
    chain = _one_chain(there, choice)
    sender = _operator(choice, there, chain, operator)
    with _senders(choice, there, sender) as (owner, buffering):
        return _restore(choice, there, chain, saved, owner, buffering)


@contextmanager
def _senders(choice: Choice, there: Opened, operator: str) -> Iterator[tuple[Executor, Executor]]:
    """Who sends as the owner, and who as an operator. With a Safe as owner the operator's own key signs."""
    as_account = replace(choice, executor=SIGNER) if choice.executor == SAFE else choice
    owner_account = owner_of(there, choice)
    with executor_of(choice, there, owner_account) as owner:
        if operator == owner_account and as_account is choice:
            yield owner, owner
            return
        with executor_of(as_account, there, operator) as other:
            yield owner, other


def _restore(
    choice: Choice, there: Opened, chain: OperatedChain, saved: Backup, owner: Executor, operator: Executor
) -> int:
    lead_s = LEAD_S if operator.sends else LEAD_OTHERS_S
    restoration = Restoration(
        there.operation, chain, saved, _in_bulk(owner, chain), _in_bulk(operator, chain), lead_s=lead_s
    )
    if not _agreed(choice, [f"restore {len(saved.transactions)} transactions to {chain.name}", *restoration.plan()]):
        return 1
    restored = restoration.run()
    document = {
        "id": restored.id,
        "chain": chain.name,
        "fields": restored.fields,
        "differences": restored.differences,
        "left": restored.left,
        "passed_timestamps": len(restored.late),
        "transactions": len(restored.results),
        "exit_code": restored.exit_code,
    }
    _write_and_print(choice, there, restored.id, document)
    return restored.exit_code


def migrate(choice: Choice, to: str, operator: str | None, drain_s: float) -> int:
    """To a new contract of the same chain; 0: everything open moved with every field."""
    address, there = checked_address(to), opened(choice)
    chain = _one_chain(there, choice)
    if address == chain.contract:
        raise UsageError(f"expected another contract than {address}, which is the one to move from")
    new_chain = replace(chain, contract=address)
    new = replace(there.operation, chains=(new_chain,), folder=there.operation.folder / f"to-{address[:10]}")
    sender = _operator(choice, there, new_chain, operator)
    with _senders(choice, there, sender) as (owner, buffering):
        return _migrate(choice, there, Migration(there.operation, new, chain.name, owner, buffering), drain_s)


def _in_bulk(executor: Executor, chain: OperatedChain) -> Executor:
    """For many calls; what an earlier command signed comes to its end first."""
    if not isinstance(executor, SignerExecutor):
        return executor
    executor.finish(chain)
    return executor.bulk(at_once=AT_ONCE)


def _migrate(choice: Choice, there: Opened, migration: Migration, drain_s: float) -> int:
    if not _agreed(choice, migration.plan()):
        return 1
    migrated = migration.run(drain_s=drain_s)
    document = {
        "id": migrated.id,
        "moved": migrated.moved,
        "over": migrated.over,
        "left": migrated.left,
        "differences": migrated.differences,
        "retired": None if migrated.retired is None else migrated.retired.document(),
        "exit_code": migrated.exit_code,
    }
    _write_and_print(choice, there, migrated.id, document)
    return migrated.exit_code


def _one_chain(there: Opened, choice: Choice) -> OperatedChain:
    chains = there.operation.select(choice.only)
    if len(chains) != 1:
        raise UsageError(f"expected one chain, got {len(chains)}: name it by --only")
    return chains[0]


def _operator(choice: Choice, there: Opened, chain: OperatedChain, given: str | None) -> str:
    """Who buffers: the one that was named, else the first declared operator whose key is here, if one is needed."""
    if given is not None:
        return checked_address(given)
    declared = there.operation.declared[chain.name].operators
    if choice.executor == CALLDATA:
        return declared[0]
    for account in declared:
        try:
            there.signer(account)
        except UsageError:
            continue
        return account
    raise UsageError("expected the key of a declared operator: name an account by --operator")


def _agreed(choice: Choice, lines: Sequence[str]) -> bool:
    for line in lines:
        print(line, file=sys.stderr)
    if choice.yes:
        return True
    if not sys.stdin.isatty():
        print("nothing was sent: say --yes to send without a question", file=sys.stderr)
        return False
    print("Go on? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


def _write_and_print(choice: Choice, there: Opened, name: str, document: dict[str, Any]) -> None:
    path = there.operation.folder / (name or report_id(there.operation, "state")) / "evidence.json"
    write_atomically(path, json.dumps(document, indent=2, default=asdict) + "\n")
    if choice.as_json:
        print(json.dumps(document, indent=2, default=asdict))
        return
    for key, value in document.items():
        if key != "retired":
            print(f"{key}: {value if value not in ([], None) else 'none'}")
    print(f"evidence: {path}")
