"""Version pragmas: a release is chosen only if it would take the pragma. The tables were tried with the compilers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.deploy.vyper.pragma import choose_version, code_only, find_pragmas
from lab.errors import CompileFailure

INSTALLED = "0.4.3"
PATH = Path("a.vy")


def chosen(text: str) -> str:
    """The release for a source."""
    return choose_version(PATH, text, INSTALLED)


@pytest.mark.parametrize(
    ("pragma", "version"),
    [
        # Where the pragma stands, and its spaces.
        ("# @version 0.3.10", "0.3.10"),
        ("#@version 0.3.10", "0.3.10"),
        ("#\t@version\t0.3.10  ", "0.3.10"),
        ("    # @version 0.3.10", "0.3.10"),
        ("#pragma version 0.4.1", "0.4.1"),
        ("#  pragma  version  0.4.1", "0.4.1"),
        ("x: uint256  # @version 0.3.7", "0.3.7"),
        ("# @version 0.3.7\r", "0.3.7"),
        # npm's ranges, up to 0.3.9.
        ("# @version v0.3.8", "0.3.8"),
        ("# @version =0.3.8", "0.3.8"),
        ("# @version 0.3.7 || 0.3.9", "0.3.9"),
        ("# @version ^0.2.0 || ^0.3.0", "0.3.9"),
        ("# @version 0.3.1 - 0.3.4", "0.3.4"),
        ("# @version 0.3.x", "0.3.9"),
        ("# @version 0.3.X", "0.3.9"),
        ("# @version 0.2", "0.2.16"),
        ("# @version *", "0.3.9"),
        ("# @version ~0.3.7", "0.3.9"),
        ("# @version >=0.3.7 <0.3.10", "0.3.9"),
        ("# @version >=0.2.0b5 <0.3.0", "0.2.16"),
        ("# @version 0.2.16", "0.2.16"),
        # PEP 440, from 0.3.10 on.
        ("# @version ^0.3.7", "0.3.10"),
        ("# @version ~=0.3.7", "0.3.10"),
        ("# @version 0.3.*", "0.3.10"),
        ("# @version >= 0.3.7, <0.4.0", "0.3.10"),
        ("# pragma version ~=0.4.0", "0.4.3"),
        ("# pragma version ^0.4", "0.4.3"),
        ("# pragma version 0.4.*", "0.4.3"),
        ("# pragma version ==0.4.2", "0.4.2"),
        ("# pragma version >=0.4.0,!=0.4.3,<0.5", "0.4.2"),
        ("# @version >0.3.9", "0.4.3"),
        ("# @version <0.3.7", "0.3.6"),
        # A pragma of the newer form in a source for an older release, which takes it for a comment.
        ("# pragma version 0.3.7", "0.3.7"),
        ("# pragma version >=0.3.1,<0.3.8", "0.3.7"),
        # Releases that the lab does not know, where exactly they are asked for.
        ("# pragma version 0.4.1rc1", "0.4.1rc1"),
        ("# pragma version ==0.4.1b2", "0.4.1b2"),
        ("# pragma version 0.5.0", "0.5.0"),
        # Others, and none.
        ("#pragma optimize gas\n#pragma version 0.4.1\n#pragma evm-version paris", "0.4.1"),
        ("#pragma optimize gas\n#pragma experimental-codegen", "0.4.3"),
        ("# @version 0.3.7\n# @version ^0.3.1", "0.3.7"),
        ("# the version of this contract is 3", "0.4.3"),
        ("# see the @version above", "0.4.3"),
        ("", "0.4.3"),
    ],
)
def test_the_newest_release_that_takes_it(pragma: str, version: str) -> None:
    """The installed one first; pre-releases only where they are named."""
    assert chosen(f"# a comment\n{pragma}\nx: uint256\n") == version


@pytest.mark.parametrize(
    "quoted",
    [
        '"""\n# @version 0.3.1\n"""',
        "'''\n\"\"\" # pragma version 0.3.1\n'''",
        '"""a \\""" # @version 0.3.1\n"""',
        "NAME: constant(String[30]) = '# @version 0.3.1'",
        'NAME: constant(String[30]) = "it\'s # @version 0.3.1"',
        'NAME: constant(String[30]) = "\\" # @version 0.3.1"',
    ],
)
def test_a_pragma_is_a_comment(quoted: str) -> None:
    """Neither part of a docstring nor of a string; the one after it counts."""
    assert chosen(f"{quoted}\n") == INSTALLED
    assert chosen(f"{quoted}\n# @version 0.3.3\n") == "0.3.3"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("banana", "malformed"),
        ("^", "malformed"),
        ("=>0.4", "malformed"),
        ("", "A version has to follow"),
        ("^0.5.0", "is not one that a Vyper release takes"),
        (">0.4.3", "is not one that a Vyper release takes"),
        ("==0.3.7", "`0.3.7` and nothing else on the line would be taken by vyper 0.3.7"),
        (">= 0.3.7, <= 0.3.8", "`>=0.3.7 <=0.3.8` and nothing else on the line would be taken by vyper 0.3.8"),
        (">=0.3.10 <0.5.0", "`>=0.3.10,<0.5.0` and nothing else on the line would be taken by vyper 0.4.3"),
        ("0.4.x", "`0.4.*` and nothing else on the line would be taken by vyper 0.4.3"),
        ("~0.4.0", "`~=0.4.0` and nothing else"),
        ('"0.4.3"', "`0.4.3` and nothing else"),
        ("^0.4.0  # any of the series", "`^0.4.0` and nothing else"),
        ("0.4.1b2+commit.4ce5a8b1", "`0.4.1b2` and nothing else on the line would be taken by vyper 0.4.1b2"),
    ],
)
def test_what_no_release_takes_is_quoted_with_the_way_out(spec: str, words: str) -> None:
    """Place, the pragma as it stands, which forms are read, and the form that would be."""
    with pytest.raises(CompileFailure) as caught:
        chosen(f"\n  # @version {spec}\n")
    told = str(caught.value)
    assert told.startswith("a.vy:2:3: the version pragma ")
    assert f"# @version {spec}".strip() in told
    assert words in told
    assert "npm" in told
    assert "PEP 440" in told
    assert "artifact" in told


def test_two_that_no_release_takes_together() -> None:
    """From 0.3.10 on a compiler takes one at most."""
    with pytest.raises(CompileFailure, match=r"got 2 \(line 1: # @version 0\.4\.0, line 3: #pragma version 0\.4\.0\)"):
        chosen("# @version 0.4.0\n\n#pragma version 0.4.0\n")


def test_places_count_from_one() -> None:
    """Of the comment, not of its line."""
    (found,) = find_pragmas('"""\nx\n"""\n  a: uint8  # pragma version 0.4.0\n')
    assert (found.line, found.column, found.spec) == (4, 13, "0.4.0")


def test_code_alone_keeps_its_lines() -> None:
    """What is quoted is no import."""
    text = '"""\nimport a\n"""\nimport b  # import c\n'
    assert code_only(text).split() == ["import", "b"]
    assert code_only(text).count("\n") == text.count("\n")
