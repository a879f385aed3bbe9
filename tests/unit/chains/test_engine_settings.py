"""The docker command's settings and contexts in every wrong form: named once, and nothing falls over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.bounded_files import FAULTS_MAX
from lab.chains.engine.address import find_engine
from lab.chains.engine.client import connect
from lab.chains.engine.settings import read_config
from lab.chains.nodes.select import find_image
from lab.errors import EnvironmentFailure
from lab.session.doctor import diagnose

from .engines import unix_engine
from .test_engine import choose, configure, context, machine, place, refused

__all__ = ["machine", "place"]

# What stands in config.json -> what is said of it.
WRONG = {
    "{": "expected JSON",
    "": "expected JSON",
    "[]": "expected a JSON object, got list",
    "3": "expected a JSON object, got int",
    '"x"': "expected a JSON object, got str",
    "null": "expected a JSON object, got NoneType",
    '{"currentContext": 3}': "currentContext: ",
    '{"currentContext": []}': "currentContext: ",
    '{"credsStore": 3}': "credsStore: ",
    '{"credHelpers": []}': "credHelpers: ",
    '{"credHelpers": {"docker.io": 3}}': "credHelpers.docker.io: ",
    '{"auths": []}': "auths: ",
    '{"auths": {"docker.io": 3}}': "auths.docker.io: ",
    '{"auths": {"docker.io": {"auth": 3}}}': "auths.docker.io.auth: ",
    '{"auths": {"docker.io": {"auth": "no colon"}}}': "auths.docker.io.auth: ",
    '{"auths": {"docker.io": {"auth": "YWJj"}}}': "auths.docker.io.auth: ",
    '{"auths": {"docker.io": {"identitytoken": 3}}}': "auths.docker.io.identitytoken: ",
    '{"HttpHeaders": [3]}': "HttpHeaders: ",
    '{"HttpHeaders": {"a": 3}}': "HttpHeaders.a: ",
    '{"proxies": []}': "proxies: ",
    '{"proxies": {"default": 3}}': "proxies.default: ",
    '{"proxies": {"default": {"httpProxy": 3}}}': "proxies.default.httpProxy: ",
}
# Keys without a value are as good as none.
FINE = [json.dumps(dict.fromkeys(("currentContext", "credsStore", "credHelpers", "auths", "proxies", "HttpHeaders")))]
FINE += ["{}", '{"auths": {"docker.io": {}, "ghcr.io": {"auth": "dTpw", "email": null}}, "detachKeys": 3}']


def test_what_is_wrong_is_named_whether_an_engine_answers_or_not(place: Path, machine: Path) -> None:
    """With the file, what was expected, and what to do; an engine that answers is used, else processes are."""
    file = machine / ".docker" / "config.json"
    for text, said in WRONG.items():
        file.write_text(text)
        name, reason = choose("auto")
        assert (name, reason.count(f"{file}: {said}")) == ("process", 1), (text, reason)
        assert "correct it, or remove the file" in reason
        assert "\n" not in reason
        assert f"{file}: {said}" in refused()
    with unix_engine(place / "docker.sock", json=(200, {"Id": "sha256:1", "RepoTags": ["mine:1"]})) as url:
        for text, said in WRONG.items():
            file.write_text(text)
            assert find_engine().url == url
            assert find_image("mine:1", pull=False) == ("mine:1", "present")
            line = next(line for line in diagnose("docker") if line.name == "Docker engine")
            assert line.ok
            assert f"{file}: {said}" in line.detail


def test_a_pull_goes_on_without_what_is_wrong(place: Path, machine: Path) -> None:
    """The SDK would read the file for credentials."""
    with unix_engine(place / "docker.sock"):
        for text in WRONG:
            (machine / ".docker" / "config.json").write_text(text)
            with pytest.raises(EnvironmentFailure, match=r"cannot be pulled: .*no such image"):
                find_image()


@pytest.mark.parametrize("text", FINE)
def test_settings_that_are_fine(place: Path, machine: Path, text: str) -> None:
    """Nothing is said of them."""
    (machine / ".docker" / "config.json").write_text(text)
    assert read_config()[1] is None
    with unix_engine(place / "docker.sock"):
        connect(5).close()


def test_what_is_right_counts_beside_what_is_wrong(machine: Path) -> None:
    """The context is used though credentials are none, or very many that are wrong."""
    context(machine, "used", "unix:///used.sock")
    wrong: list[Any] = [[], {f"r{number}": number for number in range(FAULTS_MAX + 1)}]
    for helpers in wrong:
        configure(machine, currentContext="used", credHelpers=helpers)
        assert find_engine().url == "unix:///used.sock"


@pytest.mark.parametrize(
    "description",
    [[], 3, {}, {"Endpoints": []}, {"Endpoints": {}}, {"Endpoints": {"docker": 3}},
     {"Endpoints": {"docker": {"Host": 3}}}, {"Endpoints": {"docker": {"Host": "x", "SkipTLSVerify": "maybe"}}}],
)  # fmt: skip
def test_a_description_of_a_context_in_a_wrong_form(machine: Path, description: Any) -> None:
    """Named with its file and who names the context; nodes are processes."""
    context(machine, "odd", "unix:///odd.sock")
    configure(machine, currentContext="odd")
    (meta,) = (machine / ".docker" / "contexts" / "meta").rglob("meta.json")
    meta.write_text(json.dumps(description))
    for said in (refused(), choose("auto")[1]):
        assert f"({meta}: expected a DockerContext: " in said
        assert "docker context ls" in said


def test_a_name_of_a_context_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a variable may hold it."""
    monkeypatch.setenv("DOCKER_CONTEXT", "\udcff")
    assert "no usable docker context" in refused()
