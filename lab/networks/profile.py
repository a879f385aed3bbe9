"""What the lab knows of one network: its figures, and for each figure where it comes from and when that was true.

A profile is data (`profiles/*.yaml`, or a user's file); this module only says which figures there are and refuses a
profile that states a figure without a source. What the figures do is left to `fees`, `slots` and `anvil`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from lab.model.chain.finality import Finality

LAB_CHOICE = "lab choice"

Wei = Annotated[int, Field(ge=0, le=10**24)]
Gas = Annotated[int, Field(ge=21_000, le=2**50)]
TransactionType = Annotated[int, Field(ge=0, le=0x7F)]
MethodName = Annotated[str, Field(pattern=r"^[a-z0-9]+_[A-Za-z0-9]+$")]
# EIP-155, EIP-2930, EIP-1559, EIP-7702. Blobs (3) belong to the L1 that they are for.
TYPES_OF_EVERY_NETWORK = (0, 1, 2, 4)


class Frozen(BaseModel):
    """Base of everything in a profile."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Citation(Frozen):
    """Where a figure comes from. `source` is a document, or "lab choice", and then `note` says why.

    `date` is the date of the source or of the fact: a year, a month or a day.
    """

    source: str = Field(min_length=3)
    date: str = Field(pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?|undated)$")
    note: str = ""

    @model_validator(mode="after")
    def _a_choice_has_a_reason(self) -> Citation:
        if self.source == LAB_CHOICE and not self.note:
            raise ValueError('a source of "lab choice" needs a note that says why')
        return self


class Eip1559Fee(Frozen):
    """The curve of EIP-1559: up to (elasticity - 1) / denominator up, 1 / denominator down, never below the floor."""

    kind: Literal["eip1559"]
    denominator: int = Field(ge=1, le=100_000)
    elasticity: int = Field(ge=1, le=100)
    floor_wei: Wei = 0


class PolygonFee(Frozen):
    """EIP-1559 with a target in percent of the block gas limit, each step within a validity bound."""

    kind: Literal["polygon"]
    denominator: int = Field(ge=1, le=100_000)
    target_percent: int = Field(ge=1, le=100)
    step_bound_percent: int = Field(ge=1, le=100)
    floor_wei: Wei = 0


class BacklogTarget(Frozen):
    """One constraint of Arbitrum's pricing: a sustained gas rate and the window over which excess costs."""

    gas_per_second: int = Field(ge=1_000, le=10**12)
    window_s: int = Field(ge=1, le=10**7)


class ArbitrumFee(Frozen):
    """The floor times e to the power of the summed gas backlogs, each relative to its target and window."""

    kind: Literal["arbitrum"]
    floor_wei: Wei
    targets: tuple[BacklogTarget, ...] = Field(min_length=1, max_length=32)


Fee = Annotated[Eip1559Fee | PolygonFee | ArbitrumFee, Field(discriminator="kind")]


class L1DataFee(Frozen):
    """OP Stack's L1 fee (Fjord): the scalars of the chain, and the L1 prices that the lab assumes."""

    base_fee_scalar: int = Field(ge=0, lt=2**32)
    blob_base_fee_scalar: int = Field(ge=0, lt=2**32)
    l1_base_fee_wei: Wei
    l1_blob_base_fee_wei: Wei


class AnvilRules(Frozen):
    """The nearest that Anvil comes to the network's own rules. `order` is the order of transactions in a block."""

    hardfork: Literal["cancun", "prague", "osaka", "bpo1", "bpo2"] | None = None
    network: Literal["optimism"] | None = None
    order: Literal["fees", "fifo"] = "fees"

    @model_validator(mode="after")
    def _optimism_has_its_own_rules(self) -> AnvilRules:
        if self.network is not None and self.hardfork is not None:
            raise ValueError("expected hardfork or network, got both: Anvil's optimism rules are fixed (Isthmus)")
        return self


class NetworkProfile(Frozen):
    """One network. Times in milliseconds, fees in wei; `sources` maps the path of a figure to its citation."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str = Field(min_length=1, max_length=80)
    chain_id: int = Field(ge=1, le=2**53)
    testnet: bool
    parent: str | None = Field(default=None, description="the network that this one settles on")
    native_token: str = Field(pattern=r"^[A-Za-z0-9]{1,11}$")
    block_time_ms: int = Field(ge=10, le=600_000)
    jitter_ms: int = Field(ge=0, description="a block appears this much after its slot at most; drawn uniformly")
    missed_slot_share: float = Field(ge=0, le=0.9, description="share of slots that stay without a block")
    mines_empty_blocks: bool
    gas_limit: Gas = Field(description="of a block")
    code_size_limit: int = Field(ge=1, le=2**24, description="bytes of deployed code")
    tx_gas_cap: Gas | None = Field(default=None, description="of one transaction")
    fee: Fee
    initial_base_fee_wei: Wei
    typical_base_fee_wei: Wei | None = None
    high_base_fee_wei: Wei | None = None
    min_tip_wei: Wei
    replacement_bump_percent: int = Field(ge=0, le=1000, description="a replacement must pay this much more")
    finality: Finality
    slots_in_an_epoch: int = Field(ge=1, le=100_000, description="the tag `safe` is this many blocks behind the head")
    l1_data_fee: L1DataFee | None = None
    anvil: AnvilRules
    transaction_types: tuple[TransactionType, ...] | None = Field(
        default=None, description="that its public endpoints take; omitted: all but blobs"
    )
    rpc_methods: tuple[MethodName, ...] | None = Field(
        default=None, description="that its public endpoints serve beside those of every network"
    )
    sources: dict[str, Citation]

    @property
    def types_of_transactions(self) -> tuple[int, ...]:
        """The types of transactions that its public endpoints take."""
        return TYPES_OF_EVERY_NETWORK if self.transaction_types is None else self.transaction_types

    @property
    def tag_depth_blocks(self) -> int:
        """How many blocks the tag `finalized` is behind the head: Anvil fixes it at two epochs."""
        return self.tag_depth("finalized")

    def tag_depth(self, tag: Literal["safe", "finalized"]) -> int:
        """How many blocks a tag is behind the head."""
        return self.slots_in_an_epoch * (2 if tag == "finalized" else 1)

    @model_validator(mode="after")
    def _coherent(self) -> NetworkProfile:
        if self.jitter_ms >= self.block_time_ms:
            raise _problem(
                f"expected less than block_time_ms ({self.block_time_ms}), got {self.jitter_ms}: "
                "blocks would appear out of order",
                "jitter_ms",
            )
        if self.initial_base_fee_wei < self.fee.floor_wei:
            floor = f"fee.floor_wei ({self.fee.floor_wei})"
            raise _problem(f"expected at least {floor}, got {self.initial_base_fee_wei}", "initial_base_fee_wei")
        paths = dict(figures(self))
        if unknown := [path for path in self.sources if path not in paths]:
            raise _problem(f"no such figure in this profile (its figures: {', '.join(paths)})", "sources", unknown[0])
        if missing := [path for path in paths if path not in self.sources]:
            raise _problem(
                "expected source and date of every figure that this file states or overrides, "
                f"none for {', '.join(missing)}",
                "sources",
            )
        return self


def _problem(message: str, *at: str) -> PydanticCustomError:
    """An error that `lab.yamlsource` shows at a key below the one being validated."""
    return PydanticCustomError("profile", "{message}", {"message": message, "at": at})


NOT_FIGURES = ("name", "title", "testnet", "parent", "sources")
GROUPS = ("fee", "l1_data_fee")


def figures(profile: NetworkProfile) -> Iterator[tuple[str, Any]]:
    """Every (path, value) that needs a citation: all but names, the parts of `fee` and `l1_data_fee` one by one."""
    for field in NetworkProfile.model_fields:
        value = getattr(profile, field)
        if field in NOT_FIGURES or value is None:
            continue
        if field not in GROUPS:
            yield field, value
            continue
        for part in type(value).model_fields:
            if part != "kind":
                yield f"{field}.{part}", getattr(value, part)
