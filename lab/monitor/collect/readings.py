"""What the chain says of the contract and its accounts right now. What could not be read is left out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lab.coordinator import Reader
from lab.monitor.collect.facts import Entry
from lab.monitor.collect.memory import ChainMemory
from lab.monitor.collect.metering import BudgetSpent
from lab.monitor.metrics import Samples
from lab.rpc import RpcRefused
from lab.rpc.client import hex_data
from lab.rpc.prefetch import Request

# Who can make themselves operators, or was one before the set-up ended.
ADMINISTRATORS = ("owner", "deployer")
SENDING_ROLES = ("operator", "relayer")
ADDRESSES_MAX, STATES_MAX, KNOWN_MAX = 50, 20, 100


@dataclass(frozen=True, slots=True)
class ContractReadings:
    """Reads of one contract. `accounts` maps the session's roles to addresses, `operators` addresses to roles."""

    chain: str
    reader: Reader
    accounts: Mapping[str, str]
    operators: Mapping[str, str]
    # Of each view its request, the last answer, and what that is: both are the same for hours.
    _known: dict[tuple[Any, ...], tuple[Request, str | None, Any]] = field(default_factory=dict)

    def read(self, memory: ChainMemory, into: Samples) -> list[str]:
        """All readings at the head; the transactions found to be executed though no block read shows it.

        Raises an RpcFailure where the endpoint fails, not where the contract refuses.
        """
        self._code(memory, into)
        get, chain = self._get, self.chain
        owner = get("owner")
        if isinstance(owner, str):
            into.add("contract_owner_matches", owner.lower() == self.accounts.get("owner", "").lower(), chain)
        for metric, function in (
            ("contract_paused", "paused"),
            ("contract_window_seconds", "coordination_window"),
            ("contract_failures", "failure_count"),
            ("contract_failures_limit", "breaker_threshold"),
        ):
            into.add(metric, _number(get(function)), chain)
        count = get("transaction_count")
        if isinstance(count, int):
            memory.transactions_max = max(count, memory.transactions_max or 0)
        self._operators(memory, into)
        for role in SENDING_ROLES:
            if role in self.accounts:
                into.add("account_balance_wei", self.reader.rpc.balance(self.accounts[role]), chain, role)
        return self._executed(memory)

    def execution_window_s(self) -> float | None:
        """The deadline for executions behind the window; None or 0 where there is none."""
        return _number(self._get("execution_window"))

    def _get(self, function: str, *args: Any) -> Any:
        """A view's answer; None where the contract has no such function or refuses."""
        try:
            view = (function, *args)
            request, known, value = self._known.get(view) or (self.reader.asking(function, *args), None, None)
            answer = self.reader.rpc.call(request[0], *request[1])
            if answer != known:
                values = self.reader.codec.decode_result(function, hex_data(answer))
                value = values[0] if len(values) == 1 else values
                self._remember(view, (request, answer, value))
        except BudgetSpent:
            raise
        except (RpcRefused, ValueError):
            return None
        return value

    def _remember(self, view: tuple[Any, ...], known: tuple[Request, str | None, Any]) -> None:
        while len(self._known) >= KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[view] = known

    def _code(self, memory: ChainMemory, into: Samples) -> None:
        code = str(self.reader.rpc.call("eth_getCode", self.reader.address, "latest"))
        code_hash = _digest(code) if code not in ("0x", "0x0") else None
        memory.code_hash = memory.code_hash or code_hash
        into.add("contract_code_matches", code_hash is not None and code_hash == memory.code_hash, self.chain)

    def _operators(self, memory: ChainMemory, into: Samples) -> None:
        declared = self.operators
        administrators = [self.accounts[role].lower() for role in ADMINISTRATORS if role in self.accounts]
        seen = [address for address in memory.addresses if address not in administrators]
        others = [address for address in [*seen, *administrators] if address not in declared]
        undeclared, complete = 0, True
        for address in [*declared, *others[-ADDRESSES_MAX:]]:
            allowed = self._get("authorized_operators", address)
            if not isinstance(allowed, bool):
                complete = False
                continue
            into.add("operator_authorized", allowed, self.chain, address, declared.get(address, "undeclared"))
            undeclared += allowed and address not in declared
        if complete:
            into.add("operators_undeclared", undeclared, self.chain)

    def _executed(self, memory: ChainMemory) -> list[str]:
        """By another contract, or in blocks that were skipped."""
        ready = [tx_id for tx_id, entry in list(memory.head_book.open.items()) if entry.state == "READY"]
        executed = []
        for tx_id in ready[:STATES_MAX]:
            try:
                if self.reader.state(tx_id) == "EXECUTED":
                    executed.append(tx_id)
            except RpcRefused:
                break
            except ValueError:
                continue
        return executed


@lru_cache(maxsize=16)
def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def overdue(entry: Entry, window_s: float, execution_window_s: float | None, now_s: float) -> bool:
    """Whether a transaction's time is over: to become READY, or to be executed where there is a deadline for it."""
    end_s = entry.due_s + window_s
    if entry.state == "BUFFERED":
        return now_s > end_s
    return bool(execution_window_s) and now_s > end_s + (execution_window_s or 0)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, bool)) else None
