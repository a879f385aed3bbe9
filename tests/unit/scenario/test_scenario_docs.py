"""The generated files: current, complete, and every example in them is a sound scenario."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from lab.faults import FAULTS
from lab.scenario import docs, schema
from lab.scenario.expectations import EXPECTATIONS, OUTCOME_WORDS, OUTCOMES
from lab.scenario.model import LegUse, NetworkUse, RelayerOptions, ScenarioFile
from lab.scenario.steps import ADMIN_VALUES, STEPS

from .files import HEAD, TIMELINE, load
from .test_scenario_shape import STEP_CASES

AROUND = HEAD.replace("  optimism: {}\n", "  optimism: {}\n  polygon: {}\n  arbitrum: {}\n  base: {}\n") + "timeline:\n"
SLOW = "  - {id: slow-rpc, fault: rpc_latency, chain: optimism, delay: 1s}\n"
VALIDATOR = jsonschema.Draft202012Validator(schema.scenario_schema())
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", docs.render(), re.MULTILINE | re.DOTALL)


def test_committed_files_are_current() -> None:
    """Run `python -m lab.scenario.docs` and `python -m lab.scenario.schema` when this fails."""
    assert docs.TARGET.read_text(encoding="utf-8") == docs.render()
    assert schema.TARGET.read_text(encoding="utf-8") == schema.render()


def _whole(example: str) -> str:
    """An example as a file: the steps among them get the file around them that they speak of."""
    if example.startswith("- "):
        steps = "".join(f"  {line}\n" for line in example.splitlines())
        return (
            ("monitor: true\n" if "alert" in example else "") + AROUND + (SLOW if "slow-rpc" in example else "") + steps
        )
    return example


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_sound(tmp_path: Path, example: str) -> None:
    """Loaded with all rules, and valid by the schema as an editor sees it."""
    text = _whole(example)
    assert load(tmp_path, text, known_checks={"S9"})
    VALIDATOR.validate(_as_an_editor_reads(text))


def test_the_reference_is_complete() -> None:
    """Every kind has its heading and example, and every key its row with a meaning."""
    text = docs.render()
    # Each but `fault`, which the kinds of faults illustrate; and the file itself.
    assert len(EXAMPLES) == 1 + len(STEPS) - 1 + len(EXPECTATIONS) + len(OUTCOMES) + len(FAULTS)
    for name in (*STEPS, *EXPECTATIONS, *OUTCOMES, *FAULTS):
        assert f"\n### {name}\n" in text
    for word in (*OUTCOME_WORDS, *ADMIN_VALUES):
        assert f"`{word}`" in text
    models: list[type[BaseModel]] = [
        ScenarioFile,
        NetworkUse,
        LegUse,
        RelayerOptions,
        *STEPS.values(),
        *(kind.spec for kind in FAULTS.values()),
    ]
    for model in models:
        for name, info in model.model_fields.items():
            assert f"| `{info.alias or name}` |" in text or name == "fault", name
    rows = re.findall(r"^\| `.*$", text, re.MULTILINE)
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []


def _as_an_editor_reads(text: str) -> Any:
    """Editors read YAML 1.2, which has no dates and no base-60 numbers; nothing in these files is either."""
    return yaml.safe_load(text)


def test_the_schema_is_valid_and_accepts_what_the_model_accepts() -> None:
    """A file in all its variety."""
    found = schema.scenario_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    text = HEAD.replace("optimism: {}", "optimism:").replace("+30s", "+30s, payload: '0x00ff'") + (
        "relayer: {poll: 500ms}\nwindow: 1.5m\ntimeout: 1h\nmatrix: {seed: [1, 2], swap.pay.at: [3s]}\n" + TIMELINE
    )
    VALIDATOR.validate(_as_an_editor_reads(text))


BEYOND_A_SCHEMA = re.compile(
    r"201|base_fee_spike, chain: ethereum}|factor: 2, wei|1\.0001s"
    r"|set_window|add_operator|set_breaker|pause, value"
)
"""Steps in which one key depends on another, or on arithmetic."""


@pytest.mark.parametrize("step", [step for step, _ in STEP_CASES if not BEYOND_A_SCHEMA.search(step)])
def test_the_schema_refuses_misshapen_steps(step: str) -> None:
    """Editors see most of what the loader sees."""
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(_as_an_editor_reads(f"{HEAD}timeline:\n  {step}\n"))


def test_the_schema_describes_every_key() -> None:
    """Editors show a description for every key of the file and of the steps, with defaults as a file writes them."""
    found = schema.scenario_schema()
    assert found["properties"]["timeout"]["default"] == "10m"
    assert found["$defs"]["LegUse"]["properties"]["payload"]["default"] == "64B"
    for name, definition in found["$defs"].items():
        if name != "Finality":
            missing = [key for key, entry in definition["properties"].items() if "description" not in entry]
            assert missing in ([], ["fault"]), name
    assert all("description" in entry for entry in found["properties"].values())
