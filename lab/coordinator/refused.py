"""How the model says that a call has to revert."""

from __future__ import annotations


class Refused(Exception):
    """The call has to revert, with one of these reasons; none given: with any or without one."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__(" or ".join(reasons) or "any reason")


class Forbidden(Refused):
    """The caller may not make this call, or nobody may while the contract is stopped."""
