"""Finds by trial who gives a role and takes it, who says who holds it, and which steps ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lab.coordinator.documented import FUNCTIONS
from lab.deploy.proposal.bench import OWNER, STRANGER, Use
from lab.deploy.proposal.likeness import alike
from lab.deploy.proposal.subject import Role, Tried, id_of


def grants_of(tried: Tried) -> list[Use]:
    """What the owner may call for an account and stays the owner."""
    documented = tried.candidates.documented("add_operator") or []
    more = tried.candidates.calls([("operator", "address")])
    uses = [*documented, *(use for use in more if len(use.slots) <= 3 and use.name not in FUNCTIONS)]
    return [use for use in uses if tried.bench.ask(use, OWNER, operator=STRANGER).done]


def smallest(same: Sequence[Use], best: Use) -> Use:
    """Of one function with several numbers the smallest: the others of a mask hold its bits, too."""
    numbered = [use for use in same if any(type(value) is int for value in use.constants)]
    return min(numbered, key=lambda use: use.constants[0], default=best) if best in numbered else best


def role_of(
    tried: Tried, grant: Use, steps: tuple[str, ...], able: Callable[[], bool], unlocking: Iterable[Use]
) -> Role:
    """The role that a grant gives: what takes it again, and who says so; a mask where others hold its bits."""
    bench = tried.bench
    views = [
        *tried.candidates.views([("operator", "address")]),
        *tried.candidates.views([("operator", "address")], extra=True),
    ]
    views = [view for view in views if set(map(str, view.constants)) <= set(map(str, grant.constants))]
    before = [bench.read(view, operator=STRANGER) for view in views]
    revokes = [
        use
        for use in tried.candidates.calls([("operator", "address")])
        if use != grant
        and [one for one in use.constants if type(one) is not bool]
        in ([], [one for one in grant.constants if type(one) is not bool])
    ]
    revokes.sort(key=lambda use: -alike("remove operator", use.name))
    documented = tried.candidates.documented("remove_operator") if grant.name == "add_operator" else None
    with bench.undone():
        bench.send(grant, OWNER, operator=STRANGER)
        revoke = next((use for use in documented or revokes if _takes(tried, use, able)), None)
        has, held = next(
            (
                (view, got[0])
                for view, was in zip(views, before, strict=True)
                if (got := bench.read(view, operator=STRANGER)) and was and len(got) == 1 and got != was and not was[0]
            ),
            (None, True),
        )
    bits = {
        value for use in unlocking if use.signature == grant.signature for value in use.constants if type(value) is int
    }
    small = next((value for value in grant.constants if type(value) is int), 0)
    if small and len(bits) > 1 and all(value & small == small for value in bits):
        grant, revoke, has = (_masked(use) if use is not None else None for use in (grant, revoke, has))  # type: ignore[assignment]
    return Role(grant, revoke, has, held, steps)


def _masked(use: Use) -> Use:
    return Use.of(
        use.entry, *(slot.model_copy(update={"bits": True}) if type(slot.value) is int else slot for slot in use.slots)
    )


def _takes(tried: Tried, use: Use, able: Callable[[], bool]) -> bool:
    with tried.bench.undone():
        return tried.bench.send(use, OWNER, operator=STRANGER).done and not able()


def find_second(tried: Tried, step: str, use: Use, grant: Use | None, grants: Sequence[Use]) -> None:
    """A role beside the operator's, seen by what a stranger who is given it can do."""
    if grant is None:
        return
    bench = tried.bench

    def able() -> bool:
        return bench.ask(use, STRANGER, tx_id=id_of(1)).done

    unlocking = []
    for one in grants:
        with bench.undone():
            bench.send(one, OWNER, operator=STRANGER)
            unlocking += [one] if able() else []
    grant = smallest([one for one in unlocking if one.signature == grant.signature], grant)
    known = next(
        (
            role
            for role in tried.roles[1:]
            if role.grant.signature == grant.signature and role.grant.constants == grant.constants
        ),
        None,
    )
    if known is not None:
        tried.roles.remove(known)
    role = role_of(tried, grant, (*(known.steps if known else ()), step), able, unlocking)
    tried.roles.append(role)
