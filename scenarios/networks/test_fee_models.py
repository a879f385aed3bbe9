"""What each network charges equals its fee model: the base fee block by block, and what a sender really pays."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from lab.coordinator import Fees, role_account, rollup_address, sign_transaction
from lab.coordinator.reads import ZERO_ID
from lab.model.records import Block, EmptyBlocks
from lab.networks.fees import FeeCurve
from lab.networks.l1_fee import l1_fee
from lab.runner.requirements.unmet import Unmeasured
from lab.runner.script import Script

SETUP = """
name: What each network charges
description: >
  Transactions of several sizes, enough of them to fill blocks, on the five networks. The base fee of every block, as
  the node has it, is what the network's curve makes of the block before. What a sender's balance loses is gas used
  times base fee plus tip, and on the OP Stack the data fee for L1 besides, to the wei.
rows: [NSR-03]
networks: {ethereum: {}, polygon: {}, arbitrum: {}, optimism: {}, base: {}}
relayer: none
timeout: 30m
checks: [default]
"""

# On Ethereum these fill more than half a block, so that the fee rises before it falls.
FILLERS, SIZE_OF_FILLER, GAS = {"ethereum": 80}, 512, 700_000
FILLERS_ELSEWHERE = 12
# Of a contract whose calls fill no block: somebody else's, for some of Ethereum's.
GAS_OF_OTHERS, SLOT_S, FULL_SLOTS = 2_000_000, 12, 4
FILLED = 0.52
SAMPLE_SIZES = (0, 64, 512)
# L1 data fees are charged where the rollup's profile has them.
WITH_DATA_FEE = ("optimism", "base")


def request(script: Script, number: int, size: int) -> tuple[Any, ...]:
    """Arguments of a buffering with a payload that does not compress to nothing, as long as the contract takes it."""
    size = min(size, script.run.longest_payload)
    payload = bytes((number * 31 + at * at * 7) % 251 + 1 for at in range(size)).hex()
    far = script.run.far
    return (f"0x{0xFEE << 64 | number:064x}", rollup_address("a"), rollup_address("b"), "0x" + payload, ZERO_ID, far)


def gas_of(script: Script, name: str, size: int) -> int:
    """A gas limit for a buffering. One that reverts is paid for, too, and is all that this scenario needs."""
    try:
        return script.gas(name, "buffer_transaction", request(script, 9_999, size), at_least=GAS)
    except Unmeasured:
        return GAS


def fill(script: Script, name: str) -> None:
    """Blocks with something in them, then some without."""
    limit = script.run.lab.spec.target.limits.per_block
    count = FILLERS.get(name, FILLERS_ELSEWHERE)
    count = min(count, limit or count)
    expected = [("buffer_transaction", request(script, number, SIZE_OF_FILLER)) for number in range(count)]
    sent = script.bulk(name, expected, gas=gas_of(script, name, SIZE_OF_FILLER))
    refused = next((tx for tx in sent if tx.status != 1), None)
    if refused is not None:
        reason = next((call.revert for call in refused.calls if call.revert), "without a reason")
        script.note("contract", f"its buffer_transaction reverts ({reason}), which is paid for all the same", name)
        return
    filled = FILLED * script.run.lab.chains[name].profile.gas_limit
    short = filled - sum(tx.gas_used for tx in sent)
    if name not in FILLERS or short <= 0:
        return
    # The contract needs less gas than the reference: it takes more of its calls to fill blocks.
    more = math.ceil(short / max(tx.gas_used for tx in sent))
    if limit is not None and count + more > limit:
        # It takes too few of an account in a block: others fill them.
        tps = (math.ceil(filled / GAS_OF_OTHERS) + 1) / SLOT_S
        script.inject("others", "competing_load", chain=name, tps=tps, gas=GAS_OF_OTHERS)
        script.advance(FULL_SLOTS * SLOT_S)
        script.heal("others")
        return
    expected = [("buffer_transaction", request(script, count + number, SIZE_OF_FILLER)) for number in range(more)]
    script.bulk(name, expected, gas=gas_of(script, name, SIZE_OF_FILLER))


def judge_base_fees(script: Script, name: str) -> None:
    """Every block beside the curve, from the node's own headers."""
    chain = script.run.lab.chains[name]
    rpc = chain.look()
    history = script.run.recorder.history()
    times = {block.number: block.t_ms for block in history.of(Block) if block.chain == name}
    for span in history.of(EmptyBlocks):
        if span.chain == name:
            # Of an idle chain they come as regularly as those of others.
            gap_ms = (span.t_ms - span.first_t_ms) // max(1, span.last - span.first)
            times |= {
                number: span.first_t_ms + at * gap_ms for at, number in enumerate(range(span.first, span.last + 1))
            }
    curve, wrong, fees, used = FeeCurve(chain.profile), [], [], list[tuple[int, int]]()
    parent = rpc.block(0)
    for number in range(1, rpc.block_number() + 1):
        block = rpc.block(number)
        assert block is not None
        assert parent is not None
        # Only Arbitrum's curve asks for the time gone by; its last empty blocks may not be on record yet.
        if number not in times and not chain.profile.mines_empty_blocks:
            break
        elapsed = times.get(number, 0) - times.get(number - 1, 0)
        base_fee, gas_used, gas_limit = (int(parent[key], 16) for key in ("baseFeePerGas", "gasUsed", "gasLimit"))
        used.append((gas_used, gas_limit))
        expected, got = curve.next(base_fee, gas_used, gas_limit, elapsed), int(block["baseFeePerGas"], 16)
        fees.append(got)
        wrong += [f"block {number}: {expected} wanted, {got} charged"] if expected != got else []
        parent = block
    told = wrong[0] if wrong else f"{len(fees)} blocks, {min(fees)} to {max(fees)} wei"
    script.expect(f"{name}: base fees by the curve", told, met=not wrong and len(fees) > 1)
    if name in FILLERS:
        rises = sum(after > before for before, after in pairwise(fees))
        falls = sum(after < before for before, after in pairwise(fees))
        filled = any(number * 2 > limit for number, limit in used)
        told = f"{rises} rises, {falls} falls" + ("" if filled else "; no block was filled")
        met = bool(rises and falls) if filled else None
        script.expect(f"{name}: the fee to rise and to fall", told, met=met)


def judge_charges(script: Script, name: str) -> None:
    """One transaction at a time, so that the sender's balance tells what it cost."""
    chain, account, target = script.run.lab.chains[name], role_account("operator2"), script.run.lab.spec.target
    for position, size in enumerate(SAMPLE_SIZES):
        rpc = chain.look()
        tip = max(10**9, chain.profile.min_tip_wei)
        fees = Fees(4 * chain.producer.next_base_fee() + tip, tip)
        data = target.codec.encode("buffer_transaction", request(script, 1_000 + position, size))
        raw, tx_hash = sign_transaction(
            account,
            chain_id=chain.profile.chain_id,
            nonce=rpc.nonce(account.address),
            to=target.address,
            data=data,
            gas=gas_of(script, name, size),
            fees=fees,
        )
        before = rpc.balance(account.address)
        chain.send(raw)
        script.advance(13 if name == "ethereum" else 4)
        rpc = chain.look()
        number, tx = chain.observer.observed[tx_hash]
        block = rpc.block(number)
        assert block is not None
        paid = before - rpc.balance(account.address)
        data_fee = l1_fee(chain.profile, bytes.fromhex(raw.removeprefix("0x")))
        expected = tx.gas_used * (int(block["baseFeePerGas"], 16) + tip) + data_fee
        size = min(size, script.run.longest_payload)
        told = f"{paid} wei, {data_fee} of them for data on L1"
        what = f"{size} bytes of payload" if tx.status == 1 else f"a reverted call with {size} bytes of payload"
        script.expect(f"{name}: {what} to cost {expected} wei", told, met=paid == expected)
        rollup = name in WITH_DATA_FEE
        script.expect_equal(f"{name}: a data fee for L1", data_fee > 0, rollup)


def play(script: Script) -> None:
    """Fill, charge, compare."""
    names = list(script.run.lab.chains)
    for name in names:
        fill(script, name)
    for name in names:
        judge_charges(script, name)
    for name in names:
        judge_base_fees(script, name)


def test_fee_models(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Compare what is charged with the models."""
    lab_run(SETUP, play)
