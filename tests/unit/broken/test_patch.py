"""Unified diffs are applied exactly, or refused with the place and both texts."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.broken.patch import apply_hunks, parse_hunks, split_lines
from lab.errors import InvalidFile

BASE = "one\ntwo\nthree\nfour\nfive\n"
PATCH = "@@ -2,3 +2,3 @@\n two\n-three\n+3\n four\n"
TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", " \n", "-\n", "+ @@\n", "x\r\n", "\x0cy\n"]), max_size=12)


def applied(patch: str, base: str = BASE) -> str:
    """The base with the patch applied."""
    return apply_hunks("bug.patch", parse_hunks("bug.patch", split_lines(patch), 0), "base.vy", base)


def refusal(patch: str, base: str = BASE) -> str:
    """What is said of a patch that cannot be applied."""
    with pytest.raises(InvalidFile) as refused:
        applied(patch, base)
    return str(refused.value)


def test_a_hunk_replaces_what_stands_where_it_says() -> None:
    """And nothing else."""
    assert applied(PATCH) == "one\ntwo\n3\nfour\nfive\n"


@given(TEXTS, TEXTS, st.integers(0, 3))
def test_the_difference_of_two_texts_makes_one_of_the_other(old: list[str], new: list[str], context: int) -> None:
    """Whatever lines they have, those that look like parts of a diff included."""
    lines = list(difflib.unified_diff(old, new, n=context))[2:]
    if lines:
        assert applied("".join(lines), "".join(old)) == "".join(new)


@pytest.mark.parametrize("seed", [" two\n", "-three\n", " four\n"])
def test_a_line_that_the_base_does_not_have_is_an_error(seed: str) -> None:
    """Its place in the patch, what was expected, where, what stands there, and what to do; whitespace counts."""
    changed = seed[0] + seed[1:].rstrip("\n") + " \n"
    patch = PATCH.replace(seed, changed)
    line = patch.splitlines(keepends=True).index(changed) + 1
    number = {" two\n": 2, "-three\n": 3, " four\n": 4}[seed]
    assert refusal(patch) == (
        f"bug.patch:{line}:1: expected {changed[1:]!r} in line {number} of base.vy, got {seed[1:]!r}; "
        "make the patch again with `diff -u`, or take the change of the base back"
    )


@pytest.mark.parametrize("moved", [lambda base: "zero\n" + base, lambda base: base.removeprefix("one\n")])
def test_a_base_that_moved_by_a_line_is_refused(moved: Callable[[str], str]) -> None:
    """Other tools look for the hunk nearby; here it might be another place that looks alike."""
    assert "bug.patch:2:1: expected 'two\\n' in line 2 of base.vy, got" in refusal(PATCH, moved(BASE))


def test_a_base_that_ends_too_early_is_told() -> None:
    """And where it ends."""
    assert "expected 'three\\n' in line 3 of base.vy, got the end of the file" in refusal(PATCH, "one\ntwo\n")


def test_every_hunk_that_does_not_fit_is_told_at_once() -> None:
    """One line each: the first that differs."""
    patch = "@@ -1,2 +1,1 @@\n-one\n-2\n+1\n@@ -4,2 +3,1 @@\n-4\n-5\n+45\n"
    assert [text.split(":")[1] for text in refusal(patch).splitlines()] == ["3", "6"]


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("", "bug.patch:1:1: expected a hunk header as `@@ -12,7 +12,6 @@`, got the end of the file"),
        ("@@ nonsense @@\n", "bug.patch:1:1: expected a hunk header as `@@ -12,7 +12,6 @@`, got '@@ nonsense @@'"),
        (
            "@@ -2,3 +2,3 @@\n two\n",
            ":3:1: expected 2 more lines of the base and 2 of the result in this hunk, got the",
        ),
        ("@@ -1,1 +1,1 @@\n one\n two\n", ":3:1: expected a hunk header as `@@ -12,7 +12,6 @@`, got ' two'"),
        ("@@ -1,1 +1,1 @@\n-one\n-two\n+1\n", ":3:1: expected 0 more lines of the base and 1 of the result"),
        (
            "@@ -1,1 +1,1 @@\n one\n--- other.vy\n",
            ":3:1: expected a hunk header as `@@ -12,7 +12,6 @@`, got '--- other",
        ),
        (
            "@@ -1,1 +1,1 @@\n?one\n",
            ":2:1: expected 1 more lines of the base and 1 of the result in this hunk, got '?one'",
        ),
        ("@@ -2,1 +3,1 @@\n-two\n+2\n", ":1:1: expected this hunk to begin at line 2 of the result, got 3"),
        ("@@ -9,0 +10,1 @@\n+ten\n", ":1:1: expected this hunk to begin at line 6 of the result, got 10"),
        ("@@ -3,1 +3,1 @@\n-three\n+3\n@@ -1,1 +1,1 @@\n-one\n+1\n", ":4:1: expected this hunk to begin at line 4"),
    ],
)
def test_a_malformed_patch_is_told_by_its_line(patch: str, words: str) -> None:
    """Headers, counts and order are checked, for a patch with a wrong count was cut or edited by hand."""
    assert words in refusal(patch)


def test_an_empty_context_line_may_have_lost_its_blank() -> None:
    """Editors strip it."""
    assert applied("@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n", "a\n\nb\n") == "a\n\nc\n"


def test_the_last_line_may_lack_its_end() -> None:
    """On either side, as diff says it."""
    nothing = "\\ No newline at end of file\n"
    assert applied(f"@@ -1,1 +1,1 @@\n-a\n{nothing}+a\n", "a") == "a\n"
    assert applied(f"@@ -1,1 +1,1 @@\n-a\n+b\n{nothing}", "a\n") == "b"
    assert "expected 'a\\n' in line 1 of base.vy, got 'a'" in refusal("@@ -1,1 +1,1 @@\n-a\n+b\n", "a")
