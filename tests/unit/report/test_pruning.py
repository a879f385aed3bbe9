"""Old runs go; `latest`, the history and whatever is no run stay."""

from __future__ import annotations

from pathlib import Path

from lab.report.pruning import prune

NAMES = [f"2026112{day}-120000-00a{day}" for day in range(1, 6)]


def results(tmp_path: Path) -> Path:
    """Five sessions, the second being the latest, and things of other kinds."""
    for name in [*NAMES, "history", "readiness", "up", "20261120-notes"]:
        (tmp_path / name).mkdir()
    (tmp_path / "latest").symlink_to(NAMES[1])
    for day in range(1, 4):
        folder = tmp_path / "load" / f"2026112{day}-110000-buffer"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
    return tmp_path


def test_the_newest_and_the_latest_stay(tmp_path: Path) -> None:
    """Sessions by name, load runs by profile."""
    gone = prune(results(tmp_path), 2)
    assert [path.name for path in gone] == [NAMES[0], NAMES[2], "20261121-110000-buffer"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [NAMES[1], NAMES[3], NAMES[4], "history", "readiness", "up", "20261120-notes", "latest", "load"]
    )


def test_a_dry_run_removes_nothing(tmp_path: Path) -> None:
    """It only tells."""
    assert len(prune(results(tmp_path), 1, dry_run=True)) == 5
    assert all((tmp_path / name).is_dir() for name in NAMES)
