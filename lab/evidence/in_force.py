"""Which of several runs of one thing count: those of the contract and of the relayer that are in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


class Made(Protocol):
    """A run that may say what it was made with."""

    @property
    def contract_sha256(self) -> str | None: ...

    @property
    def relayer_sha256(self) -> str | None: ...


M = TypeVar("M", bound=Made)


@dataclass(frozen=True, slots=True)
class InForce:
    """A contract and a relayer by their digests, None for what is not known: then nothing is compared."""

    contract_sha256: str | None = None
    relayer_sha256: str | None = None

    def of(self, runs: Sequence[M]) -> Sequence[M]:
        """Those with this contract and relayer; else those with the contract; else all, which are of something else.

        Beside them those that do not say what they were made with: nothing is hidden by what is not known.
        """
        for wanted in (self, InForce(self.contract_sha256)):
            chosen = [run for run in runs if wanted.fits(run)]
            if any(run.contract_sha256 is not None for run in chosen):
                return chosen
        return runs

    def fits(self, run: Made) -> bool:
        """Whether nothing says that it was made with another contract or relayer."""
        return not (
            differ(run.contract_sha256, self.contract_sha256) or differ(run.relayer_sha256, self.relayer_sha256)
        )


def differ(then: str | None, now: str | None) -> bool:
    """Whether both are known, and not the same."""
    return then is not None and now is not None and then != now


# Without anything to compare with.
ANYTHING = InForce()
