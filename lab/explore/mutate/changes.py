"""All changes that the operators find in some sources; run as a program, by `mutants`, within a compiler's bounds.

A syntax tree takes a hundred times the memory of its text, and a contract of others may have any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lab.deploy.text import read_text
from lab.deploy.vyper.compiler_child import answer_with
from lab.explore.mutate import reads
from lab.explore.mutate.operators import OPERATORS, constants
from lab.explore.mutate.sites import Change, Module, parse
from lab.explore.mutate.storage import with_ids

# The reference has some 1,500. Nobody tests more, and each takes memory.
CHANGES_MAX, CHARACTERS_MAX = 20_000, 4 << 20


def _changes(module: Module) -> Iterator[tuple[str, Change]]:
    """Each with the name of its function."""
    for change in (*constants(module), *reads.truncated(module)):
        yield "(module)", change
    for function in module.functions():
        for operator in (*OPERATORS, *reads.OPERATORS):
            yield from ((function.name, change) for change in operator(module, function) if change is not None)


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    places, characters = list[list[Any]](), 0
    modules = with_ids({file: parse(read_text(Path(file))) for file in request["paths"]})
    for number, file in enumerate(request["paths"]):
        for function, one in islice(_changes(modules[file]), CHANGES_MAX + 1 - len(places)):
            characters += len(one.text) + sum(len(text) for _, _, text in one.more)
            places.append([number, function, one.operator, one.start, one.end, one.text, one.more])
            if characters > CHARACTERS_MAX or len(places) > CHANGES_MAX:
                return {"output": {"changes": [], "too_many": True}, "warnings": []}
    return {"output": {"changes": places, "too_many": False}, "warnings": []}


if __name__ == "__main__":
    answer_with(_answer)
