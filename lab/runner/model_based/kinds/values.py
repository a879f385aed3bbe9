"""Kinds about values: ids and addresses that differ in little, numbers around powers of two, payloads of any length."""

from __future__ import annotations

from collections.abc import Sequence as Several

from lab.coordinator import rollup_address
from lab.coordinator.behaviour import TIMESTAMP_SURE, WINDOW_MAX, WINDOW_MIN
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.build import Builder
from lab.runner.model_based.sequence import Due

# 17 years: as far ahead as every contract has to go, whatever type it has for a time.
FAR_S = 2**29
LASTING = 8
# Low bits of the time that turn over together: whole bytes, the lowest one twice as often.
TURNING_BITS = (8, 16, 24, 8)
LEAD_S = 40
LONG_BYTES = 96


def identifiers(make: Builder) -> None:
    """Ids that differ in one byte, ids and addresses of which one byte is not zero: never taken for one another."""
    positions = [8 * (make.number % 4) + step for step in range(8)]
    base = make.new_id("base")
    variants = [make.near(base, position) for position in positions]
    due = Due(make.now + 20)
    first = make.rng.sample(variants, 4)
    rest = [variant for variant in variants if variant not in first]
    make.buffer(due, tx_id=base, payload="0x" + "a5" * make.traits.payload_max)
    for variant in first:
        make.buffer(due, tx_id=variant)
    for position in positions:
        only = "0x" + "00" * position + f"{make.rng.randint(1, 255):02x}" + "00" * (31 - position)
        make.buffer(due, tx_id=make.new_id(f"only byte {position} set", only))
        place = position % 20
        lone = "0x" + "00" * place + "01" + "00" * (19 - place)
        make.labels[lone] = f"only byte {place} set"
        make.buffer(due, pair=(lone, make.near(lone, (place + make.rng.randint(1, 19)) % 20)))
        rollup = rollup_address("a")
        make.buffer(due, pair=make.rng.choice(((rollup, make.near(rollup, place)), (make.near(rollup, place), rollup))))
    make.until(int(due))
    for variant in rest:
        make.resolve(variant)
    make.resolve(base)
    children = [make.buffer(Due(make.now + 4), after=variant) for variant in variants]
    make.wait(5)
    for variant, child in zip(variants, children, strict=True):
        make.execute(variant)
        make.resolve(child)
    make.execute(base)
    for variant in rest:
        make.buffer(Due(make.now + 9), tx_id=variant)
    _one_bit_apart(make, base, positions)
    _twins(make, positions)
    _parts(make, positions)
    _ends(make)


def _ends(make: Builder) -> None:
    """Ids and addresses at the ends of their ranges are ids and addresses like all others."""
    ends = ["0x" + byte * 31 + last for byte, last in (("00", "01"), ("00", "02"), ("ff", "fe"), ("ff", "ff"))]
    last, first = "0x" + "ff" * 20, "0x" + "00" * 19 + "01"
    for tx_id in ends:
        make.labels[tx_id] = f"{tx_id[:4]}…{tx_id[-2:]}"
    pairs = ((last, first), (first, last), (last, rollup_address("a")), (rollup_address("a"), first))
    due = Due(make.now + 9)
    for tx_id, pair in zip(ends, pairs, strict=True):
        make.buffer(due, tx_id=tx_id, pair=pair)
    children = [make.buffer(due, after=tx_id) for tx_id in ends]
    make.until(int(due))
    for tx_id in (*ends, *children, *ends):
        make.resolve(tx_id)
    for tx_id in (*ends, *children):
        make.execute(tx_id)


def _twins(make: Builder, positions: Several[int]) -> None:
    """Ids that differ in one byte and transactions that differ in everything else: each keeps what is its own."""
    parents = (make.ready(), make.new_id("unknown"), ZERO_ID, make.ready())
    base, due = make.new_id("twin"), make.now + 20
    ids = [base, *(make.near(base, position) for position in positions)]
    for place, tx_id in enumerate(make.rng.sample(ids, len(ids))):
        make.buffer(Due(due - place % 3), tx_id=tx_id, after=parents[place % len(parents)])
    make.until(due)
    for tx_id in ids:
        make.resolve(tx_id)
    for tx_id in ids:
        make.execute(tx_id)


def _parts(make: Builder, positions: Several[int]) -> None:
    """Ids that end, or begin, with zeros and are READY; unknown ids with other bytes there have no part of them."""
    due, roots, wholes = Due(make.now + 20), list[str](), list[str]()
    for zeros in positions:
        kept, other = make.rng.randbytes(32 - zeros), make.rng.randbytes(zeros)
        for part, full in ((bytes(zeros) + kept, other + kept), (kept + bytes(zeros), kept + other)):
            if zeros:
                roots.append(make.new_id(f"{zeros} bytes of zeros", f"0x{part.hex()}"))
                wholes.append(make.new_id("the same without", f"0x{full.hex()}"))
    for root in roots:
        make.buffer(due, tx_id=root, payload="0x")
    children = [make.buffer(due, after=whole, payload="0x") for whole in wholes]
    make.until(int(due))
    for tx_id in (*roots, *children):
        make.resolve(tx_id)
    for whole in wholes:
        make.execute(whole)


def _one_bit_apart(make: Builder, base: str, positions: Several[int]) -> None:
    """Ids that differ in one bit from one that is EXECUTED: unknown parents first, then transactions of their own."""
    neighbours = [make.flipped(base, 8 * position + bit) for position in positions for bit in range(8)]
    children = [make.buffer(Due(make.now + 9), after=neighbour, payload="0x") for neighbour in neighbours]
    make.wait(9)
    for child in children:
        make.resolve(child)
    # Each with several words: what is stored beside an id is not where a neighbour's begins.
    long = "0x" + "5a" * min(LONG_BYTES, make.traits.payload_max)
    for neighbour in make.rng.sample(neighbours, len(neighbours) // 2):
        make.buffer(Due(make.now + 9), tx_id=neighbour, payload=long)


def boundaries(make: Builder) -> None:
    """Ids with a byte at an end of its range beside the same ids without; moments at which bytes of the time turn."""
    positions = [8 * (make.number % 4) + step for step in range(8)]
    due, ids = Due(make.now + 40), list[str]()
    for variants_first in (True, False):
        base = make.new_id("base", "0x" + bytes(make.rng.randint(1, 254) for _ in range(32)).hex())
        variants = [make.with_byte(base, position, end) for position in positions for end in (0, 255)]
        ids += [*variants, base] if variants_first else [base, *variants]
    for tx_id in ids:
        make.buffer(due, tx_id=tx_id, payload="0x")
    make.until(int(due))
    for tx_id in ids:
        make.resolve(tx_id)
    for tx_id in make.rng.sample(ids, 9):
        make.execute(tx_id)
    _turn_over(make, make.pick(TURNING_BITS))


def _turn_over(make: Builder, bits: int) -> None:
    """What is due before, at and after a moment whose low bits are all zero; resolved on either side of it."""
    span = make.traits.window_s
    turn = make.turn(bits, after=make.now + span + LEAD_S)
    make.until(turn - span - LEAD_S)
    ends = [(turn - span - 1, turn), (turn - span, turn), (turn - 1, turn + span - 1), (turn - 1, turn + span)]
    ends += [(turn, turn + span), (turn, turn + span + 1)]
    both = [(turn + due, turn + when) for due, when in ((-1, -1), (0, -1), (0, 0), (1, 0), (1, 1), (-1, 1))]
    resolved = [(when, make.buffer(Due(due), payload="0x")) for due, when in (*ends, *both)]
    for when, tx_id in sorted(resolved, key=lambda pair: pair[0]):
        make.until(when)
        make.resolve(tx_id)
    for _, tx_id in resolved:
        make.execute(tx_id)


def numbers(make: Builder) -> None:
    """Settings and timestamps around every power of two: stored as given, and resolved as documented."""
    exponents = list(range(31, 257))[make.number % 6 :: 6]
    far = [2**exponent + make.rng.choice((-1, 0, 1)) for exponent in exponents]
    far += [2**256 - step for step in (1, make.traits.window_s, make.traits.window_s + 1)]
    _settings(make)
    _ahead(make)
    if make.traits.horizon_s is not None:
        return
    values = [value for value in far if TIMESTAMP_SURE < value < 2**256]
    for value in [*make.rng.sample(values, 8), *far[-3:]]:
        tx_id = make.buffer(value)
        make.wait(3)
        make.resolve(tx_id)
        make.execute(tx_id)
    make.call("set_coordination_window", 2 ** make.rng.choice(exponents[:-1]) + 30, sender="owner")


def _settings(make: Builder) -> None:
    """Windows around every power of two that one may have."""
    near = {2**exponent + beside for exponent in range(WINDOW_MAX.bit_length()) for beside in (-1, 0, 1)}
    for span in sorted(near & set(range(WINDOW_MIN, WINDOW_MAX + 1))):
        make.owner("set_coordination_window", span)
        tx_id = make.buffer(Due(make.now))
        make.wait(span)
        make.resolve(tx_id)
    make.owner("set_coordination_window", make.traits.window_s)


def _ahead(make: Builder) -> None:
    """Timestamps around every power of two seconds ahead, and what is READY or late that long after."""
    limit_s = min(make.traits.horizon_s or FAR_S, FAR_S)
    ahead = [2**exponent + beside for exponent in range(1, limit_s.bit_length()) for beside in (-1, 0, 1)]
    waiting = [make.buffer(Due(make.now + seconds)) for seconds in [*ahead[make.number % 3 :: 3], limit_s]]
    for tx_id in waiting:
        make.resolve(tx_id)
    kept = [make.ready() for _ in range(LASTING)]
    start, exponents = make.now, [3 * place + make.number % 3 for place in range(2, 2 + LASTING)]
    missed = [make.buffer(Due(start)) for _ in range(LASTING)]
    for tx_id, late, exponent in zip(kept, missed, exponents, strict=True):
        make.until(start + 2**exponent)
        make.execute(tx_id)
        make.resolve(late)


def payload(make: Builder) -> None:
    """Payloads of every class of length, with zeros at either end and in the middle, of parents and of children."""
    parent, due = make.ready(), Due(make.now + 100)
    limit = make.traits.payload_max
    lengths = [words * 32 + beside for words in range(17) for beside in (-1, 0, 1)][1:-1]
    drawn = [length for length in lengths if length <= limit][make.number % 4 :: 4]
    ids = []
    # Each as a parent and as a child.
    for place, length in enumerate(length for length in (*drawn, make.rng.randint(0, limit), limit) for _ in "pc"):
        body = bytearray(make.rng.randbytes(length))
        start = make.rng.randint(0, length)
        end = make.rng.choice((length, min(length, start + 32), min(length, start + 1)))
        body[start:end] = bytes(end - start)
        ids.append(make.buffer(due, payload="0x" + body.hex(), after=parent if place % 2 else ZERO_ID))
    for length in (513, make.rng.choice((544, 1024))):
        make.buffer(due, payload="0x" + "5a" * length)
    make.until(int(due))
    for tx_id in ids:
        make.resolve(tx_id)
        make.execute(tx_id)
