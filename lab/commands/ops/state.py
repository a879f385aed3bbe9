"""`lab ops backup`, `restore` and `migrate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.bounded_files import write_atomically
from lab.commands.ops.actions import CALLDATA, SAFE, SIGNER, Choice, executor_of, opened, owner_of
from lab.errors import DeployFailure, LabError, UsageError
from lab.ops.backup.file import read, write
from lab.ops.backup.migrate import Migrated, Migration
from lab.ops.backup.restore import LEAD_S, Restoration, Restored
from lab.ops.backup.take import take
from lab.ops.chain import OperatedChain
from lab.ops.executors import Executor, Result, SignerExecutor
from lab.ops.opening import Opened
from lab.ops.procedures.operators import checked_address
from lab.ops.report import EVIDENCE, absent_reports, report_id

AT_ONCE = 50
# What had a timestamp that has passed gets one so far ahead, where others have to send it first.
LEAD_OTHERS_S = 3600
NOT_SENT = "nothing was sent: say --yes to send without a question"


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
    code = 3 if any("problem" in entry for entry in made.values()) else 0
    name = report_id(operation, "backup")
    head = {"id": name, "procedure": "backup", "operation": operation.name, "who": operation.who}
    evidence = _write(there, name, {**head, "exit_code": code, "chains": list(made.values())})
    if choice.as_json:
        print(json.dumps(list(made.values()), indent=2))
        return code
    for entry in made.values():
        if "problem" in entry:
            print(f"{entry['chain']}: UNKNOWN: {entry['problem']}")
        else:
            print(
                f"{entry['chain']}: {entry['transactions']} transactions as of block {entry['block']}: "
                f"{entry['file']}, sha256 {entry['sha256']}"
            )
    print(f"evidence: {evidence}")
    return code


def restore(choice: Choice, file: Path, operator: str | None, *, leave_lost: bool = False) -> int:
    """Onto the contract of one chain; 0: as saved but for timestamps that had passed, 1: differs, 3: unknown.

    `leave_lost`: what can no longer become what it was is reported, not refused.
    """
    saved, there = read(file), opened(choice)
    chain = _one_chain(there, choice)
    sender = _operator(choice, there, chain, operator)
    with _senders(choice, there, sender) as (owner, buffering):
        restoration = Restoration(
            there.operation,
            chain,
            saved,
            _in_bulk(owner),
            _in_bulk(buffering),
            lead_s=LEAD_S if buffering.sends else LEAD_OTHERS_S,
            leave_lost=leave_lost,
        )
        return _restore(choice, there, restoration)


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


def _restore(choice: Choice, there: Opened, restoration: Restoration) -> int:
    restored, chain = Restored(report_id(there.operation, "restore")), restoration.chain
    what = f"restore {len(restoration.saved.transactions)} transactions to {chain.name}"

    def document() -> dict[str, Any]:
        return {
            "fields": restored.fields,
            "differences": restored.differences,
            "left": restored.left,
            "passed_timestamps": len(restored.late),
            "lost": [str(one) for one in restored.lost],
            "portions": restored.portions,
            "transactions": len(restored.results),
        }

    def run() -> int:
        return restoration.run(restored).exit_code

    work = _Work(restored.id, "restore", chain.name, restored.left, restored.results, document)
    return work.ended(choice, there, lambda: [what, *restoration.plan()], run)


def migrate(choice: Choice, to: str, operator: str | None, drain_s: float) -> int:
    """To a new contract of the same chain; 0: everything open moved with every field, 1: not so, 3: unknown."""
    address, there = checked_address(to), opened(choice)
    chain = _one_chain(there, choice)
    if address == chain.contract:
        raise UsageError(f"expected another contract than {address}, which is the one to move from")
    new_chain = replace(chain, contract=address)
    new = replace(there.operation, chains=(new_chain,), folder=there.operation.folder / f"to-{address[:10]}")
    sender = _operator(choice, there, new_chain, operator)
    with _senders(choice, there, sender) as (owner, buffering):
        return _migrate(choice, there, Migration(there.operation, new, chain.name, owner, _in_bulk(buffering)), drain_s)


def _in_bulk(executor: Executor) -> Executor:
    """For many calls."""
    return executor.bulk(at_once=AT_ONCE) if isinstance(executor, SignerExecutor) else executor


def _migrate(choice: Choice, there: Opened, migration: Migration, drain_s: float) -> int:
    migrated = Migrated(report_id(migration.new, "migrate"))

    def document() -> dict[str, Any]:
        return {
            "moved": migrated.moved,
            "over": migrated.over,
            "left": migrated.left,
            "differences": migrated.differences,
            "retired": None if migrated.retired is None else migrated.retired.document(),
        }

    def run() -> int:
        return migration.run(drain_s=drain_s, migrated=migrated).exit_code

    work = _Work(migrated.id, "migrate", migration.chain, migrated.left, migrated.results, document)
    return work.ended(choice, there, migration.plan, run)


@dataclass(frozen=True, slots=True)
class _Work:
    """A command of several steps: shown, asked, carried out, and on record however it ends."""

    id: str
    procedure: str
    chain: str
    left: list[str]
    results: list[Result]
    document: Callable[[], dict[str, Any]]

    def ended(self, choice: Choice, there: Opened, plan: Callable[[], list[str]], run: Callable[[], int]) -> int:
        """The exit code. Raises UsageError, before anything is sent."""
        shown: list[str] = []
        try:
            shown += plan()
            if _agreed(choice, shown):
                code = run()
            else:
                self.left.append(NOT_SENT)
                code = 1
        except UsageError:
            raise
        except LabError as error:
            # A call that failed is a difference; what could not be asked, or has no end yet, is unknown.
            self.left.append(str(error))
            open_ended = any(result.outcome == "unknown" for result in self.results)
            code = 1 if isinstance(error, DeployFailure) and not open_ended else 3
        head = {
            "id": self.id,
            "procedure": self.procedure,
            "operation": there.operation.name,
            "who": there.operation.who,
            "chain": self.chain,
            "plan": shown,
        }
        document = {**head, **self.document(), "exit_code": code}
        _print(choice, document, _write(there, self.id, document))
        return code


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
        print(NOT_SENT, file=sys.stderr)
        return False
    print("Go on? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


def _write(there: Opened, name: str, document: dict[str, Any]) -> Path:
    path = there.operation.folder / name / EVIDENCE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(document, indent=2, default=asdict) + "\n")
    return path


def _print(choice: Choice, document: dict[str, Any], evidence: Path) -> None:
    if choice.as_json:
        print(json.dumps(document, indent=2, default=asdict))
        return
    for key, value in document.items():
        if key not in ("retired", "plan"):
            print(f"{key}: {value if value not in ([], None) else 'none'}")
    print(f"evidence: {evidence}")
