"""What runs parts elsewhere, checked by validators of those places, and that all parts together are the whole."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.explore.shard import Shard
from lab.paths import COMPOSE, DOCS

JOB, CLUSTER = COMPOSE / "swarm-job.yml", COMPOSE / "swarm.yml"
WORKFLOW = DOCS / "examples" / "swarm-matrix.yml"
# The oldest in which the fields that are used are stable, and a current one.
KUBERNETES = ("1.33", "1.36")
DOCUMENTS = list(yaml.safe_load_all(JOB.read_text()))


def shards(commands: list[list[str]]) -> list[Shard]:
    """What each command line has for --shard."""
    return [Shard.parse(words[words.index("--shard") + 1]) for words in commands]


def whole(parts: list[Shard]) -> bool:
    """Whether every seed is in exactly one part."""
    return sorted(seed for part in parts for seed in part.of(range(50))) == list(range(50))


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document["kind"]))
def test_kubernetes_takes_the_manifest(document: dict[str, Any], version: str) -> None:
    """Every object by the published schema of its kind, unknown fields refused."""
    from kubernetes_validate import validate

    validate(document, version, strict=True)


def test_the_validator_would_notice() -> None:
    """A field that is misspelt, and a value of another type."""
    from kubernetes_validate import ValidationError, validate

    job = next(document for document in DOCUMENTS if document["kind"] == "Job")
    for wrong in ({"completionmode": "Indexed"}, {"completions": "twenty"}):
        with pytest.raises(ValidationError):
            validate({**job, "spec": {**job["spec"], **wrong}}, KUBERNETES[0], strict=True)


def test_the_pods_of_the_job_are_all_parts(tmp_path: Path) -> None:
    """Their command is run by a shell for each index, with a program in Python's place that writes down its words."""
    job = next(document for document in DOCUMENTS if document["kind"] == "Job")
    count, (container,) = job["spec"]["completions"], job["spec"]["template"]["spec"]["containers"]
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$*"\n')
    stand_in.chmod(0o755)
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    commands = [
        shlex.split(
            subprocess.check_output(
                [*container["command"], *container["args"]],
                env={**environment, "JOB_COMPLETION_INDEX": str(index)},
                text=True,
            )
        )
        for index in range(count)
    ]
    assert whole(shards(commands))
    assert {part.count for part in shards(commands)} == {count} == {job["spec"]["parallelism"]}
    assert len({words[words.index("--results") + 1] for words in commands}) == count
    assert all(words[:3] == ["-m", "lab.cli", "swarm"] and "--resume" in words for words in commands)


def test_the_workflow_is_one_and_its_jobs_are_all_parts() -> None:
    """By the schema that GitHub's own editor uses; each job of the matrix has one part."""
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    part = yaml.safe_load(WORKFLOW.read_text())["jobs"]["part"]
    (line,) = [step["run"] for step in part["steps"] if "swarm" in step.get("run", "")]
    numbers = part["strategy"]["matrix"]["part"]
    filled = [re.sub(r"\$\{\{ matrix\.part \}\}", str(number), line) for number in numbers]
    assert whole(shards([shlex.split(text) for text in filled]))


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_compose_takes_the_cluster() -> None:
    """Resolved by docker-compose; scheduler, workers and the command agree on the address, and all see one project."""
    words = ["docker-compose", "-f", str(CLUSTER), "config"]
    environment = {**os.environ, "LAB_COMMAND": "mutate --sample", "LAB_PROJECT": "/somewhere"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    lines = {name: _line(service["command"]) for name, service in services.items()}
    assert "--port 8786" in lines["scheduler"]
    assert "dask worker tcp://scheduler:8786 --nthreads 1" in lines["worker"]
    assert "mutate --sample" in lines["lab"]
    assert "--engine dask --scheduler tcp://scheduler:8786" in lines["lab"]
    assert {service["working_dir"] for service in services.values()} == {"/project"}
    assert all("/somewhere" in str(service["volumes"]) for service in services.values())


def _line(command: str | list[str]) -> str:
    return command if isinstance(command, str) else shlex.join(command)
