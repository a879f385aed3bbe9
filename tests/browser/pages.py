"""A results folder with something of everything in it, and hostile text wherever text from outside can stand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from lab.evidence.seal import write_sealed
from lab.model.verdict import Verdict
from lab.report.catalogue.rows import load_catalogue
from lab.report.causes.page import CAUSES_PAGE, write_session_pages
from lab.report.evidence.baseline import Baseline
from lab.report.judge.readiness import Scope
from lab.report.publish import publish

from ..unit.report.fakes import CONTRACT, HOSTILE, NOW, FakeFolder, eventful, run, verdict, write

ATTACK = f"<img src=x onerror=window.pwned=1>{HOSTILE}<svg/onload=window.pwned=2>"


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the kinds of page are."""

    readiness: Path
    session: Path
    run: Path
    causes: Path


def runs(root: Path) -> list[FakeFolder]:
    """Passed, failed, unclear and hostile ones."""
    hostile = run("failures/parent_reorged", root=root, name=ATTACK, description=ATTACK * 3)
    hostile.verdict_value = verdict(Verdict.FAIL, item="failures/parent_reorged", reasons=(ATTACK, "C" * 1_000_000))
    hostile.history_value = eventful(revert=ATTACK, item=ATTACK)
    found = [
        hostile,
        run("failures/breaker_drill", root=root, checks={"S10": Verdict.PASS}),
        run("failures/payload_limits", Verdict.UNKNOWN, root=root),
        run("networks/every_pair", root=root, checks={"S5": Verdict.PASS, "S11": Verdict.PASS}),
        run("failures/window_boundaries", root=root, lab={"version": "0", "commit": "cd" * 20, "dirty": True}),
    ]
    for folder in found:
        write(folder)
    return found


def build(root: Path) -> Pages:
    """Two reports, so that there is something to compare with; the second is on the pages."""
    folders = runs(root)
    said = root / "attestations"
    said.mkdir()
    (said / "audit.pdf").write_bytes(b"audit")
    lines = {
        "row": "SCS-01", "owner": json.dumps(ATTACK), "date": "2026-11-01", "document": "audit.pdf",
        "sha256": sha256(b"audit").hexdigest(), "expires": "2027-01-01", "note": json.dumps(ATTACK),
    }  # fmt: skip
    (said / "one.yaml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    (said / "two.yaml").write_text("row: BUS-01\nowner: nobody\n")
    load = root / "load" / "buffer-1"
    load.mkdir(parents=True)
    entries = [
        {"row": "TEC-01", "verdict": "PASS", "figure": 99.99, "unit": "%", "interval": [99.9, 100], "n": 4_000,
         "failures": 0, "assumptions": [ATTACK], "reason": ATTACK},
        {"row": "TEC-04", "verdict": "INFEASIBLE", "figure": 312.5, "unit": "tx/s", "n": 60_000, "reason": "ceiling"},
    ]  # fmt: skip
    (load / "rows.json").write_text(json.dumps({"schema_version": 1, "profile": "buffer", "rows": entries}))
    (root / "mutation").mkdir()
    counts = {"schema_version": 1, "mutants": {"killed": 180, "survived": 12}}
    (root / "mutation" / "mutation.json").write_text(json.dumps(counts))
    write_sealed(root / "mutation", {}, ("mutation.json",))
    (root / "signature.json").write_text("{}")
    for hours, given in ((0, folders[1:]), (1, folders)):
        done = publish(
            root,
            given,
            catalogue=load_catalogue(),
            scope=Scope(
                stage="mainnet",
                generated=NOW + timedelta(hours=hours),
                baseline=Baseline(contract_sha256=CONTRACT, lab_commit="ab" * 20),
                release_date=date(2027, 3, 1),
            ),
            attestations=said,
        )
    index, _ = write_session_pages(folders[0].path.parent, folders)
    return Pages(done.page, index, folders[0].path / "report.html", index.with_name(CAUSES_PAGE))
