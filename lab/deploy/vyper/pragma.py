"""Version pragmas: where a Vyper source has one, and which compiler releases would take it.

A release is chosen only if it would take the pragma itself. Up to 0.3.9 Vyper reads `@version` as npm does, by the
library that is used here; from 0.3.10 on it reads `@version` and `pragma version` by PEP 440.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from semantic_version import NpmSpec  # type: ignore[import-untyped]  # it ships no types
from semantic_version import Version as NpmVersion

from lab.errors import CompileFailure

KNOWN_RELEASES = (
    *(f"0.2.{patch}" for patch in (1, 2, 3, 4, 5, 7, 8, 11, 12, 15, 16)),
    *(f"0.3.{patch}" for patch in (0, 1, 2, 3, 4, 6, 7, 8, 9, 10)),
    *(f"0.4.{patch}" for patch in range(4)),
)
FIRST_OF_PEP440 = (0, 3, 10)

# A string ends at its own quote, one that is not closed at the end of its line, or of the file if it is a long one.
_LEXEME = re.compile(
    r"""(?P<long>\"{3}|'{3})(?:\\.|(?!(?P=long)).)*(?:(?P=long)|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)
_VERSION_AT = re.compile(r"@version(?P<spec>.*)")
_PRAGMA = re.compile(r"pragma[ \t]+version(?=[ \t]|$)(?P<spec>.*)")
_EXACT = re.compile(r"(?:==?)?\s*v?(?P<version>\d[\w.]*)")
_FORMS = (
    "  Up to 0.3.9 Vyper reads npm's ranges (`0.3.7`, `^0.3.1`, `>=0.3.1 <0.3.8`, `0.3.7 || 0.3.9`, `0.3.x`),\n"
    "  from 0.3.10 on those of PEP 440 (`0.4.3`, `^0.4.0`, `~=0.4.0`, `>=0.3.10,<0.5`).\n"
    "  Known releases: " + f"{KNOWN_RELEASES[0]} to {KNOWN_RELEASES[-1]}"
    "; or compile the contract yourself and give its artifact (JSON with abi and bytecode)."
)


@dataclass(frozen=True, slots=True)
class Pragma:
    """A version pragma; line and column count from 1. A mention is an `@version` within a comment: 0.3.9 minds it."""

    line: int
    column: int
    text: str
    spec: str
    form: Literal["@version", "pragma version", "mention"]


def find_pragmas(text: str) -> list[Pragma]:
    """Every version pragma in the comments of a source; strings and docstrings are none."""
    pragmas = []
    for match in _LEXEME.finditer(text):
        comment = match.group("comment")
        if comment is None:
            continue
        inside = comment[1:].strip()
        form: Literal["@version", "pragma version", "mention"] = "@version"
        spec = _VERSION_AT.match(inside)
        if spec is None:
            spec, form = _PRAGMA.match(inside), "pragma version"
        if spec is None:
            spec, form = _VERSION_AT.search(inside), "mention"
        if spec is not None:
            start = match.start("comment")
            line = text.count("\n", 0, start) + 1
            column = start - text.rfind("\n", 0, start)
            pragmas.append(Pragma(line, column, comment.strip(), spec.group("spec").strip(), form))
    return pragmas


def code_only(text: str) -> str:
    """The source with every comment and string blanked; lines stay where they are."""
    return _LEXEME.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def choose_version(path: Path, text: str, installed: str, modules: Sequence[str] = ()) -> str:
    """The installed compiler where the pragmas admit it (or there are none), else the newest release that they admit.

    Those of imported modules count as far as a release fits all; where none does, the compiler will say of which.
    A release that the lab does not know (a pre-release, a newer one) is taken where the pragma names exactly it.
    Raises CompileFailure where no release would take the source.
    """
    pragmas = find_pragmas(text)
    fitting = [release for release in (installed, *reversed(KNOWN_RELEASES)) if admits(release, pragmas)]
    if fitting:
        others = [several for module in modules if (several := find_pragmas(module))]
        return next((version for version in fitting if all(admits(version, several) for several in others)), fitting[0])
    read = [pragma for pragma in pragmas if pragma.form != "mention"] or pragmas
    exact = {match.group("version") for pragma in read if (match := _EXACT.fullmatch(pragma.spec))}
    named = exact.pop() if len(exact) == 1 else ""
    if _is_version(named) and admits(named, pragmas):
        return named
    raise CompileFailure(_refusal(path, read))


def admits(release: str, pragmas: Sequence[Pragma]) -> bool:
    """Whether this release would take a source with these pragmas."""
    if Version(release).release >= FIRST_OF_PEP440:
        read = [pragma for pragma in pragmas if pragma.form != "mention"]
        # It takes one pragma at most.
        return len(read) <= 1 and all(_by_pep440(release, pragma.spec) for pragma in read)
    # These take `pragma version` for any other comment; who wrote it meant it all the same.
    return all(
        _by_npm(release, pragma.spec) or (pragma.form == "pragma version" and _by_pep440(release, pragma.spec))
        for pragma in pragmas
    )


def _by_pep440(release: str, spec: str) -> bool:
    spec = re.sub(r"^(?=[v0-9])", "==", spec)
    try:
        return bool(spec) and SpecifierSet(re.sub(r"^\^", "~=", spec)).contains(release, prereleases=True)
    except InvalidSpecifier:
        return False


def _by_npm(release: str, spec: str) -> bool:
    try:
        return bool(spec) and bool(NpmSpec(_dashed(spec)).match(NpmVersion(_dashed(release))))
    except ValueError:
        return False


def _dashed(version: str) -> str:
    """Write as npm does pre-releases: 0.3.10-rc.2 for 0.3.10rc2."""
    names = {"a": "alpha", "b": "beta", "rc": "rc"}
    return re.sub(r"(?<=\d)(a|b|rc)(?=\d)", lambda match: f"-{names[match.group()]}.", version)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _refusal(path: Path, pragmas: Sequence[Pragma]) -> str:
    first = pragmas[0]
    where = f"{path}:{first.line}:{first.column}"
    if len(pragmas) > 1:
        others = ", ".join(f"line {pragma.line}: {pragma.text}" for pragma in pragmas)
        return f"{where}: expected one version pragma that a compiler takes, got {len(pragmas)} ({others})\n{_FORMS}"
    hint = _meant(first)
    problem = "is not one that a Vyper release takes" if _readable(first.spec) else "is malformed"
    return f"{where}: the version pragma {problem}: {first.text}\n{f'  {hint}{chr(10)}' if hint else ''}{_FORMS}"


def _readable(spec: str) -> bool:
    try:
        NpmSpec(_dashed(spec))
    except ValueError:
        try:
            SpecifierSet(re.sub(r"^\^", "~=", re.sub(r"^(?=[v0-9])", "==", spec)))
        except InvalidSpecifier:
            return False
    return bool(spec)


def _meant(pragma: Pragma) -> str:
    """What the author had in mind, where only the form is not the one that the release reads."""
    if not pragma.spec:
        return "A version has to follow, as in `# pragma version 0.4.3`."
    bare = re.split(r"\s#|\+", pragma.spec.strip("\"'"))[0].strip("\"' ")
    tight = re.sub(r"([<>=~^!]+)\s+", r"\1", bare)
    npm = re.sub(r"\s*,\s*", " ", tight).replace("==", "")
    pep440 = re.sub(r"(?<![<>=~!])(=|~)(?=[\dv])", r"\1=", re.sub(r"\s+(?=[<>=~!^])", ",", tight))
    exact = [bare] if _is_version(bare) else []
    for form in (bare, npm, pep440, pep440.replace("x", "*")):
        for release in (*reversed(KNOWN_RELEASES), *exact):
            if admits(release, [replace(pragma, spec=form)]):
                return f"`{form}` and nothing else on the line would be taken by vyper {release}."
    return ""
