"""The pinned packages: a digest for each platform, and what is said where there is none."""

from __future__ import annotations

import base64
import hashlib
import platform
import sys

import pytest

from lab.chains.nodes import pinned
from lab.chains.nodes.pinned import PACKAGES, PINNED_VERSION, platform_key, why_not_here
from lab.chains.nodes.provision import cached_anvil


def test_every_platform_has_both_digests() -> None:
    """Linux and macOS on both processors; an integrity is a whole sha512, a binary's digest a whole sha256."""
    assert set(PACKAGES) == {f"{system}-{chip}" for system in ("linux", "darwin") for chip in ("amd64", "arm64")}
    for pin in PACKAGES.values():
        algorithm, _, digest = pin.integrity.partition("-")
        assert algorithm == "sha512"
        assert len(base64.b64decode(digest, validate=True)) == 64
        assert len(bytes.fromhex(pin.sha256)) == 32
        assert pin.package == f"@foundry-rs/anvil-{pin.key}@{PINNED_VERSION}"
    assert len({pin.integrity for pin in PACKAGES.values()} | {pin.sha256 for pin in PACKAGES.values()}) == 8


def test_the_provisioned_binary_is_the_pinned_one() -> None:
    """Where the lab has fetched one, its digest is that of the package."""
    if not cached_anvil().is_file():
        pytest.skip("needs a provisioned anvil: run `make scenarios` without one on PATH")
    assert hashlib.sha256(cached_anvil().read_bytes()).hexdigest() == PACKAGES[platform_key()].sha256


@pytest.mark.parametrize(
    ("system", "machine", "key"),
    [
        ("linux", "x86_64", "linux-amd64"),
        ("linux", "aarch64", "linux-arm64"),
        ("darwin", "arm64", "darwin-arm64"),
        ("darwin", "x86_64", "darwin-amd64"),
        ("linux", "riscv64", "linux-riscv64"),
    ],
)
def test_a_machine_has_one_key(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, key: str) -> None:
    """Whatever the system calls its processor."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert platform_key() == key


@pytest.mark.parametrize(
    ("key", "libc", "words"),
    [
        ("linux-riscv64", ("glibc", "2.36"), "no package of anvil .* for linux-riscv64.*LAB_ANVIL"),
        ("linux-amd64", ("", ""), "needs glibc 2.35 or newer, and this system has musl.*LAB_ANVIL"),
        ("linux-amd64", ("glibc", "2.31"), "needs glibc 2.35 or newer, and this system has 2.31"),
    ],
)
def test_where_no_package_runs_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, key: str, libc: tuple[str, str], words: str
) -> None:
    """Before anything is downloaded, with the way out."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(pinned, "platform_key", lambda: key)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    said = why_not_here()
    assert said is not None
    with pytest.raises(ValueError, match=words):
        raise ValueError(said)


def test_windows_is_sent_to_its_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab does not run there, although the package exists."""
    monkeypatch.setattr(sys, "platform", "win32")
    assert "WSL" in str(why_not_here())


@pytest.mark.parametrize(("system", "libc"), [("linux", ("glibc", "2.35")), ("darwin", ("", ""))])
def test_where_the_package_runs_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, system: str, libc: tuple[str, str]
) -> None:
    """macOS has no glibc and needs none."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    assert why_not_here() is None
