"""The JSON schemas that are committed beside this module: of the report, and of attestations and waivers for editors.

`python -m lab.report.schemas` writes them again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.evidence.folder import write_atomically
from lab.report.evidence.attestations import Attestation
from lab.report.records.report import Readiness

FOLDER = Path(__file__).parent
READINESS, ATTESTATION = "readiness.schema.json", "attestation.schema.json"
_MODELS: dict[str, Callable[[], dict[str, Any]]] = {
    READINESS: lambda: Readiness.model_json_schema(mode="serialization"),
    ATTESTATION: Attestation.model_json_schema,
}


def schema_text(name: str) -> str:
    """The content of one of the files, from the model."""
    return json.dumps(_MODELS[name](), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for file in _MODELS:
        write_atomically(FOLDER / file, schema_text(file))
