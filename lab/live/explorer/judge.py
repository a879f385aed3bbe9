"""The heart of the rehearsal's explorer: compile the sources again and compare with what stands on the chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.errors import LabError
from lab.live.verify.bundle import Code, recompiled
from lab.live.verify.difference import first_difference
from lab.rpc import Rpc, RpcFailure


@dataclass(frozen=True, slots=True)
class Submission:
    """Sources of a contract as somebody sent them, whatever the dialect."""

    chain_id: int
    address: str
    standard_json: dict[str, Any]
    version: str
    path: str
    name: str
    creation_tx: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`runtime` and `creation`: exact_match, match or None; where neither is, `error` is Sourcify's code of the reason.

    `codes`: what was compiled and what is on the chain, by Sourcify's names, where both are there and differ.
    """

    runtime: str | None
    creation: str | None
    error: str | None = None
    message: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def match(self) -> str | None:
        """The better one."""
        return self.creation or self.runtime


class Judge:
    """Compiles and compares. `chains` gives a client for the id of a chain that is known."""

    def __init__(self, chains: Callable[[int], Rpc | None]) -> None:
        self._chains = chains

    def supports(self, chain_id: int) -> bool:
        """Whether the chain is one of its own."""
        return self._chains(chain_id) is not None

    def has_code(self, chain_id: int, address: str) -> bool:
        """Whether there is a contract. Raises an RpcFailure."""
        rpc = self._chains(chain_id)
        return rpc is not None and str(rpc.call("eth_getCode", address, "latest")) not in ("0x", "")

    def judge(self, given: Submission) -> Verdict:
        """The verdict; trouble with the chain or the compiler is one, too."""
        rpc = self._chains(given.chain_id)
        if rpc is None:
            return Verdict(None, None, "unsupported_chain", f"chain {given.chain_id} is not supported")
        try:
            code = self._compiled(given)
            there = str(rpc.call("eth_getCode", given.address, "latest"))
            created = rpc.call("eth_getTransactionByHash", given.creation_tx) if given.creation_tx else None
        except RpcFailure as failure:
            return Verdict(None, None, "cannot_fetch_bytecode", str(failure))
        except LabError as error:
            return Verdict(None, None, "compiler_error", str(error))
        runtime = None if first_difference(code.runtime, there, code.immutables) else "match"
        input_of_creation = str(created.get("input", "0x")) if isinstance(created, dict) else None
        if runtime is None:
            codes = {"recompiledRuntimeCode": code.runtime, "onchainRuntimeCode": there}
            if input_of_creation is not None:
                codes |= {"recompiledCreationCode": code.creation, "onchainCreationCode": input_of_creation}
            return Verdict(None, None, "no_match", "The deployed and recompiled bytecode don't match.", codes)
        creation = input_of_creation is not None and first_difference(code.creation, input_of_creation) is None
        return Verdict("exact_match", "exact_match") if creation else Verdict(runtime, None)

    def _compiled(self, given: Submission) -> Code:
        number = given.version.removeprefix("vyper:").removeprefix("v").partition("+")[0]
        sources = given.standard_json.get("sources", {})
        # forge names the contract as seen from the project, and its sources by absolute paths.
        paths = [path for path in sources if path == given.path or path.endswith(f"/{given.path}")]
        return recompiled(given.standard_json, number, paths[0] if len(paths) == 1 else given.path, given.name)
