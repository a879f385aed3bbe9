"""What a YAML file is, told from its keys: cheap, safe, and never wrong about a file of somebody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.scenario.finding import files_below
from lab.scenario.kind import SNIFFED_BYTES, kind_of, top_level_keys

SCENARIO = "name: n\ndescription: d\nnetworks: {base: {}}\ntimeline:\n  - {wait: 0s}\n"
HEAD = "name: n\ndescription: d\n"


def kind(tmp_path: Path, content: str | bytes) -> tuple[bool, bool, str]:
    """Whether it is a scenario, whether it may have been meant as one, and what is told of it."""
    path = tmp_path / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = kind_of(path)
    return found.scenario, found.doubtful, found.description


@pytest.mark.parametrize(
    "content",
    [
        SCENARIO,
        SCENARIO.replace("\n", "\r\n"),
        SCENARIO.replace("\n", "\r"),
        "\ufeff" + SCENARIO,
        SCENARIO.encode("utf-16"),
        "# a comment\n---\n" + SCENARIO + "---\nkind: second\n",
        "%YAML 1.2\n---\n" + SCENARIO,
        SCENARIO.replace("name:", '"name":').replace("timeline:", "'timeline' :"),
        "".join(f"  {line}\n" for line in SCENARIO.splitlines()),
        '{"name": "n", "description": "d", "networks": {"base": {}}, "timeline": [{"wait": "0s"}]}',
        HEAD + "flows: {}\ntimeline: []\n",  # the networks are missing
        HEAD + "networks: {}\nflows: {}\n",  # the timeline is missing
        HEAD + "networks: {}\ntimelin: []\n",
        HEAD + "network: {}\ntimeline: []\n",
        SCENARIO + "  - [unfinished\n",
        SCENARIO + "name: twice\n\tand: a tab\n",
        SCENARIO + "# " + "x" * SNIFFED_BYTES,
        SCENARIO + "services: {}\n",
    ],
)
def test_scenarios(tmp_path: Path, content: str | bytes) -> None:
    """Sound ones, and those that somebody broke: they are problems, and not left out of a run."""
    assert kind(tmp_path, content)[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("extends: ethereum\nname: slow\ntitle: t\nblock_time_ms: 24_000\n", "a network profile"),
        (HEAD + "networks: {base: {}}\ntraffic: []\nshape: {}\nseed: 1\nwindow: 5s\n", "a load profile"),
        ("contract: a.vy\nrelayer_cmd: ./mine\n", "a project file of the lab"),
        ("name: CI\non: push\njobs: {}\n", "a CI workflow"),
        ("name: x\nservices: {}\nnetworks: {}\nvolumes: {}\n", "a Compose file"),
        ("apiVersion: v1\nkind: Pod\n---\napiVersion: v1\n", "a Kubernetes manifest"),
        ("- name: play\n  hosts: all\n", "a list"),
        ("{{- if .Values.x }}\nname: {{ .x }}\n{{- end }}\n", "a file without keys"),
        ("timeline: []\nspeed: 3\n", "something else (keys timeline, speed)"),
        ("nested:\n  name: n\n  networks: {}\n  timeline: []\n", "something else (keys nested)"),
        ("text: |\n  networks: a\n  timeline: b\n", "something else (keys text)"),
        ("only words\n", "a file without keys"),
        ("", "an empty file"),
        ("\n  \n", "an empty file"),
        (b"\x00\x01name: n\nnetworks:\ntimeline:\n", "a binary file"),
        (b"\xff" * 100, "a file without keys"),
    ],
)
def test_files_of_others(tmp_path: Path, content: str | bytes, told: str) -> None:
    """Left alone without a word, and named for what they are if somebody asks."""
    scenario, doubtful, words = kind(tmp_path, content)
    assert (scenario, doubtful) == (False, False)
    assert words.startswith(told)


def test_what_may_have_been_meant_as_a_scenario(tmp_path: Path) -> None:
    """Too little to be sure, too much to be silent."""
    assert kind(tmp_path, HEAD + "timeline: []\n") == (
        False,
        True,
        "a scenario with parts missing (keys name, description, timeline)",
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """None is waited for, none raises."""
    os.mkfifo(tmp_path / "pipe.yaml")
    assert kind_of(tmp_path / "pipe.yaml").description == "a device or a pipe"
    gone = kind_of(tmp_path / "gone.yaml")
    assert gone.doubtful
    assert "cannot be read (No such file or directory)" in gone.description
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert "cannot be read" in kind_of(tmp_path / "loop.yaml").description


def test_a_huge_file_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning decides."""
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.write(b"rows:\n")
        stream.truncate(10 * 2**30)
    assert kind_of(path).description == "a binary file"
    monkeypatch.setattr("lab.scenario.kind.SNIFFED_BYTES", 20)
    path.write_text(HEAD + "networks: {}\ntimeline: []\n")
    assert not kind_of(path).scenario


def test_keys_are_those_of_the_first_document() -> None:
    """A list has none."""
    assert list(top_level_keys("a: 1\nb:\n  c: 2\nd e: 3\n---\nf: 4\n") or {}) == ["a", "b", "d e"]
    assert list(top_level_keys('{a: {b: 1, c: 2}, "d": [e, {f: 1}], g: "h, i: 1"}') or {}) == ["a", "d", "g"]
    assert top_level_keys("- a: 1\n") is None


def test_where_files_are_looked_for(tmp_path: Path) -> None:
    """Not in hidden folders, environments and what is named, nor round and round; the nearest come first."""
    for name in (
        "b.yaml",
        "a/deep/c.yml",
        "a/d.txt",
        ".hidden/e.yaml",
        "node_modules/f.yaml",
        "env/g.yaml",
        "out/h.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "linked.yaml").symlink_to("b.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, skipped=("ou*",))]
    assert found == ["b.yaml", "linked.yaml", "a/deep/c.yml"]
    assert list(files_below(tmp_path, entries_max=3)) == []
    assert list(files_below(tmp_path / "nothing")) == []


@pytest.mark.skipif(not Path("/proc/kmsg").exists(), reason="no such file of the kernel's")
def test_a_file_that_has_nothing_to_read_yet() -> None:
    """It is not waited for; who may not open it hears of that."""
    assert kind_of(Path("/proc/kmsg")).scenario is False
