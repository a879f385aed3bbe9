"""Folders and recorded paths: plain ones read well, and no two runs share one on any file system."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest

from lab.errors import EnvironmentFailure
from lab.evidence.names import library_name, own_folder, recorded_path, run_folder_name
from lab.paths import SCENARIOS
from lab.scenario.resolve import parse_scenario


def named(base: Path, file: str, item: str | None = None) -> str:
    """The folder of a file's only item, or of another of its items."""
    path = base / file
    return run_folder_name(item if item is not None else path.stem, path, base)


@pytest.mark.parametrize(
    ("file", "item", "folder"),
    [
        ("flow.yaml", None, "flow"),
        ("scenarios/pays.yaml", None, "pays"),
        ("scenarios/failures/node_killed.yaml", None, "failures+node_killed"),
        ("suite/a-1/pays.yaml", None, "suite+a-1+pays"),
        ("pays.yaml", "pays[seed=1-pay.at=+30s]", "pays@seed=1-pay.at=+30s"),
        ("pays.yml", None, "pays.yml"),
        ("test_depth.py", "test_depth.test_deep[3]", "test_depth.test_deep@3"),
    ],
)
def test_plain_names_stay_readable(tmp_path: Path, file: str, item: str | None, folder: str) -> None:
    """Small letters, digits, dashes."""
    assert named(tmp_path, file, item) == folder


def everything(base: Path) -> list[tuple[str, str]]:
    """Files and items that are easily taken for each other."""
    composed, apart = unicodedata.normalize("NFC", "zählung"), unicodedata.normalize("NFD", "zählung")
    files = [
        "pays.yaml", "Pays.yaml", "PAYS.yaml", "pays.yml", "scenarios/pays.yaml", "Scenarios/pays.yaml",
        "scenarios/scenarios/pays.yaml", "a/pays.yaml", "A/pays.yaml", "a.b/c.yaml", "a/b.c.yaml", "a+b/c.yaml",
        "a/b+c.yaml", "a/b/c.yaml", "../pays.yaml", "../../pays.yaml", "支付.yaml", "结算.yaml", "支 付.yaml", "_.yaml",
        f"{composed}.yaml", f"{apart}.yaml", "con.yaml", "NUL.yaml", "com1.yaml", "index.html.yaml", "report.html.yaml",
        "-x.yaml", ".x.yaml", "x .yaml", "x..yaml", "x_.yaml", "x.yaml", "a:b.yaml", "a?b.yaml", "a*b.yaml", "a b.yaml",
        "a\nb.yaml", "pays~2.yaml", "pays@seed=1.yaml", "pays_seed=1.yaml", "test_a.test_b.yaml",
        f"{'x' * 240}.yaml", f"{'x' * 239}y.yaml", f"{'支' * 80}.yaml", os.fsdecode(b"caf\xe9.yaml"),
    ]  # fmt: skip
    found = [(file, Path(file).stem) for file in files]
    found += [("pays.yaml", f"pays[seed={value}]") for value in ("1", "A", "a", "支", "a/b", "a_b", "", "1.")]
    return found + [("test_a.py", f"test_a.{name}") for name in ("test_b", "TestA.test_b", "Testa.test_b", "test_b[x]")]


def test_no_two_items_share_a_folder(tmp_path: Path) -> None:
    """In any script, whatever the file system thinks of capitals, accents, length and reserved names."""
    (tmp_path / "pays.yaml").touch()
    items = everything(tmp_path)
    folders = {named(tmp_path, file, item).casefold() for file, item in items}
    assert len(folders) == len(items)
    for folder in folders:
        assert folder.isascii()
        assert len(folder) < 200
        assert not set(folder) & set(' /\\:*?"<>|[]\n')
        assert folder[0] not in ".-~"
        assert folder[-1] not in ". "
        assert folder.partition(".")[0] not in ("con", "nul", "com1")
        assert folder not in ("index.html", "report.html", "junit.xml")


def test_a_name_stays_from_session_to_session(tmp_path: Path) -> None:
    """It hangs on nothing but the file's place, and not on how one got there."""
    real = tmp_path / "real"
    (real / "scenarios").mkdir(parents=True)
    (real / "scenarios" / "Pays.yaml").touch()
    (tmp_path / "link").symlink_to(real)
    names = {
        run_folder_name("Pays", start / "scenarios" / "Pays.yaml", base)
        for start in (real, tmp_path / "link")
        for base in (real, tmp_path / "link")
    }
    assert len(names) == 1


def test_a_second_try_stands_beside_the_first(tmp_path: Path) -> None:
    """And nobody writes into a folder that was there before."""
    made = [own_folder(tmp_path / "session", "pays") for _ in range(3)]
    assert [folder.name for folder in made] == ["pays", "pays~2", "pays~3"]
    assert all(folder.is_dir() for folder in made)


def test_a_place_that_takes_no_folder(tmp_path: Path) -> None:
    """A sentence with the place and the way out."""
    (tmp_path / "results").touch()
    with pytest.raises(EnvironmentFailure, match=r"evidence folder .*results.*--results"):
        own_folder(tmp_path / "results" / "session", "pays")


def test_recorded_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As seen from the root; elsewhere without the way there, and still two for two files."""
    root = tmp_path / "project"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert recorded_path(root / "scenarios" / "pays.yaml", root) == "scenarios/pays.yaml"
    for inside in ("scenarios", "scenarios/failures"):
        # Who works inside of the library names the same file in the same way.
        assert recorded_path(root / "scenarios/failures/pays.yaml", root / inside) == "scenarios/failures/pays.yaml"
    one, two = (recorded_path(tmp_path / name / "failures" / "pays.yaml", root) for name in ("one", "two"))
    assert one != two
    for recorded in (one, two):
        assert recorded.endswith("/failures/pays.yaml")
        assert recorded.startswith("elsewhere-")
        assert tmp_path.name not in recorded
    assert "me/" not in recorded_path(tmp_path / "me" / "pays.yaml", root)
    assert json.dumps(recorded_path(root / os.fsdecode(b"caf\xe9.yaml"), root).encode().decode())


def test_a_namesake_of_a_library_scenario_is_told_from_it(tmp_path: Path) -> None:
    """By content, wherever it lies; what the library has no name for is no namesake."""
    scenario = SCENARIOS / "congestion" / "pool_full.yaml"
    name = "scenarios/congestion/pool_full.yaml"
    assert library_name(scenario) == name
    copy = tmp_path / "scenarios" / "congestion" / "pool_full.yaml"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(scenario.read_bytes())
    assert library_name(copy) == name
    copy.write_bytes(scenario.read_bytes() + b"\n")
    assert library_name(copy) == ""
    for suffix in (".yml", ".py"):
        assert library_name(copy.rename(copy.with_suffix(suffix))) == ""
        copy.with_suffix(suffix).rename(copy)
    other = copy.with_name("mine.yaml")
    other.symlink_to(scenario)
    assert library_name(other) is None
    copy.unlink()
    copy.symlink_to(SCENARIOS / "congestion" / "pool_dropped.yaml")
    assert library_name(copy) == ""


def test_a_link_is_not_its_target(tmp_path: Path) -> None:
    """Else the newest run of one would seem to say what the file of the other means."""
    (tmp_path / "pays.yaml").touch()
    (tmp_path / "alias.yaml").symlink_to("pays.yaml")
    assert recorded_path(tmp_path / "alias.yaml", tmp_path) == "alias.yaml"


@pytest.mark.parametrize(
    ("values", "suffixes"),
    [
        ('seed: [1, "1"]', ["[seed=1]", '[seed="1"]']),
        ("seed: [1, 2]", ["[seed=1]", "[seed=2]"]),
        ('f.pay.payload: [64B, "128B"]', ["[f.pay.payload=64B]", "[f.pay.payload=128B]"]),
    ],
)
def test_values_of_a_matrix_that_read_alike(values: str, suffixes: list[str]) -> None:
    """A text is in quotes only where its run would else have the name of another."""
    from lab.scenario.matrix import variants
    from lab.yamlsource import parse_yaml

    text = f"flows: {{f: {{pay: {{chain: base, at: 1s}}}}}}\nmatrix:\n  {values}\n"
    found = variants(parse_yaml(text.encode(), Path("m.yaml")), lambda *_: None)
    assert [variant.suffix() for variant in found] == suffixes


def test_a_name_that_is_no_unicode() -> None:
    """A file's name in another encoding gives an item that can be written into every report."""
    file = Path(os.fsdecode(b"caf\xe9.yaml"))
    (item,) = parse_scenario("name: n\ndescription: d\nnetworks: {base: {}}\ntimeline: [{wait: 0s}]\n", file)
    assert item.item == "caf\\xe9"
    assert item.item.encode()
