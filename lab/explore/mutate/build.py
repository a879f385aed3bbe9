"""Compiles mutants, with a cache: the contract's sources stand in a folder of their own, one file changed.

Code is compared without the compiler's metadata, which holds a digest of the source and so always differs.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lab.bounded_files import read_bytes, read_object, write_atomically
from lab.deploy.compiled import CompiledContract, hash_hex
from lab.deploy.text import read_text
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.deploy.vyper.source import VyperSource, project_root

CACHE_FORMAT = 1
# The compiler's optimisations, the one first that every contract can afford.
OPTIMISATIONS = ("codesize", "gas", "none")
_OPTIMISED = re.compile(r"^#[ \t]*pragma[ \t]+optimize\b.*\n?", re.M)


@dataclass(frozen=True, slots=True)
class Build:
    """A compiled source, or the compiler's words on why it is none."""

    abi: list[dict[str, Any]]
    bytecode: str
    refused: str | None = None


_BUILD = TypeAdapter(Build)


class Workshop:
    """A copy of the contract's sources in which one file at a time is another."""

    def __init__(self, source: VyperSource, folder: Path, cache_dir: Path) -> None:
        self._root = project_root(source.path)
        self._source, self._folder, self._cache = source, folder / "sources", cache_dir
        shutil.rmtree(self._folder, ignore_errors=True)
        for file in source.files:
            if self._root in file.parents:
                place = self._place(file)
                write_atomically(place, read_bytes(file))

    def file_at(self, place: Path) -> Path:
        """The file that lies there in the contract's project."""
        return self._root / place

    def build(self, file: Path, text: str) -> Build:
        """The contract with `text` in the place of one of its files."""
        kept = self._cache / f"{self._key(file, text)}.json"
        with suppress(OSError, ValueError, TypeError):
            return _BUILD.validate_python(read_object(kept))
        place = self._place(file)
        original = place.read_bytes()
        try:
            place.write_text(text, encoding="utf-8")
            build = self._compile()
        finally:
            place.write_bytes(original)
        with suppress(OSError):
            text = json.dumps({"abi": build.abi, "bytecode": build.bytecode, "refused": build.refused})
            write_atomically(kept, text)
        return build

    def control(self) -> Build | None:
        """The contract itself, optimised otherwise: other code that does the same. None where there is no such code."""
        file, text = self._source.path, read_text(self._source.path)
        original = self.build(file, text)
        plain = _OPTIMISED.sub("", text)
        for optimisation in OPTIMISATIONS:
            build = self.build(file, f"#pragma optimize {optimisation}\n{plain}")
            if build.refused is None and build.bytecode != original.bytecode:
                return build
        return None

    def contract(self, build: Build) -> CompiledContract:
        path = self._source.path
        return CompiledContract(
            name=path.stem,
            source_path=path,
            abi=build.abi,
            bytecode=build.bytecode,
            runtime_size_bytes=None,
            compiler=f"vyper {self._source.compiler_version}",
            source_sha256="",
            bytecode_sha256=hash_hex(build.bytecode),
        )

    def _place(self, file: Path) -> Path:
        return self._folder / file.relative_to(self._root)

    def _key(self, file: Path, text: str) -> str:
        others = [digest for name, digest in self._source.sources]
        parts = [CACHE_FORMAT, self._source.compiler_version, others, file.name, text]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _compile(self) -> Build:
        moved = [
            self._folder / path.relative_to(self._root) if self._root in (path, *path.parents) else path
            for path in self._source.search_paths
        ]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                output = compile_installed(
                    self._place(self._source.path), moved, ["abi", "bytecode"], no_bytecode_metadata=True
                )
        except Exception as error:
            # Not only its own exceptions: a mutant is not what the compiler's authors had in mind.
            return Build([], "", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return Build(output["abi"], output["bytecode"])
