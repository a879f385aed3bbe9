"""`lab checklist import`: another team's checklist as a catalogue of rows."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from lab.report.catalogue.checklist_import import write_checklist


def import_file(source: Path, out: Path, force: bool) -> None:
    """Write it and say what to do with it."""
    imported = write_checklist(source, out, force=force)
    for line in imported.unread:
        print(f"{source}: {line}")
    print(
        f"{out}: {imported.rows} rows, none of them bound yet\nuse it with `lab report --checklist {quote(str(out))}`"
    )
