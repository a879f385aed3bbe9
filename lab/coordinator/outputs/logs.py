"""Decoding of a contract's events, by its own layout of them: fields in any order, indexed or not.

One event of the contract may stand for several documented ones, told apart by the value of a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, known_parameters
from lab.coordinator.outputs.reverts import Reasons
from lab.coordinator.overloads import Entry, signature_of, types_of
from lab.coordinator.values import constant, decode_plain, plain
from lab.model.contract.names import ContractNames


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """An event's name and its arguments by name."""

    event: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventLayout:
    """An event's arguments: `places` says where each stands among those in the data and, behind them, the topics.

    `only` holds the values, by place, of which one must be there for the log to be this event.
    """

    parameters: tuple[str, ...]
    data_types: tuple[str, ...]
    topic_types: tuple[str, ...]
    places: tuple[int, ...]
    only: tuple[tuple[int, tuple[Any, ...]], ...] = ()

    @classmethod
    def of(
        cls, entry: Entry, parameters: Sequence[str] | None = None, where: Mapping[str, Sequence[Any]] | None = None
    ) -> EventLayout:
        """An ABI's event, its arguments by its own names or these; `where` are values by its own names."""
        inputs, types = entry["inputs"], types_of(entry["inputs"])
        names = [str(argument["name"]) for argument in inputs]
        indexed = [bool(argument.get("indexed")) for argument in inputs]
        ordered = sorted(range(len(inputs)), key=lambda place: indexed[place])
        return cls(
            parameters=tuple(parameters if parameters is not None else names),
            data_types=tuple(types[place] for place in ordered if not indexed[place]),
            topic_types=tuple(_topic_type(types[place]) for place in ordered if indexed[place]),
            places=tuple(ordered.index(place) for place in range(len(inputs))),
            only=tuple(
                (ordered.index(names.index(key)), tuple(constant(types[names.index(key)], value) for value in values))
                for key, values in (where or {}).items()
                if key in names
            ),
        )

    def decoded(self, log: Mapping[str, Any]) -> dict[str, Any] | None:
        """The arguments; None where the log is laid out in another way, or is not this event."""
        try:
            values = decoded_values(self.data_types, bytes.fromhex(log["data"].removeprefix("0x")))
            for abi_type, topic in zip(self.topic_types, log["topics"][1:], strict=True):
                values += decoded_values((abi_type,), bytes.fromhex(topic.removeprefix("0x")))
        except (DecodingError, ValueError):
            return None
        if any(values[place] not in wanted for place, wanted in self.only):
            return None
        return dict(zip(self.parameters, (values[place] for place in self.places), strict=True))


class Logs:
    """The events of one contract. `events`: by documented name, and by its own where those are not documented."""

    def __init__(
        self, events: Mapping[str, Entry], names: ContractNames, reasons: Reasons, is_own: Callable[[str], bool]
    ) -> None:
        self._events, self._names, self._reasons = events, names, reasons
        self._by_topic: dict[str, list[str]] = {}
        # The lab's names come first, so that they win; those that ask for a value before those that take any.
        for name in sorted(events, key=lambda name: (is_own(name), name not in names.event_where)):
            self._by_topic.setdefault("0x" + keccak(text=signature_of(events[name])).hex(), []).append(name)
        self._layouts: dict[str, EventLayout] = {}

    def decode(self, log: Mapping[str, Any]) -> DecodedLog | None:
        """The event in a log of this contract; None for a foreign one."""
        topics = log["topics"]
        for name in self._by_topic.get(topics[0].lower(), ()) if topics else ():
            args = self.layout(name).decoded(log)
            if args is not None:
                if "reason" in args:
                    args["reason"] = self._reasons.of_event(args["reason"])
                return DecodedLog(name, args)
        return None

    def layout(self, name: str) -> EventLayout:
        """How the contract lays an event out. Raises KeyError without this event."""
        if name not in self._layouts:
            self._layouts[name] = self._laid_out(name)
        return self._layouts[name]

    def topic_of(self, name: str, parameter: str) -> int | None:
        """Which topic holds a documented argument of an event; None where it stands in the data, or nowhere."""
        layout = self.layout(name)
        if parameter not in layout.parameters:
            return None
        place = layout.places[layout.parameters.index(parameter)] - len(layout.data_types)
        return place + 1 if place >= 0 else None

    def _laid_out(self, name: str) -> EventLayout:
        entry = self._events[name]
        inputs = entry["inputs"]
        known = known_parameters(EVENTS.get(name) or EXTRA_EVENTS.get(name), inputs, types_of(inputs))
        own = {theirs: documented for documented, theirs in self._names.event_arguments.get(name, {}).items()}
        if own:
            known = [own.get(str(argument["name"]), str(argument["name"])) for argument in inputs]
        return EventLayout.of(entry, known, self._names.event_where.get(name))


def _topic_type(abi_type: str) -> str:
    """An indexed argument without a fixed length is there as its hash."""
    return "bytes32" if abi_type in ("string", "bytes") or abi_type.endswith(("]", ")")) else abi_type


def decoded_values(types: Sequence[str], raw: bytes) -> list[Any]:
    """ABI data as JSON can hold it. Raises DecodingError for data that does not fit."""
    values = decode_plain(types, raw)
    return [plain(value) for value in decode(types, raw)] if values is None else values
