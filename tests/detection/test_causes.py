"""Two bugs in one contract are two causes, also where one run shows both."""

from __future__ import annotations

from pathlib import Path

from lab.broken import Bug, read_bugs
from lab.model.checks import check_name
from lab.report.causes.find import find_causes

from .conftest import RunScenario

BUGS = read_bugs()
BOTH = (BUGS["missing_auth"], BUGS["late_ready"])


def with_both(first: Bug, second: Bug) -> str:
    """The first one's source with the second one's changes: they are lines of their own."""
    text = first.source()
    for hunk in second.hunks:
        before = "".join(change.text for change in hunk.changes if change.tag == "-")
        after = "".join(change.text for change in hunk.changes if change.tag == "+")
        assert text.count(before) == 1
        text = text.replace(before, after)
    return text


def test_two_bugs_are_two_causes(run: RunScenario, tmp_path: Path) -> None:
    """Each by the check that is named for it, with the runs that show it."""
    contract = tmp_path / "Both.vy"
    contract.write_text(with_both(*BOTH))
    folders = []
    for scenario in dict.fromkeys(Path(bug.proof) for bug in BOTH):
        folders.append(run(contract, scenario).folder)
        # The next run is not to overwrite it.
        folders[-1].path = folders[-1].path.rename(tmp_path / scenario.stem)
    report = find_causes(tmp_path, folders, "both")
    titles = [cause.title for cause in report.causes]
    assert len(titles) == len(BOTH), titles
    for bug in BOTH:
        assert any(title.startswith(check_name(bug.caught_by)) for title in titles), titles
