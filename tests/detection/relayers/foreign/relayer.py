"""A relayer that shares nothing with the lab: plain web3, in five styles of reading. `python relayer.py polling`.

Most remember no state of a transaction: what the chains say now is read anew in each poll, so a reorg takes nothing
that they relied upon. What they remember is what they sent, by nonce, until that nonce is mined. One remembers what is
READY by events, and takes back what its node says was removed; one what ended in a final block, to ask no more for it.
"""

# mypy: ignore-errors
from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from eth_utils.abi import get_abi_output_types
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, Web3RPCError

NONE = bytes(32)
OFFERS_MAX, ATTEMPTS_MAX = 10, 3
FEES = ("maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")


@dataclass(frozen=True)
class Transaction:
    """What a contract holds of one transaction."""

    origin: str
    target: str
    payload: bytes
    parent: bytes
    due: int
    state: str


@dataclass(frozen=True)
class Sent:
    """Something under way: what for, the offer, the signed bytes, and when it was sent last, in seconds.

    `cheap`: the node refused it, for less than it asks for now. `due`: from then on it would be refused; else 0.
    """

    job: tuple[str, bytes]
    call: dict[str, Any]
    raw: bytes
    at: float
    offers: int = 1
    cheap: bool = False
    due: int = 0


class Chain:
    """One chain: its node, what is there, and what is under way. `all` are the chains of the session."""

    def __init__(self, facts: dict[str, Any], session: dict[str, Any], key: str, all_chains: list[Chain]) -> None:
        self.web3 = Web3(
            HTTPProvider(facts["rpc_url"], request_kwargs={"timeout": 5}, exception_retry_configuration=None)
        )
        self.eth, self.facts, self.all = self.web3.eth, facts, all_chains
        self.account = self.eth.account.from_key(key)
        self.contract = self.eth.contract(Web3.to_checksum_address(facts["contract"]), abi=session["abi"])
        self.names = {number: name for name, number in session["state_numbering"].items()}
        self.expires = any(entry.get("name") == "expire_transaction" for entry in session["abi"])
        self.strict = session["execution_order"] == "executed"
        self.block_s, self.rollup = facts["block_time_ms"] / 1000, facts["rollup"].lower()
        self.found: dict[bytes, Transaction] = {}
        self.under_way: dict[int, Sent] = {}
        self.failed: dict[tuple[str, bytes], tuple[int, float]] = {}  # attempts without effect, and not before
        self.heads: list[tuple[int, int]] = []
        self.fresh, self.page, self.lead_s = False, 10**6, 1 + int(2 * self.block_s)
        self.final, self.behind_s = -1, 0.0

    # --- reading ---------------------------------------------------------------------------------------------------

    def ids(self, head: int) -> list[bytes]:
        """Every transaction that was ever buffered here, from the logs."""
        return [log["args"]["tx_id"] for log in self.logs(head)]

    def logs(self, head: int) -> list[Any]:
        """All logs of what was buffered, in pages as wide as the node lets them be."""
        first, logs = self.facts["start_block"], []
        while first <= head:
            last = min(head, first + self.page - 1)
            try:
                logs += self.contract.events.TransactionBuffered.get_logs(from_block=first, to_block=last)
            except Web3RPCError as refused:
                if "range" not in str(refused) or last == first:
                    raise
                self.page = (last - first + 1) // 2
            else:
                first = last + 1
        return logs

    def stored(self, ids: list[bytes], block: int) -> list[Transaction]:
        """What the contract holds at a block."""
        return [self.entry(self.contract.functions.transactions(tx).call(block_identifier=block)) for tx in ids]

    def entry(self, values: Any) -> Transaction:
        origin, target, payload, parent, due, state = values
        return Transaction(origin.lower(), target.lower(), payload, parent, due, self.names.get(state, "EMPTY"))

    def scan(self) -> None:
        """Read everything anew. Raises whatever web3 raises: then the chain is left alone until the next poll."""
        self.fresh = False
        if self.eth.chain_id != self.facts["chain_id"] or self.eth.syncing:
            raise RuntimeError(f"{self.facts['name']}: another chain answers, or one that syncs")
        head = self.eth.get_block("latest")
        self.head, self.base_fee = head["number"], head["baseFeePerGas"]
        self.heads = [*[seen for seen in self.heads if seen[0] < self.head][-500:], (self.head, head["timestamp"])]
        ids = list(dict.fromkeys(self.ids(self.head)))
        there = self.contract.functions.transaction_count().call(block_identifier=self.head)
        self.found = {tx: one for tx, one in zip(ids, self.stored(ids, self.head), strict=True) if one.state != "EMPTY"}
        if there > len(self.found):
            raise RuntimeError(f"{self.facts['name']}: {len(self.found)} of {there} transactions have a log")
        self.window = self.contract.functions.coordination_window().call(block_identifier=self.head)
        self.final = self.final_block()
        self.fresh = True

    def final_block(self) -> int:
        """The newest block that nothing takes back any more, by the chain's own rule."""
        rule = self.facts["finality"]
        if rule["tag"]:
            return int(self.eth.get_block(rule["tag"])["number"])
        if rule["blocks"] is not None:
            return int(max(0, self.head - rule["blocks"]))
        old = [number for number, timestamp in self.heads if timestamp + rule["seconds"] <= time.time()]
        return max(old, default=0)

    def moved(self, tx: bytes, wanted: tuple[str, ...]) -> bool:
        """Whether a transaction is in one of these states now, and was in a final block."""
        one = self.found.get(tx)
        return one is not None and one.state in wanted and self.stored([tx], self.final)[0].state in wanted

    # --- deciding --------------------------------------------------------------------------------------------------

    def is_original(self, one: Transaction) -> bool:
        return one.origin == self.rollup

    def homes(self, tx: bytes) -> list[Chain]:
        """The chains that a transaction is an original of: this one alone, or all others that have it.

        Which of those a dependency means nobody can say, so that all have to stand.
        """
        homes = [chain for chain in self.all if tx in chain.found and chain.is_original(chain.found[tx])]
        return [self] if self in homes else homes

    def home(self, tx: bytes) -> Chain | None:
        """The first of them."""
        return next(iter(self.homes(tx)), None)

    def stands(self, one: Transaction, *, executing: bool) -> bool:
        """Whether the parent, if there is one, allows the next step."""
        if one.parent == NONE:
            return True
        homes = self.homes(one.parent)
        if not homes or not all(chain.fresh for chain in homes) or any(chain.final < 0 for chain in self.all):
            return False  # a chain that was never read may be another one
        executed = self.strict and (executing or self not in homes)
        wanted = ("EXECUTED",) if executed else ("READY", "EXECUTED")
        return all(chain.moved(one.parent, wanted) for chain in homes)

    def next_time(self) -> int:
        """The least that the next block's timestamp can be: a clock that is behind shows in what was mined."""
        last = self.heads[-1][1]
        now = int(time.time() - self.behind_s)
        return max(last, now) if now - last <= 3 * self.block_s or not self.facts["mines_empty_blocks"] else last

    def work(self) -> None:
        """Settle what is mined, then send what is wanted, parents first."""
        self.settle()
        for tx, one in sorted(self.found.items(), key=lambda item: (item[1].due, item[1].parent != NONE)):
            self.work_on(tx, one)

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if not self.is_original(one):
            return
        now = self.next_time()
        if one.state == "READY" and self.stands(one, executing=True):
            self.send("mark_executed", tx)
        elif one.state == "BUFFERED" and now > one.due + self.window:
            if self.expires and self.heads[-1][1] > one.due + self.window:
                self.send("expire_transaction", tx)
        elif one.state == "BUFFERED" and self.stands(one, executing=False):
            home = self.home(one.parent)
            if home not in (None, self) and not self.mirrored(one, home, now):
                return
            if now >= one.due:
                self.send("resolve_dependency", tx)

    def mirrored(self, one: Transaction, home: Chain, now: int) -> bool:
        """Whether the parent's mirror is READY here, or about to be; else make it so."""
        parent, mirror = home.found[one.parent], self.found.get(one.parent)
        if mirror is None:
            due = max(one.due, now + self.lead_s)
            args = (parent.origin, self.rollup, parent.payload, NONE, due)
            self.send(
                "buffer_transaction",
                one.parent,
                *(Web3.to_checksum_address(a) if isinstance(a, str) else a for a in args),
            )
            return False
        if replace(mirror, due=0, state="") != Transaction(parent.origin, self.rollup, parent.payload, NONE, 0, ""):
            return False  # forged: nobody may rest on it
        if mirror.state == "BUFFERED" and mirror.due <= now <= mirror.due + self.window:
            self.send("resolve_dependency", one.parent)
        return mirror.state == "READY" or any(
            sent.job == ("resolve_dependency", one.parent) for sent in self.under_way.values()
        )

    # --- sending ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Forget what is mined; send again what is lost, and offer more for what waits."""
        mined = self.eth.get_transaction_count(self.account.address, self.head)
        for nonce in [nonce for nonce in self.under_way if nonce < mined]:
            sent = self.under_way.pop(nonce)
            self.behind_s = max(0.0, sent.at - self.heads[-1][1])
            times = self.failed.get(sent.job, (0, 0.0))[0] + 1
            # It is tried again where the state read next is still the old one, later each time.
            self.failed[sent.job] = (times, time.time() + min(32, 2**times) - 2)
        for nonce, sent in sorted(self.under_way.items()):
            waits = time.time() - sent.at
            if waits < max(3.0, 2 * self.block_s):
                continue
            if sent.cheap:  # where nobody's transactions are taken the newest block is old, and its fee, too
                self.base_fee = max(self.base_fee, self.eth.get_block("pending").get("baseFeePerGas", 0))
            outbid = self.base_fee > max(sent.call.get(name, 0) for name in FEES) or self.known(sent)
            if outbid and sent.offers < OFFERS_MAX:
                self.offer(nonce, sent.job, self.raised(sent.call), sent.offers + 1, due=sent.due)
            elif not outbid and 0 < sent.due <= self.next_time():
                del self.under_way[nonce]  # lost for so long that it has to be made anew
            elif not outbid:
                self.under_way[nonce] = replace(sent, at=time.time())
                self.hand_over(nonce, sent.raw)

    def known(self, sent: Sent) -> bool:
        try:
            return self.eth.get_transaction(Web3.keccak(sent.raw)) is not None
        except Exception as error:
            return "not found" not in str(error)

    def raised(self, call: dict[str, Any]) -> dict[str, Any]:
        """A better offer: enough for a pool to take it, and for the fee that is asked now."""
        least = self.fees()
        return call | {name: max(call[name] * 9 // 8 + 1, least[name]) for name in FEES if name in call}

    def nonce(self) -> int:
        """The first that is free: a reorg may have freed one below those under way."""
        nonce = int(self.eth.get_transaction_count(self.account.address, "latest"))
        while nonce in self.under_way:
            nonce += 1
        return nonce

    def send(self, function: str, tx: bytes, *args: Any) -> None:
        """Send a call, unless it is under way, was tried in vain just now, or would be refused."""
        job = (function, tx)
        times, not_before = self.failed.get(job, (0, 0.0))
        if (
            any(sent.job == job for sent in self.under_way.values())
            or times >= ATTEMPTS_MAX
            or time.time() < not_before
        ):
            return
        call = self.contract.functions[function](tx, *args)
        try:
            gas = self.gas(call)
        except ContractLogicError as refused:
            self.failed[job] = (times, time.time() + 4)
            if "past" in str(refused):  # requests take longer than a mirror's lead
                self.lead_s = min(60, 2 * self.lead_s)
            print(f"{self.facts['name']}: {function} would be refused: {refused}", flush=True)
            return
        base = {"from": self.account.address, "chainId": self.facts["chain_id"], "gas": gas}
        made = call.build_transaction({**base, **self.fees(), "nonce": 0})
        self.offer(self.nonce(), job, made, 1, due=args[-1] if function == "buffer_transaction" else 0)

    def fees(self) -> dict[str, int]:
        tip = max(self.facts["min_tip_wei"], 10**9)
        return {"maxFeePerGas": 2 * self.base_fee + tip, "maxPriorityFeePerGas": tip}

    def gas(self, call: Any) -> int:
        """A limit with room: an estimate may take the shorter way of a call that comes too early."""
        return int(call.estimate_gas({"from": self.account.address})) * 6 // 5 + 60_000

    def offer(self, nonce: int, job: tuple[str, bytes], call: dict[str, Any], offers: int, *, due: int) -> None:
        raw = bytes(self.account.sign_transaction(call | {"nonce": nonce}).raw_transaction)
        self.under_way[nonce] = Sent(job, call, raw, time.time(), offers, due=due)
        self.hand_over(nonce, raw)

    def hand_over(self, nonce: int, raw: bytes) -> None:
        """To the node. What it refuses outright is not under way; of what got no answer nobody knows."""
        try:
            self.eth.send_raw_transaction(raw)
        except Web3RPCError as refused:
            print(f"{self.facts['name']}: nonce {nonce} refused: {refused}", flush=True)
            if "fee" in str(refused):
                self.under_way[nonce] = replace(self.under_way[nonce], cheap=True)
            elif not any(word in str(refused) for word in ("known", "imported", "underpriced")):
                self.under_way.pop(nonce, None)


class Filtering(Chain):
    """Learns of transactions from a filter that its node keeps; a node that forgot it is asked for all logs."""

    filter_id: str | None = None

    def ids(self, head: int) -> list[bytes]:
        self.known_ids = getattr(self, "known_ids", {})
        request = self.web3.provider.make_request
        answer = request("eth_getFilterChanges", [self.filter_id]) if self.filter_id else {"error": "none yet"}
        if "error" in answer:
            self.renew(head)
        else:
            topic = self.contract.events.TransactionBuffered().topic
            news = [bytes.fromhex(log["topics"][1][2:]) for log in answer["result"] if log["topics"][0] == topic]
            self.known_ids.update(dict.fromkeys(news))
        return list(self.known_ids)

    def renew(self, head: int) -> None:
        """A new filter, and then all that came before it."""
        asked = {"fromBlock": hex(self.facts["start_block"]), "address": self.contract.address}
        self.filter_id = self.web3.provider.make_request("eth_newFilter", [asked])["result"]
        self.known_ids = dict.fromkeys(super().ids(head))

    def scan(self) -> None:
        try:
            super().scan()
        except Exception:
            self.filter_id = None  # what it said in a bad time may be lost: asked for anew
            raise


class Batching(Chain):
    """Asks for many things in one request."""

    def stored(self, ids: list[bytes], block: int) -> list[Transaction]:
        if not ids:
            return []
        calls = [self.contract.functions.transactions(tx) for tx in ids]
        request = [
            ("eth_call", [{"to": self.contract.address, "data": call._encode_transaction_data()}, hex(block)])
            for call in calls
        ]
        answers = self.web3.provider.make_batch_request(request)
        types = get_abi_output_types(calls[0].abi)
        in_order = sorted(answers, key=lambda answer: int(answer["id"]))
        values = [self.web3.codec.decode(types, bytes.fromhex(answer["result"][2:])) for answer in in_order]
        return [self.entry(one[0] if len(one) == 1 else one) for one in values]


class Following(Chain):
    """Learns what is READY, and in which block, from the events of a filter alone; what is removed it takes back."""

    filter_id: str | None = None

    def scan(self) -> None:
        try:
            super().scan()
            self.follow()
        except Exception:
            self.filter_id, self.fresh = None, False
            raise

    def follow(self) -> None:
        """Read the news; a node that does not know the filter is asked for all logs, once a new one is there."""
        request, asked = self.web3.provider.make_request, {"address": self.contract.address}
        answer = request("eth_getFilterChanges", [self.filter_id]) if self.filter_id else {"error": "none yet"}
        if "error" in answer:
            self.filter_id, self.ready = request("eth_newFilter", [asked])["result"], {}
            answer = request("eth_getLogs", [asked | {"fromBlock": hex(self.facts["start_block"])}])
        for log in answer["result"]:
            if log["topics"][0] == self.contract.events.TransactionReady().topic:
                self.heard(bytes.fromhex(log["topics"][1][2:]), log)

    def heard(self, tx: bytes, log: Any) -> None:
        """Keep the block, or forget it."""
        if log.get("removed"):
            self.ready.pop(tx, None)
        else:
            self.ready[tx] = int(log["blockNumber"], 16)

    def moved(self, tx: bytes, wanted: tuple[str, ...]) -> bool:
        return tx in self.ready and self.ready[tx] <= self.final


class Forgetting(Chain):
    """Asks no more for what ended in a block that is final: what is over costs nothing."""

    def stored(self, ids: list[bytes], block: int) -> list[Transaction]:
        over, ended, final = self.kept("over"), self.kept("ended"), getattr(self, "final", 0)
        asked = [tx for tx in ids if tx not in over]
        read = dict(zip(asked, super().stored(asked, block), strict=True))
        for tx, one in read.items() if block == self.head else ():
            if one.state not in ("EXECUTED", "EXPIRED"):
                ended.pop(tx, None)
            elif ended.setdefault(tx, self.head) <= final:
                over[tx] = one
        return [read.get(tx) or over[tx] for tx in ids]

    def kept(self, name: str) -> dict[bytes, Any]:
        """What it remembers under a name."""
        return self.__dict__.setdefault(name, {})


STYLES: dict[str, type[Chain]] = {
    "polling": Chain,
    "filter": Filtering,
    "batch": Batching,
    "events": Following,
    "forgetting": Forgetting,
}


def attempt(part: str, chain: Chain) -> None:
    """Scan or work; what goes wrong is said, and the chain left alone until the next poll."""
    try:
        getattr(chain, part)()
    except Exception as error:
        print(f"{chain.facts['name']}: {part}: {type(error).__name__}: {str(error)[:300]}", flush=True)


def run(kind: type[Chain]) -> None:
    """Poll until killed."""
    session = json.loads(Path(os.environ["LAB_SESSION"]).read_text())
    key = json.loads(Path(session["key_file"]).read_text())[session["relayer_role"]]
    chains: list[Chain] = []
    chains += [kind(facts, session, key, chains) for facts in session["chains"].values()]
    pool = ThreadPoolExecutor(len(chains))
    while True:
        begun = time.time()
        # Side by side: a node that takes its time holds up nobody else's.
        list(pool.map(partial(attempt, "scan"), chains))
        for chain in chains:
            if chain.fresh:
                attempt("work", chain)
        time.sleep(max(0.05, session["poll_interval_ms"] / 1000 - (time.time() - begun)))


if __name__ == "__main__":
    run(STYLES[sys.argv[1]])
