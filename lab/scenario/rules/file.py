"""Lint rules for everything but the timeline: networks, flows and their dependencies, checks."""

from __future__ import annotations

import re

from lab.errors import InvalidFile, UsageError
from lab.model.step import NAME_PATTERN
from lab.model.units import format_duration
from lab.networks import load_network
from lab.scenario.declared import Notebook, full_name
from lab.validation import suggestion
from lab.yamlsource import Route


def networks_exist(book: Notebook) -> None:
    """Every profile can be loaded; problems inside a user's profile are reported where they are."""
    for chain, use in book.file.networks.items():
        try:
            load_network(use.profile or chain, base=book.source.file.parent)
        except InvalidFile as error:
            book.problems.extend(error.problems)
        except UsageError as error:
            if use.profile is None:
                book.report(("networks", chain), str(error), at_key=True)
            else:
                book.report(("networks", chain, "profile"), str(error))


def legs_are_placed(book: Notebook) -> None:
    """Chains and targets are declared, parents exist, timestamps lie within the run."""
    for flow, legs in book.file.flows.items():
        if not legs and not book.flows[flow]:
            book.report(("flows", flow), f"the flow '{flow}' has no legs: add one or remove it", at_key=True)
        for name, leg in legs.items():
            path = ("flows", flow, name)
            book.expect_chain((*path, "chain"), leg.chain)
            if leg.target is not None:
                book.expect_chain((*path, "target"), leg.target)
            parent = full_name(flow, leg)
            if parent is not None:
                book.expect_leg((*path, "after"), parent)
            if leg.tx_id is not None:
                _shared_id(book, (*path, "tx_id"), f"{flow}.{name}", leg.tx_id)
            if leg.at_ms > book.file.timeout_ms:
                limit = format_duration(book.file.timeout_ms)
                book.report((*path, "at"), f"expected a timestamp within the timeout of {limit}: raise timeout")


def _shared_id(book: Notebook, path: Route, here: str, shared: str) -> None:
    """An id is shared with a leg that has its own, on another chain: a contract takes each id once."""
    book.expect_leg(path, shared)
    flows = book.file.flows
    uses = {f"{flow}.{name}": leg for flow, legs in flows.items() for name, leg in legs.items()}
    other = uses.get(shared)
    if other is None:
        return
    if other.tx_id is not None:
        book.report(path, f"'{shared}' shares its id itself: name the leg that the id belongs to, {other.tx_id}")
    elif any(
        leg.chain == uses[here].chain for name, leg in uses.items() if name != here and shared in (name, leg.tx_id)
    ):
        book.report(path, f"the id of '{shared}' is already used on {uses[here].chain}: a contract takes each id once")


def dependencies_end(book: Notebook) -> None:
    """No leg waits for itself, directly or around a cycle; each cycle is named once."""
    parents = {
        f"{flow}.{name}": full_name(flow, leg) for flow, legs in book.file.flows.items() for name, leg in legs.items()
    }
    done: set[str] = set()
    for start in parents:
        trail: list[str] = []
        here: str | None = start
        while here is not None and here in parents and here not in done and here not in trail:
            trail.append(here)
            here = parents[here]
        done.update(trail)
        if here in trail and here is not None:
            cycle = trail[trail.index(here) :]
            first = min(cycle, key=list(parents).index)
            turned = cycle[cycle.index(first) :] + cycle[: cycle.index(first)]
            flow, leg = first.split(".")
            text = " after ".join([*turned, first])
            book.report(
                ("flows", flow, leg, "after"), f"the dependencies form a cycle: {text}; none of them can become READY"
            )


def checks_exist(book: Notebook) -> None:
    """Names of checks are known (where the caller knows them), and none is both added and removed."""
    seen: set[str] = set()
    for index, entry in enumerate(book.file.checks):
        path = ("checks", index)
        name = entry.removeprefix("-")
        if not re.fullmatch(NAME_PATTERN, name) or entry == "-default":
            book.report(path, f"expected default, NAME or -NAME, got '{entry}'")
        elif name in seen:
            book.report(path, f"the check '{name}' is already in the list: remove one")
        elif name != "default" and book.known_checks is not None and name not in book.known_checks:
            book.report(path, f"no check is called '{name}'{suggestion(name, {'default', *book.known_checks})}")
        elif entry.startswith("-") and "default" not in book.file.checks:
            book.report(path, f"'{entry}' removes nothing: the list does not begin with default")
        seen.add(name)
