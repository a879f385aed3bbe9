"""What a call takes and how its bytes are laid out: asked of the nodes and the contract's own ABI."""

from __future__ import annotations

from collections.abc import Mapping

from lab.coordinator import Account, role_account
from lab.coordinator.reads import ZERO_ID
from lab.load.prepare.capacity import Ceiling
from lab.load.prepare.targets import Target, estimate_gas, is_operator
from lab.load.profile.profile import LoadProfile

# Far enough that no run is late for it, so that signed transactions can be kept; 2100-01-01.
FAR_TIMESTAMP = 4_102_444_800
PROBE_ID = "0x" + "a5" * 32


class Estimates:
    """What calls take, asked of the nodes, in the owner's name where it is an operator, else in another's."""

    def __init__(self, targets: Mapping[str, Target], owner: Account) -> None:
        self._targets, self._owner = targets, owner
        self._known: dict[tuple[str, str, int, bool], int] = {}

    def gas(self, chain: str, other: str, payload: int, *, child: bool) -> int:
        """Of one buffer_transaction."""
        key = (chain, other, payload, child)
        if key not in self._known:
            dependency = PROBE_ID if child else ZERO_ID
            data = call_data(self._targets, chain, other, payload, dependency, FAR_TIMESTAMP, PROBE_ID)
            self._known[key] = estimate_gas(self._targets[chain], self._caller(chain), "0x" + data.hex())
        return self._known[key]

    def _caller(self, chain: str) -> Account:
        target = self._targets[chain]
        has_list = target.codec.has("authorized_operators")
        return self._owner if not has_list or is_operator(target, self._owner.address) else role_account("operator")

    def ceiling(self, chain: str, profile: LoadProfile) -> Ceiling:
        """A chain's, for the dearest call of the profile."""
        target = self._targets[chain]
        gas = max(
            self.gas(chain, neighbour(self._targets, chain), entry.payload, child=entry.kind == "flow")
            for entry in profile.traffic
        )
        return Ceiling(chain, target.network, target.gas_limit, gas, target.block_time_ms, target.synthetic)


def call_data(
    targets: Mapping[str, Target], chain: str, other: str, payload: int, dependency: str, timestamp: int, tx_id: str
) -> bytes:
    """The call as bytes. Without another chain the destination is a made-up address."""
    destination = targets[other].rollup if other else "0x" + "11" * 20
    body = "0x" + "5a" * payload
    origin = targets[chain].rollup
    call = targets[chain].codec.encode("buffer_transaction", [tx_id, origin, destination, body, dependency, timestamp])
    return bytes.fromhex(call.removeprefix("0x"))


def neighbour(targets: Mapping[str, Target], chain: str) -> str:
    """Another chain of the run, empty where there is none."""
    return next((name for name in targets if name != chain), "")
