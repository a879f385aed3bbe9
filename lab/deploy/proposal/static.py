"""What the ABI alone says: which function or event probably is which, by names, types and numbers of arguments.

Where the contract could be tried out this only names candidates for what the trial did not find.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator import Codec
from lab.coordinator.documented import (
    EVENTS,
    EXTRA_EVENTS,
    FAILURE_REASONS,
    FUNCTIONS,
    REVERTS,
    Signature,
    result_names,
    same_types,
)
from lab.coordinator.overloads import Entry, constructor_inputs, fields_of, signature_of, types_of
from lab.deploy.compiled import CompiledContract
from lab.deploy.interface import inspect
from lab.deploy.proposal.candidates import HASHED, is_view, stand_in
from lab.deploy.proposal.likeness import NAMES_LIKELY, alike, likeness
from lab.deploy.proposal.line import Line

SURE, LIKELY = 0.8, 0.5
# How much likelier than the next one a sure candidate is, and how many are named.
AHEAD, NAMED_MAX = 0.1, 4
# Without much in common by name so many types, so much alike, say what it is.
TELLING_COUNT, TELLING = 4, 0.7
# One getter may serve for both: a struct holds all details.
SHARED = frozenset({"transactions", "get_transaction_details"})


@dataclass(frozen=True, slots=True)
class Match:
    """A documented name and what of the contract is perhaps meant, from 0 to 1."""

    documented: Signature
    entry: Entry
    score: float


def static_lines(
    contract: CompiledContract, source: str, tried: Sequence[Line] | None, used: Collection[str]
) -> Iterator[Line]:
    """Entries for what the trial did not show, uncertain then; all of it without a trial. `used`: signatures taken."""
    decided, alone = {line.place for line in tried or ()}, tried is None
    if alone and (inputs := constructor_inputs(contract.abi)):
        yield Line("constructor", "", list(map(stand_in, types_of(inputs))), f"give yours: {named(inputs)}", False)
    for section, documented in (("functions", FUNCTIONS), ("events", EVENTS)):
        names = {name: one for name, one in documented.items() if (section, name) not in decided}
        for name, several in _matches(contract.abi, section[:-1], names, used).items():
            yield _line(section, name, several, sure=alone)
    if alone:
        yield from _roles(contract.abi, source)
    yield from (line for line in _reverts(contract, sure=alone) if line.place not in decided)


def named(inputs: Sequence[Entry]) -> str:
    """Types and names of arguments."""
    pairs = zip(types_of(inputs), inputs, strict=True)
    return ", ".join(f"{kind} {parameter.get('name', '')}".strip() for kind, parameter in pairs)


def _types_alike(documented: Sequence[str], got: Sequence[str]) -> float:
    """1 for the same types; less for another order, and for each type that only one of them has."""
    if same_types(documented, got):
        return 1.0
    left = list(got)
    both = 0
    for kind in documented:
        same = next((candidate for candidate in left if same_types([kind], [candidate])), None)
        if same is not None:
            left.remove(same)
            both += 1
    return 0.9 * both / max(len(documented), len(got), 1)


def _score(documented: Signature, entry: Entry) -> float:
    """By name, arguments and results. A view never stands for a call, nor the other way round."""
    if entry.get("type") == "function" and is_view(entry) != (
        bool(documented.returns) or documented.name == "transactions"
    ):
        return 0.0
    types = _types_alike(documented.types, types_of(entry["inputs"]))
    if documented.returns:
        types = (types + _types_alike(documented.returns, types_of(fields_of(entry.get("outputs", ()))))) / 2
    names = alike(documented.name, str(entry["name"]))
    score = 0.6 * names + 0.4 * types
    if len(documented.types) + len(documented.returns) >= TELLING_COUNT and types >= TELLING:
        return max(score, LIKELY)
    return score if names >= NAMES_LIKELY else 0.0


def _matches(
    abi: Sequence[Entry], kind: str, documented: Mapping[str, Signature], used: Collection[str]
) -> dict[str, list[Match]]:
    """By documented name what may be meant, the best first. Each of the contract's is the best of one name."""
    entries = [entry for entry in abi if entry.get("type") == kind]
    own = {str(entry["name"]) for entry in entries}
    known = FUNCTIONS if kind == "function" else EVENTS
    free = [entry for entry in entries if entry["name"] not in known and signature_of(entry) not in used]
    missing = [signature for name, signature in documented.items() if name not in own]
    pairs = [Match(signature, entry, _score(signature, entry)) for signature in missing for entry in free]
    pairs = sorted((pair for pair in pairs if pair.score >= LIKELY), key=lambda pair: -pair.score)
    taken: dict[str, list[Match]] = {}
    first: set[str] = set()
    for match in pairs:
        name = match.documented.name
        if name in taken:
            taken[name].append(match)
        elif name in SHARED or signature_of(match.entry) not in first:
            taken[name] = [match]
            first.add(signature_of(match.entry))
    return {name: taken[name] for name in documented if name in taken}


def _line(section: str, name: str, several: Sequence[Match], *, sure: bool) -> Line:
    best, *others = several
    form, constants = (_function if section == "functions" else _event)(best)
    sure = sure and not constants and _plain(best, others)
    why = f"by its name and arguments ({named(best.entry['inputs'])}), {best.score:.0%} alike"
    names = ", ".join(str(one.entry["name"]) for one in others[: NAMED_MAX - 1])
    why += "; which value is yours?" if constants else ""
    value = form["name"] if len(form) == 1 else form
    return Line(section, name, value, f"{why}; or {names}" if names else why, sure)


def _plain(best: Match, others: Sequence[Match]) -> bool:
    """Whether no other one of the contract is nearly as likely, nor this one nearly as likely something else."""
    known = FUNCTIONS if best.entry["type"] == "function" else EVENTS | EXTRA_EVENTS
    rivals = [_score(one, best.entry) for name, one in known.items() if name != best.documented.name]
    ahead = all(best.score - score >= AHEAD for score in (*(one.score for one in others), *rivals))
    # A getter of no documented results is told by its name alone.
    return ahead and best.score >= SURE and best.documented.name != "transactions"


def _function(match: Match) -> tuple[dict[str, Any], bool]:
    """What is to be written, and whether there are constants in it that the lab does not know."""
    documented, entry = match.documented, match.entry
    form: dict[str, Any] = {"name": entry["name"]}
    constants = False
    if not same_types(documented.types, types_of(entry["inputs"])):
        given = _assigned(documented.parameters, entry["inputs"])
        kinds = types_of(entry["inputs"])
        constants = None in given
        form["arguments"] = [name or {"value": stand_in(kind)} for name, kind in zip(given, kinds, strict=True)]
    outputs = entry.get("outputs", ())
    if (
        documented.returns
        and documented.name != "transactions"
        and not same_types(documented.returns, types_of(outputs))
    ):
        pairs = list(zip(result_names(documented.name), documented.returns, strict=False))
        form["returns"] = [name or "_" for name in _assigned(pairs, fields_of(outputs))]
    return form, constants


def _event(match: Match) -> tuple[dict[str, Any], bool]:
    documented, entry = match.documented, match.entry
    own = [str(argument.get("name", "")) for argument in entry["inputs"]]
    given = _assigned(documented.parameters, entry["inputs"])
    form: dict[str, Any] = {"name": entry["name"]}
    if given != [name for name, _ in documented.parameters]:
        form["arguments"] = {name: theirs for name, theirs in zip(given, own, strict=True) if name}
    return form, False


def _assigned(documented: Sequence[tuple[str, str]], own: Sequence[Entry]) -> list[str | None]:
    """Each of the contract's values as the documented one of its type with the name most like it.

    Where the names say nothing the documented order decides.
    """
    kinds = types_of(own)
    pairs = [
        (name, place, (likeness(name, str(own[place].get("name", ""))), kind == got))
        for name, kind in documented
        for place, got in enumerate(kinds)
        if same_types([kind], [got])
    ]
    filled: dict[int, str] = {}
    for name, place, _ in sorted(pairs, key=lambda pair: pair[2], reverse=True):
        if place not in filled and name not in filled.values():
            filled[place] = name
    return [filled.get(place) for place in range(len(kinds))]


def _roles(abi: Sequence[Entry], source: str) -> Iterator[Line]:
    """The operator's role, where roles are granted by hash: by the name of a getter, or as the source has it."""
    names = {str(entry.get("name")) for entry in abi if entry.get("type") == "function"}
    if "add_operator" in names or not names & {"grantRole", "grant_role"}:
        return
    known = [name for name in sorted(names) if name.endswith("_ROLE")] + HASHED.findall(source)
    best = max(known, key=lambda name: alike("operator role", name), default="OPERATOR_ROLE")
    others = [name for name in dict.fromkeys(known) if name not in (best, "DEFAULT_ADMIN_ROLE")]
    more = f"; there is also {', '.join(others)}: a second role is {{role: NAME, functions: [execute]}}"
    yield Line("roles", "operator", best, f"by its name{more if others else ''}", False)


def _reverts(contract: CompiledContract, *, sure: bool) -> Iterator[Line]:
    """Texts of the code that read like documented ones, and errors with names like those that are missing."""
    documented = {f'"{text}"': text for text in (*REVERTS, *FAILURE_REASONS)}
    items = [item for item in inspect(contract, Codec(contract.abi)).items if item.kind == "revert"]
    for item in items:
        if own := item.detail.partition('"')[2].rstrip('"'):
            yield Line("reverts", documented[item.name], own, "the code holds such a text", False)
    errors = [str(entry["name"]) for entry in contract.abi if entry.get("type") == "error"]
    for text in (documented[item.name] for item in items if item.status == "missing" and errors):
        best = max(errors, key=lambda name: alike(text, name))
        if (score := alike(text, best)) >= LIKELY:
            yield Line("reverts", text, best, f"by the error's name, {score:.0%} alike", sure and score >= SURE)
