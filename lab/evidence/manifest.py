"""What a run was made of: `manifest.json` of a scenario's run and of a measurement, for those who write and read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import AliasChoices, Field, Strict, field_validator

from lab.evidence.recorded import Recorded, Text, Texts
from lab.model.outcome import Outcome
from lab.model.under_test import UnderTest

Count = Annotated[int, Field(ge=0, lt=2**53)]


class CheckChoice(Recorded):
    """Which checks judged the run: the default ones or none, plus and minus some."""

    default: bool | None = None
    added: Texts = ()
    removed: Texts = ()


class BackendFacts(Recorded):
    """What ran the nodes. Either a binary (`anvil_*`) or an image is named."""

    backend: Text | None = None
    anvil_version: str | None = None
    anvil_path: Text | None = None
    anvil_source: Text | None = None
    anvil_sha256: Text | None = None
    image: Text | None = None
    image_id: Text | None = None
    image_digests: Texts = ()
    image_labels: dict[str, Any] = Field(default_factory=dict)
    engine_version: Text | None = None
    name: Text | None = None
    reason: str | None = None


class ContractFacts(Recorded):
    """The contract under test. A mutant has no source file, an artifact may name no compiler: these are empty."""

    name: Text | None = None
    path: str | None = None
    bytecode_sha256: Text | None = None
    source_sha256: str | None = None
    compiler: str | None = None


class RelayerFacts(Recorded):
    """`kind` is reference, command or none; a relayer that did not run has no digest that counts."""

    kind: Text | None = None
    command: str | None = None
    sha256: Text | None = None
    files: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str | None:
        """Of its sources, else of its command, to tell it from others; None where none ran, or nothing says which."""
        if self.kind == "none":
            return None
        return self.sha256 or (_digest(self.command) if self.command else None)


class LabFacts(Recorded):
    """The lab's version; its commit, where it runs from a repository; and whether files were changed since."""

    version: Text | None = None
    commit: Text | None = None
    dirty: bool | None = None


class HostFacts(Recorded):
    """The machine."""

    system: str | None = None
    machine: str | None = None
    cpus: int | None = None
    memory_bytes: int | None = None


# Of a run: each fault is an object of its own, and each row is looked for in the catalogue.
FAULTS_MAX, ROWS_MAX = 2_000, 1_000


class FaultRecord(Recorded):
    """A fault of the run, how often it acted, and what shows that it did."""

    id: str | None = None
    fault: Text | None = None
    # `bites` is what earlier versions wrote.
    activations: int = Field(default=0, validation_alias=AliasChoices("activations", "bites"))
    proof: str | None = None


class LagFacts(Recorded):
    """How late the machine itself was in a run under the real clock, in milliseconds; the history says when."""

    turns_ms_max: int | None = None
    starved_ms: int | None = None


class RunManifest(Recorded):
    """Of a scenario's run. `digests` are the sha256 of the other files, by name; paths are relative or bare names.

    `speed` is how many seconds of chain time passed in one of the wall's, under the real clock.

    `project` are marks by which the project is known (`lab.evidence.projects`), empty where nothing is known.

    `library` says which of the lab's own scenarios the file is, and is empty where it is a namesake of one.

    `state` is started or ended; what only the end of a run knows is not stated before, such as the verdict with the
    checks that failed. `engine_sha256` is of the sources that judge.
    """

    schema_version: int | None = None
    item: Text | None = None
    project: Texts = ()
    scenario_file: Text | None = None
    scenario_sha256: Text | None = None
    library: str | None = None
    name: str | None = None
    description: str | None = None
    rows: Annotated[Texts, Field(max_length=ROWS_MAX)] = ()
    matrix: dict[str, Any] = Field(default_factory=dict)
    checks: CheckChoice = CheckChoice()
    seed: int | None = None
    clock: Text | None = None
    speed: float | None = None
    backend: BackendFacts = BackendFacts()
    contract: ContractFacts = ContractFacts()
    relayer: RelayerFacts = RelayerFacts()
    under_test: UnderTest | None = None
    networks: dict[str, str] = Field(default_factory=dict)
    profiles_sha256: Text | None = None
    lab: LabFacts = LabFacts()
    user_repository: LabFacts | None = None
    versions: dict[str, str | None] = Field(default_factory=dict)
    host: HostFacts | None = None
    engine_sha256: Text | None = None
    state: Text | None = None
    verdict: Text | None = None
    failed_checks: Texts | None = None
    history_digest: Text | None = None
    started: Text | None = None
    duration_s: float | None = None
    simulated_s: float | None = None
    transactions: int | None = None
    lag: LagFacts | None = None
    node_memory_bytes: dict[str, int | None] = Field(default_factory=dict)
    faults: Annotated[tuple[FaultRecord, ...], Strict(False), Field(max_length=FAULTS_MAX)] = ()
    scenario_items: Texts = ()
    digests: dict[str, Any] = Field(default_factory=dict)
    seal: Text | None = None

    @property
    def made_with(self) -> str | None:
        """A digest of all that a verdict hangs on; None where that is not known for sure, as in a changed tree."""
        if self.lab.dirty is not False or self.lab.commit is None:
            return None
        sources = (self.contract.bytecode_sha256, self.relayer.sha256, self.profiles_sha256, self.scenario_sha256)
        return _digest(self.lab.commit, *sources, self.seed)


class MeasuredRow(Recorded):
    """What a measurement says about a row: an entry of `rows.json`. `interval` is (low, high) in the figure's unit."""

    row: Text | None = None
    verdict: str = ""
    figure: float | str | None = None
    unit: str = ""
    reason: str = ""
    interval: Annotated[tuple[float, float], Strict(False)] | None = None
    n: Count | None = None
    failures: Count | None = None
    evidence: Texts = ()
    assumptions: Texts = ()

    @field_validator("evidence", "assumptions", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @property
    def word(self) -> str:
        """Its verdict as the lab writes it, however it stands there."""
        return self.verdict.upper().replace("_", " ").replace("-", " ")


_AGAINST = {"FAIL": "failed", "NOT MET": "failed", "INFEASIBLE": "infeasible"}
# Of a reason, where it stands once more.
REASON_MAX = 400
# Of a row's id, of which a catalogue's have 10 characters.
ROW_MAX = 100


class Against(Recorded):
    """The rows that a measurement decided against, and why: damage takes nothing of it back."""

    failed: dict[str, str] = Field(default_factory=dict)
    infeasible: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[MeasuredRow]) -> Against:
        """What they say."""
        decided: dict[str, dict[str, str]] = {"failed": {}, "infeasible": {}}
        for row in rows:
            if row.row is not None and row.word in _AGAINST:
                decided[_AGAINST[row.word]][row.row[:ROW_MAX]] = row.reason[:REASON_MAX]
        return Against(**decided)

    def both(self, other: Against) -> Self:
        """This one with the rows of another; of one row its own reason counts."""
        rows = {"failed": other.failed | self.failed, "infeasible": other.infeasible | self.infeasible}
        return self.model_copy(update=rows)

    @property
    def against(self) -> dict[str, tuple[Outcome, str]]:
        """Each such row with the worse of its verdicts."""
        stated = {Outcome.INFEASIBLE: self.infeasible, Outcome.NOT_MET: self.failed}
        return {row: (outcome, why) for outcome, rows in stated.items() for row, why in rows.items()}


class MeasurementManifest(Against):
    """Of a load or mutation run, and of its `rows.json`. `profile_file` is a user's own, None for the lab's.

    The rows that it decided against stand there once more, for the case that `rows.json` is lost.
    """

    profile: str | Mapping[str, Any] | None = None
    profile_file: Text | None = None
    item: Text | None = None
    project: Texts = ()
    started: Text | None = None
    lab: LabFacts = LabFacts()
    contract: ContractFacts = ContractFacts()
    relayer: RelayerFacts = RelayerFacts()
    profile_sha256: Text | None = None
    state: Text | None = None
    rows: Annotated[tuple[MeasuredRow, ...], Strict(False)] | None = None

    @property
    def profile_name(self) -> str | None:
        """A profile is named, or stands there whole."""
        named = self.profile.get("name") if isinstance(self.profile, Mapping) else self.profile
        return str(named) if named else None

    @property
    def made_with(self) -> str | None:
        """A digest of all that a result hangs on; None where that is not known for sure, as in a changed tree."""
        known = (self.lab.commit, self.contract.bytecode_sha256, self.relayer.kind, self.profile_sha256)
        if self.lab.dirty is not False or None in known:
            return None
        return _digest(*known, self.relayer.command, self.relayer.sha256)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
