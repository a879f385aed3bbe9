"""Who shall own a contract, as files declare it: an account by its address, or a Safe with its owners and threshold."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from lab.model.frozen import Frozen
from lab.safe.transaction import address as checksummed

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
ZERO = "0x" + "00" * 20


def account_address(text: str) -> str:
    """In lower case. Raises ValueError for no address, for zero, and for mixed case that is not its checksum."""
    if not ADDRESS.fullmatch(text) or text.lower() == ZERO:
        raise ValueError(f"expected an address (0x and 40 hex digits, not zero), got {text[:60]!r}")
    return checksummed(text)


Address = Annotated[str, AfterValidator(account_address)]


class SafeOwner(Frozen):
    """An owner that is a Safe: `threshold` of its `owners` decide. Where it stands is compared with the chain."""

    kind: Literal["safe"]
    address: Address
    threshold: int = Field(ge=1, le=1_000)
    owners: tuple[Address, ...] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len(set(self.owners)) < len(self.owners):
            raise ValueError("expected each owner of the Safe once, got one twice")
        if self.threshold > len(self.owners):
            raise ValueError(f"expected a threshold of at most {len(self.owners)} (its owners), got {self.threshold}")
        return self


Owner = Annotated[
    Annotated[Address, Tag("address")] | Annotated[SafeOwner, Tag("safe")],
    Discriminator(lambda given: "address" if isinstance(given, str) else "safe"),
]


class HasOwner(Frozen):
    """A part of a file that may declare an owner; a key of its own once said of which kind."""

    REPLACED_KEYS: ClassVar[dict[str, str]] = {
        "owner_kind": "remove it; an owner that is a Safe is "
        'owner: {kind: safe, address: "0x...", threshold: 2, owners: ["0x...", ...]}'
    }


def address_of_owner(owner: str | SafeOwner) -> str:
    """In lower case."""
    return owner if isinstance(owner, str) else owner.address


def safe_of_owner(owner: str | SafeOwner) -> SafeOwner | None:
    """None for an account."""
    return None if isinstance(owner, str) else owner
