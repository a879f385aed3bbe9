"""What a user's contract calls the things that the lab knows under documented names, and how it wants to be called."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lab.model.frozen import Frozen


class Slot(Frozen):
    """One argument of a contract's function: a documented parameter, or a constant where `parameter` is None.

    A constant that is a `key` chooses what the call means, as a role's hash does: with another one it is another call.
    Of `bits` it is the same call whatever other bits are set.
    """

    parameter: str | None = None
    value: Any = None
    key: bool = False
    bits: bool = False


class Truth(Frozen):
    """Which numbers, or texts, a getter of yes or no says yes by: one of `values`, or any that has all these `bits`."""

    values: tuple[Any, ...] = ()
    bits: int | None = None


class SecondRole(Frozen):
    """A role beside the operator's, which some operator functions ask for.

    Functions that give or take it take its `hash` first, its `number` before or behind the account (`bits`: a mask, in
    which other bits do not matter), or neither; one that takes anything else has its `arguments` written out, by
    `grant`, `revoke` or `has`.
    """

    hash: str | None = None
    number: int | None = None
    bits: bool = False
    grant: str | None = None
    revoke: str | None = None
    has: str | None = None
    arguments: dict[str, tuple[Slot, ...]] = Field(default_factory=dict)
    functions: tuple[str, ...] = ()


class SetUpCall(Frozen):
    """A call between the deployment and the run. `at` is its place in the project file, for messages.

    One that comes `first` is an initializer: before it the contract has no owner who could add operators.
    """

    function: str
    args: tuple[Any, ...] = ()
    role: str = "owner"
    at: str = ""
    first: bool = False


class ProxyForm(Frozen):
    """A proxy before the contract under test, with the arguments of its constructor in their order.

    `contract` is its file; None stands for the minimal proxy of EIP-1167. The text `implementation` stands for the
    implementation's address, and `{call, args}` for the data of a call.
    """

    # Its code is part of what the contract is; where the file lies is not.
    contract: str | None = Field(default=None, exclude=True)
    constructor: tuple[Any, ...] = ("implementation",)


class Limits(Frozen):
    """What a contract bounds. None: unlimited, or not known. Delays count from the buffering to the resolve."""

    payload_bytes: int | None = Field(default=None, ge=0, description="longest payload")
    resolve_after_blocks: int | None = Field(default=None, ge=0, description="blocks between buffering and resolve")
    resolve_after_seconds: int | None = Field(default=None, ge=0, description="seconds between buffering and resolve")
    horizon_seconds: int | None = Field(default=None, ge=1, description="how far ahead a timestamp may lie")
    operators: int | None = Field(default=None, ge=1, description="accounts that are operators at a time")
    per_block: int | None = Field(default=None, ge=1, description="operations of one account in a block")

    @property
    def lines(self) -> list[str]:
        """Each limit that is known, for people."""
        return [f"{name.replace('_', ' ')} {value}" for name, value in self.model_dump().items() if value is not None]


class ContractNames(Frozen):
    """Where the contract differs: the lab's name -> the contract's; further what only `lab.yaml` can say of it."""

    functions: dict[str, str] = Field(default_factory=dict)
    events: dict[str, str] = Field(default_factory=dict)
    roles: dict[str, str] = Field(
        default_factory=dict, description="role -> 32 bytes in 0x hex, for contracts that grant roles by hash"
    )
    arguments: dict[str, tuple[Slot, ...]] = Field(
        default_factory=dict, description="documented function -> the contract's arguments in their order"
    )
    returns: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="documented function -> documented names of its results, in the contract's order",
    )
    event_arguments: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="documented event -> documented argument -> the contract's"
    )
    event_where: dict[str, dict[str, tuple[Any, ...]]] = Field(
        default_factory=dict,
        description="documented event -> the contract's argument -> values, of which one makes the contract's this one",
    )
    truths: dict[str, Truth] = Field(
        default_factory=dict, description="getter of yes or no -> what it says yes by, where it is a number"
    )
    second_roles: dict[str, SecondRole] = Field(default_factory=dict)
    reverts: dict[str, str] = Field(
        default_factory=dict, description="the lab's text of a revert or of a failure's reason -> the contract's"
    )
    states: dict[str, int] = Field(default_factory=dict, description="state -> the contract's number")
    defaults: dict[str, int] = Field(default_factory=dict, description="setting -> its value after the deployment")
    limits: Limits = Limits()
    constructor: tuple[Any, ...] = ()
    proxy: ProxyForm | None = None
    set_up: tuple[SetUpCall, ...] = ()
    capabilities: tuple[str, ...] = Field(default=(), description="capabilities that the contract must have")
