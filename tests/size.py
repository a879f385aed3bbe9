"""`make size`: lines of lab/ by folder, and its ten longest functions. Counts what git tracks, blank lines included."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 10


def modules() -> list[Path]:
    """The Python files of lab/ that git tracks."""
    listed = subprocess.run(["git", "ls-files", "lab/*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def functions(module: Path) -> list[tuple[int, str]]:
    """Length in lines, and `file:line name`, of every function of a module."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [((node.end_lineno or 0) - node.lineno + 1, f"{module}:{node.lineno} {node.name}") for node in nodes]


def main() -> None:
    """Print both tables."""
    lines: Counter[str] = Counter()
    files: Counter[str] = Counter()
    longest: list[tuple[int, str]] = []
    for module in modules():
        folder = "/".join(module.parts[:2]) if len(module.parts) > 2 else "lab"
        lines[folder] += len((ROOT / module).read_text("utf-8").splitlines())
        files[folder] += 1
        longest += functions(module)
    print(f"{'folder':<20}{'files':>6}{'lines':>8}")
    for folder in sorted(lines):
        print(f"{folder:<20}{files[folder]:>6}{lines[folder]:>8}")
    print(f"{'all':<20}{files.total():>6}{lines.total():>8}\n")
    print(f"the {LONGEST} longest functions, in lines")
    for length, place in sorted(longest, reverse=True)[:LONGEST]:
        print(f"{length:>5}  {place}")


if __name__ == "__main__":
    main()
