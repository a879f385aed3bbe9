"""The system under test of a command, chosen in one place: options win over `lab.yaml`, which wins over the reference.

Whoever opens a suite, deploys a contract or starts a relayer is handed this, so that nothing of the project is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lab.model.contract.names import ContractNames
from lab.model.under_test import UnderTest
from lab.paths import REFERENCE_CONTRACT, expand_user
from lab.session.project import Project
from lab.session.project_search import find_project, misnamed, shown, shown_from
from lab.session.relayer.command import RelayerCommand, parse_command

REFERENCE = "reference"
VIRTUAL = "the clock is virtual, which no process of yours could follow"


@dataclass(frozen=True, slots=True)
class SystemUnderTest:
    """Contract and relayer, with the reason for each. `relayer` None is the reference relayer.

    `no_project` is why there is no project, "" where there is one.
    """

    project: Project | None
    contract: Path
    contract_why: str
    relayer: RelayerCommand | None
    relayer_why: str
    no_project: str
    relayer_name: str = REFERENCE

    @property
    def names(self) -> ContractNames:
        """What the contract calls things. They hold for another contract than the project's, as far as it has them."""
        return self.project.names if self.project is not None else ContractNames()

    @property
    def is_reference(self) -> bool:
        """Whether nobody named a contract."""
        return self.contract == REFERENCE_CONTRACT and self.contract_why.startswith(REFERENCE)

    @property
    def is_projects_contract(self) -> bool:
        """Whether the contract is the one that the project file names."""
        return self.project is not None and self.project.contract == self.contract

    def described(self, contract_name: str, contract_why: str | None = None) -> UnderTest:
        """For people; the name is known once the contract is compiled. `contract_why` replaces the reason."""
        why = contract_why or self.contract_why
        relayer = self.relayer.shown if self.relayer is not None else self.relayer_name
        if self.project is not None:
            project = shown(self.project.path)
        else:
            project = "none" if self.no_project in why else f"none: {self.no_project}"
        return UnderTest(
            contract=f"{contract_name} ({why})",
            relayer=f"{relayer} ({self.relayer_why})" if self.relayer_why else relayer,
            project=project,
        )

    def with_reference_relayer(self, why: str) -> SystemUnderTest:
        """The same where a relayer of the user's cannot take part."""
        return self if self.relayer is None else replace(self, relayer=None, relayer_why=why)

    def without_relayer(self, why: str) -> SystemUnderTest:
        """The same where no relayer takes part."""
        return replace(self, relayer=None, relayer_name="none", relayer_why=why)


def system_under_test(
    *,
    contract: Path | None,
    relayer_cmd: str | None,
    beside: Iterable[Path] = (),
    working_folder: Path | None = None,
) -> SystemUnderTest:
    """Choose it. `beside` is what the command is asked to run: scenarios, a load profile, a results folder.

    An empty `relayer_cmd` means the reference relayer, whatever lab.yaml says. Raises UsageError, InvalidFile.
    """
    folder = working_folder or Path.cwd()
    project = find_project(folder, beside)
    file = shown_from(project.path, folder) if project is not None else ""
    none_found = _none_found(folder) if project is None else ""
    if contract is not None:
        given = expand_user(contract)
        chosen = given if folder == Path.cwd() else folder / given
        why = f"{shown_from(chosen, folder)}, from the command line"
    elif project is not None and project.contract is not None:
        chosen, why = project.contract, f"{shown_from(project.contract, folder)}, from {file}"
    else:
        chosen, why = REFERENCE_CONTRACT, f"{REFERENCE}: {none_found or f'{file} names no contract'}"
    if relayer_cmd is not None:
        relayer, relayer_why = (parse_command(relayer_cmd, folder) if relayer_cmd else None), "from the command line"
        # What the file says of a relayer is not said of another one than it names.
        if relayer is not None and project is not None and project.relayer_cmd in (None, relayer_cmd):
            relayer = replace(relayer, declared=project.declared)
    elif project is not None:
        relayer = project.relayer
        relayer_why = f"from {file}" if relayer is not None else f"{file} names none"
    else:
        relayer, relayer_why = None, ""
    return SystemUnderTest(project, chosen, why, relayer, relayer_why, none_found)


def _none_found(folder: Path) -> str:
    other = misnamed(folder)
    aside = f", {shown_from(other, folder)} is not read" if other is not None else ""
    return f"no lab.yaml found from {shown(folder)} upwards{aside}"
