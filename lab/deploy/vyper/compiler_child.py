"""The installed compiler in a process of its own, which `limited` keeps within bounds.

Request and answer are JSON, on stdin and stdout: `{"paths", "search_paths", "formats"}`. The answer has `output` and
`warnings`; or `refused`, the compiler's words about the source; or `failed`, the exception that it ended with.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Beside the compiler's own formats: the syntax tree of each path, and the files that its source map speaks of.
TREES = "trees"
MODULES = "modules"


Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


def answer_with(answer: Answer) -> None:
    """Answer the request on stdin, also where the compiler fails."""
    print(answered(sys.stdin.read(), answer))


def answered(text: str, answer: Answer | None = None) -> str:
    """The answer to a request; by default that of the compiler."""
    request: dict[str, Any] = json.loads(text)
    # The compiler takes 0.3 s to import, and nobody else needs it here.
    from vyper.exceptions import VyperException  # type: ignore[import-untyped]  # ships no type information

    try:
        return json.dumps((answer or _answer)(request))
    except Exception as error:
        # Not only its own VyperException: the tokenizer, the module lookup and the compiler's panics raise others.
        kind = "refused" if isinstance(error, VyperException) else "failed"
        return json.dumps({kind: f"{type(error).__name__}: {error}"})


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    paths = [Path(path) for path in request["paths"]]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if request["formats"] == [TREES]:
            output: dict[str, Any] = {TREES: [_tree(path) for path in paths]}
        else:
            output = _compiled(paths[0], [Path(folder) for folder in request["search_paths"]], request["formats"])
    ours = [warning for warning in caught if "vyper" in type(warning.message).__module__]
    # What follows the first line names the place by a path that depends on where the command was called.
    return {"output": output, "warnings": [str(warning.message).splitlines()[0].strip() for warning in ours]}


def _tree(path: Path) -> dict[str, Any]:
    from vyper.ast import parse_to_ast  # type: ignore[import-untyped]

    from lab.deploy.text import read_text

    return dict(parse_to_ast(read_text(path)).to_dict())


def _compiled(path: Path, search_paths: Sequence[Path], formats: Sequence[str]) -> dict[str, Any]:
    from lab.deploy.vyper.installed_compiler import compile_installed

    asked = ["annotated_ast_dict" if name == MODULES else name for name in formats]
    output = dict(compile_installed(path, search_paths, asked))
    if MODULES in formats:
        tree = output.pop("annotated_ast_dict")
        modules = (tree["ast"], *tree.get("imports", ()))
        output[MODULES] = [[module["source_id"], module.get("resolved_path")] for module in modules]
    if "source_map_runtime" in formats:
        # The rest repeats the syntax tree.
        names = ("pc_ast_map", "pc_pos_map")
        output["source_map_runtime"] = {name: output["source_map_runtime"].get(name) for name in names}
    return output


if __name__ == "__main__":
    answer_with(_answer)
