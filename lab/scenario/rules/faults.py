"""Lint rules for what single faults hit: there is such a thing, and it is another one where it must be."""

from __future__ import annotations

from lab.errors import LabError
from lab.faults import Fault
from lab.networks import load_network
from lab.networks.profile import NetworkProfile
from lab.networks.rpc_methods import served_methods
from lab.scenario.declared import Notebook
from lab.validation import suggestion


def hits_are_there(book: Notebook) -> None:
    """A fault of RPC methods names such as the chain serves, and one of two chains another chain."""
    for index, step in enumerate(book.file.timeline):
        if not isinstance(step, Fault):
            continue
        path, chain = ("timeline", index), step.chain_name()
        if chain is not None and chain in step.other_chains():
            others = [name for name in book.chains if name != chain]
            known = f" (known: {', '.join(others)})" if others else ""
            book.report((*path, "other"), f"expected another chain than '{chain}'{known}")
        methods: tuple[str, ...] = getattr(step, "methods", None) or ()
        profile = _profile(book, chain) if methods and chain is not None else None
        if profile is None:
            continue
        served = served_methods(profile)
        for place, method in enumerate(methods):
            if method not in served:
                hint = suggestion(method, served, list_them=False)
                text = f"no relayer can call '{method}' on {chain}, so this hits nothing{hint}"
                book.report((*path, "methods", place), text)


def _profile(book: Notebook, chain: str) -> NetworkProfile | None:
    """None for a chain that another rule speaks of."""
    use = book.file.networks.get(chain)
    if use is None:
        return None
    try:
        return load_network(use.profile or chain, base=book.source.file.parent)
    except LabError:
        return None
