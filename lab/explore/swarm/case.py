"""Draws a case from a seed: a whole scenario file, as the text that a person could have written.

Every random choice belongs to a stream of its own, so that drawing one fault again leaves the rest as it was.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

import yaml

from lab.checks import CHECKS
from lab.coordinator.documented import FUNCTIONS
from lab.deploy.deployer import Deployable
from lab.explore.swarm.perturbations import draw_perturbations
from lab.faults import FAULTS
from lab.faults.drawing import NOTHING_LACKING, DrawContext, DrawnChain, DrawnContract, DrawnFault, DrawnLeg, seconds
from lab.networks import load_network

Document = dict[str, Any]

NETWORKS = {"ethereum": 3, "polygon": 3, "optimism": 3, "arbitrum": 3, "base": 1}
PAYLOADS = (0, 1, 31, 32, 33, 64, 64, 64, 255, 256, 511, 512)
RPC_BUDGET_S = 5
WINDOW_MAX_S = 300
# Two blocks of Ethereum with a missed slot between: what is buffered so long before its timestamp gets in before it.
BUFFER_LEAD_S = 40
# A fault that did not act is drawn again so often, then left out.
DRAWS_MAX = 4
LEFT_OUT_OF_CHECKS = ("S9",)
# Checks that hold a leg to the liveness bound.
BOUND_CHECKS = ("L1", "L5")


@dataclass(frozen=True)
class Drawing:
    """Which drawing of each fault to take: `draws[i]` for fault number i, first drawings where nothing is said.

    What the contract lacks is left out, and what is left is the same for every contract.
    """

    seed: int
    draws: dict[int, int] = field(default_factory=dict)
    contract: DrawnContract = NOTHING_LACKING

    def again(self, number: int) -> Drawing:
        return replace(self, draws=self.draws | {number: self.draws.get(number, 0) + 1})


def draw(drawing: Drawing) -> Document:
    """The case as a scenario document."""
    rng = random.Random(f"{drawing.seed}/swarm")
    networks, chains = _chains(rng)
    relayer = _relayer(rng)
    poll_s = int(str(relayer.get("poll", "2s")).removesuffix("s"))
    bound_s = max(3 * chain.block_time_ms for chain in chains) // 1000 + poll_s + RPC_BUDGET_S
    roomy = rng.random() < 0.8
    window_s = min(WINDOW_MAX_S, bound_s + rng.randint(5, 120)) if roomy else rng.randint(5, bound_s)
    flows, buffers, legs = _flows(rng, chains, drawing.contract)
    if queue_s := _queue_s(flows, chains, drawing.contract.per_block):
        legs = _put_off(flows, legs, queue_s)
        # A bound longer than any window is none.
        roomy = roomy and bound_s + queue_s < WINDOW_MAX_S
        window_s = min(WINDOW_MAX_S, window_s + queue_s) if roomy else window_s
    context = DrawContext(chains, legs, window_s, drawing.contract)
    # A stream keeps its name: under another one every seed would draw other cases.
    steps = [*buffers, *draw_perturbations(random.Random(f"{drawing.seed}/swarm/twists"), context)]
    end_ms = max((leg.at_s * 1000 for leg in legs), default=0)
    for number, fault in enumerate(_faults(drawing, context)):
        if fault is not None:
            steps.append((fault.begin_ms, {"id": f"fault-{number}", **fault.step}))
            end_ms = max(end_ms, fault.end_ms)
    # Whatever is not healed when the timeline ends is healed then: without this step faults would be cut short.
    end_ms = max([end_ms, *(at_ms for at_ms, _ in steps)])
    steps.append((end_ms, {"at": seconds(end_ms), "wait": "1s"}))
    document: Document = {
        "name": f"Swarm case {drawing.seed}",
        "description": "Drawn at random; the checks alone say whether what came of it is right.",
        "networks": networks,
        "seed": drawing.seed,
        "timeout": "30m",
        "window": f"{window_s}s",
        "relayer": relayer or "reference",
        "flows": flows,
        "timeline": [step for _, step in sorted(steps, key=itemgetter(0))],
        "checks": ["default", *(f"-{name}" for name in LEFT_OUT_OF_CHECKS if name in CHECKS)],
    }
    if not roomy:
        # A bound longer than the window it must fit in proves nothing, by the check's own rule.
        document["checks"] += [f"-{name}" for name in BOUND_CHECKS if name in CHECKS]
    return document


def drawn_contract(target: Deployable) -> DrawnContract:
    """What draws have to know of a contract."""
    lacking = frozenset(name for name in FUNCTIONS if not target.codec.has(name))
    return DrawnContract(lacking, target.limits.payload_bytes, target.limits.per_block)


def to_text(document: Document) -> str:
    """The scenario file."""
    schema = "# yaml-language-server: $schema=../../scenarios/scenario.schema.json\n"
    body: str = yaml.safe_dump(document, sort_keys=False, width=120, default_flow_style=None)
    return schema + body


def fault_number(step_id: str) -> int | None:
    """Which drawn fault a step is, None for another step."""
    head, _, number = step_id.partition("-")
    return int(number) if head == "fault" and number.isdigit() else None


def _chains(rng: random.Random) -> tuple[dict[str, Any], tuple[DrawnChain, ...]]:
    requested = rng.choices((1, 2, 3), weights=(1, 6, 3))[0]
    names: list[str] = []
    while len(names) < requested:
        left = {name: weight for name, weight in NETWORKS.items() if name not in names}
        names.append(rng.choices(list(left), weights=list(left.values()))[0])
    networks: dict[str, Any] = {}
    chains = []
    for name in names:
        profile = load_network(name)
        depth = profile.finality.blocks
        networks[name] = {}
        if profile.mines_empty_blocks and rng.random() < 0.4:
            depth = rng.randint(1, 6)
            networks[name] = {"finality": {"blocks": depth}}
        tagged = depth is None and profile.finality.tag is not None
        chains.append(DrawnChain(name, profile.block_time_ms, profile.mines_empty_blocks, depth, tagged))
    return networks, tuple(chains)


def _relayer(rng: random.Random) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if rng.random() < 0.3:
        settings["poll"] = f"{rng.randint(1, 5)}s"
    if rng.random() < 0.3:
        settings["execution_order"] = "executed"
    return settings


def _flows(
    rng: random.Random, chains: tuple[DrawnChain, ...], contract: DrawnContract
) -> tuple[dict[str, Any], list[tuple[int, dict[str, Any]]], tuple[DrawnLeg, ...]]:
    """Flows, the steps that buffer them, and what faults can be aimed at."""
    flows: dict[str, Any] = {}
    buffers: list[tuple[int, dict[str, Any]]] = []
    legs: list[DrawnLeg] = []
    longest = max(PAYLOADS) if contract.payload_bytes is None else contract.payload_bytes
    for flow_number in range(rng.randint(1, 4)):
        flow, parent, at_s = f"f{flow_number}", None, rng.randint(BUFFER_LEAD_S, 90)
        uses: dict[str, Any] = {}
        buffer_ms = 0 if rng.random() < 0.7 else rng.randint(0, at_s - BUFFER_LEAD_S) * 1000
        for leg_number in range(rng.randint(1, 3)):
            leg = "abc"[leg_number]
            use: dict[str, Any] = {"chain": rng.choice(chains).name, "at": f"+{at_s}s"}
            use["payload"] = f"{min(rng.choice(PAYLOADS), longest)}B"
            if parent is not None:
                use["after"] = parent
            elif legs and rng.random() < 0.2:
                use["after"] = rng.choice(legs).name
            uses[leg] = use
            legs.append(DrawnLeg(f"{flow}.{leg}", use["chain"], at_s, buffer_ms / 1000))
            parent = leg if rng.random() < 0.9 else None
            at_s = min(240, at_s + rng.choice((0, 0, 5, 10, 20, 30, 45, 60)))
        flows[flow] = uses
        order = [flow] if rng.random() < 0.7 else rng.sample([f"{flow}.{leg}" for leg in uses], len(uses))
        buffers += [(buffer_ms, {"at": seconds(buffer_ms), "buffer": target}) for target in order]
    return flows, buffers, tuple(legs)


def _queue_s(flows: dict[str, Any], chains: tuple[DrawnChain, ...], per_block: int | None) -> int:
    """Seconds in which all legs and mirrors of a chain get blocks, as `checks/bounds.py` counts them; the most."""
    if per_block is None:
        return 0
    legs = {f"{flow}.{leg}": use for flow, uses in flows.items() for leg, use in uses.items()}
    held = dict.fromkeys((chain.name for chain in chains), 0)
    mirrors = set[tuple[str, str]]()
    for name, use in legs.items():
        held[use["chain"]] += 1
        after = use.get("after", name)
        parent = after if "." in after else f"{name.partition('.')[0]}.{after}"
        if legs[parent]["chain"] != use["chain"]:
            mirrors.add((use["chain"], parent))
    for chain_name, _ in mirrors:
        held[chain_name] += 1
    queue_ms = max((max(0, held[chain.name] - 1) // per_block * chain.block_time_ms for chain in chains), default=0)
    return -(-queue_ms // 1000)


def _put_off(flows: dict[str, Any], legs: tuple[DrawnLeg, ...], later_s: int) -> tuple[DrawnLeg, ...]:
    """Everything due so much later: each leg is buffered in time, in a block of its own."""
    for leg in legs:
        flow, _, name = leg.name.partition(".")
        flows[flow][name]["at"] = f"+{leg.at_s + later_s}s"
    return tuple(replace(leg, at_s=leg.at_s + later_s) for leg in legs)


def _faults(drawing: Drawing, context: DrawContext) -> list[DrawnFault | None]:
    """The faults in their numbers; None where one is left out, because it never acted or clashes with one before."""
    rng = random.Random(f"{drawing.seed}/swarm/faults")
    draws_of = [kind.draw for kind in FAULTS.values() if kind.draw is not None]
    drawn: list[DrawnFault | None] = []
    for number in range(rng.choices((0, 1, 2, 3), weights=(1, 4, 4, 2))[0]):
        draws = drawing.draws.get(number, 0)
        own = random.Random(f"{drawing.seed}/swarm/fault/{number}/{draws}")
        fault = own.choice(draws_of)(own, context) if draws < DRAWS_MAX else None
        if fault is not None and any(fault.clashes(other) for other in drawn if other is not None):
            fault = None
        drawn.append(fault)
    return drawn
