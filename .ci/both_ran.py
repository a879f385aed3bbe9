"""Compares the JUnit files of runs of the tests: some without a Docker engine, and the last one with it.

Exit code 1 unless the first ones skipped only tests marked `docker`, the last skipped nothing, and the last ran all
that the first ones had skipped: between them every test ran.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET


def read(path: str) -> tuple[dict[str, str], set[str]]:
    """Skipped test -> reason, and the tests that ran."""
    skipped, ran = {}, set()
    for case in ET.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        reason = case.find("skipped")
        if reason is None:
            ran.add(name)
        else:
            skipped[name] = reason.get("message", "")
    return skipped, ran


def main(*files: str) -> int:
    """Say what was left out by either."""
    skipped, ran = dict[str, str](), set[str]()
    for without in files[:-1]:
        skipped_there, ran_there = read(without)
        skipped, ran = skipped | skipped_there, ran | ran_there
    missed, ran_with = read(files[-1])
    wrong = [f"skipped without an engine, but not for its sake: {name}: {reason}" for name, reason in skipped.items()
             if not reason.startswith("no Docker engine")]  # fmt: skip
    wrong += [f"skipped with an engine: {name}: {reason}" for name, reason in missed.items()]
    wrong += [f"skipped without an engine, and not run with it: {name}" for name in sorted(skipped.keys() - ran_with)]
    if not skipped:
        wrong.append("nothing was skipped without an engine: was there one after all?")
    print("\n".join(wrong[:40]) or f"{len(ran)} tests ran without an engine; {len(skipped)} need it, and ran with it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
