"""The events of a contract up to its final blocks, kept in a file: each run reads only what is new, by narrow ranges.

JSON lines, appended and on the disk before the next range is read, so a run that is ended loses at most one range. The
last block of every line is named by its hash: where the chain has another one, the line is dropped and read anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from lab.bounded_files import first_fault, open_append, read_lines, write_atomically
from lab.coordinator import Codec
from lab.errors import UsageError
from lab.model.frozen import Frozen
from lab.ops.chain import OperatedChain
from lab.rpc import Rpc, RpcMalformed, RpcRefused

RANGE_BLOCKS_MAX = 10_000
BYTES_MAX, LINES_MAX, LINE_BYTES_MAX = 1 << 30, 2_000_000, 16 << 20
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

    def with_more(self, part: Range) -> Range | None:
        """Together with the next line; None where that is not of the same range."""
        follows = (part.first, part.last, part.hash, part.rest) == (self.first, self.last, self.hash, self.rest - 1)
        return part.model_copy(update={"logs": self.logs + part.logs}) if follows else None


class EventFile:
    """The events of one contract. `width` is how many blocks the endpoint answered for at once, so far."""

    def __init__(self, path: Path, chain: OperatedChain, *, width: int = RANGE_BLOCKS_MAX) -> None:
        """`path` need not be there yet."""
        self._path, self._chain, self._width = path, chain, width
        self._head = Head(chain_id=chain.chain_id, contract=chain.contract, start_block=chain.start_block)
        self.requests = 0

    def read_up_to(self, block: int) -> list[Range]:
        """All ranges up to a final block, the missing ones read now. Raises an RpcFailure, UsageError, OSError."""
        ranges = self._known()
        first = ranges[-1].last + 1 if ranges else self._chain.start_block
        while first <= block:
            fresh = self._read(first, block)
            self._append("".join(f"{part.model_dump_json()}\n" for part in fresh.parts()))
            ranges.append(fresh)
            first = fresh.last + 1
        return [one for one in ranges if one.first <= block]

    def events(self, block: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and arguments of every event of the contract up to a block, in order."""
        codec: Codec = self._chain.codec
        for one in self.read_up_to(block):
            for log in one.logs:
                try:
                    decoded = codec.decode_log(log) if int(log["blockNumber"], 16) <= block else None
                except (LookupError, TypeError, ValueError, AttributeError) as error:
                    raise self._damaged(f"no log of a node: {error!r}"[:200]) from error
                if decoded is not None:
                    yield decoded.event, dict(decoded.args)

    def _known(self) -> list[Range]:
        """What the file has, as far as the chain still agrees; a torn last line is cut off."""
        lines = self._lines()
        if not lines:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, self._head.model_dump_json() + "\n", durable=True)
            return []
        try:
            if Head.model_validate_json(lines[0]) != self._head:
                raise UsageError(f"{self._path}: expected events of {self._chain.contract}: move the file away")
            parts = [Range.model_validate_json(line) for line in lines[1:]]
        except ValidationError as error:
            raise self._damaged(first_fault(error)) from error
        ranges, ends = self._joined(parts)
        kept = len(ranges)
        while kept and (self._chain.rpc.block(ranges[kept - 1].last) or {}).get("hash") != ranges[kept - 1].hash:
            kept -= 1
        if (end := ends[kept]) < len(parts):
            write_atomically(self._path, "\n".join(lines[: end + 1]) + "\n", durable=True)
        return ranges[:kept]

    def _joined(self, parts: list[Range]) -> tuple[list[Range], list[int]]:
        """Whole ranges, and how many lines there are before the first, and up to each. One cut short is left out."""
        ranges, ends, begun = list[Range](), [0], None
        for number, part in enumerate(parts, start=1):
            whole = begun.with_more(part) if begun is not None else part
            if whole is None:
                raise self._damaged(f"line {number + 1} does not follow the one before")
            begun = whole if whole.rest else None
            if begun is None:
                ranges.append(whole)
                ends.append(number)
        return ranges, ends

    def _damaged(self, reason: str) -> UsageError:
        return UsageError(
            f"{self._path}: expected a file of events, a line is damaged ({reason}): remove the file, it is read from "
            "the chain again"
        )

    def _lines(self) -> list[str]:
        try:
            lines = list(
                read_lines(self._path, max_bytes=BYTES_MAX, max_lines=LINES_MAX, max_line_bytes=LINE_BYTES_MAX)
            )
        except FileNotFoundError:
            return []
        whole = sum(len(line.encode()) + 1 for line in lines)
        if lines and whole > self._path.stat().st_size:
            os.truncate(self._path, whole - len(lines.pop().encode()) - 1)
        return lines

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
