"""Finds by trial what a contract does for each step of a transaction, who may do it, and who lets them.

What buffers takes what is documented; who makes an operator is seen by what a stranger can buffer afterwards; what
resolves makes something possible that was not, and cannot be repeated; what executes is that something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.coordinator.documented import FUNCTIONS
from lab.coordinator.overloads import types_of
from lab.coordinator.values import tuple_parts
from lab.deploy.proposal.bench import HEIR, OPERATOR, OWNER, STRANGER, Use
from lab.deploy.proposal.likeness import alike, mentions
from lab.deploy.proposal.line import Line
from lab.deploy.proposal.roles import find_second, grants_of, role_of, smallest
from lab.deploy.proposal.subject import INSIDE_S, LEAD_S, ZERO_ADDRESS, ZERO_ID, Tried, id_of
from lab.model.contract.batches import BATCHES


def find_core(tried: Tried) -> bool:
    """Buffering, its operators, and the two steps behind; whether all of it was found."""
    grants = grants_of(tried)
    if not _buffering(tried, grants):
        return False
    bench, operator = tried.bench, tried.roles[0]
    bench.send(operator.grant, OWNER, operator=OPERATOR)
    return _steps(tried, [grant for grant in grants if grant != operator.grant])


def _buffering(tried: Tried, grants: Sequence[Use]) -> bool:
    bench, uses = tried.bench, tried.calls("buffer_transaction")
    unlocking: list[tuple[Use, Use]] = []
    for grant in grants:
        with bench.undone():
            bench.send(grant, OWNER, operator=STRANGER)
            if not bench.ask(grant, OWNER, operator=HEIR).done:
                continue  # who hands ownership over at once lets an account do more than an operator may
            able = [use for use in uses if tried.buffers(STRANGER, use)]
            # Of two ids the transaction's own must not be zero.
            named = [use for use in able if not tried.buffers(STRANGER, use, tx_id=ZERO_ID)]
            unlocking += [(grant, use) for use in (named or able)[:1]]
    if not unlocking or tried.buffers(STRANGER, unlocking[0][1]):
        return False
    grant, use = max(unlocking, key=lambda pair: alike("add operator role", str(pair[0])))
    grant = smallest([one for one, _ in unlocking if one.signature == grant.signature], grant)
    kinds = ", ".join(FUNCTIONS["buffer_transaction"].types)
    tried.said("buffer_transaction", use, f"by its arguments ({kinds}); it refuses id zero and who is no operator")
    _rollups(tried, use, grant)
    tried.roles.append(
        role_of(tried, grant, ("buffer_transaction",), lambda: tried.buffers(STRANGER), [one for one, _ in unlocking])
    )
    return True


def _rollups(tried: Tried, use: Use, grant: Use) -> None:
    """Which address is the origin: by the arguments' names, their NatSpec, or how zero is refused; else a doubt."""
    named = {slot.parameter: str(one.get("name", "")) for slot, one in zip(use.slots, use.entry["inputs"], strict=True)}
    natspec = {one: tried.candidates.natspec.get((use.name, name), "") for one, name in named.items()}
    words = dict(named)
    with tried.bench.undone():
        tried.bench.send(grant, OWNER, operator=OPERATOR)
        for rollup in ("origin_rollup", "target_rollup"):
            refused = tried.bench.ask(use, OPERATOR, **tried.request(99, **{rollup: ZERO_ADDRESS}))
            words[rollup] = f"{named[rollup]} {tried.reason(refused)}"
    for said in (named, natspec, words):
        straight, crossed = (
            mentions(said[one], "origin") + mentions(said[other], "target")
            for one, other in (("origin_rollup", "target_rollup"), ("target_rollup", "origin_rollup"))
        )
        if straight != crossed:
            break
    if straight < crossed:
        tried.said("buffer_transaction", _exchanged(use), tried.why["buffer_transaction"])
    elif straight == crossed:
        tried.doubts["buffer_transaction"] = (
            f"nothing says which of {named['origin_rollup']} and {named['target_rollup']} is the origin"
        )


def _exchanged(use: Use) -> Use:
    """With origin and target in each other's place."""
    others = {"origin_rollup": "target_rollup", "target_rollup": "origin_rollup"}
    return Use.of(use.entry, *(others.get(slot.parameter or "", slot.parameter) or slot for slot in use.slots))


def _steps(tried: Tried, grants: Sequence[Use]) -> bool:
    """Resolve and execute, and the roles that they ask for beside the operator's."""
    bench, one = tried.bench, {"tx_id": id_of(1)}
    uses = {name: tried.calls(name) for name in ("resolve_dependency", "mark_executed")}
    every = list(dict.fromkeys(use for several in uses.values() for use in several))
    with bench.undone():
        due = bench.now + LEAD_S
        if not tried.buffer(1, timestamp=due).done:
            return False
        bench.until(due + INSIDE_S)
        before = _possible(tried, every, grants)
        for use, grant in before:
            with bench.undone():
                _give(tried, grant)
                bench.send(use, OPERATOR, **one)
                if bench.ask(use, OPERATOR, **one).done:
                    continue
                was = {pair[0].signature for pair in before}
                after = _possible(tried, uses["mark_executed"], grants)
                new = [pair for pair in after if pair[0].signature not in was]
            if use in uses["resolve_dependency"] and new:
                tried.said(
                    "resolve_dependency",
                    use,
                    "once in its window what it was called for can go on, and it cannot be repeated",
                )
                find_second(tried, "resolve_dependency", use, grant, grants)
                _execution(tried, use, grant, new, grants)
                return "mark_executed" in tried.uses
    return False


def _possible(tried: Tried, uses: Sequence[Use], grants: Sequence[Use]) -> list[tuple[Use, Use | None]]:
    """What the operator can do with the transaction, and which further role that takes."""
    possible: dict[Use, Use | None] = {}
    for grant in (None, *grants):
        with tried.bench.undone():
            _give(tried, grant)
            for use in uses:
                if use not in possible and tried.bench.ask(use, OPERATOR, tx_id=id_of(1)).done:
                    possible[use] = grant
    return list(possible.items())


def _give(tried: Tried, grant: Use | None) -> None:
    if grant is not None:
        tried.bench.send(grant, OWNER, operator=OPERATOR)


def _execution(
    tried: Tried, resolve: Use, role: Use | None, new: Sequence[tuple[Use, Use | None]], grants: Sequence[Use]
) -> None:
    """What READY makes possible; of two the one that is no failure, by its name."""
    ranked = sorted(new, key=lambda pair: alike("mark executed", pair[0].name) - alike("mark failed", pair[0].name))
    use, grant = ranked[-1]
    tried.said("mark_executed", use, "it is possible once the transaction is ready, and was not before")
    if len({pair[0].signature for pair in new}) > 1 and use.name != "mark_executed":
        others = ", ".join(sorted({pair[0].name for pair in new if pair[0].signature != use.signature}))
        tried.doubts["mark_executed"] = f"a ready transaction allows it, and {others}, too"
    if grant is not None:
        with tried.bench.undone():
            _give(tried, role)
            tried.bench.send(resolve, OPERATOR, tx_id=id_of(1))
            find_second(tried, "mark_executed", use, grant, grants)


def find_batches(tried: Tried) -> list[Line]:
    """What does for a list what the single calls do for one; the getter of states says what came of it.

    Returns what is seen and cannot be said in `lab.yaml`.
    """
    bench, first, second, single = tried.bench, id_of(21), id_of(22), id_of(23)
    with bench.undone():
        tried.give_roles()
        requests = [list(tried.request(number).values()) for number in (31, 32)]
        for use in tried.calls("buffer_batch", extra=False):
            with bench.undone():
                bench.send(use, OPERATOR, requests=requests)
                if not any(tried.buffers(OPERATOR, tx_id=id_of(number)) for number in (31, 32)):
                    tried.said("buffer_batch", use, f"it buffers a list as {_single(tried, 'buffer_batch')} does one")
        due = bench.now + LEAD_S
        for number in (21, 22, 23):
            tried.buffer(number, timestamp=due)
        bench.until(due + INSIDE_S)
        tried.sent("resolve_dependency", tx_id=single)
        for name in ("resolve_batch", "execute_batch"):
            wanted = _stored(tried, single)
            for use in tried.calls(name, extra=False):
                with bench.undone():
                    done = bench.send(use, OPERATOR, tx_ids=[first, second]).done
                    alike = wanted is not None and [_stored(tried, one) for one in (first, second)] == [wanted] * 2
                if done and alike:
                    tried.said(name, use, f"it leaves a list as {_single(tried, name)} leaves one")
            for one in (first, second):
                tried.sent("resolve_dependency", tx_id=one)
            tried.sent("mark_executed", tx_id=single)
    return list(_other_requests(tried))


def _other_requests(tried: Tried) -> Iterator[Line]:
    """A list of requests with the documented fields in another order."""
    ((_, kind),) = FUNCTIONS["buffer_batch"].parameters
    for entry in tried.candidates.abi if "buffer_batch" not in tried.uses else ():
        kinds = types_of(entry["inputs"])
        if len(kinds) == 1 and kinds[0].endswith(")[]") and sorted(tuple_parts(kinds[0])) == sorted(tuple_parts(kind)):
            why = f"its requests are {kinds[0][:-2]}; no other order than {kind[:-2]} can be said, so leave it out"
            yield Line("functions", "buffer_batch", str(entry["name"]), why, False)


def _single(tried: Tried, batch: str) -> str:
    return tried.uses[BATCHES[batch]].name


def _stored(tried: Tried, tx_id: str) -> object:
    """The state of a transaction, where a getter of it was found."""
    getter = tried.uses.get("get_transaction_state")
    return None if getter is None else tried.bench.read(getter, tx_id=tx_id)
