"""The installed compiler in a process of its own, which a deadline and a bound on memory can end.

What it compiles was written by others: a source can be small, and keep a compiler busy for ever. Request and answer are
JSON, on stdin and stdout.
"""

from __future__ import annotations

import json
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

# The reference takes 2 s of processor time and 70 MB. What needs this much makes no contract that a chain takes.
CPU_S_MAX = 60
DATA_BYTES_MAX = 280 << 20
# On the wall, where other programs have the processor.
DEADLINE_S = 600


def main() -> None:
    """Compile what stdin asks for: `{"path", "search_paths", "formats"}`; the answer has the formats, or `error`."""
    # A parent that was killed cannot end it.
    signal.alarm(DEADLINE_S)
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES_MAX, DATA_BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX + 5))
    request: dict[str, Any] = json.load(sys.stdin)
    try:
        # The compiler takes 0.4 s to import, and nobody else needs it here.
        from lab.deploy.vyper.compilers import compile_installed

        warnings.simplefilter("ignore")
        folders = [Path(folder) for folder in request["search_paths"]]
        answer = dict(compile_installed(Path(request["path"]), folders, request["formats"]))
    except Exception as error:
        # Not only its own VyperException: the tokenizer, the module lookup and the compiler's panics raise others.
        answer = {"error": f"{type(error).__name__}: {error}"}
        if _from_memory(error):
            answer = {"error": f"it takes more than {DATA_BYTES_MAX >> 20} MiB to compile: make the contract smaller"}
    json.dump(answer, sys.stdout)


def _from_memory(error: BaseException | None) -> bool:
    """Whether it began with a MemoryError, which the compiler wraps into a panic of its own."""
    return error is not None and (isinstance(error, MemoryError) or _from_memory(error.__cause__ or error.__context__))


if __name__ == "__main__":
    main()
