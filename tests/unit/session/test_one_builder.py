"""Names of the user's contract cannot be dropped: there is one builder of each thing that holds them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from lab.session.suite import compile_target, open_suite
from tests.sources import nodes


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """(file, call) of every call by that name in the lab."""
    for path, node in nodes(rf"\b{name}\("):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield path, node


def test_one_builder_of_a_session() -> None:
    """Whoever describes networks goes through it."""
    # A deployment to real networks has no backend, no keys and no run of the lab's.
    assert [file for file, _ in calls("Session")] == ["live/results/session.py", "session/description.py"]


def test_a_codec_is_made_with_names() -> None:
    """By `Codec.of` from a file that holds them, else with both arguments."""
    found = list(calls("Codec"))
    named = [(file, call) for file, call in found if file != "deploy/proposal/static.py"]
    assert {file for file, _ in named} == {
        "deploy/deployer.py",
        "runner/sending.py",
        "sdk/coordinator.py",
        "session/project_check.py",
    }
    assert all(len(call.args) == 2 for _, call in named)
    # To propose names is to have none yet.
    assert len(found) == len(named) + 1


def test_a_contract_is_made_ready_with_names() -> None:
    """The suite does, and the mutants of the same contract."""
    found = list(calls("deployable"))
    assert {file for file, _ in found} == {"explore/mutate/trial.py", "session/suite.py"}
    assert all(len(call.args) == 2 for _, call in found)


def test_the_system_under_test_is_a_required_argument() -> None:
    """Of everything that opens or compiles one."""
    for function in (open_suite, compile_target):
        assert inspect.signature(function).parameters["system"].default is inspect.Parameter.empty
