"""What a contract says of itself at one block, as far as it has the functions for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.coordinator import Codec
from lab.errors import DeployFailure
from lab.live.declaration.owner import ZERO
from lab.live.execution.finality import final_block
from lab.ops.chain import OperatedChain
from lab.ops.operation import Timing

# Function of the contract -> field of the state that it sets.
SETTINGS = ("coordination_window", "execution_window", "breaker_threshold")


@dataclass(frozen=True, slots=True)
class ChainState:
    """One contract at one block. None: the contract has no such thing.

    `operators`: of the accounts asked for; `second_roles`: by role, as far as the contract says who holds it.
    """

    block: int
    owner: str
    pending_owner: str | None
    operators: dict[str, bool]
    paused: bool | None
    settings: dict[str, int]
    second_roles: dict[str, dict[str, bool]] = field(default_factory=dict)

    def roles(self, account: str) -> dict[str, bool]:
        """Which roles an account holds, `operator` among them."""
        return {"operator": self.operators[account]} | {name: held[account] for name, held in self.second_roles.items()}

    @property
    def facts(self) -> dict[str, Any]:
        """What it says, whatever the block."""
        return {key: value for key, value in asdict(self).items() if key != "block"}

    @property
    def operator_list(self) -> tuple[str, ...]:
        """Who is one, or holds a second role."""
        return tuple(account for account in self.operators if any(self.roles(account).values()))


def read_state(chain: OperatedChain, accounts: Iterable[str], block: int) -> ChainState:
    """Raises an RpcFailure, or DeployFailure where the contract answers in another shape."""
    codec, reader = chain.codec, chain.getters
    try:
        held = {account: reader.roles(account, block=block) for account in dict.fromkeys(accounts)}
        seconds = dict.fromkeys(name for roles in held.values() for name in roles if name != "operator")
        pending = str(reader.get("pending_owner", block=block)).lower() if codec.has("pending_owner") else None
        return ChainState(
            block=block,
            owner=str(reader.get("owner", block=block)).lower(),
            pending_owner=None if pending in (None, ZERO) else pending,
            operators={account: roles["operator"] for account, roles in held.items()},
            paused=bool(reader.get("paused", block=block)) if codec.has("paused") else None,
            settings={name: int(reader.get(name, block=block)) for name in SETTINGS if codec.has(name)},
            second_roles={name: {account: roles[name] for account, roles in held.items()} for name in seconds},
        )
    except ValueError as error:
        raise DeployFailure(
            f"{chain.name}: expected the documented getters of {chain.contract} to answer: {error}"
        ) from error


def read_final(chain: OperatedChain, accounts: Iterable[str], timing: Timing) -> ChainState:
    """As of the newest final block, by the policy of the chain; before the first, as of that of the deployment."""
    final = final_block(chain.rpc, chain.target.finality, timing.unix())
    return read_state(chain, accounts, max(final.number, chain.start_block))


def missing(codec: Codec, *functions: str) -> str | None:
    """What to say where a contract lacks functions that a procedure calls; None where it has all of them."""
    lacking = [function for function in functions if not codec.has(function)]
    return f"the contract has no {', '.join(lacking)}: this cannot be done here" if lacking else None


def called(role: str) -> str:
    """What somebody with a role is, in a sentence."""
    return "an operator" if role == "operator" else f"a holder of the role {role}"
