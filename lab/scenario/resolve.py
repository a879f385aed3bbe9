"""From a scenario file to the runs that it means: matrix multiplied, defaults filled in, names turned into values."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection
from pathlib import Path

from lab.environment import encoding_problem
from lab.errors import InvalidFile, Problem
from lab.model.checks import CheckSelection
from lab.model.run_names import text_of
from lab.networks import load_network
from lab.scenario.declared import full_name
from lab.scenario.item import ChainSpec, LegSpec, RelayerSpec, ScenarioItem, Step
from lab.scenario.lint import lint_file
from lab.scenario.matrix import Variant, variants
from lab.scenario.model import LegUse, ScenarioFile
from lab.scenario.salvage import salvage
from lab.scenario.steps import Acting, ExpectStep, UntilStep
from lab.yamlsource import Route, Source, in_order, load_yaml, parse_yaml


def load_scenario(path: Path, *, known_checks: Collection[str] | None = None) -> list[ScenarioItem]:
    """The runs of one file, in the order of its matrix. Raises InvalidFile with all problems of shape and of sense.

    Names of checks are only looked at if `known_checks` is given.
    """
    require_printable(path)
    return _load(load_yaml(path), path, known_checks)


def require_printable(path: Path) -> None:
    """Raises InvalidFile for a name that terminals, reports and manifests would have to write as another one."""
    message = encoding_problem(path.name)
    if message is None and not path.name.isprintable():
        message = "expected a file name of printable characters (no control or bidi characters): rename the file"
    if message is not None:
        raise InvalidFile([Problem(str(path), 1, 1, "", message)])


def parse_scenario(text: str, path: Path, *, known_checks: Collection[str] | None = None) -> list[ScenarioItem]:
    """The same from a text, such as a Python scenario holds; `path` names the file that it stands in."""
    return _load(parse_yaml(text.encode(), path), path, known_checks)


def _load(source: Source, path: Path, known_checks: Collection[str] | None) -> list[ScenarioItem]:
    problems: list[Problem] = []

    def report(route: Route, message: str, at_key: bool) -> None:
        problems.append(source.problem(route, message, at_key=at_key))

    items: list[tuple[Variant, ScenarioFile]] = []
    for variant in variants(source, report):
        model = salvage(variant.source, problems)
        if model is None:
            continue
        # What counts as declared is the file as written, the parts that were cut out of it included.
        written = dataclasses.replace(variant.source, value=source.value)
        problems += lint_file(written, model, known_checks)
        items.append((variant, model))
    if problems:
        raise InvalidFile(in_order(problems))
    return [_item(path, variant, model) for variant, model in items]


def tx_id_of(stem: str, seed: int, leg: str) -> str:
    """The transaction id of a leg: the same on every machine, another for every file, seed and leg."""
    return "0x" + hashlib.sha256(f"{stem}/{seed}/{leg}".encode()).hexdigest()


def _item(path: Path, variant: Variant, file: ScenarioFile) -> ScenarioItem:
    relayer = file.relayer
    chains: dict[str, ChainSpec] = {}
    for name, use in file.networks.items():
        profile = load_network(use.profile or name, base=path.parent)
        chains[name] = ChainSpec(name, profile, use.finality or profile.finality, use.endpoints)
    return ScenarioItem(
        file=path,
        item=text_of(path.stem) + variant.suffix(),
        name=file.name,
        description=file.description.strip(),
        rows=file.rows,
        chains=chains,
        clock=file.clock,
        seed=file.seed,
        timeout_ms=file.timeout_ms,
        window_s=file.window_ms // 1000,
        relayer=None if relayer is None else RelayerSpec(relayer.poll_ms, relayer.execution_order),
        legs=_legs(text_of(path.stem), file),
        steps=_steps(variant.source, file),
        checks=CheckSelection(
            default="default" in file.checks,
            added=tuple(name for name in file.checks if name != "default" and not name.startswith("-")),
            removed=tuple(name[1:] for name in file.checks if name.startswith("-")),
        ),
        matrix_values=variant.values,
        source=variant.source,
        model=file,
    )


def _legs(stem: str, file: ScenarioFile) -> tuple[LegSpec, ...]:
    """All legs, each below its parent, otherwise in the order of the file."""
    uses = {f"{flow}.{leg}": (flow, leg, use) for flow, legs in file.flows.items() for leg, use in legs.items()}
    parents = {name: full_name(flow, use) for name, (flow, _, use) in uses.items()}
    ordered: list[str] = []

    def place(name: str) -> None:
        trail: list[str] = []
        here: str | None = name
        while here is not None and here not in ordered:
            trail.append(here)
            here = parents[here]
        ordered.extend(reversed(trail))

    for name in uses:
        place(name)
    specs = []
    for name in ordered:
        flow, leg, use = uses[name]
        tx_id = tx_id_of(stem, file.seed, name)
        children = [other for child, (_, _, other) in uses.items() if parents[child] == name]
        target = use.target or _target(use, children, list(file.networks))
        payload = _payload(use.payload, tx_id)
        # An id that is shared stands for another payload on each chain.
        tx_id = tx_id_of(stem, file.seed, use.tx_id) if use.tx_id else tx_id
        specs.append(LegSpec(name, flow, leg, use.chain, target, tx_id, payload, parents[name], use.at_ms))
    return tuple(specs)


def _target(use: LegUse, children: list[LegUse], chains: list[str]) -> str | None:
    """The chain of the first child elsewhere, else the next network of the file, else none of them."""
    elsewhere = [child.chain for child in children if child.chain != use.chain]
    position = chains.index(use.chain)
    following = [chain for chain in chains[position + 1 :] + chains[:position]]
    return (elsewhere + following + [None])[0]


def _payload(payload: int | str, tx_id: str) -> bytes:
    if isinstance(payload, str):
        return bytes.fromhex(payload[2:])
    return hashlib.shake_256(f"{tx_id}/payload".encode()).digest(payload)


def _steps(source: Source, file: ScenarioFile) -> tuple[Step, ...]:
    steps = []
    for index, action in enumerate(file.timeline):
        line, column = source.position(("timeline", index))
        acting = action if isinstance(action, Acting) else None
        condition = action.until if isinstance(action, UntilStep) else None
        if isinstance(action, ExpectStep):
            condition = action.expect
        steps.append(
            Step(
                id=action.id or f"{action.kind}#{index + 1}",
                kind=action.kind,
                action=action,
                where=f"{source.file}:{line}:{column}",
                at_ms=action.at_ms,
                within_ms=getattr(action, "within_ms", None),
                hold_ms=getattr(action, "hold_ms", None),
                as_role=(acting.as_role or acting.default_role) if acting else None,
                expect=acting.expect if acting else None,
                condition=condition,
                because=action.because,
                needs=action.needs,
            )
        )
    return tuple(steps)
