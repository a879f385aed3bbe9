"""The compiler of this environment, through its Python API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.deploy.text import read_text


def compile_installed(path: Path, search_paths: Sequence[Path], formats: Sequence[str], **options: Any) -> Any:
    """The installed compiler's output by format. Raises whatever the compiler raises."""
    # The compiler takes 0.4 s to import, and a cached contract never needs it.
    # It ships no type information.
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle  # type: ignore[import-untyped]

    class Bundle(FilesystemInputBundle):  # type: ignore[misc]  # of a module without types
        """The compiler's own would read in the encoding of the locale, byte order mark and all."""

        def _load_from_path(self, resolved_path: Path, original_path: Path) -> Any:
            if not resolved_path.is_file():
                return super()._load_from_path(resolved_path, original_path)
            text = read_text(resolved_path)
            return FileInput(self._generate_source_id(resolved_path), original_path, resolved_path, text)

    bundle = Bundle(list(search_paths))
    return compile_from_file_input(bundle.load_file(path), input_bundle=bundle, output_formats=list(formats), **options)
