"""What a run and every report say of the system under test: contract, relayer, project, and why these."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class UnderTest(BaseModel):
    """Texts for people, without the user's home folder. `contract` begins with the contract's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract: str
    relayer: str
    project: str

    @property
    def line(self) -> str:
        """The first line of a run and of a report."""
        return f"contract {self.contract}; relayer {self.relayer}; project {self.project}"
