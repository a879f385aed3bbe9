"""How a document is followed: blocks, skips, shown output."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.documents.blocks import BlockFailed, Reader, commands, read_blocks, same_output

PAGE = """# Page

```console
$ echo one \\
> two
one ...
```

<!-- skip: it takes an hour -->

```console
$ false
```

Between.

```python
answer = 6 * 7
```

- in a list

  ```python
  assert answer == {wanted}
  ```
"""


def page(tmp_path: Path, wanted: int) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE.replace("{wanted}", str(wanted)))
    return path


def test_blocks_carry_line_language_and_skip(tmp_path: Path) -> None:
    blocks = read_blocks(page(tmp_path, 42))

    assert [(block.line, block.language, block.skip) for block in blocks] == [
        (3, "console", None),
        (11, "console", "it takes an hour"),
        (17, "python", None),
        (23, "python", None),
    ]
    assert commands(blocks[0]) == [("echo one \\\ntwo", ["one ..."])]


def test_a_document_is_followed_in_order(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in read_blocks(page(tmp_path, 42)):
        if block.skip is None:
            reader.follow(block)
    assert reader.names["answer"] == 42


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```console\n$ false\n```\n", "page.md:1: `false` ends with exit code 1"),
        ("```console\n$ echo a\nb\n```\n", "page.md:1: `echo a` shows\nb\nand prints\na"),
        ("```console\nls\n```\n", "expected a console block to begin with"),
        ("```python\nassert 1 == 2, 'no'\n```\n", "page.md:1: AssertionError: no"),
        ("```python\nnever_defined\n```\n", "NameError"),
    ],
)
def test_a_document_that_is_wrong_fails(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "page.md").write_text(text)
    (block,) = read_blocks(tmp_path / "page.md")

    with pytest.raises(BlockFailed) as failed:
        Reader(tmp_path).follow(block)

    assert message in str(failed.value)


@pytest.mark.parametrize(
    ("shown", "got", "same"),
    [
        (["a  b"], "a b\n", True),
        (["a", "...", "z"], "a\nq\nr\nz\n", True),
        (["run ... ends"], "run 17 ends", True),
        (["a"], "a\nb\n", False),
        (["a.c"], "abc", False),
    ],
)
def test_shown_output_is_compared(shown: list[str], got: str, same: bool) -> None:
    assert same_output(shown, got) is same
