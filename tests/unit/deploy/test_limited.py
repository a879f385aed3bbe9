"""Whatever a compiler dies of, the bound that it met is named, and nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lab.deploy.vyper import limited
from lab.deploy.vyper.compilers import ask_installed, run_compiler
from lab.deploy.vyper.limited import SMALLER, Ended, run_limited
from lab.deploy.vyper.source import VyperSource, read_source
from lab.errors import CompileFailure

FILL = "kept = []\ntry:\n    while True: kept.append(bytearray(1 << 16))\nexcept MemoryError: pass\n"


def run(program: str) -> Ended:
    """A Python program within the bounds."""
    return run_limited([sys.executable, "-I", "-S", "-c", program])


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to start Python."""
    monkeypatch.setattr(limited, "MEMORY_BYTES_MAX", 64 << 20)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "death",
    [
        "import os; os.abort()",
        "import os; os.kill(os.getpid(), 11)",
        "import os; os._exit(1)",
        "raise MemoryError",
        "raise SystemError('returned NULL without setting an exception')",
        "raise RecursionError",
    ],
)
def test_memory_is_named_however_it_ended(death: str) -> None:
    """By what it took, not by what it died of; the same death with memory left says how it ended."""
    assert run(FILL + death).how() == "it takes more than 64 MiB of memory to compile"
    assert run(death).how().startswith("the compiler ended with ")


def test_a_signal_has_a_name() -> None:
    """Where no bound was met."""
    assert run("import os; os.kill(os.getpid(), 11)").how() == "the compiler ended with signal SIGSEGV"


def test_processor_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """And named."""
    monkeypatch.setattr(limited, "CPU_S_MAX", 1)
    assert run("while True: pass").how() == "it takes more than 1 s of processor time to compile"


def test_output_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read, and the disk does not fill."""
    assert run("print('x' * 1000)").stdout == "x" * 1000 + "\n"
    monkeypatch.setattr(limited, "OUTPUT_BYTES_MAX", 1000)
    assert "File too large" in run("print('x' * 2000, flush=True)").stderr


def test_what_never_started_says_so(tmp_path: Path) -> None:
    """Whoever was to start it failed: that is the machine's fault."""
    assert not run_limited(["true"], through=[sys.executable, "-c", "raise SystemExit(2)"]).started
    assert run_limited(["true"], folder=tmp_path).started
    assert run_limited([str(tmp_path / "none")]).returncode == 127


def test_a_deadline_ends_all_that_was_started(tmp_path: Path) -> None:
    """The compiler of another release is a child of uv's; that one was ended alone, and the compiler went on."""
    through = ["sh", "-c", '"$@" & wait', "sh"]
    pid = tmp_path / "pid"
    program = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(600)"
    with pytest.raises(subprocess.TimeoutExpired):
        run_limited([sys.executable, "-c", program], through=through, deadline_s=5)
    number = int(pid.read_text(encoding="utf-8"))
    until = time.monotonic() + 10
    while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)


def large(folder: Path, functions: int = 1500) -> VyperSource:
    """A contract that takes some 100 MB to compile."""
    path = folder / "Large.vy"
    texts = (f"@external\ndef f{number}() -> uint256:\n    return {number}\n" for number in range(functions))
    path.write_text("# pragma version 0.4.3\n" + "".join(texts), encoding="utf-8")
    return read_source(path)


@pytest.mark.parametrize("mebibytes", [44, 52, 60])
def test_a_compiler_without_memory_says_so_in_one_line(
    mebibytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the memory ends decides what it dies of, and not what is said: the file, the bound, the ways out."""
    source = large(tmp_path)
    monkeypatch.setattr(limited, "MEMORY_BYTES_MAX", mebibytes << 20)
    with pytest.raises(CompileFailure) as caught:
        ask_installed(source, ["bytecode"])
    assert str(caught.value) == f"{source.path}: it takes more than {mebibytes} MiB of memory to compile: {SMALLER}"


@pytest.mark.parametrize("text", ["return " + "not " * 2500 + "True", "return " + "-" * 9000 + "1 > 0"])
def test_a_compiler_that_gives_up_says_how_in_one_line(text: str, tmp_path: Path) -> None:
    """Too deep for its parser, by an exception that is none of the compiler's: the file and the ways out."""
    path = tmp_path / "Deep.vy"
    path.write_text(f"# pragma version 0.4.3\n@external\ndef f() -> bool:\n    {text}\n", encoding="utf-8")
    with pytest.raises(CompileFailure) as caught:
        ask_installed(read_source(path), ["bytecode"])
    said = str(caught.value)
    assert said.startswith(f"{path}: vyper 0.4.3 ended with ")
    assert said.endswith(SMALLER)
    assert "\n" not in said


@pytest.mark.older_vyper
def test_another_release_that_gives_up_is_the_sources_fault(tmp_path: Path) -> None:
    """It can be had and starts, so nobody goes online for it."""
    path = tmp_path / "Deep.vy"
    text = f"# @version 0.3.10\n@external\ndef f() -> bool:\n    return {'not ' * 2500}True\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CompileFailure, match="the compiler ended with exit code 1: RecursionError") as caught:
        run_compiler(read_source(path))
    assert str(caught.value).endswith(SMALLER)


def test_what_the_compiler_makes_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is read of it is the contract's fault, too."""
    source = large(tmp_path, functions=20)
    monkeypatch.setattr("lab.bounded_files.JSON_BYTES_MAX", 1000)
    with pytest.raises(
        CompileFailure, match=r"Large\.vy: what the compiler makes of it: expected JSON of at most 1000"
    ):
        ask_installed(source, ["abi"])


def test_who_ran_out_of_memory_and_then_of_time_had_too_little_memory() -> None:
    """An interpreter that asks for memory in vain, again and again, may end by its processor time."""
    beyond = [Ended(-signal.SIGXCPU, "", "", True, peak).beyond for peak in (limited.MEMORY_BYTES_MAX, 1 << 20)]
    assert ["memory" in words for words in beyond] == [True, False]
    assert "processor time" in beyond[1]
