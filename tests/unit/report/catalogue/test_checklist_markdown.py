"""Checklists as people write them: every box that GitHub shows is an entry, and what only looks like one is named."""

from __future__ import annotations

import pytest

from lab.report.catalogue.checklist_markdown import Document, read_markdown


def items(document: Document) -> list[str]:
    """The names of all entries, in their order."""
    return [entry.item for section in document.sections for entry in section.entries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* [ ] a\n+ [x] b\n- [X] c\n", ["a", "b", "c"]),
        ("1. [ ] a\n2) [x] b\n10. [ ] c\n", ["a", "b", "c"]),
        ("- [ ] a\n  - [ ] b\n    1. [ ] c\n", ["a", "b", "c"]),
        ("- plain\n  - [ ] a\n", ["a"]),
        ("- - [ ] a\n", ["a"]),
        ("-\n  [ ] a\n", ["a"]),
        ("-\t[ ]\ta\n", ["a"]),
        ("> - [ ] a\n>> - [x] b\n", ["a", "b"]),
        ("- [ ]\n  a\n", ["a"]),
        ("text\n- [ ] a\n", ["a"]),
        ("- [ ] first\nlazy line\n\n  second paragraph\n", ["first lazy line"]),
        ("- [ ] a\n\n- [ ] b\n", ["a", "b"]),
        ("<details>\n<summary>more</summary>\n\n- [ ] a\n\n</details>\n", ["a"]),
        ("---\ntitle: x\n---\n- [ ] a\n", ["a"]),
        ("- [ ] a &amp; b &#x2192; `c` [d](http://e) ~~f~~ _g_ ![h](i.png)\n", ["a & b → c d f g h"]),
        ("- [ ] a <!-- hidden --> b\n", ["a b"]),
        ("- [ ] checked[^1]\n\n[^1]: why\n", ["checked"]),
        ("- [x] a\n\n[x]: http://where\n", ["a"]),
        ("- [ ] проверка\n- [x] 監査 済み\n- [ ] تدقيق\n", ["проверка", "監査 済み", "تدقيق"]),
        ("- [ ] a\r\n- [x] b\r- [ ] c\n", ["a", "b", "c"]),
        ("- [ ] a\n- [ ] a\n", ["a", "a"]),
        ("".join("  " * depth + f"- [ ] {depth}\n" for depth in range(30)), [str(depth) for depth in range(30)]),
    ],
)  # fmt: skip
def test_what_github_shows_as_a_box_is_an_entry(text: str, expected: list[str]) -> None:
    """In every form of list, nested, quoted, wrapped, and in any script; nothing is left over."""
    document = read_markdown(text)
    assert items(document) == expected
    assert document.unread == []


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("- [ ] real\n```\n- [ ] no\n- [x] no\n```\n", ["lines 3-4: not read: in a code block"]),
        ("- [ ] real\n\ntext\n\n    - [ ] no\n", ["line 5: not read: in a code block (indented)"]),
        ("- [ ] real\n\n~~~~\n~~~\n- [ ] no\n~~~~\n", ["line 5: not read: in a code block"]),
        ("- [ ] real\n\n<!--\n- [ ] no\n-->\n", ["line 4: not read: commented out"]),
        ("- [ ] real\n\n[//]: # (- [ ] no)\n", ["line 3: not read: in a definition, which is not shown"]),
        ("- [ ] real\n\n|a|b|\n|-|-|\n|[ ]|no|\n|[x]|no|\n", ["lines 5-6: not read: in a table"]),
        ("## [ ] no\n- [ ] real\n", ["line 1: not read: in a heading"]),
        ("[ ] no\n\n- [ ] real\n", ["line 1: not read: not at the start of a list item"]),
        ("- [ ] real\n\ntext\n2. [ ] no\n", ["line 4: not read: not at the start of a list item"]),
        ("- [ ] real\n\n!!! note\n    - [ ] no\n", ["line 4: not read: not at the start of a list item"]),
        ("- [ ] real\n\n<details>\n- [ ] no\n</details>\n", ["line 4: not read: in HTML"]),
        ("- [ ] real\n\n☐ no\n", ["line 3: not read: not at the start of a list item"]),
        ("---\nlist:\n- [ ] no\n---\n- [ ] real\n", ["line 3: not read: in the front matter"]),
        ("- [ ] real [ ] no\n", ["line 1: not read: a second box in one line"]),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_box_is_named(text: str, unread: list[str]) -> None:
    """With its lines and the reason, and it is no entry."""
    document = read_markdown(text)
    assert [item.partition(" ")[0] for item in items(document)] == ["real"]
    assert document.unread == unread


@pytest.mark.parametrize(
    "line",
    [
        "- []no", "- [ ]no", "- [x]", "-[ ] no", "- [-] no", "- [✓] no", "- [  ] no", "- [x ] no", "- [\u3000] no",
        "- ✅ no", "1. ❌ no", "\u2013 ✔ no", "⬜ no", "- 🔲 no", "- :white_check_mark: no", "| no | ✅ |", "no | :x:",
        "- ( ) no", "* (/) no", r"- \[ ] no", r"- \[x\] no", r"\[x\] | no",
    ],
)  # fmt: skip
def test_a_box_that_is_not_quite_one_is_named(line: str) -> None:
    """GitHub shows these as text: whoever wrote them meant a line of the list."""
    document = read_markdown(f"- [ ] real\n\ntext\n\n{line}\n")
    assert items(document) == ["real"]
    assert [each.partition(":")[0] for each in document.unread] == ["line 5"]


@pytest.mark.parametrize(
    "line", ["a[x] = 1", "[x](http://a)", r"so \[ ] is", "`[ ]` is open", "[x]: http://a", "(x) is", "done ✅"]
)
def test_prose_is_no_box(line: str) -> None:
    """An index, a link, an escape and code that speaks of boxes are left alone."""
    assert read_markdown(f"- [ ] real\n\n{line}\n").unread == []


def test_headings_of_every_form_are_sections() -> None:
    """Underlined, closed with hashes, with links and emphasis; one in a quotation ends with it."""
    document = read_markdown(
        "Launch *list*\n=====\n\nPart `one`\n---\n- [ ] a\n\n## [Two](http://x) ##\n> ### Inner\n> - [ ] b\n\n"
        "- [ ] c\n\n### Three ###\n- [ ] d\n\n# Other\n- [ ] e\n"
    )
    assert document.title == "Launch list"
    assert [(section.title, [entry.item for entry in section.entries]) for section in document.sections] == [
        ("Part one", ["a"]),
        ("Two > Inner", ["b"]),
        ("Two", ["c"]),
        ("Two > Three", ["d"]),
        ("Other", ["e"]),
    ]


def test_nothing_of_an_item_is_lost() -> None:
    """What follows the bold name, later lines, paragraphs and bullets are its detail; a nested box is an entry."""
    document = read_markdown(
        "- [x] **Audit:** two firms,\n  all closed\n\n  Report in the wiki.\n  - by Alice\n"
        "  - [ ] **Second** → by Bob\n"
        "- [ ] c\n"
    )
    (section,) = document.sections
    assert [(entry.item, entry.detail, entry.ticked, entry.line) for entry in section.entries] == [
        ("Audit", "two firms, all closed; Report in the wiki.; by Alice", True, 1),
        ("Second", "by Bob", False, 6),
        ("c", "", False, 7),
    ]


def test_risks_are_read_without_boxes_unless_there_are_some() -> None:
    """Below a heading that speaks of risks bold bullets are entries; beside boxes they are prose."""
    document = read_markdown("## Risks\n- **A** → b\n- c\n\n## More risks\n- **D** - e\n- [ ] f\n")
    assert [(entry.item, entry.ticked) for section in document.sections for entry in section.entries] == [
        ("A", None),
        ("f", False),
    ]
