"""Old runs go; `latest`, the history and whatever is no run stay."""

from __future__ import annotations

from pathlib import Path

from lab.report.pruning import prune

from .fakes import run, write

NAMES = [f"2026112{day}-120000-00a{day}" for day in range(1, 6)]


def results(tmp_path: Path) -> Path:
    """Five sessions, the second being the latest, and things of other kinds."""
    for name in [*NAMES, "history", "readiness", "up", "20261120-notes"]:
        (tmp_path / name).mkdir()
    (tmp_path / "latest").symlink_to(NAMES[1])
    for day in range(1, 4):
        folder = tmp_path / "load" / f"2026112{day}-110000-buffer"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text('{"profile": "buffer"}')
    return tmp_path


def test_the_newest_and_the_latest_stay(tmp_path: Path) -> None:
    """Sessions by name, load runs by profile."""
    pruned = prune(results(tmp_path), 2)
    assert pruned.needed == ()
    assert [path.name for path in pruned.gone] == [NAMES[0], NAMES[2], "20261121-110000-buffer"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [NAMES[1], NAMES[3], NAMES[4], "history", "readiness", "up", "20261120-notes", "latest", "load"]
    )


def test_a_dry_run_removes_nothing(tmp_path: Path) -> None:
    """It only tells."""
    assert len(prune(results(tmp_path), 1, dry_run=True).gone) == 5
    assert all((tmp_path / name).is_dir() for name in NAMES)


def test_what_a_report_reads_stays(tmp_path: Path) -> None:
    """Repeating one scenario does not cost the evidence of the others; once all are repeated, it may go."""
    for session, scenario in [(NAMES[0], "x/a"), (NAMES[0], "x/b"), (NAMES[2], "x/b"), (NAMES[3], "x/b")]:
        write(run(scenario, root=tmp_path, session=session, started=f"{session[:4]}-11-{session[6:8]}T12:00:00+00:00"))
    first = prune(tmp_path, 1)
    assert [[path.name for path in paths] for paths in (first.gone, first.needed)] == [[NAMES[2]], [NAMES[0]]]
    write(run("x/a", root=tmp_path, session=NAMES[4], started="2026-11-25T12:00:00+00:00"))
    second = prune(tmp_path, 1)
    assert [[path.name for path in paths] for paths in (second.gone, second.needed)] == [[NAMES[0]], [NAMES[3]]]
