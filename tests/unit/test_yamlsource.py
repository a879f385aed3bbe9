"""The YAML reader: what it returns, where it says things stand, and everything it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from lab.errors import InvalidFile, printable
from lab.yaml_reader import MAX_DEPTH
from lab.yamlsource import load_yaml, parse_yaml, validate

FILE = Path("f.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cat(_Strict):
    kind: Literal["cat"]
    lives: int = 9


class Dog(_Strict):
    kind: Literal["dog"]
    tricks: tuple[str, ...] = ()


class Zoo(_Strict):
    name: str
    open: bool = True
    share: float = Field(default=0.5, gt=0, le=1)
    size: Literal["small", "large"] = "small"
    animals: dict[str, Annotated[Cat | Dog, Field(discriminator="kind")]] = {}
    keepers: tuple[str, ...] = Field(default=(), max_length=2)


def problems(text: str | bytes) -> list[str]:
    """All problems of a file that is read and, if that works, validated as a Zoo."""
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidFile) as caught:
        validate(parse_yaml(data, FILE), Zoo)
    return [str(problem) for problem in caught.value.problems]


def test_values_know_where_they_stand() -> None:
    """Positions count from 1, for keys and for values, in flow style as in block style."""
    source = parse_yaml(b"a:\n  - 1\n  - {b: two, 'c d': [3]}\n", FILE)
    assert source.value == {"a": [1, {"b": "two", "c d": [3]}]}
    assert source.position(("a", 1, "b")) == (3, 9)
    assert source.key_position(("a", 1, "b")) == (3, 6)
    assert source.position(("a", 1, "c d", 0)) == (3, 22)
    assert source.position(("a", 1, "missing", "below")) == (3, 5)
    assert source.key_position(("a", 1)) == (3, 5)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("1_000", 1000),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1:30", "1:30"),
        ("+30s", "+30s"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("2026-01-01", "2026-01-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 81, "9" * 81),
        ("2147483648", 2147483648),
    ],
)
def test_scalars_follow_yaml_1_2(written: str, value: object) -> None:
    """Nothing turns into a boolean, an octal number, a base-60 number, a date or an infinity unseen."""
    read = parse_yaml(f"a: {written}".encode(), FILE).value["a"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.yaml:0:0: the file is empty: expected a mapping (lines of `key: value`)"),
        ("# nothing\n", "f.yaml:0:0: the file is empty: expected a mapping (lines of `key: value`)"),
        ("--- ~\n", "f.yaml:1:5: the file is empty: expected a mapping (lines of `key: value`)"),
        ("a: [1\nb: 2", "f.yaml:2:2: not valid YAML: while parsing a flow sequence expected ',' or ']', but got ':'"),
        ("a: b: c", "f.yaml:1:5: not valid YAML: mapping values are not allowed here"),
        (
            "a: 1\n\tb: 2",
            "f.yaml:2:1: not valid YAML: while scanning for the next token found character '\\t' that "
            "cannot start any token",
        ),
        ("a: 1\na: 2", "f.yaml:2:1 a: the key 'a' is already used in line 1: remove one"),
        ("x:\n  b: 1\n  'b': 2", "f.yaml:3:3 x.b: the key 'b' is already used in line 2: remove one"),
        (
            "a: !!python/object/apply:os.system ['true']",
            "f.yaml:1:4: tags are not supported: remove !!python/object/apply:os.system (quotes make a text)",
        ),
        ("a: !custom 1", "f.yaml:1:4: tags are not supported: remove !custom (quotes make a text)"),
        ("a: &x 1", "f.yaml:1:4: anchors are not supported: remove &x"),
        ("a: *x", "f.yaml:1:4: aliases are not supported: write out what *x stands for"),
        ("<<: {a: 1}", "f.yaml:1:1: merge keys are not supported: write the keys out"),
        ("a: 1\n---\nb: 1", "f.yaml:2:1: expected one document, got a second: remove the `---` or split the file"),
        ("on: 1", "f.yaml:1:1: the key on is a boolean to many YAML readers (YAML 1.1): quote it or rename it"),
        (
            "a:\n  Yes: 1",
            "f.yaml:2:3 a: the key Yes is a boolean to many YAML readers (YAML 1.1): quote it or rename it",
        ),
        ("1: a", "f.yaml:1:1: expected a text as key, got 1: quote it if it is meant as a name"),
        ("? [a]\n: 1", "f.yaml:1:3: expected a text as key, got a list or a mapping"),
        ("a: b\x07", "f.yaml:1:5: the character U+0007 is not allowed in YAML: remove it"),
        ('a: "\\ud800"', "f.yaml:1:4 a: the text holds half a surrogate pair, which is no character: remove it"),
        ('a: "b\\0"', "f.yaml:1:4 a: the text holds the character U+0000: remove it"),
        ('"b\\0": 1', "f.yaml:1:1: the key holds the character U+0000: remove it"),
        (
            "%YAML 3.0\n---\na: 1",
            "f.yaml:1:1: not valid YAML: found incompatible YAML document (version 1.* is required)",
        ),
    ],
)
def test_refused(text: str, expected: str) -> None:
    """Each thing that is refused is the only problem of its file, at its place."""
    assert problems(text) == [expected]


def test_bytes_that_are_no_text() -> None:
    """The place of the first bad byte is counted in characters."""
    assert problems("ä: 1\nü: ".encode() + b"\xff") == ["f.yaml:2:4: expected UTF-8 text, got the byte 0xff"]


def test_byte_order_mark_is_no_character() -> None:
    """Editors on Windows write one."""
    assert parse_yaml(b"\xef\xbb\xbfname: x", FILE).value == {"name": "x"}


def test_nesting_is_bounded() -> None:
    """The limit itself passes, one more does not, and a huge file of brackets is refused at the same place."""
    assert parse_yaml(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, FILE).value
    expected = [f"f.yaml:1:{MAX_DEPTH + 1}: nested more than {MAX_DEPTH} levels deep: flatten the file"]
    assert problems("[" * 51 + "]" * 51) == expected
    assert problems("[" * 200_000) == expected


def test_an_alias_bomb_is_not_expanded() -> None:
    """Every anchor and alias is reported and stands for nothing."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = problems("\n".join(lines))
    assert len(found) == 10 + 9 * 9
    assert found[1] == "f.yaml:2:5: anchors are not supported: remove &a1"
    assert found[2] == "f.yaml:2:10: aliases are not supported: write out what *a0 stands for"


def test_all_problems_of_reading_come_at_once() -> None:
    """A refused part does not hide the next, a syntax error below included."""
    found = problems("a: &x 1\nb: *x\non: !!int 3\nc: [")
    assert [problem.split(": ")[0] for problem in found] == ["f.yaml:1:4", "f.yaml:2:4", "f.yaml:3:5", "f.yaml:4:5"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Absent, a directory, too large: named, and without a position."""
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 101)
    cases = {
        tmp_path / "absent.yaml": "no such file",
        tmp_path: "expected a YAML file, got a folder",
        large: "expected at most 100 bytes, got more: split the file",
        Path("/dev/zero"): "expected a YAML file, got a device or a pipe",
        tmp_path / ("x" * 300): "cannot be read: File name too long",
        large / "below.yaml": "cannot be read: Not a directory",
        tmp_path / "nul\0.yaml": "expected the name of a YAML file: embedded null byte",
    }
    for path, message in cases.items():
        with pytest.raises(InvalidFile) as caught:
            load_yaml(path, max_bytes=100)
        assert str(caught.value) == printable(f"{path}:0:0: {message}")
    large.write_bytes(b"a: 1".ljust(100))
    assert load_yaml(large, max_bytes=100).value == {"a": 1}


def test_validate_reports_everything_in_plain_words() -> None:
    """All kinds of complaints of a model, in the order of the lines, each at the key or value it is about."""
    text = """\
nam: zoo
open: 1
share: 0
size: smal
animals:
  tom: {kind: cat, lives: many, live: 3}
  rex: {kind: dgo}
  bob: {}
  kim: 7
keepers: [1, [x], null]
"""
    assert problems(text) == [
        "f.yaml:1:1 nam: unknown key 'nam' (did you mean name?)",
        "f.yaml:2:7 open: expected true or false, got 1",
        "f.yaml:3:8 share: expected more than 0, got 0",
        "f.yaml:4:7 size: expected small or large, got 'smal' (did you mean small?)",
        "f.yaml:6:27 animals.tom.lives: expected a whole number, got 'many'",
        "f.yaml:6:33 animals.tom.live: unknown key 'live' (did you mean lives?)",
        "f.yaml:7:15 animals.rex.kind: expected cat, dog, got 'dgo' (did you mean dog?)",
        "f.yaml:8:8 animals.bob: missing key 'kind'",
        "f.yaml:9:8 animals.kim: expected a mapping (lines of key: value), got 7",
        "f.yaml:10:11 keepers[0]: expected a text, got 1",
        "f.yaml:10:14 keepers[1]: expected a text, got a list",
        "f.yaml:10:19 keepers[2]: expected a text, got nothing",
    ]


def test_validate_lists_the_known_keys_of_the_right_model() -> None:
    """A key of one member of a union is unknown in another, and the list is that of the member."""
    assert problems("name: x\nanimals: {rex: {kind: dog, zzz: 9}}") == [
        "f.yaml:2:28 animals.rex.zzz: unknown key 'zzz' (known: kind, tricks)"
    ]


def test_validate_is_strict() -> None:
    """A text is no number and true is no number, as JSON has it; a list is fine for a tuple."""
    assert problems("name: 5") == ["f.yaml:1:7 name: expected a text, got 5"]
    assert problems("name: x\nshare: '0.5'") == ["f.yaml:2:8 share: expected a number, got '0.5'"]
    assert problems("[]") == ["f.yaml:1:1: expected a mapping (lines of key: value), got a list"]
    assert validate(parse_yaml(b"name: x\nkeepers: [a, b]", FILE), Zoo).keepers == ("a", "b")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_invalid_file(data: bytes) -> None:
    """Garbage never raises anything else."""
    _read(data)


@given(st.text(alphabet=" \n\t-:?,[]{}#&*!|>'\"%@`<=~aon10.\\x\u2028\x85é", max_size=60))
def test_any_yaml_like_text_gives_a_value_or_invalid_file(text: str) -> None:
    """Text made of YAML's own characters never raises anything else."""
    _read(text.encode())


def _read(data: bytes) -> None:
    try:
        source = parse_yaml(data, FILE)
    except InvalidFile as error:
        assert error.problems  # noqa: PT017 - either outcome is right
        return
    for path, (line, column) in source.values.items():
        assert line >= 1, path
        assert column >= 1, path
    try:
        validate(source, Zoo)
    except InvalidFile as error:
        assert all(problem.line >= 1 for problem in error.problems)  # noqa: PT017 - either outcome is right
