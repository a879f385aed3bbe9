"""Cases that show how well alerts detect: drawn flows with nothing wrong, and with one thing that has an alert."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lab.explore.swarm.case import BUFFER_LEAD_S, Document, Drawing, draw
from lab.faults.drawing import NOTHING_LACKING, DrawnContract
from lab.monitor.alerting.timeline import INTERVAL_S
from lab.networks import load_network

# So long a run lasts behind the last leg's time, and on until every leg has ended.
QUIET_S = 60
# Half as often as by default: it is half of what a run costs, and only makes everything later.
POLL = "4s"
ROOMY, SHORT_S = "5m", 30
# A leg that is due as early as buffering allows, and when it is sure to be due by its chain's clock.
BEGIN_S = 15
OWN_LEG, OWN_S = "own.tx", BUFFER_LEAD_S + 5
# So long the relayer stands still behind a READY parent: beyond the longest allowance, in a bucket above the limit.
LATE_S = 200
# Less than any call of a contract takes that writes.
SMALL_GAS = 30_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a thing goes wrong: a chain with legs, a second, and that of the first leg.

    `begin_s` is before the first leg is due.

    `other`: another chain of the case; the same one where there is no other.
    """

    chain: str
    other: str
    begin_s: int
    due_s: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What an alert is made for.

    One of `alerts` has to fire within `within_s`: what its rule waits for, and two samples. `steps` make it happen,
    `begins` says when: at the place's `begin_s`, unless it takes the relayer's absence first.
    """

    alerts: tuple[str, ...]
    within_s: int
    steps: Callable[[Place], tuple[Document, ...]]
    begins: Callable[[Place], int] = lambda place: place.begin_s
    functions: tuple[str, ...] = ()
    of_chain: bool = True
    # A network without empty blocks cannot be seen to stand still.
    needs_blocks: bool = False
    # It keeps transactions out of a chain, and begins when all that is buffered is sure to be in.
    keeps_out: bool = False
    window: str = ROOMY
    # A leg that the relayer does not get to, due as early as buffering allows.
    own_leg: bool = False
    # That leg is on the other chain, and has a child on this one.
    own_child: bool = False


def _fault(kind: str, within_s: int, place: Place, **words: Any) -> tuple[Document, ...]:
    """A fault that lasts as long as its alert may take."""
    return ({"id": "wrong", "at": f"{place.begin_s}s", "fault": kind, "for": f"{within_s}s", **words},)


def _of_chain(kind: str, alerts: tuple[str, ...], within_s: int, **words: Any) -> Kind:
    return Kind(alerts, within_s, lambda place: _fault(kind, within_s, place, chain=place.chain, **words))


def _admin(place: Place, action: str, **words: Any) -> Document:
    return {"at": f"{place.begin_s}s", "admin": {"chain": place.chain, "action": action, **words}}


def _expired_s(place: Place) -> int:
    """The relayer comes back when the first leg's window is over."""
    return place.due_s + SHORT_S + INTERVAL_S


KINDS: dict[str, Kind] = {
    "node_kill": replace(_of_chain("node_kill", ("ChainDown",), 120), keeps_out=True),
    "node_pause": replace(_of_chain("node_pause", ("ChainDown",), 120), keeps_out=True),
    "halt": replace(_of_chain("halt", ("ChainStalled",), 195), needs_blocks=True, keeps_out=True),
    "base_fee_spike": replace(_of_chain("base_fee_spike", ("BaseFeeHigh",), 420, factor=100), keeps_out=True),
    "partition": replace(_of_chain("partition", ("LegsOverdue", "CrossChainStuck"), 180), window=f"{SHORT_S}s"),
    "relayer_kill": Kind(
        ("RelayerDown",),
        120,
        lambda place: ({"id": "wrong", "at": f"{place.begin_s}s", "fault": "relayer_kill", "restart_after": "120s"},),
        of_chain=False,
    ),
    "relayer_pause": Kind(
        ("LegsOverdue", "CrossChainStuck"),
        180,
        lambda place: _fault("relayer_pause", 180, place),
        of_chain=False,
        window=f"{SHORT_S}s",
    ),
    "window missed": Kind(
        ("CoordinationTimeout",),
        150,
        lambda place: _fault("relayer_pause", _expired_s(place) - place.begin_s, place),
        begins=_expired_s,
        of_chain=False,
        window=f"{SHORT_S}s",
    ),
    "execution failed": Kind(
        ("TransactionsFailing",),
        240,
        lambda place: (
            *_fault("relayer_pause", 60, replace(place, begin_s=INTERVAL_S)),
            {"at": f"{OWN_S}s", "resolve": OWN_LEG},
            {"call": {"chain": place.chain, "function": "mark_failed", "args": [OWN_LEG]}},
        ),
        begins=lambda _: OWN_S,
        functions=("mark_failed",),
        own_leg=True,
    ),
    "pool_drop": Kind(
        ("RelayerBacklog",),
        150,
        lambda place: _fault(
            "pool_drop", 160, replace(place, begin_s=BUFFER_LEAD_S - 2), chain=place.chain, every="100ms"
        ),
        begins=lambda _: OWN_S,
        of_chain=False,
        own_leg=True,
    ),
    # Its node refuses estimates of gas, so that the relayer begins no job: only the chain shows what waits.
    "gas_limit_cut": Kind(
        ("RelayerBacklog",),
        150,
        lambda place: _fault(
            "gas_limit_cut", 160, replace(place, begin_s=BUFFER_LEAD_S - 2), chain=place.chain, gas_limit=SMALL_GAS
        ),
        begins=lambda _: OWN_S,
        own_leg=True,
    ),
    "legs late": Kind(
        ("CrossChainSlow",),
        420,
        lambda place: (
            *_fault("relayer_pause", OWN_S + LATE_S - INTERVAL_S, replace(place, begin_s=INTERVAL_S)),
            {"at": f"{OWN_S}s", "resolve": OWN_LEG},
        ),
        begins=lambda _: OWN_S + LATE_S,
        own_leg=True,
        own_child=True,
    ),
    "attacker": Kind(
        ("UnauthorizedCalls",),
        60,
        lambda place: (
            {
                "at": f"{place.begin_s}s",
                "call": {"chain": place.chain, "function": "pause", "args": []},
                "as": "attacker",
                "expect": "fail",
            },
        ),
        functions=("pause",),
    ),
    "operator added": Kind(
        ("UndeclaredOperator",),
        60,
        lambda place: (_admin(place, "add_operator", value="attacker"),),
        functions=("add_operator",),
    ),
    "owner replaced": Kind(
        ("OwnerChanged",),
        60,
        lambda place: (
            _admin(place, "propose_owner", value="attacker"),
            {"admin": {"chain": place.chain, "action": "accept_ownership"}, "as": "attacker"},
        ),
        functions=("propose_owner", "accept_ownership"),
    ),
    "emergency stop": Kind(
        ("ContractPaused",),
        60,
        lambda place: (_admin(place, "pause"),),
        functions=("pause",),
        keeps_out=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One of KINDS in a case, from a second of the run on. `chain`: the one that the alert has to name, if any."""

    kind: str
    begin_s: int
    chain: str | None = None


def kinds_for(contract: DrawnContract) -> tuple[str, ...]:
    """The kinds that a contract has the functions for."""
    return tuple(name for name, kind in KINDS.items() if contract.has(kind.functions))


def cases(seed: int, contract: DrawnContract = NOTHING_LACKING) -> list[tuple[Wrong | None, Document]]:
    """The drawn flows with nothing wrong, and with one thing that is. Kinds take turns over the seeds."""
    drawn = draw(Drawing(seed, contract=contract))
    legs = [leg for flow in drawn["flows"].values() for leg in flow.values()]
    first = min(legs, key=_due_s)
    rng = random.Random(f"{seed}/swarm/monitor")
    mining = sorted({leg["chain"] for leg in legs if load_network(leg["chain"]).mines_empty_blocks})
    others = sorted({*drawn["networks"]} - {first["chain"]})
    possible = [
        name
        for name in kinds_for(contract)
        if (mining or not KINDS[name].needs_blocks) and (others or not KINDS[name].own_child)
    ]
    name = possible[seed % len(possible)]
    kind = KINDS[name]
    chain = rng.choice(mining) if kind.needs_blocks else first["chain"]
    begin_s = rng.randint(BEGIN_S, _due_s(first) - 10)
    if kind.keeps_out:
        # Before the first leg still: a network without empty blocks shows a fee by what its legs bring.
        begin_s = min(begin_s + BUFFER_LEAD_S - BEGIN_S, _due_s(first) - 1)
    place = Place(chain, rng.choice(others) if others else chain, begin_s, _due_s(first))
    wrong = Wrong(name, kind.begins(place), chain if kind.of_chain else None)
    last_s = max(map(_due_s, legs))
    return [(None, _document(drawn, (), last_s + QUIET_S)), (wrong, _broken(drawn, kind, place, last_s))]


def _due_s(leg: Document) -> int:
    return int(leg["at"][1:-1])


def _broken(drawn: Document, kind: Kind, place: Place, last_s: int) -> Document:
    """Over as soon as the alert has had its time, and no leg is due any more."""
    flow, leg = OWN_LEG.split(".")
    due = f"+{BUFFER_LEAD_S}s"
    legs = {leg: {"chain": place.other if kind.own_child else place.chain, "at": due}}
    if kind.own_child:
        legs["child"] = {"chain": place.chain, "at": due, "after": leg}
    own = {flow: legs} if kind.own_leg else {}
    case = {**drawn, "flows": {**drawn["flows"], **own}}
    end_s = kind.begins(place) + kind.within_s + INTERVAL_S
    return _document(case, kind.steps(place), end_s) | {
        "window": kind.window,
        "timeout": f"{max(end_s, last_s) + 1}s",
    }


def _document(case: Document, steps: tuple[Document, ...], end_s: int) -> Document:
    timeline: list[Document] = [{"at": "0s", "buffer": flow} for flow in case["flows"]]
    timeline += [*steps, {"at": f"{end_s}s", "wait": "1s"}]
    kept = {key: case[key] for key in ("name", "description", "networks", "seed", "flows")}
    words = {"relayer": {"poll": POLL}, "timeout": "60m", "window": ROOMY, "monitor": True}
    return {**kept, **words, "timeline": timeline, "checks": []}
