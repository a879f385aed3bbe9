"""Relayers with one mistake each: the correct one with a few lines changed. `python broken.py no_confirmations`."""

# mypy: ignore-errors
from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import relayer
from relayer import Chain, Filtering, Following, Forgetting, Transaction


class NoConfirmations(Chain):
    """Takes the newest block for as good as any."""

    def final_block(self) -> int:
        return self.head


class IgnoresReorgs(Chain):
    """Once it has seen a transaction READY in a final block it never looks at it again."""

    def moved(self, tx: bytes, wanted: tuple[str, ...]) -> bool:
        seen: dict[bytes, int] = self.__dict__.setdefault("seen", {})
        if tx in self.found and self.found[tx].state in wanted:
            seen.setdefault(tx, self.head)
        return tx in seen and seen[tx] <= self.final

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if tx in self.__dict__.setdefault("seen", {}) and one.state == "BUFFERED":
            return  # it is READY, is it not
        self.moved(tx, ("READY", "EXECUTED"))
        super().work_on(tx, one)


class NoRetry(Chain):
    """What could not be sent once is forgotten."""

    def hand_over(self, nonce: int, raw: bytes) -> None:
        try:
            self.eth.send_raw_transaction(raw)
        except Exception as error:
            print(f"not sent: {error}", flush=True)
            self.failed[self.under_way.pop(nonce).job] = (relayer.ATTEMPTS_MAX, 0.0)


class NonceLost(Chain):
    """Counts its nonces by itself, those of refused sends, too: what comes after one waits for ever."""

    used = -1

    def nonce(self) -> int:
        self.used = max(self.used + 1, super().nonce())
        return self.used

    def hand_over(self, nonce: int, raw: bytes) -> None:
        try:
            self.eth.send_raw_transaction(raw)
        except Exception as error:
            print(f"not sent: {error}", flush=True)
            self.under_way.pop(nonce, None)


class RepeatsAfterRestart(Chain):
    """Keeps what it has done in memory, and does it again when it comes back; by transactions of the old kind."""

    def fees(self) -> dict[str, int]:
        return {"gasPrice": 2 * self.base_fee + 10**9}

    def gas(self, call: Any) -> int:
        return 400_000

    def work_on(self, tx: bytes, one: Transaction) -> None:
        done: set[bytes] = self.__dict__.setdefault("done", set())
        if one.state == "EXECUTED" and tx not in done:
            self.send("resolve_dependency", tx)
        done.add(tx)
        super().work_on(tx, one)


class ExecutesMirrors(Chain):
    """Takes whatever it finds on a chain for an original of that chain."""

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if one.state == "READY" and not self.is_original(one):
            self.send("mark_executed", tx)
        super().work_on(tx, one)


class TrustsStatus(Chain):
    """Takes a resolve that was mined with status 1 for a transaction that is READY."""

    def next_time(self) -> int:
        return int(time.time())

    def settle(self) -> None:
        before = dict(self.under_way)
        super().settle()
        ready: set[bytes] = self.__dict__.setdefault("ready", set())
        ready |= {sent.job[1] for nonce, sent in before.items() if nonce not in self.under_way}

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if one.state == "BUFFERED" and tx in self.__dict__.setdefault("ready", set()):
            self.send("mark_executed", tx)
        else:
            super().work_on(tx, one)


class BlindToOneChain(Chain):
    """Asks the second chain once, and then looks at the first one only."""

    def work(self) -> None:
        if self is self.all[0]:
            super().work()


class WrongOrderOfLogs(Chain):
    """Replays the logs newest first: what it takes for the last word is the first."""

    def stored(self, ids: list[bytes], block: int) -> list[Transaction]:
        return [relayer.replace(one, state="BUFFERED") for one in super().stored(ids, block)]

    def gas(self, call: Any) -> int:
        return 400_000


class UnboundedFees(Chain):
    """Ten times as much whenever a block has gone by without its transaction."""

    def raised(self, call: dict[str, Any]) -> dict[str, Any]:
        return call | {name: 10 * call[name] for name in relayer.FEES if name in call}

    def settle(self) -> None:
        aged = {nonce: relayer.replace(sent, at=sent.at - 60) for nonce, sent in self.under_way.items()}
        self.under_way.update(aged)
        super().settle()


class BelievesForgeries(Chain):
    """A parent that is READY on the child's chain is READY, whoever put it there, and whatever it holds."""

    def stands(self, one: Transaction, *, executing: bool) -> bool:
        mirror = self.found.get(one.parent)
        return (mirror is not None and mirror.state == "READY") or super().stands(one, executing=executing)

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if one.state == "BUFFERED" and not self.is_original(one) and one.due <= self.next_time():
            self.send("resolve_dependency", tx)
        super().work_on(tx, one)


class CutsPayloads(Chain):
    """Its mirrors hold the first 32 bytes of a payload."""

    def mirrored(self, one: Transaction, home: Chain, now: int) -> bool:
        parent = home.found[one.parent]
        home.found[one.parent] = relayer.replace(parent, payload=parent.payload[:32])
        return super().mirrored(one, home, now)


class ExchangesRollups(Chain):
    """Its mirrors go from this chain to the parent's."""

    def mirrored(self, one: Transaction, home: Chain, now: int) -> bool:
        self.exchanging = one.parent not in self.found
        return super().mirrored(one, home, now)

    def send(self, function: str, *args: Any) -> None:
        if function == "buffer_transaction" and self.exchanging:
            args = (args[0], args[2], args[1], *args[3:])
        super().send(function, *args)


class MirrorsAnotherId(Chain):
    """Its mirrors have an id whose last bit is the other way round."""

    def send(self, function: str, tx: bytes, *args: Any) -> None:
        if function == "buffer_transaction":
            tx = tx[:-1] + bytes([tx[-1] ^ 1])
        super().send(function, tx, *args)


class MirrorsLate(Chain):
    """Its mirrors are due forty seconds after their children."""

    def send(self, function: str, tx: bytes, *args: Any) -> None:
        if function == "buffer_transaction":
            args = (*args[:-1], args[-1] + 40)
        super().send(function, tx, *args)


class Uncounted(Chain):
    """Goes on where what it has found is not as many as the contract counts."""

    def scan(self) -> None:
        try:
            super().scan()
        except RuntimeError:
            self.window = self.contract.functions.coordination_window().call(block_identifier=self.head)
            self.final, self.fresh = self.final_block(), True


class OneLogOfABlock(Uncounted):
    """Of several logs in one block it takes the first, and does not count what it has found."""

    def ids(self, head: int) -> list[bytes]:
        first = {log["blockNumber"]: log["args"]["tx_id"] for log in reversed(self.logs(head))}
        return list(first.values())


class ReusesNonces(Chain):
    """What got no answer was not sent, so its nonce is still free."""

    free: int | None = None

    def nonce(self) -> int:
        nonce, self.free = self.free, None
        return super().nonce() if nonce is None else nonce

    def hand_over(self, nonce: int, raw: bytes) -> None:
        try:
            self.eth.send_raw_transaction(raw)
        except Exception as error:
            print(f"not sent: {error}", flush=True)
            self.under_way.pop(nonce, None)
            self.free = nonce


class IgnoresOrder(Chain):
    """A parent that is READY is enough for it, whatever the run asks for."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.strict = False


class AsksTooEarly(Chain):
    """Leaves it to the contract to know the time: whatever is BUFFERED is resolved in each poll."""

    def work_on(self, tx: bytes, one: Transaction) -> None:
        self.failed.pop(("resolve_dependency", tx), None)
        if one.state == "BUFFERED" and self.is_original(one):
            self.send("resolve_dependency", tx)
        super().work_on(tx, one)


class NeverExpires(Chain):
    """Leaves lie what is past its window."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.expires = False


class LosesDropped(Chain):
    """What a node has taken will be mined some day: never sent again, never raised, and never given up."""

    def known(self, sent: relayer.Sent) -> bool:
        return True

    def raised(self, call: dict[str, Any]) -> dict[str, Any]:
        return call

    def offer(self, nonce: int, job: tuple[str, bytes], call: dict[str, Any], offers: int, *, due: int) -> None:
        if nonce not in self.under_way:
            super().offer(nonce, job, call, offers, due=due)


class GivesUpAChain(Chain):
    """After the first request to a chain that failed it looks at that chain no more."""

    given_up = False

    def scan(self) -> None:
        if self.given_up:
            raise RuntimeError("given up")
        try:
            super().scan()
        except Exception:
            self.given_up = True
            raise


class IgnoresRemoved(Following):
    """Takes a log that its node takes back for one more of the same, which it knows already."""

    def heard(self, tx: bytes, log: Any) -> None:
        self.ready.setdefault(tx, int(log["blockNumber"], 16))

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if one.state != "BUFFERED" or tx not in self.ready:
            super().work_on(tx, one)


class GoesDeaf(Filtering):
    """Makes its filter once: one that the node does not know any more has nothing to tell."""

    def renew(self, head: int) -> None:
        if self.filter_id is None:
            super().renew(head)

    def scan(self) -> None:
        Chain.scan(self)


class Hammers(Chain):
    """What was refused is asked again at once, a hundred times over, until it is answered."""

    def scan(self) -> None:
        try:
            super().scan()
        except Exception as error:
            while "429" in str(error):
                try:
                    self.web3.provider.make_batch_request([("eth_blockNumber", [])] * 100)
                except Exception as again:
                    error = again
                else:
                    break


class AsksForOld(Forgetting):
    """Looks up the receipt of all that it ever sent, at each poll."""

    def hand_over(self, nonce: int, raw: bytes) -> None:
        self.kept("sent")[relayer.Web3.keccak(raw)] = nonce
        super().hand_over(nonce, raw)

    def work(self) -> None:
        asked = [("eth_getTransactionReceipt", [tx_hash.to_0x_hex()]) for tx_hash in self.kept("sent")]
        if asked:
            self.web3.provider.make_batch_request(asked)
        super().work()


class RereadsLogs(Forgetting):
    """Reads the logs of every block at each poll, ten blocks at a time."""

    def logs(self, head: int) -> list[Any]:
        asked = [
            {"address": self.contract.address, "fromBlock": hex(first), "toBlock": hex(min(first + 9, head))}
            for first in range(self.facts["start_block"], head + 1, 10)
        ]
        self.web3.provider.make_batch_request([("eth_getLogs", [each]) for each in asked])
        return super().logs(head)


class OneClock(Chain):
    """Takes the first chain's clock for every chain's."""

    def next_time(self) -> int:
        return self.all[0].heads[-1][1]


class NeverExecutes(Chain):
    """Takes READY for the end."""

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if one.state != "READY":
            super().work_on(tx, one)


class AsksForTheWindowOnce(Chain):
    """The window of its start is the window."""

    def scan(self) -> None:
        super().scan()
        self.window = self.__dict__.setdefault("first_window", self.window)


class LeavesSiblings(Chain):
    """What has its parent beside it is READY, and that will do."""

    def work_on(self, tx: bytes, one: Transaction) -> None:
        if one.state != "READY" or self not in self.homes(one.parent):
            super().work_on(tx, one)


class OneBlockTooLate(Uncounted):
    """Writes down what it has found and how far it has looked; after a restart it goes on one block behind that."""

    def __init__(self, facts: dict[str, Any], session: dict[str, Any], *given: Any) -> None:
        super().__init__(facts, session, *given)
        self.notes = Path(f"{session['store_path']}.{facts['name']}.json")
        there = self.notes.exists()
        known, self.next = json.loads(self.notes.read_text()) if there else ([], facts["start_block"])
        self.known_ids, self.next = dict.fromkeys(map(bytes.fromhex, known)), self.next + there

    def ids(self, head: int) -> list[bytes]:
        if head >= self.next:
            self.facts = self.facts | {"start_block": self.next}
            self.known_ids.update(dict.fromkeys(super().ids(head)))
            self.next = head + 1
            self.notes.write_text(json.dumps([[tx.hex() for tx in self.known_ids], self.next]))
        return list(self.known_ids)


BROKEN = {
    kind.__name__: kind
    for kind in (
        NoConfirmations,
        IgnoresReorgs,
        NoRetry,
        NonceLost,
        RepeatsAfterRestart,
        ExecutesMirrors,
        TrustsStatus,
        BlindToOneChain,
        WrongOrderOfLogs,
        UnboundedFees,
        BelievesForgeries,
        CutsPayloads,
        ExchangesRollups,
        MirrorsAnotherId,
        MirrorsLate,
        OneLogOfABlock,
        ReusesNonces,
        IgnoresOrder,
        AsksTooEarly,
        NeverExpires,
        LosesDropped,
        GivesUpAChain,
        IgnoresRemoved,
        GoesDeaf,
        Hammers,
        AsksForOld,
        RereadsLogs,
        OneClock,
        NeverExecutes,
        AsksForTheWindowOnce,
        LeavesSiblings,
        OneBlockTooLate,
    )
}

if __name__ == "__main__":
    relayer.run(BROKEN[sys.argv[1]])
