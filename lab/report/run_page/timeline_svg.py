"""The picture of a run: one lane for each chain, one for the relayer, one for the faults. Inline SVG, no script.

Colours are presentation attributes with a CSS variable and a fallback that reads on white and on near-black, so the
same picture fits a light page, a dark page and a page whose Content-Security-Policy forbids styles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from lab.html.text import clean, seconds, times
from lab.model.history import History
from lab.model.records import Block, EmptyBlocks, FaultMark, Reorg
from lab.report.run_page.events import Event, Kind, events
from lab.report.run_page.markers import MARKERS, shape

WIDTH = 960
LEFT = 118
RIGHT = 22
LANE = 46
TOP = 14
MAX_MARKS = 1_500
MAX_TICKS = 3_000

_SCENARIO: tuple[Kind, ...] = ("met", "unmet", "operation")
_OFFSETS = (0, -11, 11)


def timeline_svg(history: History) -> str:
    """The whole run as one `<svg>` element. Hover texts are `<title>` elements; everything from outside is escaped."""
    found = events(history)
    drawing = _Drawing(history, found)
    body = drawing.body()
    label = f"Time line of {clean(history.header.scenario, 160)}"
    return (
        f'<svg class="lab-timeline" xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(label)} '
        f'width="{WIDTH}" height="{drawing.height}" viewBox="0 0 {WIDTH} {drawing.height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">{"".join(body)}</svg>'
    )


class _Drawing:
    """Where everything goes. Times become x, lane names become y."""

    def __init__(self, history: History, found: list[Event]) -> None:
        self._history = history
        self._spans = _fault_spans(history)
        self._end_ms = max(1_000, *(record.t_ms for record in history.records))
        scenario = ["scenario"] if any(event.kind in _SCENARIO for event in found) else []
        # Lanes are keyed by purpose as well as name: a chain may be called "relayer".
        self._lanes = [
            *(("extra", name) for name in scenario),
            *(("chain", name) for name in history.header.chains),
            ("extra", "relayer"),
        ]
        self._marks = found
        self._fault_rows = _rows(self._spans, self._end_ms)
        self._fault_top = TOP + LANE * len(self._lanes)
        depth = 1 + max(self._fault_rows, default=0)
        self._floor = self._fault_top + max(LANE, 16 + 20 * depth)
        self._kinds = sorted({event.kind for event in found} - {"fault", "reorg"}, key=list(MARKERS).index)
        self.height = self._floor + 30 + (24 * (1 + max(0, len(self._kinds) - 1) // 6))
        self._hatch = "lab-hatch-" + hashlib.sha256(history.header.item.encode("utf-8", "replace")).hexdigest()[:8]

    def x(self, t_ms: int) -> float:
        share = min(1.0, max(0.0, t_ms / self._end_ms))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, lane: tuple[str, str]) -> int:
        return TOP + LANE * self._lanes.index(lane) + LANE // 2

    def body(self) -> list[str]:
        """Fixed parts around a clipped plot, in which a page may move things sideways: each child has its own x."""
        clip = f"{self._hatch}-plot"
        return [
            f'<defs><clipPath id="{clip}"><rect x="{LEFT - 8}" y="0" width="{WIDTH - LEFT + 8}" '
            f'height="{self._floor + 22}"/></clipPath>{self._pattern()}</defs>',
            *self.names(),
            f'<g clip-path="url(#{clip})"><g class="lab-plot">',
            *self.axis(),
            *self.lanes(),
            *self.faults(),
            *self.marks(),
            "</g></g>",
            *self.legend(),
        ]

    def axis(self) -> Iterable[str]:
        step = _step(self._end_ms)
        for t_ms in range(0, self._end_ms + 1, step):
            x = self.x(t_ms)
            yield (
                f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{self._floor}" stroke="currentColor" stroke-opacity=".1"/>'
                f'<text x="{x}" y="{self._floor + 16}" text-anchor="middle" fill-opacity=".75">{t_ms / 1000:g} s</text>'
            )

    def _pattern(self) -> str:
        return (
            f'<pattern id="{self._hatch}" width="6" height="6" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" stroke="{MARKERS["reorg"].colour}" '
            'stroke-width="2" stroke-opacity=".6"/></pattern>'
        )

    def names(self) -> Iterable[str]:
        for lane in self._lanes:
            yield self._name(self.y(lane), lane[1])
        yield self._name(self._fault_top + LANE // 2 - 6, "faults")

    def lanes(self) -> Iterable[str]:
        for lane in self._lanes:
            if lane[0] == "chain":
                yield from self._chain(lane[1], self.y(lane))

    def _name(self, y: int, name: str) -> str:
        shown = clean(name, 14)
        return f'<text x="8" y="{y + 4}" font-weight="600">{escape(shown)}<title>{escape(clean(name))}</title></text>'

    def _chain(self, chain: str, y: int) -> Iterable[str]:
        orphans = {block.hash for block in self._history.orphans if block.chain == chain}
        ticks = 0
        for record in self._history.records:
            if isinstance(record, EmptyBlocks) and record.chain == chain and ticks < MAX_TICKS:
                ticks += 1
                start, end = self.x(record.first_t_ms), self.x(record.t_ms)
                title = f"{record.last - record.first + 1} empty blocks, {record.first} to {record.last}"
                yield (
                    f'<line x1="{start}" y1="{y}" x2="{max(end, start + 1)}" y2="{y}" stroke="currentColor" '
                    f'stroke-opacity=".35"><title>{title}</title></line>'
                )
            elif isinstance(record, Block) and record.chain == chain and ticks < MAX_TICKS:
                ticks += 1
                dashed = ' stroke-dasharray="2 2"' if record.hash in orphans else ""
                orphaned = ", orphaned" if record.hash in orphans else ""
                title = f"block {record.number} at {seconds(record.t_ms)}, {len(record.txs)} transactions{orphaned}"
                x = self.x(record.t_ms)
                yield (
                    f'<line x1="{x}" y1="{y - 17}" x2="{x}" y2="{y + 17}" stroke="currentColor" stroke-opacity=".45"'
                    f"{dashed}><title>{title}</title></line>"
                )
            elif isinstance(record, Reorg) and record.chain == chain:
                yield self._reorg(record, y)

    def _reorg(self, reorg: Reorg, y: int) -> str:
        lost = [
            block.t_ms
            for block in self._history.orphans
            if block.chain == reorg.chain and block.number > reorg.ancestor and block.seq < reorg.seq
        ]
        reach = reorg.t_ms - reorg.depth * self._history.header.chains[reorg.chain].block_time_ms
        # Not over the ancestor, which stays.
        stays = [
            self.x(record.t_ms) + 6
            for record in self._history.records
            if isinstance(record, Block) and record.chain == reorg.chain and record.number == reorg.ancestor
        ]
        start, end = max([self.x(min([reach, *lost])), *stays]), self.x(reorg.t_ms)
        title = f"reorg at {seconds(reorg.t_ms)}: depth {reorg.depth}, back to block {reorg.ancestor}"
        return (
            f'<rect x="{start}" y="{y - 19}" width="{max(3.0, round(end - start, 1))}" height="38" rx="3" '
            f'fill="url(#{self._hatch})" stroke="{MARKERS["reorg"].colour}"><title>{title}</title></rect>'
        )

    def faults(self) -> Iterable[str]:
        colour = MARKERS["fault"].colour
        for (start_ms, end_ms, mark, healed), row in zip(self._spans, self._fault_rows, strict=True):
            start, y = self.x(start_ms), self._fault_top + 8 + 20 * row
            wide = max(4.0, round(self.x(end_ms) - start, 1))
            did = f"acted {times(healed.activations)}" if healed else "never healed"
            where = f" on {clean(mark.chain, 40)}" if mark.chain else ""
            proof = f": {clean(healed.proof, 200)}" if healed and healed.proof else ""
            title = f"{clean(mark.fault, 40)} ({clean(mark.id, 60)}){where}, {did}{proof}"
            name = clean(mark.id, 24)
            # A short span has its name beside it, on the side where there is room.
            inside = wide > 8 * len(name)
            left = start + 6 if inside else start + wide + 5
            anchor = ""
            if not inside and left + 7 * len(name) > WIDTH:
                left, anchor = start - 5, ' text-anchor="end"'
            yield (
                f'<rect x="{start}" y="{y}" width="{wide}" height="16" rx="3" fill="{colour}" fill-opacity=".25" '
                f'stroke="{colour}"><title>{escape(title)}</title></rect>'
                f'<text x="{round(left, 1)}" y="{y + 12}" font-size="11"{anchor} pointer-events="none">'
                f"{escape(name)}</text>"
            )

    def marks(self) -> Iterable[str]:
        taken: dict[tuple[str, str], list[float]] = {}
        drawn = 0
        for event in self._marks:
            lane = self._lane(event)
            if lane is None:
                continue
            drawn += 1
            if drawn > MAX_MARKS:
                continue
            x = self.x(event.t_ms)
            recent = taken.setdefault(lane, [])
            crowd = sum(1 for other in recent[-8:] if abs(other - x) < 10)
            recent.append(x)
            y = self.y(lane) + _OFFSETS[crowd % 3]
            orphaned = ", orphaned" if event.orphaned else ""
            title = f"{seconds(event.t_ms)}  {event.text}{orphaned}"
            opacity = ' opacity=".45"' if event.orphaned else ""
            yield f"<g{opacity}>{shape(event.kind, x, y)}<title>{escape(title)}</title></g>"
        if drawn > MAX_MARKS:
            yield (
                f'<text x="{WIDTH - RIGHT}" y="11" text-anchor="end" font-size="11">'
                f"{drawn - MAX_MARKS:,} later marks are not drawn: see history.jsonl</text>"
            )

    def _lane(self, event: Event) -> tuple[str, str] | None:
        if event.kind in _SCENARIO:
            return ("extra", "scenario")
        if event.kind == "submit" or (event.kind == "note" and event.chain is None):
            return ("extra", "relayer")
        lane = ("chain", event.chain or "")
        return lane if lane in self._lanes and event.kind not in ("reorg", "fault") else None

    def legend(self) -> Iterable[str]:
        for index, kind in enumerate(self._kinds):
            x, y = LEFT + 137 * (index % 6), self._floor + 40 + 24 * (index // 6)
            yield f'{shape(kind, x, y)}<text x="{x + 11}" y="{y + 4}">{MARKERS[kind].label}</text>'


_Span = tuple[int, int, FaultMark, FaultMark | None]


def _fault_spans(history: History) -> list[_Span]:
    """From each injection to its healing, or to the end of the run."""
    end = max(record.t_ms for record in history.records)
    marks: list[FaultMark] = history.of(FaultMark)
    spans: list[_Span] = []
    for index, mark in enumerate(marks):
        if mark.phase == "inject":
            later = (other for other in marks[index + 1 :] if other.id == mark.id and other.phase == "heal")
            healed = next(later, None)
            spans.append((mark.t_ms, healed.t_ms if healed else end, mark, healed))
    return spans


def _rows(spans: list[_Span], end_ms: int) -> list[int]:
    """A row for each span, so that spans and the names beside short ones do not cover each other."""
    free: list[float] = []
    rows = []
    for start, end, mark, _ in spans:
        name_ms = 8 * len(clean(mark.id, 24)) * end_ms / (WIDTH - LEFT - RIGHT)
        row = next((index for index, until in enumerate(free) if until <= start), len(free))
        until = max(end, start + name_ms * 1.2) if end - start < name_ms else end
        free[row : row + 1] = [until]
        rows.append(row)
    return rows


def _step(end_ms: int) -> int:
    """A round distance between axis labels, at most ten of them."""
    step = 1_000
    for factor in (2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600):
        if end_ms / step <= 10:
            return step
        step = factor * 1_000
    return max(step, end_ms // 10)
