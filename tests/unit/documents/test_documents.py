"""Every document: its blocks say what they are, its commands exist, its YAML is read, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from lab.checks import CHECKS
from lab.cli import app
from lab.documents.blocks import Block, commands, read_blocks
from lab.documents.entries import differences
from lab.documents.links import broken_links
from lab.documents.operations import without_section
from lab.documents.reference import page, parse, read_documented
from lab.documents.security import security_differences
from lab.documents.structure import architecture_differences
from lab.paths import CHECKOUT, DOCS
from lab.scenario.resolve import parse_scenario

assert CHECKOUT is not None
ROOT = CHECKOUT
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(path for path in sorted(DOCS.rglob("*.md")) if "node_modules" not in path.parts),
]
# What a scenario follows block by block.
FOLLOWED = {"deployment.md", "integration.md", "sdk/python/README.md", "sdk/javascript/README.md"}
RUNNABLE = {"console", "python", "js", "yaml", "vyper", "sh"}
# A value of a table, no command.
NO_COMMANDS = {"lab choice"}
BLOCKS = [block for path in PAGES for block in read_blocks(path)]
COMMANDS: Any = get_command(app)


def followed(block: Block) -> bool:
    return block.document.is_relative_to(DOCS) and block.document.relative_to(DOCS).as_posix() in FOLLOWED


def test_every_block_says_its_language() -> None:
    assert [str(block) for block in BLOCKS if block.language not in RUNNABLE | {"text", "json"}] == []


def test_every_block_runs_or_says_why_not() -> None:
    """YAML is read below; the rest is carried out where a scenario follows the page."""
    silent = [b for b in BLOCKS if b.language in RUNNABLE - {"yaml"} and b.skip is None and not followed(b)]
    assert [str(block) for block in silent] == []


def unknown(command: str) -> str | None:
    """What of a command of the lab's or of make does not exist."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words.pop(0)
    if words[:1] == ["make"]:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return next((word for word in words[1:] if "=" not in word and word not in targets), None)
    if words[:1] != ["lab"]:
        return None
    group = COMMANDS
    options = {option for parameter in group.params for option in parameter.opts}
    for word in words[1:]:
        if word in ("|", "||", "&&", ">", ";") or word.endswith(","):
            return None
        if word.startswith("--") and word.partition("=")[0] not in options | {"--help"}:
            return word
        if getattr(group, "commands", None):
            if word.startswith("-"):
                continue
            if word not in group.commands:
                return word
            group = group.commands[word]
            options = {option for one in group.params for option in (*one.opts, *one.secondary_opts)}
    return None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_exists(path: Path) -> None:
    lines = [(b, line) for b in BLOCKS if b.document == path and b.language == "console" for line, _ in commands(b)]
    wrong = [(str(block), line) for block, line in lines if unknown(line) is not None]
    inline = re.findall(r"`((?:lab|make) [^`\n]+)`", path.read_text(encoding="utf-8"))
    wrong += [(path.name, line) for line in inline if line not in NO_COMMANDS and unknown(line) is not None]
    assert wrong == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert unknown("lab up optimism --backend process") is None
    assert unknown("lab live deploy --broadcast") is None
    assert unknown("lab live fly") == "fly"
    assert unknown("lab up --nonsense") == "--nonsense"
    assert unknown("make nonsense") == "nonsense"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "yaml" and b.skip is None], ids=str)
def test_yaml_is_read(block: Block, tmp_path: Path) -> None:
    """Whole scenarios as scenarios, the rest as YAML."""
    content = yaml.safe_load(block.text)
    assert content is not None
    if isinstance(content, dict) and {"timeline", "networks"} <= set(content):
        assert parse_scenario(block.text, tmp_path / "page.yaml", known_checks=CHECKS)


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGES) == []


def test_the_reference_is_generated_and_whole() -> None:
    """Else: `make docs`, and NatSpec."""
    documented = read_documented()

    assert documented.gaps() == []
    assert (DOCS / "api.md").read_text(encoding="utf-8") == page(documented)


def test_gaps_are_noticed() -> None:
    """A function without a notice, a parameter without a line, a revert that no comment says."""
    documented = read_documented()
    natspec = {**documented.natspec, "pause": parse(""), "gone": parse("@notice x"), "add_operator": parse("@notice x")}
    changed = type(documented)(
        documented.contract,
        natspec,
        (*documented.reverts, "New"),
        documented.quoted,
        (),
        documented.logged - {"OperatorAdded"},
    )

    assert changed.gaps() == [
        "function pause: no @notice",
        "add_operator: parameter operator has no @param",
        "function gone: documented, not in the ABI",
        "event OperatorAdded: in the ABI, never emitted",
        'revert "New": no @dev says it',
    ]


def test_every_error_has_an_entry() -> None:
    text, documented = (DOCS / "troubleshooting.md").read_text(encoding="utf-8"), read_documented()

    assert differences(text, documented) == []
    without = text.replace("### E: NodeFailure", "### E: NoSuchFailure")
    assert differences(without, documented) == [
        "error class NodeFailure: no entry",
        "NoSuchFailure: an entry about nothing",
    ]


def test_the_architecture_names_every_part() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

    assert architecture_differences(text) == []
    assert architecture_differences(text.replace("| `monitor/` |", "| `watching/` |")) == [
        "lab/monitor: in no row",
        "`watching`: no part of lab",
    ]


def test_the_security_guide_is_the_contracts() -> None:
    text, documented = (DOCS / "security.md").read_text(encoding="utf-8"), read_documented()

    assert security_differences(text, documented) == []
    wrong = text.replace("| `pause` | owner | no |", "| `pause` | operator | no |").replace(
        "## Known limits", "## Limits"
    )
    assert security_differences(wrong, documented) == [
        "section Known limits: missing",
        "pause: expected owner and no, got operator and no",
    ]


def test_the_operations_manual_is_held_to_its_commands() -> None:
    manual = "## `lab ops pause`\n\nDrill: `drills/test_multisig`.\n\n## `lab ops fly`\n\nNothing.\n"

    assert without_section(manual, ["pause", "rotate"]) == [
        "lab ops rotate: no section",
        "lab ops fly: a section about nothing",
        "lab ops fly: names no drill",
    ]
