"""Network profiles: which are built in, and how a name or a user's file becomes one.

A file may say `extends: NAME` (or a path relative to itself) and then states only what differs; a figure that it
overrides needs its own entry in `sources`, because the inherited one speaks of another value.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

from lab.errors import InvalidFile, UsageError
from lab.model.step import checked_name
from lab.networks.profile import GROUPS, NetworkProfile
from lab.paths import expand_user, real_path
from lab.validation import suggestion
from lab.yamlsource import Source, load_yaml, validate

PROFILES = Path(__file__).parent / "profiles"

BUILT_IN: tuple[str, ...] = (
    "ethereum",
    "polygon",
    "arbitrum",
    "optimism",
    "base",
    "sepolia",
    "amoy",
    "arbitrum-sepolia",
    "optimism-sepolia",
    "base-sepolia",
)

ALIASES: dict[str, str] = {
    "mainnet": "ethereum",
    "eth": "ethereum",
    "ethereum-mainnet": "ethereum",
    "ethereum-sepolia": "sepolia",
    "matic": "polygon",
    "polygon-pos": "polygon",
    "polygon-mainnet": "polygon",
    "polygon-amoy": "amoy",
    "arbitrum-one": "arbitrum",
    "arbitrum-mainnet": "arbitrum",
    "arb-sepolia": "arbitrum-sepolia",
    "op": "optimism",
    "op-mainnet": "optimism",
    "optimism-mainnet": "optimism",
    "op-sepolia": "optimism-sepolia",
    "base-mainnet": "base",
}

# Networks that are gone, and what took their place.
RETIRED: dict[str, str] = {
    "mumbai": "amoy",
    "polygon-mumbai": "amoy",
    "ropsten": "sepolia",
    "rinkeby": "sepolia",
    "kovan": "sepolia",
    "goerli": "sepolia",
    "holesky": "sepolia",
    "arbitrum-rinkeby": "arbitrum-sepolia",
    "arbitrum-goerli": "arbitrum-sepolia",
    "optimism-kovan": "optimism-sepolia",
    "optimism-goerli": "optimism-sepolia",
    "op-goerli": "optimism-sepolia",
    "base-goerli": "base-sepolia",
}


def load_network(name_or_path: str, *, base: Path | None = None) -> NetworkProfile:
    """A built-in profile by name or alias, or a user's `.yaml` (relative to `base`, by default the working directory).

    Raises UsageError for a name that is unknown or retired, InvalidFile for a file with problems.
    """
    if _is_path(name_or_path):
        return _load_file((base or Path()) / expand_user(name_or_path), ())
    name = name_or_path.strip().lower().replace("_", "-").replace(" ", "-")
    if name in RETIRED:
        raise UsageError(f"the network '{name_or_path}' is retired: use {RETIRED[name]}, its successor")
    name = ALIASES.get(name, name)
    if name not in BUILT_IN:
        hint = suggestion(name, {*BUILT_IN, *ALIASES})
        raise UsageError(
            f"expected a network, got '{name_or_path}'{hint}: built in are {', '.join(BUILT_IN)}; "
            "your own profile is given as the path of its .yaml file"
        )
    return _built_in(name)


def split_named(text: str) -> tuple[str, str]:
    """`NAME=NETWORK` as the chain's name and its network, with "" for a name that is not given. Raises UsageError."""
    name, _, network = text.strip().rpartition("=")
    try:
        return checked_name(name) if name else "", network
    except ValueError as error:
        raise UsageError(f"{text.strip()}: {error}") from None


@cache
def _built_in(name: str) -> NetworkProfile:
    return _load_file(PROFILES / f"{name}.yaml", ())


def _is_path(text: str) -> bool:
    return text.endswith((".yaml", ".yml")) or "/" in text


def _load_file(path: Path, extended_by: tuple[Path, ...]) -> NetworkProfile:
    source = load_yaml(path)
    if isinstance(source.value, dict) and "extends" in source.value:
        source = _extended(source, (*extended_by, real_path(path)))
    return validate(source, NetworkProfile)


def _extended(source: Source, chain: tuple[Path, ...]) -> Source:
    """The same file with the values of the profile that it extends filled in; positions stay those of the file."""
    own = dict(source.value)
    parent_name = own.pop("extends")
    if not isinstance(parent_name, str):
        raise InvalidFile([source.problem(("extends",), "expected the name or the path of a profile")])
    try:
        parent = _parent(parent_name, source, chain)
    except InvalidFile:
        raise
    except UsageError as error:
        raise InvalidFile([source.problem(("extends",), str(error))]) from None
    inherited = parent.model_dump(mode="json")
    defaults = {"name": source.file.stem, "title": f"{parent.title}, changed by {source.file.name}"}
    return dataclasses.replace(source, value=_merge(inherited, defaults | own))


def _parent(name: str, source: Source, chain: tuple[Path, ...]) -> NetworkProfile:
    if not _is_path(name):
        return load_network(name)
    path = source.file.parent / expand_user(name)
    if real_path(path) in chain:
        raise UsageError("expected another profile, got one that extends this file itself: break the circle")
    return _load_file(path, chain)


def _merge(inherited: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """`own` wins; groups are merged key by key unless the kind changes; citations of overridden figures are dropped."""
    merged = inherited | own
    overridden = set(own)
    for group in (*GROUPS, "anvil"):
        before, now = inherited.get(group), own.get(group)
        if not isinstance(before, dict) or not isinstance(now, dict):
            overridden |= {f"{group}.{part}" for part in before or ()} if group in own else set()
        elif now.get("kind", before.get("kind")) != before.get("kind"):
            overridden |= {f"{group}.{part}" for part in before}
        else:
            merged[group] = before | now
            overridden |= {f"{group}.{part}" for part in now}
    cited = {path: entry for path, entry in inherited["sources"].items() if path not in overridden}
    own_sources = own.get("sources", {})
    merged["sources"] = cited | own_sources if isinstance(own_sources, dict) else own_sources
    return merged
