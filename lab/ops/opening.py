"""From a file to an operation: `session.json` of `lab up` or `lab live session`, or a deployment file."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from lab.bounded_files import read_object
from lab.coordinator import Account, Codec, StateNumbering
from lab.deploy.numbering import numbering_of
from lab.errors import DeployFailure, InvalidFile, UsageError
from lab.live.declaration.deployment_file import Deployment, Target, read_deployment
from lab.live.declaration.variables import connect, require_variables
from lab.live.execution.safe_execution import SafeDesk, safe_journal, safe_journal_path
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Header, locked, open_journal
from lab.live.journaling.open import undertake
from lab.live.journaling.undertaking import Notify
from lab.live.results.session import deployed_from
from lab.live.signers import Signer, declared_deployer, open_account, open_signer
from lab.live.signers.keystore import Ask, KeystoreAccount
from lab.model.keystore import require_private
from lab.model.redacted import RedactedUrl
from lab.model.session import Session, SessionChain
from lab.networks import load_network
from lab.ops.chain import OperatedChain
from lab.ops.declared import declared_by_deployment, declared_by_file, declared_by_session
from lab.ops.executors import SafeExecutor, SignerExecutor
from lab.ops.operation import Operation, OpsDesk, Timing
from lab.rpc import HttpTransport, Rpc
from lab.secp256k1 import address_of

LOOK_S_MAX, DEADLINE_S = 2.0, 3600.0


@dataclass(frozen=True, slots=True)
class Opened:
    """An operation with the way to its signers. `beside`: the folder of the session or the deployment file."""

    operation: Operation
    beside: Path
    source: Session | Deployment
    journals: Path
    ask: Ask
    variables: Mapping[str, str]

    def signer(self, address: str) -> Signer:
        """Whoever holds the key of an account. Raises UsageError where nobody is declared who does."""
        if isinstance(self.source, Session):
            signer, path = _session_signer(self.source, self.beside, address), self.beside / self.source.key_file
            expected, way = f"a key of {address}", f"{path.name} has those of the session's roles"
        else:
            signer, path = open_account(self.source, address, self.ask, self.variables), self.source.path
            expected, way = f"administrator, deployer or operator to sign for {address}", "declare administrator"
        if signer is not None:
            return signer
        if any(declared.safe and declared.safe.address == address for declared in self.operation.declared.values()):
            way = "it is a Safe: --executor safe proposes to it; until it has accepted, --from the present owner"
        else:
            way += ", or let others sign (--executor calldata)"
        raise UsageError(f"{path}: expected {expected}: {way}")

    @contextmanager
    def executor(self, address: str) -> Iterator[SignerExecutor]:
        """That of an account, whose journal no other command has meanwhile. Raises UsageError."""
        signer = self.signer(address)
        # Several deployment files of one folder may have one owner.
        path = self.journals / f"{self.operation.name}.ops-{address[:10]}.journal.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path):
            journal = open_journal(
                path, Header(contract=self.operation.name, deployer=address), self.operation.chain_ids
            )
            desk = OpsDesk(journal, self.operation.notify)
            yield SignerExecutor(desk, signer, self.operation.timing.waiting)

    @contextmanager
    def safe_executor(self) -> Iterator[SafeExecutor]:
        """That of the declared owners, which are Safes. The deployer, or the session's operator, carries out."""
        if isinstance(self.source, Session):
            signer = self.signer(self.source.accounts["operator"].lower())
        else:
            signer = open_signer(self.source, self.ask, self.variables)
        beside = self.journals / "session.json" if isinstance(self.source, Session) else self.source.path
        path = safe_journal_path(beside, signer.address)
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path):
            desk = SafeDesk(safe_journal(beside, signer.address, self.operation.chain_ids), self.operation.notify)
            folder, declared = self.journals / "proposals", self.operation.declared
            yield SafeExecutor(lambda name: declared[name].owner, folder, desk, signer, self.operation.timing.waiting)


def open_operation(
    path: Path,
    *,
    results: Path,
    notify: Notify,
    ask: Ask,
    declared: Path | None = None,
    only: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> Opened:
    """Read the file, and what it declares. Nothing is asked of a chain but what state numbers need.

    Of a deployment file the networks in `only` are opened, all for none. Raises UsageError, InvalidFile,
    EnvironmentFailure for variables that are missing.
    """
    there = os.environ if variables is None else variables
    if path.suffix == ".json":
        return _of_session(path, results, notify, ask, declared)
    return _of_deployment(path, results, notify, ask, only, there)


def who() -> str:
    """The person at this machine, for the audit log."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _timing(waits_s: float, unix: Callable[[], float] = time.time) -> Timing:
    return Timing(Waiting(look_s=min(LOOK_S_MAX, waits_s), deadline_s=DEADLINE_S, unix=unix), unix)


def _of_session(path: Path, results: Path, notify: Notify, ask: Ask, declared: Path | None) -> Opened:
    try:
        session = Session.read(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: expected a session file: start networks with `lab up`, or name one") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: expected a session file: {error}") from error
    codec, numbering = Codec.of(session), StateNumbering(session.state_numbering)
    chains = tuple(_session_chain(chain, codec, numbering, session) for chain in session.chains.values())
    declared_by_chain = declared_by_file(declared, session.chains) if declared else declared_by_session(session)
    folder = results / "ops" / session.run_id
    blocks_s = min((chain.block_time_ms for chain in session.chains.values()), default=2_000) / 2_000 / session.speed
    timing = _timing(max(0.1, blocks_s), lambda: session.chain_time(time.time()))
    operation = Operation(session.run_id, chains, declared_by_chain, timing, folder, who(), notify)
    return Opened(operation, path.resolve().parent, session, folder, ask, {})


def _session_chain(chain: SessionChain, codec: Codec, numbering: StateNumbering, session: Session) -> OperatedChain:
    profile = load_network(chain.network).model_copy(
        update={
            "chain_id": chain.chain_id,
            "min_tip_wei": chain.min_tip_wei,
            "replacement_bump_percent": chain.replacement_bump_percent,
        }
    )
    target = Target(
        name=chain.name,
        profile=profile,
        variables=(),
        explorers=(),
        max_fee_gwei=None,
        finality=chain.finality,
        genesis=None,
        owner=session.accounts.get("owner", "0x" + "00" * 20).lower(),
        operators=(),
    )
    rpc = Rpc(HttpTransport(RedactedUrl(chain.rpc_url), timeout_s=session.rpc_timeout_ms / 1000))
    return OperatedChain(target, rpc, codec, chain.contract.lower(), lambda: numbering, chain.start_block)


def _session_signer(session: Session, beside: Path, address: str) -> Signer | None:
    """By a key of a role; None for an account of nobody's. Raises UsageError for a file that cannot be read."""
    path = beside / session.key_file
    require_private(path)
    try:
        keys = read_object(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: expected the keys of the session's roles: {error}") from error
    for role, text in keys.items():
        try:
            key = bytes.fromhex(str(text).removeprefix("0x"))
            account = Account(role, address_of(key), key)
        except ValueError:
            continue
        if account.address == address:
            return KeystoreAccount(account, path)
    return None


def _of_deployment(
    path: Path, results: Path, notify: Notify, ask: Ask, only: tuple[str, ...], variables: Mapping[str, str]
) -> Opened:
    deployment = read_deployment(path)
    targets = deployment.select(only)
    require_variables(deployment, targets)
    deployer = declared_deployer(deployment)
    if deployer is None:
        problem = "expected a keystore that says its address, there is none: the deployer's is needed, not its password"
        raise InvalidFile([deployment.source.problem(("deployer", "keystore"), problem)])
    work = undertake(deployment, deployer, lambda target: connect(target, notify, variables), notify)
    chains, absent = [], {}
    for target in targets:
        try:
            address, block = deployed_from(work, target)
        except DeployFailure as failure:
            # One network where it failed, or is still to be done, must not keep the others from being stopped.
            absent[target.name] = str(failure)
            continue
        rpc = work.connect(target).rpc
        learn = cache(partial(numbering_of, rpc, work.codec, address, target.operators[0]))
        chains.append(OperatedChain(target, rpc, work.codec, address.lower(), learn, block))
    operation = Operation(
        deployment.path.stem,
        tuple(chains),
        declared_by_deployment(deployment),
        _timing(LOOK_S_MAX),
        results / "ops" / deployment.path.stem,
        who(),
        notify,
        absent,
    )
    beside = deployment.path.absolute().parent
    return Opened(operation, beside, deployment, beside, ask, variables)
