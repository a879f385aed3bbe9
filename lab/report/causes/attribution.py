"""What follows from what in one run: the first deviation is a root, what comes after it on the same way is its wake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.report.causes.symptoms import Symptom


@dataclass(frozen=True, slots=True)
class Link:
    """`symptom` came behind `root`. `same`: they are two views of one and the same transaction."""

    symptom: Symptom
    root: Symptom
    same: bool


@dataclass(frozen=True, slots=True)
class Attribution:
    """The roots of a run, in the order of their times, and what follows them."""

    roots: tuple[Symptom, ...]
    links: tuple[Link, ...]

    @property
    def shown(self) -> tuple[Symptom, ...]:
        """All of them."""
        return (*self.roots, *(link.symptom for link in self.links))


# What these object to a contract does, whatever the relayer made of it.
OF_CONTRACTS = ("S1", "S4", "S10", "S11")
CRASH = "L4"
# Settings of the whole contract, and the check whose rule goes by each: where that is wrong, so is what the check saw.
GOES_BY = {"coordination_window": "S4", "paused": "S10", "authorized_operators": "S6"}
# How a flow ends, and what a relayer knows of it, hangs on all that it reads of the contract.
HALF_DONE = "S9"
HANGS_ON_ALL = (HALF_DONE, "S12")


def attribute(symptoms: Iterable[Symptom]) -> Attribution:
    """`symptoms` in the order of their times.

    What a crash changed shows at the end, and is dated by the crash: it comes behind whatever a contract did wrongly.
    What is read of the whole contract at the end was wrong before whatever went by it.
    """
    given = sorted(symptoms, key=lambda symptom: not _unknown_since(symptom))
    if any(symptom.check in OF_CONTRACTS for symptom in given):
        given.sort(key=lambda symptom: symptom.check == CRASH)
    roots: list[Symptom] = []
    links: list[Link] = []
    of_tx: dict[str, Symptom] = {}
    kept: dict[str | None, Symptom] = {}
    for symptom in given:
        same = of_tx.get(symptom.tx) if symptom.tx is not None else None
        if symptom.check == HALF_DONE:
            # What kept the leg from becoming READY let it expire.
            same = same or kept.get(symptom.tx_id)
        root = same or next((root for root in reversed(roots) if _follows(symptom, root)), symptom)
        if root is symptom:
            roots.append(symptom)
        else:
            links.append(Link(symptom, root, same is not None and root.tx == symptom.tx))
        if symptom.tx_id is not None and symptom.check.startswith("L"):
            kept.setdefault(symptom.tx_id, root)
        if symptom.tx is not None:
            of_tx.setdefault(symptom.tx, root)
    return Attribution(tuple(roots), tuple(links))


def _unknown_since(symptom: Symptom) -> bool:
    """Whether it is a setting or a count of the contract that was found wrong at the end, by whichever call."""
    return symptom.check == "S11" and bool(symptom.field) and symptom.tx_id is None and not symptom.function


def _follows(symptom: Symptom, root: Symptom) -> bool:
    """Whether a later symptom may be the wake of a root.

    A check of safety is one only on the same flow, or where it goes by what the whole contract holds. An expectation
    stands in a script, where behind a step that did not come as it should the rest does not either; one that a call
    must end as the documentation says, of another function and another flow, stands for itself. Liveness ends where
    anything else goes wrong.
    """
    if symptom.kind in ("missing", "operation", "relayer", "evidence"):
        return False
    if symptom.kind == "check" and not symptom.check.startswith("L"):
        return _same_way(symptom, root) or (symptom.check in HANGS_ON_ALL and _unknown_since(root))
    if symptom.demands and root.kind not in ("missing", "operation"):
        return _same_way(symptom, root) or symptom.function == root.function or symptom.demands == root.check
    return True


def _same_way(symptom: Symptom, root: Symptom) -> bool:
    """Whether both are about one transaction of the coordinator, or about two of one flow."""
    one_flow = symptom.flow is not None and symptom.flow == root.flow
    return one_flow or (symptom.tx_id is not None and symptom.tx_id == root.tx_id)
