"""What a run and every report say of the system under test: contract, relayer, project, and why these."""

from __future__ import annotations

from lab.model.frozen import Frozen


class UnderTest(Frozen):
    """Texts for people, without the user's home folder. `contract` begins with the contract's name."""

    contract: str
    relayer: str
    project: str

    @property
    def line(self) -> str:
        return f"contract {self.contract}; relayer {self.relayer}; project {self.project}"
