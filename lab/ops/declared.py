"""What a contract shall be: from the deployment file, from `operations.yaml`, or from the roles of a lab's session."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from lab.coordinator.accounts import operators_of
from lab.errors import InvalidFile
from lab.live.declaration.deployment_file import Deployment, Operators, Settings
from lab.live.declaration.owner import HasOwner, Owner, SafeOwner, address_of_owner, safe_of_owner
from lab.model.frozen import Frozen
from lab.model.session import Session
from lab.yamlsource import load_yaml, validate


class Declared(Frozen):
    """One chain. Addresses in lower case; `safe`: the owner is a Safe; `window_s` None: nothing is declared of it."""

    owner: str
    operators: tuple[str, ...] = Field(min_length=1)
    safe: SafeOwner | None = None
    window_s: int | None = None


class DeclaredNetwork(HasOwner):
    """Where a chain differs from the rest of the file."""

    owner: Owner | None = None
    operators: Operators | None = None


class DeclarationFile(HasOwner):
    """`operations.yaml`: what the contracts of a session shall be, with the keys of a deployment file."""

    version: Literal[1]
    owner: Owner
    operators: Operators
    settings: Settings | None = None
    networks: dict[str, DeclaredNetwork] = Field(default_factory=dict)


def declared_by_deployment(deployment: Deployment) -> dict[str, Declared]:
    """By the name of the network."""
    window_s = deployment.file.settings.coordination_window
    return {
        target.name: Declared(owner=target.owner, operators=target.operators, safe=target.safe, window_s=window_s)
        for target in deployment.targets
    }


def declared_by_file(path: Path, chains: Iterable[str]) -> dict[str, Declared]:
    """By the name of the chain. Raises InvalidFile, also for chains that are not there."""
    source = load_yaml(path)
    file, names = validate(source, DeclarationFile), list(chains)
    expected = f"expected one of {', '.join(names)}"
    unknown = [source.problem(("networks", name), expected, at_key=True) for name in file.networks if name not in names]
    if unknown:
        raise InvalidFile(unknown)
    window_s = file.settings.coordination_window if file.settings is not None else None
    return {
        name: Declared(
            owner=address_of_owner(own.owner or file.owner),
            operators=own.operators or file.operators,
            safe=safe_of_owner(own.owner or file.owner),
            window_s=window_s,
        )
        for name in names
        for own in [file.networks.get(name, DeclaredNetwork())]
    }


def declared_by_session(session: Session) -> dict[str, Declared]:
    """The roles that `lab up` gives: the owner, and the operators that set-up left."""
    owner = session.accounts["owner"].lower()
    return {name: Declared(owner=owner, operators=tuple(operators_of(session, name))) for name in session.chains}
