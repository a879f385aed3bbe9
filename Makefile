# Few verbs; `make` lists them.
SHELL := /bin/bash
# Every command of the lab starts processes of its own: without compiled modules each would compile them all again.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BACKEND ?= auto
STAGE ?= lab
# Twice as many workers as there are cores, since scenarios and tests also wait; eight at most. What stands in ARGS comes
# later, and wins.
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= $(shell expr $(CORES) \* 2)
SPREAD = $(if $(findstring no:xdist,$(ARGS)),,-n $(WORKERS) --maxprocesses 8 --dist worksteal)

.DEFAULT_GOAL := help
.PHONY: help sdk foreign documents site scenarios test torture size coverage pythons readiness bench bench-load bench-monitor bench-scale lint docs broken judge detection lock clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "expected Python 3.11 or newer, got $$($(PYTHON) --version); set PYTHON=/path/to/python3.11" >&2; exit 4; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# Else workers that start at once compile all of it, each for itself.
	$(BIN)/python -m compileall -q lab
	$(BIN)/python -m lab.broken
	@touch $@

scenarios: $(READY) ## run every scenario and write the reports (BACKEND=auto|process|docker)
	$(BIN)/pytest scenarios/ --backend $(BACKEND) $(SPREAD) $(ARGS)

test: $(READY) ## run the lab's own tests, but for those of `make judge` and `make torture`
	$(BIN)/pytest tests/ --ignore=tests/detection --ignore=tests/reliability -p no:html $(SPREAD) -m "not reliability" --junitxml results/tests.xml -o junit_suite_name="$(SUITE)" $(ARGS)

judge: $(READY) ## judge broken and correct contracts and relayers: what must be caught is, and nothing else
	$(BIN)/pytest tests/detection -p no:html $(SPREAD) -m "not reliability" --junitxml results/detection.xml -o junit_suite_name="$(SUITE)" $(ARGS)

torture: $(READY) ## kills, mutants, forgeries, canaries, sockets, foreign relayers: FACTOR=20 is long, 1 what CI runs; seeds printed
	LAB_TORTURE=$${FACTOR:-20} LAB_TORTURE_FIGURES=results/torture.json $(BIN)/pytest tests/ -m reliability $(SPREAD) --junitxml results/torture.xml $(ARGS)

size: $(READY) ## lines of lab/ by folder, and the ten longest functions
	@$(BIN)/python -m tests.size

coverage: $(READY) ## run them measured, subprocesses included: branches of lab/ that no test takes
	$(BIN)/coverage erase
	@# The figure is wanted of a run that failed as well.
	$(BIN)/coverage run -m pytest tests/ $(SPREAD) -m "not reliability" $(ARGS); code=$$?; \
	  $(BIN)/coverage combine --quiet && $(BIN)/coverage report --skip-covered --sort=cover | tail -n 40; exit $$code

pythons: $(READY) ## install and test on every Python from 3.11 on that is here (ARGS=--short)
	$(BIN)/python -m tests.pythons $(ARGS)

# The name under which results/tests.xml and results/detection.xml speak of a commit.
SUITE = tests $$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null)
PACKAGES = npm --prefix docs/sdk/javascript ci --ignore-scripts --no-audit --no-fund
# What failed (1) or stayed undecided (3) is what the report is about; anything else means that there was no run.
DECIDED = { code=$$?; [ $$code -eq 1 ] || [ $$code -eq 3 ]; }

# A load gets as much of the processor as it wants; else its arrivals are late, and nothing can be said of the system.
ASIDE = nice -n 19

readiness: $(READY) ## the tests, every scenario, the loads, and the report that a release manager signs (STAGE=lab|testnet|mainnet)
	@# Without Node.js, or what the SDK needs of npm, the rows of the JavaScript SDK stay open, and say so.
	@[ -d docs/sdk/javascript/node_modules ] || ! command -v npm >/dev/null || $(PACKAGES) \
	  || echo "npm could not fetch what the JavaScript SDK needs: its rows stay open"
	@# Loads mostly wait, for blocks and finality; what computes goes on beside them, and leaves them the processor.
	@mkdir -p results; $(BIN)/lab load endurance --backend $(BACKEND) >results/endurance.log 2>&1 & endurance=$$!; \
	  trap 'kill -INT $$endurance 2>/dev/null' EXIT; \
	  for of in test:tests judge:detection; do verb=$${of%:*} file=results/$${of#*:}.xml; \
	    grep -qs "testsuite name=\"$(SUITE)\"" $$file || $(ASIDE) $(MAKE) $$verb ARGS=-q || [ -f $$file ] || exit; done; \
	  LAB_DOCUMENTS=1 $(BIN)/pytest scenarios/ --backend $(BACKEND) $(SPREAD) $(ARGS) || [ $$? -eq 1 ] || exit; \
	  echo "waiting for the endurance run: results/endurance.log"; wait $$endurance || $(DECIDED)
	@$(ASIDE) $(BIN)/lab mutate --sample >results/mutation.log 2>&1 & mutation=$$!; \
	  trap 'kill -INT $$mutation $$pairs 2>/dev/null' EXIT; \
	  $(BIN)/lab load buffer --tps 1000 --duration 120s --backend $(BACKEND) || $(DECIDED) || exit; \
	  $(BIN)/lab load pairs --backend $(BACKEND) >results/pairs.log 2>&1 & pairs=$$!; \
	  $(BIN)/lab load networks --backend $(BACKEND) || $(DECIDED) || exit; \
	  wait $$pairs || $(DECIDED) || exit; cat results/pairs.log; \
	  echo "waiting for the mutants: results/mutation.log"; wait $$mutation || $(DECIDED) || exit; tail -n 3 results/mutation.log
	$(BIN)/lab report --stage $(STAGE)

sdk: $(READY) ## install what the JavaScript SDK needs, by its lock, check its types, and test it against networks of the lab
	$(PACKAGES) && npm --prefix docs/sdk/javascript run --silent types
	@# Away from results/: networks that somebody has up there stay up.
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; lab="$(CURDIR)/$(BIN)/lab"; cd "$$work"; \
	  "$$lab" up arbitrum base --backend $(BACKEND) || exit; \
	  LAB_SESSION="$$work/results/up/session.json" npm --prefix "$(CURDIR)/docs/sdk/javascript" test; code=$$?; \
	  "$$lab" down; exit $$code

documents: $(READY) ## follow the guides, run the examples, install from the lock
	LAB_DOCUMENTS=1 $(BIN)/pytest scenarios/documentation scenarios/quality --backend $(BACKEND) $(SPREAD) $(ARGS)

site: $(READY) ## build the documents as a site that needs no network: results/site/index.html
	$(BIN)/python -m lab.documents.site results/site

bench: $(READY) ## measure start-up, simulation speed, memory and overhead
	$(BIN)/python -m tests.bench $(ARGS)

bench-load: $(READY) ## measure load generation: ratios to a bare feeder and to plain Locust
	$(BIN)/python -m tests.bench_load $(ARGS)

bench-monitor: $(READY) ## measure monitoring: the exporter on five networks, samples of a run (ARGS=--seconds 60)
	$(BIN)/python -m tests.bench_monitor $(ARGS)

lint: $(READY) ## ruff, mypy strict, the layers, and the scenarios' own lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/lab lint scenarios

bench-scale: $(READY) ## measure what a second worker brings `lab swarm`: processes, and a Dask cluster (ARGS=--seeds 30)
	$(BIN)/python -m tests.bench_scale $(ARGS)

docs: $(READY) ## generate the references and schemas again
	$(BIN)/python -m lab.scenario.docs
	$(BIN)/python -m lab.networks.docs > docs/networks.md
	$(BIN)/lab schema > scenarios/scenario.schema.json
	$(BIN)/python -m lab.report.schemas
	$(BIN)/python -m lab.broken.docs
	$(BIN)/python -m lab.coordinator.docs docs/own-contract.md
	$(BIN)/python -m lab.documents.reference docs/api.md
	$(BIN)/python -m lab.documents.abi
	$(BIN)/python -m tests.commands_page docs/commands.md
	$(BIN)/python -m lab.monitor.docs docs/monitoring.md
	$(BIN)/python -m tests.reliability.figures
	$(BIN)/python -m lab.monitor.dashboards.grafana

broken: $(READY) ## write the contracts with one bug each to contracts/broken
	$(BIN)/python -m lab.broken

foreign: $(READY) ## verify by forge (LAB_FORGE=PROGRAM) and titanoboa (LAB_TITANOBOA=PYTHON), sign by cast (LAB_CAST=PROGRAM)
	$(BIN)/python -m tests.foreign_clients

detection: $(READY) ## the whole library on correct contracts, then every broken one: docs/detection.md (what catches it, causes named, lines)
	LAB_LIBRARY=whole $(BIN)/pytest tests/detection/correct $(SPREAD)
	$(BIN)/python -m tests.detection.table $(ARGS)

lock: ## resolve the dependencies again, with hashes and without addresses
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra dev pyproject.toml -o requirements.lock

clean: ## remove what can be made again
	rm -rf $(VENV) results .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info contracts/broken/*.vy
