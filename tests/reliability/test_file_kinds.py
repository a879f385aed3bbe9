"""No kind of file is forgotten: every module of the lab that reads files says which mutants stand for what it reads."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lab

from . import test_mutants

pytestmark = pytest.mark.reliability

ROOT = Path(lab.__file__).parent
LOADERS = {
    "read_json", "read_object", "read_model", "read_lines", "read_text", "read_bytes", "load_yaml", "open_regular",
}  # fmt: skip
# Mutants with a test of their own.
OTHERS = {"attestation", "checklist", "evidence", "bundle"}
# Why nobody else writes what is read.
OWN = "reads files of the package, of the checkout or of the system, or what this process wrote a moment ago"
SOURCE = ("source",)
# Module -> the kinds of files that it reads, or why none is meant.
READS: dict[str, tuple[str, ...] | str] = {
    "analysis/accepted.py": SOURCE,
    "broken/__init__.py": OWN,
    "broken/docs.py": OWN,
    "chains/engine/settings.py": ("docker's settings",),
    "chains/nodes/image.py": OWN,
    "chains/nodes/pinned.py": OWN,
    "chains/nodes/provision.py": "compares a digest that is pinned",
    "chains/nodes/usage.py": OWN,
    "chains/processes/keeper.py": OWN,
    "chains/processes/leftovers.py": OWN,
    "chains/processes/starvation.py": OWN,
    "commands/contract.py": SOURCE,
    "commands/init.py": ("source", "foundry.toml"),
    "commands/monitor/exporting.py": ("up state",),
    "commands/monitor/page.py": ("samples of a run",),
    "commands/release/freeze.py": ("audited source",),
    "coordinator/docs.py": OWN,
    "deploy/artifacts/contract_file.py": ("artifact",),
    "deploy/compile.py": ("compiled contract",),
    "deploy/keystore.py": ("deployer's key", "signing key"),
    "deploy/text.py": SOURCE,
    "deploy/vyper/compiler_child.py": SOURCE,
    "deploy/vyper/failures.py": SOURCE,
    "deploy/vyper/installed_compiler.py": SOURCE,
    "deploy/vyper/isolated_compiler.py": SOURCE,
    "deploy/vyper/limited.py": "reads what a compiler that it started has just written",
    "deploy/vyper/project_folders.py": ("foundry.toml",),
    "deploy/vyper/search_paths.py": "takes any bytes as lines of paths: tests/reliability/test_hostile_files.py",
    "deploy/vyper/source.py": SOURCE,
    "deploy/vyper/source_lines.py": ("source", "compiled contract"),
    "documents/blocks.py": OWN,
    "documents/entries.py": OWN,
    "documents/guide.py": OWN,
    "documents/links.py": OWN,
    "documents/reference.py": OWN,
    "documents/site.py": OWN,
    "evidence/contract_source.py": ("contract of a session",),
    "evidence/folder.py": ("evidence",),
    "evidence/outcome_index.py": ("outcomes of runs",),
    "evidence/repository.py": OWN,
    "evidence/seal.py": ("evidence", "measured manifest"),
    "explore/journal.py": ("journal of a search", "journal of mutants", "lines of a search"),
    "explore/mutate/build.py": ("build of a mutant", "source"),
    "explore/mutate/changes.py": SOURCE,
    "explore/mutate/equivalent.py": ("reviewed mutants",),
    "explore/mutate/mutants.py": SOURCE,
    "explore/mutate/trial.py": SOURCE,
    "explore/swarm/detection.py": ("samples of a run",),
    "html/compiled_templates.py": OWN,
    "html/page.py": OWN,
    "live/declaration/deployment_file.py": ("deployment file",),
    "live/journaling/journal.py": ("journal", "journal of a deployment"),
    "live/signers/__init__.py": ("deployer's key", "deployment file"),
    "live/signers/keystore.py": "takes any text as a password",
    "live/verify/bundle.py": SOURCE,
    "load/analyse/reconcile.py": OWN,
    "load/analyse/worker_reports.py": ("report of a worker",),
    "load/drive/observer.py": OWN,
    "load/long/record.py": ("order of a long load", "stretches of a long load"),
    "load/prepare/context.py": ("context of a load",),
    "load/prepare/sources.py": ("keys of a session",),
    "load/profile/profile.py": ("load profile",),
    "load/record/plan.py": ("plan of a load", "urls of a load"),
    "load/record/samples.py": OWN,
    "load/record/worker_report.py": ("start of a load", "workers that were cut off"),
    "load/report/page.py": OWN,
    "model/chain/genesis.py": ("genesis blocks",),
    "model/chain/prices.py": ("prices",),
    "model/live_evidence.py": ("deployment's evidence",),
    "model/session.py": ("session", "session of a monitor"),
    "monitor/collect/maintenance.py": ("maintenance",),
    "monitor/dashboards/grafana.py": OWN,
    "monitor/docs.py": OWN,
    "monitor/exporter.py": ("position of a monitor",),
    "networks/__init__.py": ("network",),
    "networks/preinstalls.py": ("preinstalls",),
    "networks/rpc_methods.py": ("methods",),
    "ops/backup/file.py": ("backup",),
    "ops/declared.py": ("declared operation",),
    "ops/events.py": ("events",),
    "ops/opening.py": ("keys of a session",),
    "ops/procedures/maintenance.py": ("maintenance of an operation",),
    "owner.py": OWN,
    "plugin/stopping.py": OWN,
    "relayer/__main__.py": ("relayer's key",),
    "report/catalogue/checklist_import.py": ("checklist",),
    "report/catalogue/criteria_definitions.py": ("success criteria",),
    "report/catalogue/rows.py": ("catalogue",),
    "report/causes/documentation.py": OWN,
    "report/causes/effort.py": ("effort",),
    "report/evidence/attestations.py": ("attestation",),
    "report/evidence/detection.py": ("measured alerts",),
    "report/evidence/figures.py": ("measured rows", "measured manifest"),
    "evidence/load_runs.py": ("measured rows", "measured manifest"),
    "report/evidence/load_series.py": ("series of a load",),
    "report/evidence/mutation_counts.py": ("mutation score",),
    "report/evidence/report_history.py": ("history of reports",),
    "report/evidence/signature.py": ("signature", "signed envelope", "readiness report"),
    "report/evidence/suite_result.py": ("result of a test suite",),
    "report/readiness_page/pdf.py": OWN,
    "report/records/report.py": ("readiness report",),
    "report/release/archive.py": ("bundle",),
    "report/release/consistency.py": ("readiness report",),
    "report/release/local_key.py": ("signing key", "key in hexadecimal"),
    "report/release/verify.py": ("bundle",),
    "runner/program.py": OWN,
    "safe/local.py": OWN,
    "safe/proposal.py": ("proposal",),
    "safe/published.py": ("deployments of Safe",),
    "scenario/resolve.py": ("scenario",),
    "sdk/coordinator.py": ("session", "keys of a session"),
    "session/project.py": ("project",),
    "session/relayer/dilation.py": "looks at the head of a program, and reads a source of the lab's own",
    "session/smoke_run.py": ("smoke run",),
    "session/up/files.py": ("session", "up state"),
    "traffic/book.py": ("attempts of a load",),
    "traffic/signed_file.py": ("signed transactions",),
}


def reading(path: Path) -> bool:
    """Whether a module calls something that reads a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in LOADERS:
                return True
    return False


def test_every_module_that_reads_files_has_its_mutants() -> None:
    """A new one is named here, with a kind that has mutants, or with a reason."""
    modules = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if reading(path)}
    modules -= {"bounded_files.py", "yamlsource.py"}
    assert modules == set(READS)
    known = {*test_mutants.KINDS, *test_mutants.TEXTS, *OTHERS}
    named = {kind for kinds in READS.values() if not isinstance(kinds, str) for kind in kinds}
    assert named <= known
    assert known - named == {"relayer's store"}, "SQLite opens that one itself"


def test_what_others_write_is_read_with_bounds() -> None:
    """Only what is the lab's own is read by pathlib, which has neither a bound nor a look at what lies there."""
    unbounded = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"read_text", "read_bytes"}
    }
    allowed = {name for name, kinds in READS.items() if isinstance(kinds, str)}
    # Files that were written or compiled a moment before.
    allowed |= {"explore/mutate/build.py", "explore/mutate/trial.py", "sdk/coordinator.py"}
    assert unbounded <= allowed


# Who writes without `bounded_files`, which follows no link that somebody planted -> why nobody can have planted one.
WRITES = {
    "chains/nodes/guard_program.py": "files of the kernel",
    "chains/nodes/image.py": "an archive in memory",
    "chains/nodes/provision.py": "a temporary folder of its own",
    "commands/init.py": "only where nothing is: mode x",
    "commands/live/actions.py": "only where nothing is: mode x",
    "deploy/keystore.py": "O_EXCL",
    "documents/site.py": "pictures beside pages, at the word of who builds them",
    "evidence/recorder.py": "the new folder of a run",
    "deploy/vyper/limited.py": "a temporary folder of its own",
    "deploy/vyper/limiter.py": "a temporary folder of the one that started it",
    "explore/mutate/build.py": "a temporary folder of its own",
    "load/drive/observer.py": "the new folder of a run",
    "load/drive/sampler.py": "the new folder of a run",
    "load/drive/watch.py": "the new folder of a run",
    "load/generator/user.py": "the new folder of a run",
    "load/prepare/context.py": "the new folder of a run",
    "monitor/alerting/timeline.py": "a temporary folder of its own",
    "monitor/servers.py": "a temporary folder of its own",
    "plugin/options.py": "copies in memory",
    "plugin/sharing.py": "the terminal",
    "plugin/stopping.py": "O_EXCL",
    "networks/slots.py": "copies in memory",
    "report/release/archive.py": "only where nothing is: mode x",
    "report/release/bundle.py": "a temporary folder of its own",
    "session/up/supervisor.py": "a pipe",
}
WRITERS = {"write_text", "write_bytes", "touch", "copyfile", "copy", "copy2"}


def writing(path: Path) -> bool:
    """Whether a module writes files by pathlib, open or shutil."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            modes = [str(one.value) for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            opened = called in {"open", "fdopen"} and any(len(mode) < 4 and set(mode) & set("wax+") for mode in modes)
            if called in WRITERS or opened or (called == "open" and "O_CREAT" in ast.dump(node)):
                return True
    return False


def test_no_writer_follows_a_planted_link() -> None:
    """Whoever writes where others can have been goes through `bounded_files`; a new one is named here."""
    modules = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if writing(path)} - {"bounded_files.py"}
    generators = {name for name in modules if name.endswith("docs.py") or name.startswith("documents/")}
    generators |= {"scenario/schema.py"}
    assert modules - generators == set(WRITES) - generators
