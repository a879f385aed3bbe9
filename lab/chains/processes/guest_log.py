"""What a guest's program writes: raw in a file without a name, which goes with the lab however that ends, and clean.

No file that can be found by its name ever holds a guest's secrets, not even where everything is killed at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import IO

from lab.bounded_files import write_atomically
from lab.chains.processes.log_tail import LINES, TAIL_BYTES, Redact, fit_lines, last_lines, quoted, whole_lines
from lab.model.redacted import redact_text

PUBLISH_EVERY_S = 1.0
# Of what a guest wrote beyond the first of these, the end is kept, as long as the second.
RAW_BYTES_MAX = 16 * 1024 * 1024
RAW_BYTES_KEPT = 1024 * 1024
# Of a log that is published: each line of it is searched for secrets, which takes its time.
PUBLISHED_BYTES = 128 * 1024


class GuestLog:
    """A program's two output streams, published at `path` in lines that can be shown, without secrets."""

    def __init__(self, path: Path, redact: Redact = redact_text) -> None:
        self.path, self._redact = path, redact
        self._raw: IO[bytes] | None = None
        self._dropped, self._published, self._next_s = 0, 0, 0.0

    def fileno(self) -> int:
        """The handle that the program is given. Raises OSError where the log's folder cannot be made or written to."""
        if self._raw is None:
            write_atomically(self.path, "")
            self._raw = tempfile.TemporaryFile(dir=self.path.parent, buffering=0)  # noqa: SIM115 - see `close`
            # Several programs write to it, one after the other, and what is cut leaves no hole.
            fcntl.fcntl(self._raw, fcntl.F_SETFL, fcntl.fcntl(self._raw, fcntl.F_GETFL) | os.O_APPEND)
        return self._raw.fileno()

    def publish(self, *, ended: bool = False) -> None:
        """Publish what is new, now and then, up to the last whole line; all of it once the program has `ended`."""
        if self._raw is None or not (ended or time.monotonic() >= self._next_s):
            return
        self._next_s = time.monotonic() + PUBLISH_EVERY_S
        with contextlib.suppress(OSError):
            size = self._cap()
            if self._dropped + size == self._published and not ended:
                return
            end = self._end(PUBLISHED_BYTES)
            before = self._dropped + size - len(end)
            text = whole_lines(end, before)
            lines = fit_lines((text if ended else text[: text.rfind("\n") + 1]).splitlines(), self._redact)
            if before:
                lines.insert(0, f"[the lab dropped {before} bytes and the rest of a line before this one]")
            write_atomically(self.path, "".join(f"{line}\n" for line in lines))
            self._published = self._dropped + size

    def tail(self, lines: int = LINES) -> str:
        """The last lines, as `quoted` has them."""
        if self._raw is None:
            return last_lines(self.path, lines, self._redact)
        with contextlib.suppress(OSError):
            end = self._end(TAIL_BYTES)
            text = whole_lines(end, self._dropped + os.fstat(self.fileno()).st_size - len(end))
            return quoted(text, lines, self._redact)
        return quoted("", lines)

    def close(self) -> None:
        """Nobody writes to it any more: publish the end, and let go of the rest."""
        self.publish(ended=True)
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def _end(self, size: int) -> bytes:
        handle = self.fileno()
        return os.pread(handle, size, max(0, os.fstat(handle).st_size - size))

    def _cap(self) -> int:
        """Keep the end of what has grown too long; how long it is now."""
        size = os.fstat(self.fileno()).st_size
        if size <= RAW_BYTES_MAX:
            return size
        end = self._end(RAW_BYTES_KEPT)
        os.ftruncate(self.fileno(), 0)
        os.write(self.fileno(), end)
        self._dropped += size - len(end)
        return len(end)
