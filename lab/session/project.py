"""The user's project file, `lab.yaml`: which contract, which relayer, and what the contract calls things."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS
from lab.coordinator.overloads import documented, entries_of, signature_of
from lab.errors import InvalidFile, Problem
from lab.model.names import ContractNames
from lab.paths import real_path
from lab.session.relayer.command import RelayerCommand, parse_command
from lab.validation import suggestion
from lab.yamlsource import Source, load_yaml, validate

PROJECT_FILE = "lab.yaml"
ALIASES = {"buffer": "buffer_transaction", "resolve": "resolve_dependency", "execute": "mark_executed"}
ROLES = ("operator",)
_HASH = re.compile("0x[0-9a-fA-F]{64}")


class ProjectFile(BaseModel):
    """The file as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract: str | None = Field(default=None, description="contract under test, as seen from this file")
    relayer_cmd: str | None = Field(default=None, description="command of the relayer under test, run in this folder")
    functions: dict[str, str] = Field(default_factory=dict, description="the lab's name: the contract's own")
    events: dict[str, str] = Field(default_factory=dict, description="the lab's name: the contract's own")
    roles: dict[str, str] = Field(
        default_factory=dict, description="operator: the role's name or its hash, for contracts that grant by hash"
    )

    @field_validator("functions")
    @classmethod
    def _functions(cls, given: dict[str, str]) -> dict[str, str]:
        _known(given, {**FUNCTIONS, **ALIASES}, "function")
        return given

    @field_validator("events")
    @classmethod
    def _events(cls, given: dict[str, str]) -> dict[str, str]:
        _known(given, EVENTS | EXTRA_EVENTS, "event")
        return given

    @field_validator("roles")
    @classmethod
    def _roles(cls, given: dict[str, str]) -> dict[str, str]:
        _known(given, dict.fromkeys(ROLES), "role")
        return given


def _known(given: dict[str, str], known: dict[str, Any], what: str) -> None:
    for key in given:
        if key not in known:
            text = f"the lab knows no {what} {key}{suggestion(key, known)}"
            raise PydanticCustomError("project", "{text}", {"text": text, "at": (key,), "at_key": True})


@dataclass(frozen=True, slots=True)
class Project:
    """The file with its choices made: paths are absolute, names are documented ones, roles are hashes."""

    path: Path
    contract: Path | None
    relayer_cmd: str | None
    names: ContractNames
    source: Source = field(repr=False, compare=False)

    @property
    def relayer(self) -> RelayerCommand | None:
        """The relayer under test, which runs in the file's folder. Raises UsageError."""
        if self.relayer_cmd is None:
            return None
        return parse_command(self.relayer_cmd, self.path.parent.absolute(), source=f"{self.path}: relayer_cmd")

    @property
    def choices(self) -> tuple[object, ...]:
        """What the file decides: two files that say the same are one project."""
        relayer = (self.relayer_cmd, real_path(self.path.parent)) if self.relayer_cmd is not None else None
        return self.contract, relayer, self.names

    def check(self, abi: list[dict[str, Any]]) -> None:
        """Raises InvalidFile where the contract has none of the names that the file gives it."""
        problems: list[Problem] = []
        for section, kind in (("functions", "function"), ("events", "event")):
            there = [entry for entry in abi if entry.get("type") == kind]
            for name, own in self.source.value.get(section, {}).items():
                found = entries_of(abi, kind, own)
                if not found:
                    known = map(signature_of if "(" in own else lambda entry: str(entry["name"]), there)
                    text = f"the contract has no {kind} {own}{suggestion(own, known)}"
                    problems.append(self.source.problem((section, name), text))
                elif len(found) > 1 and not documented(kind, ALIASES.get(name, name), found):
                    several = ", ".join(map(signature_of, found))
                    text = f"the contract has several of that name, none as documented: write one of {several}"
                    problems.append(self.source.problem((section, name), text))
        if problems:
            raise InvalidFile(problems)


def read_project(path: Path) -> Project:
    """Raises InvalidFile with every problem that could be found."""
    source = load_yaml(path)
    file = validate(source, ProjectFile)
    names = ContractNames(
        functions={ALIASES.get(name, name): own for name, own in file.functions.items()},
        events=file.events,
        roles={role: _hash(given) for role, given in file.roles.items()},
    )
    contract = real_path(path.parent / file.contract) if file.contract is not None else None
    return Project(path, contract, file.relayer_cmd, names, source)


def _hash(given: str) -> str:
    """A role's hash: given as such, or the hash of its name as OpenZeppelin and snekmate make it."""
    return given.lower() if _HASH.fullmatch(given) else "0x" + keccak(text=given).hex()
