"""Runs the Vyper compiler that a source wants: the installed one through its Python API, any other isolated."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import parse_json
from lab.chains.processes.child import how_ended
from lab.chains.processes.python_child import python_command
from lab.deploy.text import read_text
from lab.deploy.vyper.compiler_child import CPU_S_MAX, DEADLINE_S
from lab.deploy.vyper.isolated_compiler import run_isolated, was_refused, ways_out
from lab.deploy.vyper.source import VyperSource, installed_version
from lab.errors import CompileFailure, EnvironmentFailure

_LOCATION = re.compile(r'(?:contract "(?P<file>[^"]+?)(?::\d+)?".*?)?line (?P<line>\d+):(?P<column>\d+)')
_SHOWN = re.compile(r"^\s*-+> (\d+) (.*?)\s*$", re.M)
_NOT_FOUND = re.compile(r"ModuleNotFound|FileNotFoundError|could not find|Cannot find")


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
    return _run_other(source)


def _run_installed(source: VyperSource) -> CompilerOutput:
    folders = [str(folder) for folder in source.search_paths]
    formats = ["abi", "bytecode", "bytecode_runtime"]
    request = {"path": str(source.path), "search_paths": folders, "formats": formats}
    smaller = "make the contract smaller, or give its artifact (JSON with abi and bytecode)"
    try:
        done = subprocess.run(
            python_command("-m", "lab.deploy.vyper.compiler_child"),
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CompileFailure(f"{source.path}: the compiler did not end within {DEADLINE_S} s: {smaller}") from None
    except OSError as error:
        raise EnvironmentFailure(f"the compiler cannot be run for {source.path}: {error.strerror or error}") from error
    if done.returncode == -signal.SIGXCPU:
        raise CompileFailure(f"{source.path}: it takes more than {CPU_S_MAX} s of processor time to compile: {smaller}")
    try:
        output = parse_json(done.stdout, "the compiler's output")
        if "error" in output:
            raise compile_failure(source, str(output["error"]))
        return CompilerOutput(*(output[name] for name in formats))
    except (ValueError, TypeError, KeyError) as error:
        said = done.stderr.decode("utf-8", errors="replace") or str(error)
        ended = f"the compiler ended with {how_ended(done.returncode)}"
        raise CompileFailure(f"{source.path}: {ended}:\n{_last_lines(said)}") from None


def _run_other(source: VyperSource) -> CompilerOutput:
    version = source.compiler_version
    done = run_isolated(source, "abi,bytecode,bytecode_runtime")
    if done.returncode != 0:
        if was_refused(done):
            raise compile_failure(source, _exception_text(done.stderr))
        if f"there is no version of vyper=={version}" in done.stderr:
            raise CompileFailure(
                f"{source.path}: its pragma asks for vyper {version}, and there is no such release; change the pragma, "
                "or give the contract's artifact (JSON with abi and bytecode)"
            )
        raise EnvironmentFailure(
            f"vyper {version} could not be run for {source.path}:\n{_last_lines(done.stderr)}\n{ways_out(version)}"
        )
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    try:
        abi_text, bytecode, runtime = lines
        return CompilerOutput(parse_json(abi_text, "its output"), bytecode, runtime)
    except ValueError as error:
        raise CompileFailure(
            f"{source.path}: vyper {version} printed {len(lines)} lines, expected ABI, bytecode and runtime bytecode "
            "on a line each; compile it yourself and give its artifact"
        ) from error


def compile_failure(source: VyperSource, detail: str) -> CompileFailure:
    """Puts file:line:column, the source line and the compiler's version in front of what the compiler said."""
    file, line, column = _locate(source, detail)
    where = f"{file}:{line}:{column}" if line else str(file)
    shown, quoted = _quotable(file, line)
    first = next((text.strip() for text in detail.splitlines() if text.strip()), "compilation failed")
    message = f"{where}: vyper {source.compiler_version}: {first}"
    if quoted:
        caret = column - 1 if shown == line else len(quoted)
        message += f"\n  {shown} | {quoted}\n  {' ' * len(str(shown))} | {' ' * caret}^"
    if _NOT_FOUND.search(detail):
        message += (
            "\nImports are looked for from the file's folder up to its project's root, in that project's contracts,\n"
            "src, interfaces and lib, in the working folder, and among the packages of this environment:\n"
            "`pip install` there what is missing."
        )
    return CompileFailure(f"{message}\nThe compiler's own words:\n{_last_lines(detail, 40)}")


def _locate(source: VyperSource, detail: str) -> tuple[Path, int, int]:
    """The first position the compiler names; column counts from 1. Without a file name it means the source itself."""
    match = _LOCATION.search(detail)
    if match is None:
        return source.path, 0, 0
    file = source.path
    if not match.group("file") and (shown := _SHOWN.search(detail)):
        # Some errors name no file; the line that they show tells which it is.
        file = next((known for known in source.files if _line(known, int(shown.group(1))) == shown.group(2)), file)
    if named := match.group("file"):
        # The compiler prints paths relative to where it ran; the file's own name is enough to find it again.
        same_name = [known for known in source.files if known.name == Path(named).name]
        exact = [known for known in same_name if known.as_posix().endswith(Path(named).as_posix().lstrip("./"))]
        file = next(iter(exact or same_name), source.path)
    return file, int(match.group("line")), int(match.group("column")) + 1


def _line(file: Path, number: int) -> str:
    lines = read_text(file).splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _quotable(file: Path, line: int) -> tuple[int, str]:
    """The line to show: the named one, or the last one before it with text in it (an error at the end of the file)."""
    lines = read_text(file).splitlines()
    for number in range(min(line, len(lines)), 0, -1):
        if text := lines[number - 1].rstrip():
            return number, text
    return 0, ""


def _exception_text(stderr: str) -> str:
    """From the compiler's exception on; what stands before it is its traceback."""
    start = stderr.rfind("vyper.exceptions.")
    return stderr[start:].removeprefix("vyper.exceptions.") if start >= 0 else stderr.strip()


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-count:])
