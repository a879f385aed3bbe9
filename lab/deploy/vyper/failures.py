"""What is said of a source that does not compile, whatever its compiler died of: where, why, and what to do next."""

from __future__ import annotations

import re
from pathlib import Path

from lab.deploy.text import read_text
from lab.deploy.vyper.isolated_compiler import can_be_run, was_refused, ways_out
from lab.deploy.vyper.limited import SMALLER, Ended
from lab.deploy.vyper.source import VyperSource, installed_version
from lab.errors import CompileFailure, EnvironmentFailure, LabError

_LOCATION = re.compile(r'(?:contract "(?P<file>[^"]+?)(?::\d+)?".*?)?line (?P<line>\d+):(?P<column>\d+)')
_SHOWN = re.compile(r"^\s*-+> (\d+) (.*?)\s*$", re.M)
_NOT_FOUND = re.compile(r"ModuleNotFound|FileNotFoundError|could not find|Cannot find")


def ended_failure(source: VyperSource, done: Ended) -> CompileFailure:
    """Of a compiler that met a bound, or ended without a word about the source."""
    return CompileFailure(f"{source.path}: {done.how()}: {SMALLER}")


def isolated_failure(source: VyperSource, done: Ended) -> LabError:
    """Of another release that failed: the source's fault where the release can be had and starts."""
    version = source.compiler_version
    if done.beyond:
        return ended_failure(source, done)
    if was_refused(done):
        return compile_failure(source, _exception_text(done.stderr))
    if f"there is no version of vyper=={version}" in done.stderr:
        return CompileFailure(
            f"{source.path}: its pragma asks for vyper {version}, and there is no such release; change the pragma, "
            "or give the contract's artifact (JSON with abi and bytecode)"
        )
    if done.started and (version == installed_version() or can_be_run(version, source.path.parent)):
        return ended_failure(source, done)
    return EnvironmentFailure(
        f"vyper {version} could not be run for {source.path}:\n{_last_lines(done.stderr)}\n{ways_out(version)}"
    )


def compile_failure(source: VyperSource, detail: str, *, refused: bool = True) -> CompileFailure:
    """Puts file:line:column, the source line and the compiler's version in front of what the compiler said.

    `refused` is False for an exception that the compiler did not mean to end with.
    """
    file, line, column = _locate(source, detail)
    where = f"{file}:{line}:{column}" if line else str(file)
    shown, quoted = _quotable(file, line)
    first = next((text.strip() for text in detail.splitlines() if text.strip()), "compilation failed")
    version = f"vyper {source.compiler_version}"
    message = (
        f"{where}: {version}: {first}" if refused else f"{where}: {version} ended with {first.rstrip(': ')}: {SMALLER}"
    )
    if quoted:
        caret = column - 1 if shown == line else len(quoted)
        message += f"\n  {shown} | {quoted}\n  {' ' * len(str(shown))} | {' ' * caret}^"
    if _NOT_FOUND.search(detail):
        message += (
            "\nImports are looked for from the file's folder up to its project's root, in that project's contracts,\n"
            "src, interfaces and lib, in the working folder, and among the packages of this environment:\n"
            "`pip install` there what is missing."
        )
    if len(detail.strip().splitlines()) > 1:
        message += f"\nThe compiler's own words:\n{_last_lines(detail, 40)}"
    return CompileFailure(message)


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
