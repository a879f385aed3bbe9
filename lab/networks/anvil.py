"""Anvil's command line and storage for a profile: everything of a network that the node itself can carry.

The rest is driven from outside: timing and base fee block by block (`slots`, `fees`), tip floor, replacement rule and
the caps that Anvil lacks by the fault layer. Tried on Anvil 1.7.1.
"""

from __future__ import annotations

from lab.networks.preinstalls import preinstalls
from lab.networks.profile import NetworkProfile

# Anvil knows one value of the cap, that of EIP-7825, and only under Ethereum's own rules from Osaka on.
ANVIL_TX_GAS_CAP = 2**24
HARDFORKS_WITH_CAP = ("osaka", "bpo1", "bpo2")

L1_BLOCK = "0x4200000000000000000000000000000000000015"
# The contract of EIP-2935, which stores the hash of every block.
BLOCK_HASHES = "0x0000f90827f1c53a10cb7a02335b175320002935"
FAST_BLOCKS_MS = 1_000


def anvil_args(
    profile: NetworkProfile, *, genesis_time: int, prune_history: int = 64, accounts: int = 8
) -> tuple[str, ...]:
    """Flags for one node, without host and port. It mines only when told to.

    The accounts are the roles' seven, and one of nobody's: to derive each takes a twentieth of a node's start.
    """
    rules = profile.anvil
    flags = [
        # Without a limit on requests: a killed node gets its state back in one, and that may be many megabytes.
        *("--silent", "--no-cors", "--no-mining", "--no-request-size-limit"),
        *("--accounts", str(accounts)),
        *("--timestamp", str(genesis_time)),
        *("--chain-id", str(profile.chain_id)),
        *("--gas-limit", str(profile.gas_limit)),
        *("--base-fee", str(profile.initial_base_fee_wei)),
        *("--code-size-limit", str(profile.code_size_limit)),
        *("--order", rules.order),
        *("--slots-in-an-epoch", str(profile.slots_in_an_epoch)),
        *("--prune-history", str(prune_history)),
    ]
    if rules.network is not None:
        flags += ["--network", rules.network]
    if rules.hardfork is not None:
        flags += ["--hardfork", rules.hardfork]
    if enforces_tx_gas_cap(profile):
        flags.append("--enable-tx-gas-limit")
    return tuple(flags)


def enforces_tx_gas_cap(profile: NetworkProfile) -> bool:
    """Whether the node itself refuses a transaction above the profile's `tx_gas_cap`."""
    return profile.tx_gas_cap == ANVIL_TX_GAS_CAP and profile.anvil.hardfork in HARDFORKS_WITH_CAP


def genesis_calls(profile: NetworkProfile, bytecode: str) -> list[tuple[str, ...]]:
    """What a fresh node is told before the first transaction: method and parameters of each request.

    Anvil copies the storage of its block-hash contract with every block, so that the thousandth costs ten times the
    first (measured: 2.5 ms and 0.25 ms). Networks with blocks of less than a second do without that contract, unless
    the contract under test, `bytecode` in hex, names it.
    """
    calls: list[tuple[str, ...]] = [
        ("anvil_setStorageAt", address, slot, value) for address, slot, value in l1_block_storage(profile)
    ]
    calls += [("anvil_setCode", one.address, one.code) for one in preinstalls()]
    if profile.block_time_ms < FAST_BLOCKS_MS and BLOCK_HASHES[2:] not in bytecode.lower():
        calls.append(("anvil_setCode", BLOCK_HASHES, "0x"))
    return calls


def l1_block_storage(profile: NetworkProfile) -> list[tuple[str, str, str]]:
    """(address, slot, value) for `anvil_setStorageAt`, so that the node charges the L1 data fee; empty without one.

    Slots of the L1Block predeploy: 1 the L1 base fee, 3 the two scalars packed, 7 the L1 blob base fee.
    """
    fee = profile.l1_data_fee
    if fee is None:
        return []
    scalars = fee.base_fee_scalar << 96 | fee.blob_base_fee_scalar << 64
    values = ((1, fee.l1_base_fee_wei), (3, scalars), (7, fee.l1_blob_base_fee_wei))
    return [(L1_BLOCK, f"0x{slot:064x}", f"0x{value:064x}") for slot, value in values]
