"""The smallest relayer that carries a flow from chain to chain: an example, with the limits named in own-relayer.md."""

import json
import os
import time
from pathlib import Path

from web3 import Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

session = json.loads(Path(os.environ["LAB_SESSION"]).read_text())
key = json.loads(Path(session["key_file"]).read_text())[session["relayer_role"]]
BUFFERED, READY, EXECUTED = (session["state_numbering"][name] for name in ("BUFFERED", "READY", "EXECUTED"))


class Chain:
    """One chain of the session: its node, the contract on it, and what was found there."""

    def __init__(self, facts: dict) -> None:
        web3 = Web3(Web3.HTTPProvider(facts["rpc_url"], request_kwargs={"timeout": 5}))
        web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(key), layer=0)
        self.facts, self.eth, self.address, self.found = facts, web3.eth, web3.eth.account.from_key(key).address, {}
        self.contract = web3.eth.contract(Web3.to_checksum_address(facts["contract"]), abi=session["abi"])
        self.do, self.rollup = self.contract.functions, Web3.to_checksum_address(facts["rollup"])

    def moved(self, tx: bytes, block: int | str = "latest") -> bool:
        return self.do.get_transaction_state(tx).call(block_identifier=block) in (READY, EXECUTED)

    def work(self) -> None:  # reads everything anew: what is not remembered cannot be wrong after a reorg
        self.found, nonces = {}, {self.eth.get_transaction_count(self.address, at) for at in ("latest", "pending")}
        head, rule = self.eth.get_block("latest"), self.facts["finality"]
        self.final = rule["tag"] or max(0, head["number"] - rule["blocks"])
        ids = [log["args"]["tx_id"] for log in self.contract.events.TransactionBuffered.get_logs(from_block=0)]
        self.found = {tx: self.do.transactions(tx).call() for tx in ids}
        if len(nonces) > 1:
            return  # one batch at a time, so that nothing is sent twice
        homes = {tx: home for home in chains for tx, what in home.found.items() if what[0] == home.rollup}
        now, sent, tip = int(time.time()), {bytes(32)}, max(self.facts["min_tip_wei"], 10**9)
        fees = {"maxFeePerGas": 2 * head["baseFeePerGas"] + tip, "maxPriorityFeePerGas": tip}
        offer = {"from": self.address, "gas": 900_000, **fees}
        for tx, (_, _, _, parent, due, state) in sorted(self.found.items(), key=lambda item: any(item[1][3])):
            home = homes.get(parent)
            if any(parent) and not (home and home.moved(parent) and home.moved(parent, home.final)):
                continue  # not yet, or not any more
            if state == READY and homes.get(tx) is self:
                self.do.mark_executed(tx).transact(offer)
            elif state == BUFFERED and any(parent) and parent not in self.found:
                its, at = home.found[parent], now + 1 + self.facts["block_time_ms"] // 500
                self.do.buffer_transaction(parent, its[0], self.rollup, its[2], bytes(32), max(due, at)).transact(offer)
            elif state == BUFFERED and now >= due and (parent in sent or self.moved(parent)):
                self.do.resolve_dependency(tx).transact(offer)
                sent.add(tx)


chains = [Chain(facts) for facts in session["chains"].values()]
while True:
    for chain in chains:
        try:
            chain.work()
        except Exception as error:
            print(f"{chain.facts['name']}: {type(error).__name__}: {error}", flush=True)
    time.sleep(session["poll_interval_ms"] / 1000)
