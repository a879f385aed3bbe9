"""Where the engine is found, and what is said of one that does not answer as it should."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.chains.engine import address as engine_address
from lab.chains.engine.address import find_engine
from lab.chains.engine.client import connect
from lab.chains.nodes.select import choose_backend, find_image
from lab.environment import cache_folder
from lab.errors import EnvironmentFailure

from .engines import VERSION, tcp_engine, unix_engine

VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "LAB_IMAGE")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's: those are at most 107 bytes long."""
    folder = Path(tempfile.mkdtemp(prefix="lab."))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def machine(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine, and its home."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder().parent))  # the node is there already
    monkeypatch.setenv("HOME", str(place / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / "run"))
    monkeypatch.setattr(engine_address, "DEFAULT_SOCKET", place / "docker.sock")
    (place / "home" / ".docker").mkdir(parents=True)
    return place / "home"


def context(home: Path, name: str, host: str, *, tls: dict[str, str] | None = None, skip: bool = False) -> None:
    """What `docker context create` writes."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    if tls is not None:
        folder = home / ".docker" / "contexts" / "tls" / digest / "docker"
        folder.mkdir(parents=True)
        for file, text in tls.items():
            (folder / file).write_text(text)


def configure(home: Path, **values: Any) -> None:
    """What `docker context use` and `docker login` write."""
    (home / ".docker" / "config.json").write_text(json.dumps(values))


def refused() -> str:
    """What is said in place of a connection."""
    with pytest.raises(EnvironmentFailure) as failure:
        connect(2).close()
    assert failure.value.exit_code == 4
    return str(failure.value)


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("unix:///run/d.sock", "unix:///run/d.sock"),
        ("http+unix://%2Frun%2Fd.sock", "unix:///run/d.sock"),
        ("/run/d.sock", "unix:///run/d.sock"),
        ("tcp://h:2375/", "tcp://h:2375"),
        ("h:2375", "tcp://h:2375"),
        ("h", "tcp://h:2375"),
        ("tcp://h", "tcp://h:2375"),
        ("tcp://[::1]/", "tcp://[::1]:2375"),
        ("tcp://[::1]:9", "tcp://[::1]:9"),
        ("http://h:9/", "http://h:9"),
        ("ssh://u@h:22/", "ssh://u@h:22"),
        ("ssh://u@h/run/d.sock", "ssh://u@h"),
    ],
)
def test_an_address_in_any_form(monkeypatch: pytest.MonkeyPatch, named: str, url: str) -> None:
    """As the docker command, Podman's and people write it."""
    monkeypatch.setenv("DOCKER_HOST", named)
    assert find_engine().url == url


def test_a_socket_without_a_path(place: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the default one."""
    monkeypatch.setenv("DOCKER_HOST", "unix://")
    assert find_engine().url == f"unix://{place / 'docker.sock'}"


@pytest.mark.parametrize(
    "named",
    [
        "npipe:////./pipe/docker_engine",
        "fd://",
        "htp://h",
        "ssh://",
        "unix:/run/d.sock",
        "unix:",
        "tcp://",
        "tcp://a b",
        "tcp://h:99999",
        "tcp://h:port",
        "tcp://[::1",
    ],
)
def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """With the variable and the way out."""
    monkeypatch.setenv("DOCKER_HOST", named)
    assert f"DOCKER_HOST is {named}" in refused()


def test_what_names_the_engine_in_which_order(place: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_HOST, DOCKER_CONTEXT, the context in use, the default socket; DOCKER_CONFIG may be elsewhere."""
    with unix_engine(place / "docker.sock") as url:
        assert (find_engine().url, find_engine().source) == (url, "default socket")
        context(machine, "used", "unix:///used.sock")
        context(machine, "other", "unix:///other.sock")
        configure(machine, currentContext="used")
        assert (find_engine().url, find_engine().source) == ("unix:///used.sock", "docker context used")
        monkeypatch.setenv("DOCKER_CONTEXT", "other")
        assert find_engine().url == "unix:///other.sock"
        monkeypatch.setenv("DOCKER_CONTEXT", "default")
        assert find_engine().url == url
        monkeypatch.setenv("DOCKER_HOST", "unix:///host.sock")
        assert find_engine().url == "unix:///host.sock"
        monkeypatch.delenv("DOCKER_HOST")
        monkeypatch.delenv("DOCKER_CONTEXT")
        (machine / ".docker").rename(place / "elsewhere")
        monkeypatch.setenv("DOCKER_CONFIG", str(place / "elsewhere"))
        assert find_engine().url == "unix:///used.sock"


def test_a_context_that_is_gone_is_named(machine: Path) -> None:
    """With the file that names it."""
    configure(machine, currentContext="colima")
    said = refused()
    assert "docker context colima" in said
    assert "config.json" in said
    assert "docker context ls" in said


@pytest.mark.parametrize(
    "where",
    ["run/docker.sock", "run/podman/podman.sock", "home/.docker/run/docker.sock", "home/.colima/default/docker.sock",
     "home/.orbstack/run/docker.sock", "home/.local/share/containers/podman/machine/podman.sock"],
)  # fmt: skip
def test_sockets_of_other_engines_are_found(place: Path, where: str) -> None:
    """Rootless, desktop products and Podman; a dead default socket is passed over."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place / "docker.sock"))
    with unix_engine(place / where) as url:
        assert find_engine().url == url
        connect(5).close()


def test_a_context_brings_its_own_certificates(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to every client; one that lacks a file is named before anything is asked."""
    whole = dict.fromkeys(("ca.pem", "cert.pem", "key.pem"), "x")
    context(machine, "safe", "tcp://127.0.0.1:9", tls=whole)
    context(machine, "lax", "tcp://127.0.0.1:9", tls=whole, skip=True)
    context(machine, "half", "tcp://127.0.0.1:9", tls={"ca.pem": "x"})
    monkeypatch.setenv("DOCKER_CONTEXT", "safe")
    found = find_engine().environment
    assert Path(found["DOCKER_CERT_PATH"], "key.pem").is_file()
    assert found["DOCKER_TLS_VERIFY"] == "1"
    monkeypatch.setenv("DOCKER_CONTEXT", "lax")
    assert "DOCKER_TLS_VERIFY" not in find_engine().environment
    monkeypatch.setenv("DOCKER_CONTEXT", "half")
    assert "cert.pem, key.pem cannot be read" in refused()


def test_certificates_by_variables(machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a folder they are looked for beside config.json."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert find_engine().certificates == machine / ".docker"
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    assert find_engine().certificates == tmp_path
    assert "ca.pem, cert.pem, key.pem cannot be read" in refused()


def test_an_engine_over_tcp_answers_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would look for 127.0.0.1 on its own side."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with tcp_engine() as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        connect(5).close()


def test_an_engine_elsewhere_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ports are not on this machine's 127.0.0.1. The address is one that is never given to a machine."""
    for url in ("tcp://192.0.2.1:2375", "ssh://u@192.0.2.1", "ssh://a-name-of-ssh-config"):
        monkeypatch.setenv("DOCKER_HOST", url)
        assert "is on another machine" in refused()


def fake_ssh(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh on PATH."""
    folder.mkdir()
    (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_an_engine_over_ssh(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked without a terminal; what ssh says is passed on, and an ssh that hangs has a deadline."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://u@127.0.0.1:2222/")
    fake_ssh(place / "a", "echo 'Permission denied (publickey).' >&2; exit 255", monkeypatch)
    assert "ssh says: Permission denied (publickey)." in refused()
    monkeypatch.setattr("lab.chains.engine.client.SSH_DEADLINE_S", 1)
    fake_ssh(place / "b", "exec sleep 60", monkeypatch)
    assert "no answer within 1 s" in refused()
    monkeypatch.setenv("PATH", str(place / "none"))
    assert "ssh cannot be run" in refused()


def test_an_engine_over_ssh_is_spoken_to(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the pipe that `docker system dial-stdio` is."""
    with unix_engine(place / "far.sock"):
        relay = place / "relay.py"
        relay.write_text(
            "import os, socket, sys, threading\n"
            f"s = socket.socket(socket.AF_UNIX); s.connect({str(place / 'far.sock')!r})\n"
            "def up():\n    while data := os.read(0, 65536): s.sendall(data)\n"
            "threading.Thread(target=up, daemon=True).start()\n"
            "while data := s.recv(65536): os.write(1, data)\n"
        )
        script = f'case "$*" in *dial-stdio*) exec python3 {relay};; *) echo 24.0.7;; esac'
        fake_ssh(place / "bin", script, monkeypatch)
        monkeypatch.setenv("DOCKER_HOST", "ssh://u@127.0.0.1")
        if importlib.util.find_spec("paramiko") is None:
            # The SDK loads it even where the ssh command is used.
            assert "paramiko" in refused()
            return
        client = connect(5)
        assert client.version()["Version"] == "24.0.7"
        client.close()


def test_a_windows_engine_is_named(place: Path) -> None:
    """It answers, and could not run a node."""
    with unix_engine(place / "docker.sock", version=(200, VERSION | {"Os": "windows"})):
        assert "Windows containers" in refused()


@pytest.mark.parametrize("answer", [(500, {"message": "broken"}), (200, b"<html>"), (200, []), (200, {}), (404, b"")])
def test_an_engine_that_talks_nonsense_is_one_error(place: Path, answer: tuple[int, Any]) -> None:
    """Whatever listens there: another server, a proxy's page, an engine that is starting."""
    with unix_engine(place / "docker.sock", version=answer):
        assert "no Docker engine answers at" in refused()


def test_a_socket_without_permission_names_the_group(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may do anything, so the refusal itself is played."""
    with unix_engine(place / "docker.sock"):
        monkeypatch.setattr("lab.chains.engine.address.refusal", lambda path: PermissionError(13, "Permission denied"))
        assert "add yourself to the group docker" in refused()


@pytest.mark.parametrize("values", [{"credsStore": "gone"}, {"credHelpers": {"ghcr.io": "gone"}}])
def test_a_helper_is_asked_for_a_pull_only(place: Path, machine: Path, values: dict[str, Any]) -> None:
    """An image that is there needs none; for a pull the helper that is missing is named, with its file."""
    configure(machine, **values)
    with unix_engine(place / "docker.sock") as url:
        name, reason = choose("auto")
        assert name == "process"
        assert "docker-credential-gone" in reason
        assert "config.json" in reason
        with pytest.raises(EnvironmentFailure, match="docker-credential-gone") as failure:
            choose_backend("docker")
        assert failure.value.exit_code == 4
    assert url
    (place / "docker.sock").unlink()
    with unix_engine(place / "docker.sock", json=(200, {"Id": "sha256:1", "RepoTags": ["mine:1"]})):
        assert find_image("mine:1", pull=False) == ("mine:1", "present")


@pytest.mark.parametrize("status", [403, 500])
def test_an_engine_that_cannot_look_up_an_image_is_passed_over(place: Path, status: int) -> None:
    """By auto; the reason is its own words."""
    with unix_engine(place / "docker.sock", json=(status, {"message": "policy forbids"})):
        name, reason = choose("auto")
        assert name == "process"
        assert "policy forbids" in reason


def choose(wanted: Any) -> tuple[str, str]:
    """The backend's name and the reason."""
    backend, reason = choose_backend(wanted)
    backend.close()
    return backend.name, reason


@pytest.mark.parametrize("variable", ["TC_MAX_TRIES=many", "TESTCONTAINERS_CONNECTION_MODE=none"])
def test_settings_that_testcontainers_does_not_take_are_named(variable: str) -> None:
    """They stop it from being loaded at all, so this is another process."""
    name, _, value = variable.partition("=")
    code = "from lab.chains.engine.testcontainer import configure; configure()"
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, name: value}, capture_output=True, text=True, check=False
    )
    assert "EnvironmentFailure: Testcontainers does not load" in run.stderr
    assert value in run.stderr
