"""Which runs count: the newest of each item over all sessions, and whatever would otherwise hide bad evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.evidence import RunFolder
from lab.evidence.in_force import InForce
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import latest_session, moment_of, newest_runs, sessions
from lab.evidence.outcomes import note_outcome
from lab.evidence.seal import write_sealed, write_started
from lab.model.verdict import RunVerdict, Verdict
from lab.report.pruning import prune

MONDAY, TUESDAY, WEDNESDAY = (f"2026112{day}-090000-0000" for day in (3, 4, 5))


def ran(results: Path, session: str, item: str, verdict: Verdict | None = Verdict.PASS, /, **changes: Any) -> Path:
    """A run of that day, made with what all others are made with but for `changes`. `verdict` None: unreadable."""
    folder = results / session / item
    folder.mkdir(parents=True)
    manifest = {
        "item": item,
        "scenario_file": f"scenarios/{item.split('[')[0]}.yaml",
        "scenario_sha256": "5c",
        "scenario_items": [item],
        "seed": 1,
        "contract": {"bytecode_sha256": "c0"},
        "relayer": {"sha256": "4e"},
        "profiles_sha256": "f1",
        "lab": {"commit": "ab", "dirty": False},
        "started": f"2026-11-{session[6:8]}T09:00:00+00:00",
    }
    if changes.pop("ended", True):
        write_sealed(folder, manifest | changes, ())
    else:
        write_started(folder, manifest | changes)
        return folder
    found = RunVerdict(scenario="s", item=item, verdict=verdict or Verdict.PASS, reasons=(), checks=(), repeat="")
    (folder / "verdict.json").write_text(found.model_dump_json() if verdict is not None else "{")
    return folder


def counted(results: Path) -> list[str]:
    """The folders that count, relative to the results."""
    return [run.path.relative_to(results).as_posix() for run in newest_runs(results).runs]


def test_repeating_one_scenario_leaves_the_others_on_record(tmp_path: Path) -> None:
    """The newest of each item, whichever session it is from."""
    for session, item in [(MONDAY, "a"), (MONDAY, "b[1]"), (MONDAY, "b[2]"), (TUESDAY, "a"), (WEDNESDAY, "b[2]")]:
        ran(tmp_path, session, item, scenario_items=["b[1]", "b[2]"] if item != "a" else ["a"])
    assert counted(tmp_path) == [f"{MONDAY}/b[1]", f"{TUESDAY}/a", f"{WEDNESDAY}/b[2]"]
    assert str(newest_runs(tmp_path)) == "3 runs of 3 sessions"


def test_the_time_of_the_run_decides_and_not_the_name_of_its_session(tmp_path: Path) -> None:
    """A session that was begun first can end last; one without a time zone is taken as UTC."""
    ran(tmp_path, MONDAY, "a", started="2026-11-30T09:00:00")
    ran(tmp_path, TUESDAY, "a", started="2026-11-30T10:30:00+02:00")
    assert counted(tmp_path) == [f"{MONDAY}/a"]


def test_items_of_one_name_in_two_files_are_two(tmp_path: Path) -> None:
    """The scenario's file is part of what an item is."""
    ran(tmp_path, MONDAY, "a", scenario_file="scenarios/one/a.yaml")
    ran(tmp_path, TUESDAY, "a", scenario_file="scenarios/two/a.yaml")
    assert len(counted(tmp_path)) == 2


def test_a_failure_is_not_hidden_by_repeating_until_it_passes(tmp_path: Path) -> None:
    """Both count, the newest and the latest of the worst."""
    ran(tmp_path, MONDAY, "a", Verdict.FAIL, started="2026-11-23T07:00:00+00:00")
    ran(tmp_path, MONDAY, "a2", Verdict.FAIL, item="a", scenario_file="scenarios/a.yaml")
    ran(tmp_path, TUESDAY, "a", None)
    ran(tmp_path, WEDNESDAY, "a", Verdict.PASS)
    assert counted(tmp_path) == [f"{MONDAY}/a2", f"{WEDNESDAY}/a"]


def test_a_verdict_that_cannot_be_read_is_worse_than_a_pass(tmp_path: Path) -> None:
    """And not worse than a failure."""
    ran(tmp_path, MONDAY, "a", None)
    ran(tmp_path, TUESDAY, "a", Verdict.PASS)
    ran(tmp_path, MONDAY, "b", None)
    ran(tmp_path, TUESDAY, "b", Verdict.FAIL)
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{TUESDAY}/a", f"{TUESDAY}/b"]


@pytest.mark.parametrize(
    "change",
    [
        {"lab": {"commit": "cd", "dirty": False}},
        {"lab": {"commit": "ab", "dirty": True}},
        {"lab": {"commit": None, "dirty": None}},
        {"contract": {"bytecode_sha256": "c1"}},
        {"relayer": {"sha256": "4f"}},
        {"profiles_sha256": "f2"},
        {"scenario_sha256": "5d"},
        {"seed": 2},
    ],
)
def test_a_failure_of_something_else_is_history(tmp_path: Path, change: dict[str, Any]) -> None:
    """What was mended since does not stand against what is there now."""
    ran(tmp_path, MONDAY, "a", Verdict.FAIL, **change)
    ran(tmp_path, TUESDAY, "a", Verdict.PASS)
    assert counted(tmp_path) == [f"{TUESDAY}/a"]


@pytest.mark.parametrize("contract", ["c0", "c1"])
@pytest.mark.parametrize("lost", [("manifest.json",), ("manifest.json", "verdict.json")])
def test_a_repeated_failure_is_not_softened_by_damage(tmp_path: Path, lost: tuple[str, ...], contract: str) -> None:
    """What stands beside the folder says with what it was made; of something else it is history, as ever."""
    folder = ran(tmp_path, MONDAY, "a", Verdict.FAIL, contract={"bytecode_sha256": contract})
    manifest = RunManifest.read(RunFolder(folder).manifest())
    note_outcome(folder, manifest.as_json(), "FAIL", made_with=manifest.made_with)
    for name in lost:
        (folder / name).unlink()
    ran(tmp_path, TUESDAY, "a", Verdict.PASS)
    assert counted(tmp_path) == ([f"{MONDAY}/a"] if contract == "c0" else []) + [f"{TUESDAY}/a"]


@pytest.mark.parametrize("copied", ["scenarios/a.yaml", None])
def test_a_namesake_does_not_hide_a_library_scenario(tmp_path: Path, copied: str | None) -> None:
    """A user's file under the same name is another one, with items of its own; an unchanged copy is the same."""
    ran(tmp_path, MONDAY, "a", Verdict.FAIL, library="scenarios/a.yaml")
    ran(tmp_path, TUESDAY, "a", library="", scenario_sha256="5d")
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{TUESDAY}/a"]
    ran(tmp_path, WEDNESDAY, "a", library=copied, seed=2)
    assert counted(tmp_path) == [f"{TUESDAY}/a", f"{WEDNESDAY}/a"]


A, B = ["a-commit", "a-origin"], ["b-commit"]


def test_two_projects_do_not_stand_for_each_other(tmp_path: Path) -> None:
    """Equal paths, one results folder: a pass of one hides no failure of the other, and its matrix drops no item."""
    ran(tmp_path, MONDAY, "a", Verdict.FAIL, project=A, contract={"bytecode_sha256": "c1"})
    ran(tmp_path, TUESDAY, "a", project=B)
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{TUESDAY}/a"]
    ran(tmp_path, TUESDAY, "b[1]", project=B)
    ran(tmp_path, WEDNESDAY, "b[2]", project=A)
    ran(tmp_path, WEDNESDAY, "a", project=A[1:])
    assert counted(tmp_path) == [f"{TUESDAY}/a", f"{TUESDAY}/b[1]", f"{WEDNESDAY}/a", f"{WEDNESDAY}/b[2]"]


def test_a_damaged_run_is_of_its_sessions_project(tmp_path: Path) -> None:
    """Another project's run of the same name says nothing of it."""
    (ran(tmp_path, MONDAY, "a", project=A) / "manifest.json").write_text("")
    ran(tmp_path, MONDAY, "c", project=A)
    ran(tmp_path, TUESDAY, "a", project=B)
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{MONDAY}/c", f"{TUESDAY}/a"]
    ran(tmp_path, WEDNESDAY, "a", project=A)
    assert counted(tmp_path) == [f"{MONDAY}/c", f"{TUESDAY}/a", f"{WEDNESDAY}/a"]


def test_runs_that_do_not_say_their_project(tmp_path: Path) -> None:
    """They are of the only one that is known; of several, nobody knows of which, so that none replaces them."""
    ran(tmp_path, MONDAY, "a", Verdict.FAIL, contract={"bytecode_sha256": "c1"})
    ran(tmp_path, TUESDAY, "a", project=A)
    assert counted(tmp_path) == [f"{TUESDAY}/a"]
    ran(tmp_path, WEDNESDAY, "a", project=B)
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{TUESDAY}/a", f"{WEDNESDAY}/a"]


def test_nothing_is_like_a_changed_working_tree(tmp_path: Path) -> None:
    """Two runs of one dirty commit may be of different sources."""
    dirty = {"lab": {"commit": "ab", "dirty": True}}
    ran(tmp_path, MONDAY, "a", Verdict.FAIL, **dirty)
    ran(tmp_path, TUESDAY, "a", Verdict.PASS, **dirty)
    assert counted(tmp_path) == [f"{TUESDAY}/a"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"item": "a", "scenario_file": "f", "started": "noon"}', "[" * 9999]
)
def test_an_unreadable_manifest_counts_until_the_item_is_repeated(tmp_path: Path, text: str) -> None:
    """Whether it is in the latest session or in an earlier one, and beside the last good run of the item."""
    ran(tmp_path, MONDAY, "a")
    (ran(tmp_path, TUESDAY, "a") / "manifest.json").write_text(text)
    ran(tmp_path, WEDNESDAY, "b")
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{TUESDAY}/a", f"{WEDNESDAY}/b"]
    ran(tmp_path, WEDNESDAY, "a")
    assert counted(tmp_path) == [f"{WEDNESDAY}/a", f"{WEDNESDAY}/b"]


def test_a_run_that_did_not_end_counts_until_the_item_ran_again(tmp_path: Path) -> None:
    """It hides no earlier failure, and a later session that has the item replaces it."""
    ran(tmp_path, MONDAY, "a")
    ran(tmp_path, MONDAY, "b", Verdict.FAIL, lab={"commit": "cd", "dirty": True})
    for item in ("a", "b"):
        ran(tmp_path, TUESDAY, item, ended=False)
    assert counted(tmp_path) == [f"{MONDAY}/b", f"{TUESDAY}/a", f"{TUESDAY}/b"]
    for item in ("a", "b"):
        ran(tmp_path, WEDNESDAY, item)
    assert counted(tmp_path) == [f"{WEDNESDAY}/a", f"{WEDNESDAY}/b"]


def test_a_second_try_in_a_session_does_not_hide_that_the_first_died(tmp_path: Path) -> None:
    """Both stand side by side, until a later session."""
    ran(tmp_path, MONDAY, "a", ended=False)
    ran(tmp_path, MONDAY, "a~2", item="a", scenario_file="scenarios/a.yaml")
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{MONDAY}/a~2"]


def test_a_changed_manifest_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    """What it says of its item and its time may be what was changed; a folder that was made for a run counts, too."""
    manifest = ran(tmp_path, MONDAY, "a", Verdict.FAIL) / "manifest.json"
    manifest.write_text(manifest.read_text().replace("2026-11-23", "2026-10-23"))
    (tmp_path / MONDAY / "b").mkdir()
    ran(tmp_path, TUESDAY, "c")
    assert counted(tmp_path) == [f"{MONDAY}/a", f"{MONDAY}/b", f"{TUESDAY}/c"]


def test_a_lost_manifest_is_no_way_out(tmp_path: Path) -> None:
    """The verdict is left, so there was a run."""
    (ran(tmp_path, MONDAY, "a", Verdict.FAIL) / "manifest.json").unlink()
    assert counted(tmp_path) == [f"{MONDAY}/a"]


def test_items_that_a_file_no_longer_means_are_left_out(tmp_path: Path) -> None:
    """Their matrix was changed; a test in Python names itself only, and says nothing of its neighbours."""
    ran(tmp_path, MONDAY, "a[1]", scenario_items=["a[1]", "a[2]"])
    ran(tmp_path, MONDAY, "a[2]", scenario_items=["a[1]", "a[2]"])
    ran(tmp_path, TUESDAY, "a[3]", scenario_items=["a[2]", "a[3]"])
    ran(tmp_path, MONDAY, "t.one", scenario_file="scenarios/t.py")
    ran(tmp_path, TUESDAY, "t.two", scenario_file="scenarios/t.py")
    assert counted(tmp_path) == [f"{MONDAY}/a[2]", f"{MONDAY}/t.one", f"{TUESDAY}/a[3]", f"{TUESDAY}/t.two"]


def test_only_sessions_are_looked_at(tmp_path: Path) -> None:
    """Load runs, shrunk cases and links are none; `latest` leads to one whatever it is called."""
    ran(tmp_path, MONDAY, "a")
    ran(tmp_path, "load", "20261125-090000-buffer", started="2026-11-25T09:00:00+00:00")
    ran(tmp_path, "by-hand", "b", started="2026-11-24T09:00:00+00:00")
    assert counted(tmp_path) == [f"{MONDAY}/a"]
    (tmp_path / TUESDAY).symlink_to(MONDAY)
    (tmp_path / "latest").symlink_to("by-hand")
    assert sessions(tmp_path) == [tmp_path / MONDAY, tmp_path / "by-hand"]
    assert latest_session(tmp_path) == tmp_path / "by-hand"
    assert counted(tmp_path) == [f"{MONDAY}/a", "by-hand/b"]


def test_an_empty_folder_and_none_at_all(tmp_path: Path) -> None:
    """No runs, no error; a link that leads nowhere is no session."""
    (tmp_path / "latest").symlink_to("gone")
    assert counted(tmp_path) == []
    assert latest_session(tmp_path) is None
    assert str(newest_runs(tmp_path / "none")) == "0 runs of 0 sessions"


def test_no_history_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder holds many sessions, and each verdict is read only where it can matter."""
    read: list[str] = []
    monkeypatch.setattr(RunFolder, "history", lambda folder: pytest.fail(f"read {folder.path}"))
    verdict = RunFolder.verdict

    def noted(folder: RunFolder) -> RunVerdict:
        read.append(folder.path.name)
        return verdict(folder)

    monkeypatch.setattr(RunFolder, "verdict", noted)
    for session in (MONDAY, TUESDAY):
        ran(tmp_path, session, "same")
        ran(tmp_path, session, "moved", lab={"commit": session, "dirty": False})
    assert len(counted(tmp_path)) == 2
    assert read == ["same", "same"]


@pytest.mark.parametrize("value", [None, 7, "", "soon", ["2026-11-24"]])
def test_what_is_no_time(value: object) -> None:
    """Never an exception."""
    assert moment_of(value) is None


REFERENCE, FOREIGN = {"kind": "reference", "sha256": "4e"}, {"kind": "command", "command": "node relay.js"}
MADE_WITH = {
    "another contract": {"contract": {"bytecode_sha256": "c1"}},
    "another relayer": {"relayer": {"kind": "command", "command": "relay", "sha256": "4f"}},
    "a relayer known by its command alone": {"relayer": FOREIGN},
}
IN_FORCE = InForce("c0", "4e")


@pytest.mark.parametrize("what", MADE_WITH)
@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, None])
def test_a_run_of_something_else_neither_counts_nor_hides(tmp_path: Path, what: str, verdict: Verdict | None) -> None:
    """Whichever came last, and whatever it came to: the other one sees its own runs as well."""
    own = ran(tmp_path, MONDAY, "a", relayer=REFERENCE)
    other = ran(tmp_path, TUESDAY, "a", verdict, **{"relayer": REFERENCE} | MADE_WITH[what])
    assert counted(tmp_path) == [f"{TUESDAY}/a"]
    assert [run.path for run in newest_runs(tmp_path, IN_FORCE).runs] == [own]
    made = RunManifest.read(RunFolder(other).manifest())
    of_other = InForce(made.contract.bytecode_sha256, made.relayer.digest)
    ran(tmp_path, WEDNESDAY, "a", relayer=REFERENCE)
    assert [run.path for run in newest_runs(tmp_path, of_other).runs] == [other]


def test_without_a_run_of_what_is_in_force_the_newest_is_shown(tmp_path: Path) -> None:
    """It is out of date, and says so; one of the contract comes before one of the relayer alone."""
    ran(tmp_path, MONDAY, "a", **MADE_WITH["another contract"])
    assert [run.path.parent.name for run in newest_runs(tmp_path, IN_FORCE).runs] == [MONDAY]
    ran(tmp_path, TUESDAY, "a", **MADE_WITH["another relayer"])
    ran(tmp_path, WEDNESDAY, "a", **MADE_WITH["another contract"])
    assert [run.path.parent.name for run in newest_runs(tmp_path, IN_FORCE).runs] == [TUESDAY]


def test_a_run_without_a_relayer_is_one_of_each(tmp_path: Path) -> None:
    """Nothing of it hangs on which relayer is in force."""
    ran(tmp_path, MONDAY, "a", relayer=REFERENCE)
    ran(tmp_path, TUESDAY, "a", relayer={"kind": "none", "sha256": "4f"})
    assert [run.path.parent.name for run in newest_runs(tmp_path, IN_FORCE).runs] == [TUESDAY]


def test_what_does_not_say_what_it_was_made_with_is_not_passed_over(tmp_path: Path) -> None:
    """A newer run that lost that may be of what is in force."""
    ran(tmp_path, MONDAY, "a", relayer=REFERENCE)
    ran(tmp_path, TUESDAY, "a", Verdict.FAIL, contract={}, relayer={})
    assert [run.path.parent.name for run in newest_runs(tmp_path, IN_FORCE).runs] == [TUESDAY]


def test_pruning_keeps_what_a_report_on_each_kept_contract_reads(tmp_path: Path) -> None:
    """Two contracts share a folder; a third one that no kept session ran goes."""
    ran(tmp_path, MONDAY, "a", contract={"bytecode_sha256": "c2"})
    ran(tmp_path, TUESDAY, "a")
    ran(tmp_path, WEDNESDAY, "a", **MADE_WITH["another contract"])
    ran(tmp_path, WEDNESDAY, "b")
    pruned = prune(tmp_path, 1, dry_run=True)
    assert (pruned.gone, pruned.needed) == ((tmp_path / MONDAY,), (tmp_path / TUESDAY,))
