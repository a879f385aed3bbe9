"""Measurements that settle rows: `rows.json` of load runs and of a mutation run, and what criteria derive from runs.

Another part of the lab writes the files, and people may edit them, so nothing about them is taken for granted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.evidence.folder import sha256_file
from lab.html.text import clean
from lab.report.records.row_verdict import RowVerdict

FILE, MANIFEST = "rows.json", "manifest.json"
MUTATION = "mutation"
MAX_BYTES = 4 << 20
_WORDS = {
    "PASS": RowVerdict.PASS, "LAB PASS": RowVerdict.PASS, "MET": RowVerdict.PASS, "FAIL": RowVerdict.FAIL,
    "NOT MET": RowVerdict.FAIL, "UNKNOWN": RowVerdict.UNKNOWN, "UNDECIDED": RowVerdict.UNKNOWN,
    "INVALID": RowVerdict.UNKNOWN, "INFEASIBLE": RowVerdict.INFEASIBLE, "NOT RUN": RowVerdict.NOT_RUN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured statement about a row. `folder` and `evidence` are relative to the results folder.

    `inconclusive`: the measurement itself says that it could not tell, which is nothing against one that could.
    """

    row: str
    verdict: RowVerdict
    reason: str
    figure: str = ""
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    failures: int | None = None
    assumptions: tuple[str, ...] = ()
    folder: str = ""
    item: str = ""
    evidence: tuple[str, ...] = ()
    commit: str | None = None
    dirty: bool | None = None
    contract_sha256: str | None = None
    started: str | None = None
    inconclusive: bool = False


def read_figures(results: Path, now: datetime) -> tuple[list[Figure], list[str]]:
    """All figures of the newest load run of each profile and of the mutation run, and what could not be read."""
    figures: list[Figure] = []
    notes: list[str] = []
    mutation = [results / MUTATION] if (results / MUTATION / FILE).is_file() else []
    for folder in [*newest_loads(results / "load"), *mutation]:
        name = folder.relative_to(results).as_posix()
        try:
            found = _of_folder(folder, name, now)
        except (OSError, ValueError, RecursionError) as error:
            notes.append(f"{clean(name, 120)}/{FILE} cannot be read: {clean(str(error), 160)}; measure again")
            continue
        figures += found
    return figures, notes


def newest_loads(load: Path) -> list[Path]:
    """One folder for each profile: the last by name. `latest` and its like are links, and seen already."""
    newest: dict[str, Path] = {}
    for path in sorted(load.glob(f"*/{FILE}")) if load.is_dir() else ():
        if not path.parent.is_symlink():
            newest[_profile(path.parent)] = path.parent
    return sorted(newest.values())


def _profile(folder: Path) -> str:
    try:
        value = _object(folder / FILE).get("profile") or _object(folder / MANIFEST).get("profile")
    except (OSError, ValueError, RecursionError):
        value = None
    return str(value.get("name") if isinstance(value, dict) else value) if value else folder.name


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
    value = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(value, list):
        return {"rows": value}
    if not isinstance(value, dict):
        raise ValueError(f"expected an object or a list, got {type(value).__name__}")
    return value


def _of_folder(folder: Path, name: str, now: datetime) -> list[Figure]:
    content, manifest = _object(folder / FILE), _object(folder / MANIFEST)
    facts = {**content, **manifest}
    lab, contract = _mapping(facts.get("lab")), _mapping(facts.get("contract"))
    doubt = _doubt(folder, manifest, facts, now)
    entries = content.get("rows")
    if isinstance(entries, dict):
        entries = [{"row": key, **_mapping(value)} for key, value in entries.items()]
    if not isinstance(entries, list):
        raise ValueError("expected a list under 'rows'")
    return [
        _figure(
            _mapping(entry),
            folder=clean(name, 200),
            item=clean(str(facts.get("item") or _profile(folder)), 120),
            doubt=doubt,
            commit=_text(lab.get("commit")) or _text(facts.get("commit")),
            dirty=lab.get("dirty") if isinstance(lab.get("dirty"), bool) else None,
            contract=_text(contract.get("bytecode_sha256")) or _text(facts.get("contract_sha256")),
            started=_text(facts.get("started")),
        )
        for entry in entries
    ]


def _doubt(folder: Path, manifest: dict[str, Any], facts: dict[str, Any], now: datetime) -> str:
    """Why nothing in the folder can be trusted; empty where it can."""
    for file, recorded in _mapping(manifest.get("digests")).items():
        path = folder / str(file)
        if not path.is_file():
            return f"{clean(str(file), 80)} is missing"
        if sha256_file(path) != recorded:
            return f"{clean(str(file), 80)} was changed after the run"
    try:
        moment = datetime.fromisoformat(str(facts["started"])) if facts.get("started") else None
    except ValueError:
        return "its start is no time"
    if moment is not None and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) > now.astimezone(UTC):
        return "it claims to have started in the future: check the clock"
    return ""


def _figure(
    entry: dict[str, Any], *, folder: str, item: str, doubt: str, commit: str | None, dirty: bool | None,
    contract: str | None, started: str | None,
) -> Figure:  # fmt: skip
    word = str(entry.get("verdict", "")).upper().replace("_", " ").replace("-", " ")
    verdict = _WORDS.get(word)
    number = _number(entry.get("figure"))
    shown = f"{number:,.4g}" if number is not None else clean(str(entry.get("figure") or ""), 200)
    low, high = _pair(entry.get("interval"))
    reason = clean(str(entry.get("reason") or f"{shown} {clean(str(entry.get('unit') or ''), 40)}".strip()), 400)
    if verdict is None:
        verdict, reason = RowVerdict.UNKNOWN, f"expected a verdict, got '{clean(word, 40)}'"
    elif not shown and verdict is RowVerdict.PASS:
        verdict, reason = RowVerdict.UNKNOWN, "it claims PASS without a figure"
    if doubt:
        verdict, reason = RowVerdict.UNKNOWN, doubt
    files = _texts(entry.get("evidence")) or [FILE]
    return Figure(
        row=clean(str(entry.get("row") or entry.get("id") or ""), 20),
        verdict=verdict,
        reason=reason,
        figure=shown,
        unit=clean(str(entry.get("unit") or ""), 40),
        value=number,
        low=low,
        high=high,
        n=_count(entry.get("n")),
        failures=_count(entry.get("failures")),
        assumptions=tuple(clean(text, 300) for text in _texts(entry.get("assumptions")))[:12],
        folder=folder,
        item=item,
        evidence=tuple(f"{folder}/{clean(name, 120)}" for name in files if ".." not in Path(name).parts)[:8],
        commit=clean(commit, 80) if commit else None,
        dirty=dirty,
        contract_sha256=clean(contract, 80) if contract else None,
        started=clean(started, 40) if started else None,
        inconclusive=verdict is RowVerdict.UNKNOWN and _WORDS.get(word) is RowVerdict.UNKNOWN and not doubt,
    )


def _pair(value: object) -> tuple[float | None, float | None]:
    return (_number(value[0]), _number(value[1])) if isinstance(value, list) and len(value) == 2 else (None, None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _texts(value: object) -> list[str]:
    if isinstance(value, str) and value:
        return [value]
    return [part for part in value if isinstance(part, str) and part] if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
