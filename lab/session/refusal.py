"""What of a contract no run could cope with, said at its place in `lab.yaml` before anything runs."""

from __future__ import annotations

from lab.deploy.as_mapped import Misfit
from lab.deploy.interface import Interface
from lab.deploy.placement import SetUpFailure
from lab.deploy.smoke import Smoke
from lab.errors import InvalidFile
from lab.session.project_file import ALIASES
from lab.session.under_test import SystemUnderTest
from lab.yaml_reader import Route

ELSEWHERE = "Map it onto what fits, or leave it out; where the map is right, the contract is wrong"
NEEDS = {
    "ether": "it asks for ether with the call, and the lab sends none: let a set_up call switch its fee off",
    "tokens": "it moves tokens, and the lab has none: let set_up calls give them, or test it without",
}


def misfits(system: SystemUnderTest, smoke: Smoke, interface: Interface) -> list[str]:
    """What `lab.yaml` maps onto something else, each at its place, before anything runs."""
    project = system.project
    if project is None:
        return []
    # An event with fewer fields than documented is no fault of the map.
    different = (
        Misfit("functions", item.name, item.detail)
        for item in interface.items
        if item.kind == "function" and item.status == "different"
    )
    tried, lines = {(misfit.section, misfit.name): misfit for misfit in smoke.misfits}, []
    for misfit in [*smoke.misfits, *(one for one in different if (one.section, one.name) not in tried)]:
        written = project.source.value.get(misfit.section) or {}
        names = (misfit.name, *(short for short, name in ALIASES.items() if name == misfit.name))
        given = next((name for name in names if name in written), None)
        if given is not None:
            text = f"{misfit.text}{' ' if misfit.text.endswith('?') else '. '}{ELSEWHERE}"
            lines.append(f"map: {project.source.problem((misfit.section, given), text)}")
    return lines


def refuse(system: SystemUnderTest, smoke: Smoke) -> None:
    """Raises InvalidFile where the project's contract needs what the lab does not have to give."""
    failure, project = smoke.failure, system.project
    if failure is None or failure.needs is None or project is None or not system.is_projects_contract:
        return
    names = (failure.operation, *(short for short, name in ALIASES.items() if name == failure.operation))
    given = next((name for name in names if name in project.source.value.get("functions", {})), None)
    route: Route = ("functions", given) if given is not None else ("contract",)
    raise InvalidFile([project.source.problem(route, f"{failure}; {NEEDS[failure.needs]}")])


def set_up_problem(system: SystemUnderTest, failure: SetUpFailure) -> SetUpFailure | InvalidFile:
    """The failure at its call's place in the file."""
    project = system.project
    places = [place for place, call in enumerate(system.names.set_up) if call.at == failure.at]
    if project is None or not places:
        return failure
    return InvalidFile([project.source.problem(("set_up", places[0]), str(failure))])
