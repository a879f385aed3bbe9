"""What a chain says of a Safe: version, owners, threshold, nonce, and what became of its transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from lab.errors import LabError
from lab.rpc import Rpc, RpcMalformed, RpcRefused
from lab.rpc.client import quantity
from lab.safe.proposal import SafeDescription
from lab.safe.published import published, versions_of

# Older ones sign without the chain's id, so a signature would hold on every chain.
VERSIONS = ("1.3.0", "1.4.1", "1.5.0")
SUCCESS = "0x" + keccak(text="ExecutionSuccess(bytes32,uint256)").hex()
FAILURE = "0x" + keccak(text="ExecutionFailure(bytes32,uint256)").hex()
RANGE_BLOCKS = 5_000
Ended = Literal["success", "failure"]


class NotASafe(LabError):
    """No Safe stands there, or one that the lab cannot work with."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class SafeState:
    """A Safe at the head `block` of its chain; addresses in lower case, `owners` in the Safe's own order."""

    address: str
    version: str
    singleton: str
    threshold: int
    owners: tuple[str, ...]
    nonce: int
    block: int

    def described(self, network: str, chain_id: int) -> SafeDescription:
        """As a proposal names it."""
        return SafeDescription(
            network=network,
            chain_id=chain_id,
            safe=self.address,
            version=self.version,
            threshold=self.threshold,
            owners=self.owners,
            block=self.block,
        )

    def doubts(self, chain_id: int) -> str | None:
        """Why its code may be other code than the published one of its version; None where it is that."""
        known = {**published("Safe", self.version, chain_id), **published("SafeL2", self.version, chain_id)}
        if self.singleton in known:
            return None
        elsewhere = versions_of("Safe", self.singleton) or versions_of("SafeL2", self.singleton)
        said = "is published for other chains only" if elsewhere else "is not in the published list"
        return f"its code stands at {self.singleton}, which {said}: make sure that it is the code that you mean"


@dataclass(frozen=True, slots=True)
class SafeExecution:
    """How a Safe transaction ended, by its event; `block` and `block_hash` are where."""

    ended: Ended
    safe_tx_hash: str
    tx: str
    block: int
    block_hash: str


def deviations(state: SafeState, threshold: int, owners: Iterable[str]) -> list[str]:
    """Where a Safe is not the declared one, in words; empty where it is."""
    lines, declared = [], {owner.lower() for owner in owners}
    if state.threshold != threshold:
        lines.append(f"expected a threshold of {threshold} at the Safe {state.address}, it is {state.threshold}")
    for owner in sorted(declared ^ set(state.owners)):
        be = "to be an owner" if owner in declared else "not to be an owner"
        lines.append(f"expected {owner} {be} of the Safe {state.address}: change the Safe, or the file")
    return lines


def safe_differences(rpc: Rpc, address: str, threshold: int, owners: Iterable[str]) -> list[str]:
    """Where a Safe on the chain is not the declared one; that none stands there is a difference. Raises RpcFailure."""
    try:
        return deviations(SafeReader(rpc, address).state(), threshold, owners)
    except NotASafe as error:
        return [str(error)]


class SafeReader:
    """The getters and events of one Safe."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        self.rpc, self.address = rpc, address.lower()

    def state(self) -> SafeState:
        """As of the head. Raises NotASafe, RpcFailure."""
        block = self.rpc.block_number()
        if self.rpc.call("eth_getCode", self.address, hex(block)) in ("0x", None):
            raise NotASafe(f"expected a Safe at {self.address}, there is no code on this chain: deploy the Safe first")
        try:
            version = str(self._get("VERSION()", "string", block))
            state = SafeState(
                address=self.address,
                version=version,
                singleton=self._singleton(block),
                threshold=int(self._get("getThreshold()", "uint256", block)),
                owners=tuple(str(owner).lower() for owner in self._get("getOwners()", "address[]", block)),
                nonce=int(self._get("nonce()", "uint256", block)),
                block=block,
            )
        except (RpcRefused, DecodingError, UnicodeDecodeError, OverflowError) as error:
            raise NotASafe(f"expected a Safe at {self.address}, the contract there does not answer as one") from error
        if version.partition("+")[0] not in VERSIONS:
            raise NotASafe(
                f"expected a Safe of version {', '.join(VERSIONS)} at {self.address}, it is of version {version[:40]!r}"
            )
        return state

    def approvals(self, safe_tx_hash: str, owners: Iterable[str]) -> frozenset[str]:
        """Those who approved a hash on the chain. Raises RpcFailure."""
        given = bytes.fromhex(safe_tx_hash[2:])
        return frozenset(
            owner
            for owner in owners
            if self._get(
                "approvedHashes(address,bytes32)", "uint256", "latest", encode(["address", "bytes32"], [owner, given])
            )
        )

    def execution(self, safe_tx_hash: str, first_block: int) -> SafeExecution | None:
        """How a transaction ended, looked for from a block on; None where it has not. Raises RpcFailure."""
        for log in self._events(first_block):
            if (ended := read_execution(log, self.address)) is not None and ended.safe_tx_hash == safe_tx_hash:
                return ended
        return None

    def _events(self, first_block: int) -> Iterator[dict[str, Any]]:
        """In ranges that halve where an endpoint refuses them."""
        first, head, size = first_block, self.rpc.block_number(), RANGE_BLOCKS
        while first <= head:
            last = min(first + size - 1, head)
            query = {
                "address": self.address,
                "fromBlock": hex(first),
                "toBlock": hex(last),
                "topics": [[SUCCESS, FAILURE]],
            }
            try:
                logs = self.rpc.call("eth_getLogs", query)
            except RpcRefused:
                if size == 1:
                    raise
                size = max(1, size // 2)
                continue
            if not isinstance(logs, list):
                raise RpcMalformed("eth_getLogs", f"expected a list of logs, got {str(logs)[:80]!r}")
            yield from logs
            first = last + 1

    def _get(self, signature: str, returns: str, block: int | str, arguments: bytes = b"") -> Any:
        data = "0x" + (keccak(text=signature)[:4] + arguments).hex()
        return decode([returns], bytes.fromhex(self.rpc.eth_call(self.address, data, block=block)[2:]))[0]

    def _singleton(self, block: int) -> str:
        """A Safe is a proxy: the address of its code stands in its first slot."""
        slot = quantity("eth_getStorageAt", self.rpc.call("eth_getStorageAt", self.address, "0x0", hex(block)))
        return f"0x{slot % 2**160:040x}"


def read_execution(log: dict[str, Any], safe: str) -> SafeExecution | None:
    """The end of a Safe transaction that a log says; None for another log. Raises RpcMalformed."""
    try:
        topics = [str(topic).lower() for topic in log["topics"]]
        if str(log["address"]).lower() != safe.lower() or not topics or topics[0] not in (SUCCESS, FAILURE):
            return None
        # Before version 1.4 the hash was not indexed.
        hashed = topics[1] if len(topics) > 1 else str(log["data"]).lower()[:66]
        return SafeExecution(
            ended="success" if topics[0] == SUCCESS else "failure",
            safe_tx_hash=hashed,
            tx=str(log["transactionHash"]),
            block=quantity("eth_getLogs", log["blockNumber"]),
            block_hash=str(log["blockHash"]),
        )
    except (KeyError, TypeError) as error:
        raise RpcMalformed("eth_getLogs", f"expected a log of {safe}, got {str(log)[:80]!r}") from error


def executed_in(receipt: dict[str, Any], safe: str, safe_tx_hash: str) -> SafeExecution | None:
    """What a receipt says of a Safe transaction; its status alone says nothing of it."""
    ends = (read_execution(log, safe) for log in receipt.get("logs") or ())
    return next((end for end in ends if end is not None and end.safe_tx_hash == safe_tx_hash), None)


def code_keccak(rpc: Rpc, address: str) -> str:
    """The keccak of the code at an address, 0x hex. Raises RpcFailure."""
    code = rpc.call("eth_getCode", address, "latest")
    return "0x" + keccak(bytes.fromhex(str(code)[2:])).hex()
