"""The fenced blocks of a Markdown document, and what becomes of each when the document is followed.

A block runs, or the comment `<!-- skip: REASON -->` before it says why not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

SKIP = re.compile(r"<!--\s*skip:\s*(.+?)\s*-->", re.DOTALL)
COMMAND_TIMEOUT_S = 120
# In shown output: anything, on one line or over several.
ANYTHING = "..."


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, the line it starts at (from 1), and why it is not run, if it is not."""

    document: Path
    line: int
    language: str
    text: str
    skip: str | None

    def __str__(self) -> str:
        """Its place, as `faq.md:12`."""
        return f"{self.document.name}:{self.line}"


class BlockFailed(Exception):
    """A block did not do what the document says; the message names its place."""


def read_blocks(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order. Raises OSError."""
    blocks, skip = [], None
    for token in MarkdownIt("commonmark").parse(document.read_text(encoding="utf-8")):
        if token.type == "html_block" and (match := SKIP.fullmatch(token.content.strip())):
            skip = " ".join(match[1].split())
        elif token.type == "fence":
            line = (token.map or [0])[0] + 1
            blocks.append(Block(document, line, token.info.strip(), token.content, skip))
            skip = None
        elif not token.type.endswith("_close"):
            skip = None
    return blocks


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a console block, each with the output that is shown for it; empty where none is shown."""
    listed: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            listed.append((line[2:], []))
        elif line.startswith("> ") and listed and not listed[-1][1]:
            listed[-1] = (f"{listed[-1][0]}\n{line[2:]}", [])
        elif listed:
            listed[-1][1].append(line)
        else:
            raise BlockFailed(f"{block}: expected a console block to begin with `$ COMMAND`, got {line!r}")
    return listed


def same_output(shown: list[str], got: str) -> bool:
    """Whether what came is what is shown: line by line, `...` stands for anything, and spaces are one."""
    expected = " ".join(" ".join(shown).split())
    pattern = ".*".join(re.escape(part) for part in expected.split(ANYTHING))
    return re.fullmatch(pattern, " ".join(got.split()), re.DOTALL) is not None


@dataclass
class Reader:
    """Somebody who follows a document: a folder to work in, variables of the shell, names of the Python session."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def follow(self, block: Block) -> None:
        """Do what one block says. Raises BlockFailed."""
        run: dict[str, Callable[[Block], None]] = {
            "console": self._console,
            "python": self._python,
            "js": self._javascript,
        }
        if block.language in run:
            run[block.language](block)

    def shell(self, command: str) -> tuple[int, str]:
        """Run a command in the folder; its exit code and all that it printed."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "COLUMNS": "200", "NO_COLOR": "1", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        return ended.returncode, ended.stdout

    def _succeed(self, block: Block, command: str) -> str:
        code, output = self.shell(command)
        if code != 0:
            raise BlockFailed(f"{block}: `{command}` ends with exit code {code}:\n{output[-2000:]}")
        return output

    def _console(self, block: Block) -> None:
        for command, shown in commands(block):
            got = self._succeed(block, command)
            if shown and not same_output(shown, got):
                raise BlockFailed(f"{block}: `{command}` shows\n{chr(10).join(shown)}\nand prints\n{got[-2000:]}")

    def _python(self, block: Block) -> None:
        code = compile("\n" * block.line + block.text, str(block.document), "exec")
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            exec(code, self.names)
        except Exception as error:
            raise BlockFailed(f"{block}: {type(error).__name__}: {error}") from error
        finally:
            os.chdir(before)

    def _javascript(self, block: Block) -> None:
        """Blocks of one document are programs of their own: a module's names end with it."""
        file = self.folder / f"block-{block.line}.mjs"
        file.write_text(block.text, encoding="utf-8")
        self._succeed(block, f"node {file.name}")
