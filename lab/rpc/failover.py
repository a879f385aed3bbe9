"""Several endpoints of one chain as one transport: the best one that is well answers, a send goes to all of them.

The order given is the order of preference. An endpoint that fails, limits requests, or whose head lags or stands still
is put back for a while, longer each time; one of another chain is never asked again. Each such change is a notice.
Answers of two endpoints are never mixed into one: whoever needs to be sure asks `agreeing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.rpc.client import quantity
from lab.rpc.errors import RpcFailure, RpcRefused, RpcUnavailable
from lab.rpc.refusals import METHOD_NOT_FOUND, is_known, is_trouble
from lab.rpc.transport import HttpTransport, Transport

SENDS = frozenset({"eth_sendRawTransaction", "eth_sendRawTransactionSync"})

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """When an endpoint is put back and for how long, in seconds of the given clock and in blocks.

    Every `look_every_s` heads are compared, and blocks `agree_depth_blocks` below the lowest one, which no usual reorg
    reaches. A call waits up to `all_down_s` where all are in trouble.
    """

    first_s: float = 1.0
    max_s: float = 30.0
    all_down_s: float = 20.0
    lag_blocks_max: int = 5
    stall_s: float = 120.0
    look_every_s: float = 15.0
    agree_depth_blocks: int = 12


# For those who poll: they ask again soon, and look after other chains meanwhile.
IMPATIENT = Patience(all_down_s=0.0)


class EndpointsDisagree(LabError):
    """Two endpoints have different blocks at one height: one of them is on another fork."""

    exit_code = 3


@dataclass(slots=True)
class _Place:
    """One endpoint, and what is known of it. `label` is its redacted URL."""

    label: str
    transport: Transport
    admitted: bool = False
    excluded: str | None = None
    put_back_until: float = 0.0
    put_backs: int = 0
    reason: str | None = None
    head: int = -1
    head_since: float = 0.0
    answers: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """How an endpoint fared: `state` is in use, put back or excluded; `reason` is that of the last change."""

    label: str
    state: str
    reason: str | None
    answers: int
    failures: int


class FailoverTransport:
    """A `Transport` over several. Not safe for use by several threads at once."""

    def __init__(
        self,
        endpoints: Mapping[str, Transport],
        *,
        chain_id: int,
        patience: Patience | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        notify: Notify | None = None,
    ) -> None:
        """`endpoints` maps labels fit to be shown to transports, the preferred first. Raises ValueError for none."""
        if not endpoints:
            raise ValueError("expected at least one endpoint, got none")
        self._places = [_Place(label, transport) for label, transport in endpoints.items()]
        self._chain_id, self._patience = chain_id, patience or Patience()
        self._now, self._sleep, self._notify = now, sleep, notify or (lambda _: None)
        self._next_look = now() + self._patience.look_every_s
        self.disagreement: str | None = None

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`; `timeout_s` is what each endpoint gets at a time.

        Where all are in trouble it waits for one, up to `all_down_s`. Raises the last endpoint's failure.
        """
        if method in SENDS:
            return self._send(method, params, timeout_s)
        self._look()
        until, backoff = self._now() + self._patience.all_down_s, self._patience.first_s
        while True:
            begun = self._now()
            failure: RpcFailure | None = None
            for place in self._in_order():
                try:
                    self._admit(place, timeout_s)
                    answer = place.transport.call(method, params, timeout_s)
                except RpcFailure as error:
                    failure = self._judged(place, error)
                else:
                    self._is_well(place)
                    return answer
            if not (places := self._in_order()):
                raise self._nobody(method)
            # Asked again within bounds, however long they are put back for; where none was, all lack it.
            again, left = [one.put_back_until for one in places if one.put_back_until > begun], until - self._now()
            if not again or left <= 0:
                raise failure or self._nobody(method)
            self._sleep(max(0.0, min(min(again) - self._now(), backoff, left)))
            backoff *= 2

    def reports(self) -> list[EndpointReport]:
        """One for each endpoint, in order of preference."""
        now = self._now()

        def state(place: _Place) -> str:
            return "excluded" if place.excluded else "put back" if place.put_back_until > now else "in use"

        return [
            EndpointReport(place.label, state(place), place.excluded or place.reason, place.answers, place.failures)
            for place in self._places
        ]

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        for place in self._places:
            if isinstance(place.transport, HttpTransport):
                place.transport.close()

    def agreeing(self, block: int) -> int:
        """How many hosts have the same block at that height: two keys of one provider are no two witnesses.

        Raises EndpointsDisagree where two differ; who does not answer, or has no such block, is not counted.
        """
        return self._agreeing(self._places, block)

    def _agreeing(self, places: list[_Place], block: int) -> int:
        hashes: dict[str, str] = {}
        for place in places:
            try:
                self._admit(place, None)
                header = place.transport.call("eth_getBlockByNumber", [hex(block), False], None)
            except RpcFailure as error:
                self._note_failure(place, error)
                continue
            if isinstance(header, dict) and isinstance(header.get("hash"), str):
                hashes[place.label] = header["hash"]
        if len(set(hashes.values())) > 1:
            said = "; ".join(f"{label} has {value}" for label, value in hashes.items())
            text = f"chain {self._chain_id}: expected one block {block} from all endpoints, got several: {said}. "
            raise EndpointsDisagree(f"{text}One of them is on another fork, or not of this network: remove it")
        return len({getattr(place.transport, "host", place.label) for place in places if place.label in hashes})

    def _in_order(self) -> list[_Place]:
        now = self._now()
        usable = [place for place in self._places if place.excluded is None]
        return sorted(usable, key=lambda place: max(place.put_back_until - now, 0.0))

    def _send(self, method: str, params: list[Any], timeout_s: float | None) -> Any:
        """To all: a pool that lost it, or an endpoint that keeps it to itself, then does not matter."""
        answer, accepted = None, False
        failures: list[RpcFailure] = []
        for place in self._in_order():
            try:
                self._admit(place, timeout_s)
                given = place.transport.call(method, params, timeout_s)
            except RpcRefused as refused:
                failures.append(refused)
                if is_trouble(refused) and not is_known(refused):
                    self._note_failure(place, refused)
                else:
                    self._is_well(place)
            except RpcFailure as error:
                failures.append(error)
                self._note_failure(place, error)
            else:
                answer, accepted = (answer if accepted else given), True
                self._is_well(place)
        if accepted:
            return answer
        # What nobody knows the end of weighs most; then what says that the transaction is there; then what is about it.
        open_ended = [error for error in failures if not error.definite]
        known = [error for error in failures if isinstance(error, RpcRefused) and is_known(error)]
        about = [error for error in failures if isinstance(error, RpcRefused) and not is_trouble(error)]
        raise (open_ended or known or about or failures or [self._nobody(method)])[0]

    def _admit(self, place: _Place, timeout_s: float | None) -> None:
        """Ask an endpoint which chain it is of, once, and again after trouble. Raises an RpcFailure.

        One of another chain is never asked again.
        """
        if place.excluded is not None:
            raise RpcUnavailable("eth_chainId", f"{place.label}: {place.excluded}", sent=False)
        if place.admitted:
            return
        given = quantity("eth_chainId", place.transport.call("eth_chainId", [], timeout_s))
        if given != self._chain_id:
            place.excluded = f"expected chain {self._chain_id}, it is of chain {given}"
            self._notify(f"{place.label}: {place.excluded}: it is not asked again")
            raise RpcUnavailable("eth_chainId", f"{place.label}: {place.excluded}", sent=False)
        place.admitted = True

    def _judged(self, place: _Place, error: RpcFailure) -> RpcFailure:
        """Raise what is an answer; of what is the endpoint's own trouble take note, and return it."""
        if isinstance(error, RpcRefused) and not is_trouble(error):
            self._is_well(place)
            raise error
        self._note_failure(place, error)
        return error

    def _note_failure(self, place: _Place, error: RpcFailure) -> None:
        place.failures += 1
        refused = error if isinstance(error, RpcRefused) else None
        if place.excluded is None and (refused is None or (is_trouble(refused) and refused.code != METHOD_NOT_FOUND)):
            self._put_back(place, str(error))

    def _put_back(self, place: _Place, reason: str, pause: float | None = None) -> None:
        """For `pause` seconds (one that lags: until the next look); without it longer each time."""
        pause = pause or min(self._patience.first_s * 2**place.put_backs, self._patience.max_s)
        place.put_backs, place.reason, place.admitted = place.put_backs + 1, reason, False
        place.put_back_until = self._now() + pause
        if len(self._places) > 1 and place.put_backs == 1:
            self._notify(f"{place.label}: put back for {pause:g} s: {reason}")

    def _is_well(self, place: _Place) -> None:
        place.answers += 1
        if place.put_backs and place.put_back_until <= self._now():
            place.put_backs = 0
            if len(self._places) > 1:
                self._notify(f"{place.label}: answers again")

    def _look(self) -> None:
        """Compare the heads now and then: who lags or stands still is put back."""
        now = self._now()
        if len(self._places) < 2 or now < self._next_look:
            return
        self._next_look = now + self._patience.look_every_s
        for place in self._in_order():
            try:
                self._admit(place, None)
                head = quantity("eth_blockNumber", place.transport.call("eth_blockNumber", [], None))
            except RpcFailure as error:
                self._note_failure(place, error)
                continue
            if head != place.head:
                place.head, place.head_since = head, now
        heads = [place for place in self._places if place.head >= 0 and place.put_back_until <= now]
        if not heads:
            return
        best = max(heads, key=lambda place: place.head)
        for place in heads:
            behind, still_s = best.head - place.head, now - place.head_since
            if behind > self._patience.lag_blocks_max:
                reason = f"its head {place.head} is {behind} blocks behind that of {best.label}"
                self._put_back(place, reason, self._patience.look_every_s)
            elif behind > 0 and still_s > self._patience.stall_s:
                reason = f"its head {place.head} has stood still for {still_s:.0f} s"
                self._put_back(place, reason, self._patience.look_every_s)
        self._compare([place for place in heads if place.put_back_until <= now])

    def _compare(self, places: list[_Place]) -> None:
        """Note whether endpoints have one block at a depth: two forks are said, and never made one by a vote."""
        height = min((place.head for place in places), default=0) - self._patience.agree_depth_blocks
        if len(places) < 2 or height < 0:
            return
        try:
            self._agreeing(places, height)
        except EndpointsDisagree as disagreement:
            if self.disagreement is None:
                self._notify(str(disagreement))
            self.disagreement = str(disagreement)
        else:
            if self.disagreement is not None:
                self._notify(f"chain {self._chain_id}: the endpoints agree again at block {height}")
            self.disagreement = None

    def _nobody(self, method: str) -> RpcFailure:
        said = "; ".join(f"{place.label}: {place.excluded}" for place in self._places)
        return RpcUnavailable(method, f"no endpoint of chain {self._chain_id} is left: {said}", sent=False)
