"""An ABI made whole: what the ABI specification lets a tool leave out is filled in, what cannot be used is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED = ("function", "event", "error")


def whole_abi(abi: list[Any]) -> list[dict[str, Any]]:
    """The same entries with `type`, `inputs`, `outputs`, `stateMutability`, `anonymous`, `indexed` and names filled in.

    Raises ValueError that begins with the place, as in `abi[3].inputs[0]: expected a type, got keys name`.
    """
    return [_entry(f"abi[{index}]", entry) for index, entry in enumerate(abi)]


def _entry(place: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{place}: expected an object with a type, got {entry!r:.40}")
    kind = entry.get("type") or "function"
    filled: dict[str, Any] = {**entry, "type": kind}
    if kind in NAMED and not (isinstance(entry.get("name"), str) and entry["name"]):
        raise ValueError(f"{place}: expected a name for this {kind}, got keys {', '.join(map(str, entry)) or '(none)'}")
    if kind in (*NAMED, "constructor"):
        filled["inputs"] = _parameters(f"{place}.inputs", entry.get("inputs"), indexed=kind == "event")
    if kind == "function":
        filled["outputs"] = _parameters(f"{place}.outputs", entry.get("outputs"))
        filled["stateMutability"] = entry.get("stateMutability") or _mutability(entry)
    if kind == "event":
        filled["anonymous"] = bool(entry.get("anonymous"))
    return filled


def _mutability(entry: Mapping[str, Any]) -> str:
    """From the two flags that older compilers wrote in its place."""
    if entry.get("constant"):
        return "view"
    return "payable" if entry.get("payable") else "nonpayable"


def _parameters(place: str, given: Any, *, indexed: bool = False) -> list[dict[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise ValueError(f"{place}: expected a list, got {given!r:.40}")
    return [_parameter(f"{place}[{index}]", each, indexed) for index, each in enumerate(given)]


def _parameter(place: str, given: Any, indexed: bool) -> dict[str, Any]:
    kind = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(kind, str) or not kind:
        got = f"keys {', '.join(map(str, given)) or '(none)'}" if isinstance(given, Mapping) else f"{given!r:.40}"
        raise ValueError(f"{place}: expected a parameter with a type, got {got}")
    filled: dict[str, Any] = {**given, "name": given.get("name") or ""}
    if indexed:
        filled["indexed"] = bool(given.get("indexed"))
    if kind.startswith("tuple"):
        if not isinstance(given.get("components"), list):
            raise ValueError(f"{place}: expected the components of a tuple, got none")
        filled["components"] = _parameters(f"{place}.components", given["components"])
    return filled
