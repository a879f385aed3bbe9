"""The events of a contract up to its final blocks, kept in a file: each run reads only what is new, by narrow ranges.

JSON lines, appended and on the disk before the next range is read, so a run that is ended loses at most one range. The
last block of every line is named by its hash: where the chain has another one, the line is dropped and read anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from lab.bounded_files import UnfitFile, open_append, open_regular, parse_model, read_lines, write_atomically
from lab.coordinator import Codec
from lab.errors import UsageError
from lab.model.frozen import Frozen
from lab.ops.chain import OperatedChain
from lab.rpc import Rpc, RpcMalformed, RpcRefused

RANGE_BLOCKS_MAX = 10_000
BYTES_MAX, LINES_MAX, LINE_BYTES_MAX = 1 << 30, 200_000, 16 << 20
# So many of a range stand in one line, however many there are: a reader has a bound for lines.
LOGS_A_LINE = 100
WIDE = ("range", "more than", "too many results", "too large", "response size", "limited to", "block limit")


class Head(Frozen):
    """The first line: whose events these are."""

    events: int = 1
    chain_id: int
    contract: str
    start_block: int


class Range(Frozen):
    """One range of blocks, `first` to `last`, with its logs as the node gave them (topics and data).

    A line of the file has so many of its logs; `rest` lines with the others follow.
    """

    first: int
    last: int
    hash: str
    logs: tuple[dict[str, Any], ...]
    rest: int = Field(default=0, ge=0)

    def parts(self) -> list[Range]:
        """One for each line."""
        logs = [self.logs[at : at + LOGS_A_LINE] for at in range(0, len(self.logs), LOGS_A_LINE)] or [()]
        return [self.model_copy(update={"logs": some, "rest": len(logs) - at}) for at, some in enumerate(logs, 1)]

    def goes_on_in(self, part: Range) -> bool:
        """Whether the next line is of the same range, and no other one is between them."""
        return (part.first, part.last, part.hash, part.rest) == (self.first, self.last, self.hash, self.rest - 1)


class EventFile:
    """The events of one contract. `width` is how many blocks the endpoint answered for at once, so far."""

    def __init__(self, path: Path, chain: OperatedChain, *, width: int = RANGE_BLOCKS_MAX) -> None:
        """`path` need not be there yet."""
        self._path, self._chain, self._width = path, chain, width
        self._head = Head(chain_id=chain.chain_id, contract=chain.contract, start_block=chain.start_block)
        self.requests = 0

    def parts_up_to(self, block: int) -> Iterator[Range]:
        """What begins up to a final block, a line of the file at a time; what is missing is read now, first.

        Raises an RpcFailure, UsageError, OSError.
        """
        first = self._known()
        while first <= block:
            fresh = self._read(first, block)
            self._append("".join(f"{part.model_dump_json()}\n" for part in fresh.parts()))
            first = fresh.last + 1
        return (part for part, _ in self._lines() if part.first <= block)

    def events(self, block: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and arguments of every event of the contract up to a block, in order."""
        codec: Codec = self._chain.codec
        for one in self.parts_up_to(block):
            for log in one.logs:
                try:
                    decoded = codec.decode_log(log) if int(log["blockNumber"], 16) <= block else None
                except (LookupError, TypeError, ValueError, AttributeError) as error:
                    raise self._damaged(f"no log of a node: {error!r}"[:200]) from error
                if decoded is not None:
                    yield decoded.event, dict(decoded.args)

    def _known(self) -> int:
        """The first block that the file lacks; what the chain does not agree with any more is cut off, and a torn end.

        Of a range only its end is kept in mind: of a busy contract the logs are more than memory holds.
        """
        if not self._path.is_file() or not self._path.stat().st_size:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, self._head.model_dump_json() + "\n", durable=True)
            return self._chain.start_block
        # Of each whole range its last block, the hash of that, and where in the file it ends.
        ends, begun = list[tuple[int, str, int]](), None
        for number, (part, end) in enumerate(self._lines(), start=2):
            if begun is not None and not begun.goes_on_in(part):
                raise self._damaged(f"line {number} does not follow the one before")
            begun = part if part.rest else None
            if begun is None:
                ends.append((part.last, part.hash, end))
        while ends and (self._chain.rpc.block(ends[-1][0]) or {}).get("hash") != ends[-1][1]:
            ends.pop()
        whole = ends[-1][2] if ends else self._head_bytes()
        if whole < self._path.stat().st_size:
            os.truncate(self._path, whole)
        return ends[-1][0] + 1 if ends else self._chain.start_block

    def _damaged(self, reason: str) -> UsageError:
        return UsageError(
            f"{self._path}: expected a file of events, a line is damaged ({reason}): remove the file, it is read from "
            "the chain again"
        )

    def _lines(self) -> Iterator[tuple[Range, int]]:
        """Each line behind the head that was written to its end, and where in the file that is."""
        size, end = self._path.stat().st_size, 0
        lines = read_lines(self._path, max_bytes=BYTES_MAX, max_lines=LINES_MAX, max_line_bytes=LINE_BYTES_MAX)
        for number, line in enumerate(lines, start=1):
            end += len(line.encode()) + 1
            if end > size:
                return
            try:
                if number > 1:
                    yield parse_model(line, Range, f"line {number}"), end
                elif parse_model(line, Head, "line 1") != self._head:
                    raise UsageError(f"{self._path}: expected events of {self._chain.contract}: move the file away")
            except UnfitFile as error:
                raise self._damaged(str(error)) from error

    def _head_bytes(self) -> int:
        with open_regular(self._path) as stream:
            return len(stream.readline(LINE_BYTES_MAX))

    def _read(self, first: int, block: int) -> Range:
        while True:
            last = min(first + self._width - 1, block)
            try:
                self.requests += 1
                logs = self._chain.rpc.logs(self._chain.contract, first, last)
            except RpcRefused as refused:
                if last == first or not any(words in refused.reason.lower() for words in WIDE):
                    raise
                self._width = -(-(last - first + 1) // 2)
                continue
            return Range(first=first, last=last, hash=_hash(self._chain.rpc, last), logs=tuple(map(_slim, logs)))

    def _append(self, lines: str) -> None:
        with open_append(self._path, mode=0o644) as stream:
            stream.write(lines.encode())
            stream.flush()
            os.fsync(stream.fileno())


def _hash(rpc: Rpc, number: int) -> str:
    block = rpc.block(number)
    if block is None:
        raise RpcMalformed("eth_getBlockByNumber", f"expected block {number}, which its logs were just read of")
    return str(block["hash"])


def _slim(log: dict[str, Any]) -> dict[str, Any]:
    """What decoding needs, and where it stands."""
    return {key: log[key] for key in ("blockNumber", "logIndex", "topics", "data")}
