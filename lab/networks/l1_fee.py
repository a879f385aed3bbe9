"""What an OP Stack chain charges for publishing a transaction on L1 (the Fjord formula), to the wei.

It comes on top of gas used times gas price and appears in no receipt of Anvil's: only in the sender's balance.
"""

from __future__ import annotations

from lab.networks.profile import NetworkProfile

# Fjord's linear estimate of the compressed size, in millionths of a byte (OP Stack specification, Fjord).
INTERCEPT = -42_585_600
PER_FAST_LZ_BYTE = 836_500
MINIMUM = 100_000_000

HASH_SLOTS = 8192
LITERAL_RUN = 32
LONGEST_MATCH = 262


def l1_fee(profile: NetworkProfile, signed_transaction: bytes) -> int:
    """The L1 data fee in wei of a signed transaction, envelope included; 0 on a network without one."""
    fee = profile.l1_data_fee
    if fee is None:
        return 0
    size = max(MINIMUM, INTERCEPT + PER_FAST_LZ_BYTE * fast_lz_size(signed_transaction))
    price = 16 * fee.base_fee_scalar * fee.l1_base_fee_wei + fee.blob_base_fee_scalar * fee.l1_blob_base_fee_wei
    return size * price // 10**12


def fast_lz_size(data: bytes) -> int:
    """The length of `data` after FastLZ level 1, as the OP Stack counts it."""
    seen = [0] * HASH_SLOTS
    last = len(data) - 13
    size = anchor = 0
    here = 2
    while here < last:
        match = _find_match(data, seen, here, last)
        if match is None:
            break
        here, earlier = match
        size += _literals(here - anchor)
        length = _common(data, earlier + 3, here + 3, last + 9)
        size += 3 * ((length - 1) // LONGEST_MATCH) + (3 if (length - 1) % LONGEST_MATCH >= 6 else 2)
        here += length
        for _ in range(2):
            seen[_hash(_three(data, here))] = here
            here += 1
        anchor = here
    return size + _literals(len(data) - anchor)


def _find_match(data: bytes, seen: list[int], here: int, last: int) -> tuple[int, int] | None:
    """The next position whose three bytes were seen less than 8,192 bytes ago, and where; None at the end."""
    while here < last:
        three = _three(data, here)
        slot = _hash(three)
        earlier, seen[slot] = seen[slot], here
        if here - earlier < HASH_SLOTS and three == _three(data, earlier):
            # FastLZ looks one byte ahead: a match at the very last place is not taken.
            return (here, earlier) if here + 1 < last else None
        here += 1
    return None


def _literals(count: int) -> int:
    return count + -(-count // LITERAL_RUN)


def _common(data: bytes, left: int, right: int, limit: int) -> int:
    """How many bytes agree from `left` and `right` on, the first that differs included."""
    length = 0
    while right + length < limit:
        length += 1
        if data[left + length - 1] != data[right + length - 1]:
            break
    return length


def _three(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


def _hash(three: int) -> int:
    return three * 2654435769 >> 19 & (HASH_SLOTS - 1)
