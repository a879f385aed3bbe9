"""The user's project file, `lab.yaml`: which contract, which relayer, and what the contract calls things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from lab.coordinator.values import state_number
from lab.deploy.compiled import CompiledContract
from lab.errors import InvalidFile
from lab.model.contract.names import ContractNames, ProxyForm, SecondRole, SetUpCall, Slot, Truth
from lab.paths import real_path
from lab.session.project_check import Fit
from lab.session.project_file import (
    ALIASES,
    CallForm,
    Constant,
    EventForm,
    FunctionForm,
    ProjectFile,
    RoleCall,
    RoleForm,
)
from lab.session.relayer.command import RelayerCommand, parse_command
from lab.session.relayer.declared import DeclaredRelayer
from lab.yamlsource import Source, in_order, load_yaml, validate

PROJECT_FILE = "lab.yaml"
_HASH = re.compile("0x[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Project:
    """The file with its choices made: paths are absolute, names are documented ones, roles are hashes."""

    path: Path
    contract: Path | None
    relayer_cmd: str | None
    names: ContractNames
    source: Source = field(repr=False, compare=False)
    declared: DeclaredRelayer = field(default_factory=DeclaredRelayer)

    @property
    def relayer(self) -> RelayerCommand | None:
        """The relayer under test, which runs in the file's folder. Raises UsageError."""
        if self.relayer_cmd is None:
            return None
        command = parse_command(self.relayer_cmd, self.path.parent.absolute(), source=f"{self.path}: relayer_cmd")
        return replace(command, declared=self.declared)

    @property
    def choices(self) -> tuple[object, ...]:
        """What the file decides: two files that say the same are one project."""
        relayer = (self.relayer_cmd, real_path(self.path.parent)) if self.relayer_cmd is not None else None
        return self.contract, relayer, self.names, self.declared

    def check(self, abi: list[dict[str, Any]], proxy: CompiledContract | None = None) -> None:
        """Raises InvalidFile where the file does not fit the contract, or the proxy before it."""
        problems = Fit(self.source, abi, self.names, proxy).check()
        if problems:
            raise InvalidFile(in_order(problems))


def read_project(path: Path) -> Project:
    """Raises InvalidFile with every problem that could be found."""
    source = load_yaml(path)
    file = validate(source, ProjectFile)
    contract = real_path(path.parent / file.contract) if file.contract is not None else None
    names = _names(file, source).model_copy(update={"proxy": _proxy(file, path.parent)})
    return Project(path, contract, file.relayer_cmd, names, source, file.relayer)


def _proxy(file: ProjectFile, folder: Path) -> ProxyForm | None:
    if file.proxy is None:
        return None
    given = file.proxy.contract
    arguments = tuple(
        argument.model_dump() if isinstance(argument, CallForm) else argument for argument in file.proxy.constructor
    )
    return ProxyForm(contract=str(real_path(folder / given)) if given is not None else None, constructor=arguments)


def _names(file: ProjectFile, source: Source) -> ContractNames:
    functions = {ALIASES.get(name, name): form for name, form in file.functions.items()}
    forms = {name: form for name, form in functions.items() if isinstance(form, FunctionForm)}
    events = {name: form for name, form in file.events.items() if isinstance(form, EventForm)}
    return ContractNames(
        functions=_renamed(functions),
        events=_renamed(file.events),
        roles={role: _hash(given) for role, given in file.roles.items() if isinstance(given, str)},
        arguments={
            name: tuple(map(_slot, form.arguments)) for name, form in forms.items() if form.arguments is not None
        },
        returns={name: form.returns for name, form in forms.items() if form.returns is not None},
        event_where={
            name: {key: tuple(value) if isinstance(value, list) else (value,) for key, value in form.where.items()}
            for name, form in events.items()
            if form.where
        },
        truths={
            name: Truth(values=form.true_for or (), bits=form.true_bits)
            for name, form in forms.items()
            if form.true_for is not None or form.true_bits is not None
        }
        | {f"has_{name}": truth for name, form in file.roles.items() if (truth := _held(form)) is not None},
        event_arguments={name: form.arguments for name, form in events.items() if form.arguments},
        second_roles={name: _second(form) for name, form in file.roles.items() if isinstance(form, RoleForm)},
        reverts=file.reverts,
        states={name: state_number(value) for name, value in file.states.items()},
        defaults=file.defaults,
        limits=file.limits,
        constructor=file.constructor,
        set_up=tuple(
            SetUpCall(
                function=ALIASES.get(call.call, call.call),
                args=call.args,
                role=call.as_role,
                at=_at(source, place),
                first=call.first,
            )
            for place, call in enumerate(file.set_up)
        ),
        capabilities=file.capabilities,
    )


def _renamed(forms: Mapping[str, Any]) -> dict[str, str]:
    own = {name: form if isinstance(form, str) else form.name for name, form in forms.items()}
    return {name: given for name, given in own.items() if given is not None}


def _slot(given: str | Constant) -> Slot:
    if isinstance(given, str):
        return Slot(parameter=given)
    return Slot(value=given.value) if given.bits is None else Slot(value=given.bits, bits=True)


def _held(form: str | RoleForm) -> Truth | None:
    """How a getter of an account's roles, as one number, says that it has this one."""
    role = form.role if isinstance(form, RoleForm) else None
    if isinstance(role, Constant):
        return Truth(bits=role.bits)
    return Truth(values=(role,)) if isinstance(role, int) else None


def _second(form: RoleForm) -> SecondRole:
    functions = tuple(ALIASES.get(name, name) for name in form.functions)
    role = form.role
    calls = {verb: call for verb in ("grant", "revoke", "has") if (call := getattr(form, verb)) is not None}
    own = {verb: call if isinstance(call, str) else call.name for verb, call in calls.items()}
    return SecondRole(
        hash=_hash(role) if isinstance(role, str) else None,
        number=role.bits if isinstance(role, Constant) else role if isinstance(role, int) else None,
        bits=isinstance(role, Constant),
        **own,
        arguments={
            verb: tuple(map(_slot, call.arguments)) for verb, call in calls.items() if isinstance(call, RoleCall)
        },
        functions=functions,
    )


def _at(source: Source, place: int) -> str:
    line, column = source.position(("set_up", place))
    return f"{source.file.name}:{line}:{column}"


def _hash(given: str) -> str:
    """A role's hash: given as such, or the hash of its name as OpenZeppelin and snekmate make it."""
    return given.lower() if _HASH.fullmatch(given) else "0x" + keccak(text=given).hex()
