"""The choice of the backend, and that it says why."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.chains.nodes import select
from lab.chains.nodes.select import RequestedBackend, choose_backend, find_image
from lab.errors import EnvironmentFailure, UsageError

pytestmark = pytest.mark.backend

NO_IMAGE = "127.0.0.1:9/tesseract-lab/none:0"


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def chosen(wanted: RequestedBackend, image: str | None = None) -> tuple[str, str]:
    backend, reason = choose_backend(wanted, image)
    backend.close()
    return backend.name, reason


def test_process_is_taken_when_asked_for() -> None:
    """No engine is even looked at."""
    assert chosen("process") == ("process", "process: asked for")


def test_auto_without_an_engine_takes_process_and_says_why(no_engine: None) -> None:
    """The address at which no engine answered is part of the reason."""
    name, reason = chosen("auto")
    assert name == "process"
    assert "no Docker engine answers at unix://" in reason


def test_docker_without_an_engine_is_an_error_with_the_way_out(no_engine: None) -> None:
    """Asked for by name, Docker is not silently replaced."""
    with pytest.raises(EnvironmentFailure, match=r"no Docker engine answers.*--backend process") as failure:
        choose_backend("docker")
    assert failure.value.exit_code != 0


def test_an_engine_that_hangs_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A socket that accepts and never answers must not hold up the run."""
    monkeypatch.setattr(select, "ENGINE_ANSWER_S", 1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/silent.sock")

        name, reason = chosen("auto")
    assert name == "process"
    assert "silent.sock" in reason


def test_docker_is_taken_when_engine_and_image_answer(image: str) -> None:
    """By auto and by name; the reason names the image."""
    wishes: list[tuple[RequestedBackend, str]] = [("auto", "an engine answers"), ("docker", "asked for")]
    for wanted, why in wishes:
        name, reason = chosen(wanted, image)
        assert name == "docker"
        assert why in reason
        assert image in reason


@pytest.mark.parametrize("by_variable", [False, True], ids=["by option", "by LAB_IMAGE"])
def test_a_named_image_that_cannot_be_had(engine: None, monkeypatch: pytest.MonkeyPatch, by_variable: bool) -> None:
    """Auto falls back to process and says which image; docker fails and names the ways out."""
    option = None if by_variable else NO_IMAGE
    if by_variable:
        monkeypatch.setenv("LAB_IMAGE", NO_IMAGE)

    name, reason = chosen("auto", option)
    assert name == "process"
    assert f"has no image {NO_IMAGE}" in reason
    with pytest.raises(EnvironmentFailure, match=rf"(?s)has no image {NO_IMAGE}.*lab image build.*LAB_IMAGE"):
        choose_backend("docker", option)


def test_the_option_wins_over_the_variable(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LAB_IMAGE is the default of the option, not its rival."""
    monkeypatch.setenv("LAB_IMAGE", NO_IMAGE)
    assert find_image(image, pull=False) == (image, "present")


def test_an_unknown_backend_is_a_usage_error() -> None:
    """The three names are part of the message."""
    with pytest.raises(UsageError, match="expected auto, process or docker, got 'podman'"):
        choose_backend("podman")  # type: ignore[arg-type]  # what an unchecked caller may pass
