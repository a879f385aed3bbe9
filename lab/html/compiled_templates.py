"""Templates as Jinja compiled them, kept in the user's cache: to compile those of one report takes half a second."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

from lab.environment import cache_folder
from lab.errors import EnvironmentFailure


class CompiledTemplates(FileSystemBytecodeCache):
    """A cache that cannot be read or written costs time, and nothing else.

    Jinja looks at the version of Python and at the template's text. That the environment is the same shows in the
    folder, which is named by the code that makes it.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


def compiled_templates(maker: Path) -> CompiledTemplates | None:
    """For the environment that the module `maker` makes; None where no cache can be had."""
    try:
        digest = hashlib.sha256(maker.read_bytes()).hexdigest()
        return CompiledTemplates(str(cache_folder() / "templates" / digest[:16]))
    except (EnvironmentFailure, OSError):
        return None
