"""Runs a Vyper compiler: the installed one through its Python API, any other in an isolated tool environment of uv."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.deploy.vyper_source import VyperSource, installed_version, project_root
from lab.errors import CompileFailure, EnvironmentFailure

COMPILE_TIMEOUT_S = 300
_LOCATION = re.compile(r'(?:contract "(?P<file>[^"]+?)(?::\d+)?".*?)?line (?P<line>\d+):(?P<column>\d+)')


@dataclass(frozen=True, slots=True)
class CompilerOutput:
    """Both codes are 0x-prefixed hex; the runtime code has no immutables in it."""

    abi: list[dict[str, Any]]
    bytecode: str
    runtime_bytecode: str


def run_compiler(source: VyperSource) -> CompilerOutput:
    """Raises CompileFailure when the source is wrong, EnvironmentFailure when the compiler cannot be run."""
    if source.compiler_version == installed_version():
        return _run_installed(source)
    return _run_isolated(source)


def _run_installed(source: VyperSource) -> CompilerOutput:
    # The compiler takes 0.4 s to import, and a cached contract never needs it.
    # It ships no type information.
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]

    bundle = FilesystemInputBundle(list(source.search_paths))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            output = compile_from_file_input(
                bundle.load_file(source.path),
                input_bundle=bundle,
                output_formats=["abi", "bytecode", "bytecode_runtime"],
            )
    except Exception as error:
        # Not only its own VyperException: the tokenizer, the module lookup and the compiler's panics raise others.
        raise compile_failure(source, f"{type(error).__name__}: {error}") from error
    return CompilerOutput(output["abi"], output["bytecode"], output["bytecode_runtime"])


def isolated_command(source: VyperSource, formats: str) -> list[str]:
    """The command that runs a source's own compiler; to be run in the source's project root."""
    version = source.compiler_version
    # Before 0.4 there is one root for imports, the folder that the compiler runs in.
    searched = () if version.startswith("0.3.") else source.search_paths
    paths = [part for path in searched for part in ("-p", str(path))]
    return [_find_uv(), "tool", "run", "--python", interpreter_for(version), "--no-python-downloads",
            "--from", f"vyper=={version}", "vyper", "-f", formats, *paths, str(source.path)]  # fmt: skip


def _run_isolated(source: VyperSource) -> CompilerOutput:
    version = source.compiler_version
    root = project_root(source.path)
    command = isolated_command(source, "abi,bytecode,bytecode_runtime")
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=COMPILE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(
            f"vyper {version} did not finish {source.path} within {COMPILE_TIMEOUT_S} s; {_ways_out(version)}"
        ) from error
    if done.returncode != 0:
        if "vyper.exceptions." in done.stderr or "Error compiling" in done.stdout + done.stderr:
            raise compile_failure(source, _exception_text(done.stderr))
        raise EnvironmentFailure(f"vyper {version} could not be run for {source.path}:\n"
                                 f"{_last_lines(done.stderr)}\n{_ways_out(version)}")  # fmt: skip
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    try:
        abi_text, bytecode, runtime = lines
        return CompilerOutput(json.loads(abi_text), bytecode, runtime)
    except ValueError as error:
        raise CompileFailure(
            f"{source.path}: vyper {version} printed {len(lines)} lines, expected ABI, bytecode and runtime bytecode "
            "on a line each; compile it yourself and give its artifact"
        ) from error


def interpreter_for(version: str) -> str:
    """The running interpreter where this compiler release runs on it, else the version to look for on the machine."""
    newest_minor = 11 if version.startswith("0.3.") else 13
    return sys.executable if sys.version_info[:2] <= (3, newest_minor) else "3.11"


def compile_failure(source: VyperSource, detail: str) -> CompileFailure:
    """Puts file:line:column, the source line and the compiler's version in front of what the compiler said."""
    file, line, column = _locate(source, detail)
    where = f"{file}:{line}:{column}" if line else str(file)
    shown, quoted = _quotable(file, line)
    message = f"{where}: vyper {source.compiler_version}: {detail.splitlines()[0].strip() or 'compilation failed'}"
    if quoted:
        caret = column - 1 if shown == line else len(quoted)
        message += f"\n  {shown} | {quoted}\n  {' ' * len(str(shown))} | {' ' * caret}^"
    return CompileFailure(f"{message}\nThe compiler's own words:\n{_last_lines(detail, 40)}")


def _locate(source: VyperSource, detail: str) -> tuple[Path, int, int]:
    """The first position the compiler names; column counts from 1. Without a file name it means the source itself."""
    match = _LOCATION.search(detail)
    if match is None:
        return source.path, 0, 0
    file = source.path
    if named := match.group("file"):
        # The compiler prints paths relative to where it ran; the file's own name is enough to find it again.
        same_name = [known for known in source.files if known.name == Path(named).name]
        exact = [known for known in same_name if known.as_posix().endswith(Path(named).as_posix().lstrip("./"))]
        file = next(iter(exact or same_name), source.path)
    return file, int(match.group("line")), int(match.group("column")) + 1


def _quotable(file: Path, line: int) -> tuple[int, str]:
    """The line to show: the named one, or the last one before it with text in it (an error at the end of the file)."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for number in range(min(line, len(lines)), 0, -1):
        if text := lines[number - 1].rstrip():
            return number, text
    return 0, ""


def _exception_text(stderr: str) -> str:
    """From the compiler's exception on; what stands before it is its traceback."""
    start = stderr.rfind("vyper.exceptions.")
    return stderr[start:].removeprefix("vyper.exceptions.") if start >= 0 else stderr.strip()


def _find_uv() -> str:
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise EnvironmentFailure("uv's program is missing from this environment: install the package `uv`") from error


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-count:])


def _ways_out(version: str) -> str:
    return (f"Ways out: go online once so that uv can fetch vyper {version}; install Python 3.11 if the message says "
            "that no interpreter was found; or give the contract's artifact (JSON with abi and bytecode).")  # fmt: skip
