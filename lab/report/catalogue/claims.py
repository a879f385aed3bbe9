"""Lint: what scenarios claim to prove must be what the catalogue accepts as proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.errors import Problem
from lab.html.text import clean
from lab.report.catalogue.rows import Catalogue
from lab.validation import nearest


def unmatched_claims(catalogue: Catalogue, manifests: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """A problem for each row that a manifest claims and that no proof of that row matches; each file and row once.

    Only `scenario_file` and `rows` of a manifest are read, so a scenario file that never ran can be linted likewise.
    """
    rows = {row.id: row for row in catalogue.rows}
    known = set[Problem]()
    for manifest in manifests:
        scenario = str(manifest.get("scenario_file") or "")
        claims = manifest.get("rows") or ()
        for index, claim in enumerate(claims if isinstance(claims, (list, tuple)) else ()):
            row = rows.get(str(claim))
            if row is None:
                close = nearest(str(claim), rows)
                message = f"no row has the id {clean(str(claim), 40)}" + (f" (did you mean {close}?)" if close else "")
            elif not any(proof.matches(scenario) for proof in row.proofs):
                accepted = ", ".join(proof.scenario for proof in row.proofs) or "no scenario yet"
                message = f"{row.id} does not accept this scenario as proof: its proofs are {accepted}"
            else:
                continue
            problem = Problem(clean(scenario, 200), 0, 0, f"rows[{index}]", message)
            if problem not in known:
                known.add(problem)
                yield problem
