# Two commands: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
AZURITE := demo/azurite/node_modules/.package-lock.json

# Every process imports Airflow: without bytecode that takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
# Behind a company's proxy the certificates are the machine's own: pip reads them, so shall uv.
export UV_SYSTEM_CERTS := true

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-matrix check format docs bench lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) $(AZURITE) ## install everything the project needs into .venv and demo/azurite

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] < (3, 14) else "Python 3.10 to 3.13 is needed; %s is %s. Name another with PYTHON=..." % (sys.executable, sys.version.split()[0]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(AZURITE): demo/azurite/package-lock.json | $(READY)
	$(BIN)/python -m demo.azurite.install

demo: setup ## a video lands and a Batch job DAG transcodes it (EXIT=1: stop after the check); or DAG=etl, or one of docs/gallery
	$(BIN)/python -m demo $(if $(DAG),--dag $(DAG)) $(if $(EXIT),--exit)

test: setup check ## everything: linters, unit, protocol, crash and end-to-end tests
	$(BIN)/python -m tests

test-fast: $(READY) ## the unit tests, on all cores
	$(BIN)/python -m pytest -n auto -m "not slow and not e2e"

test-matrix: $(READY) ## the provider's unit tests: Airflow 3.1 and lowest dependencies, newest of all, each Python here (slow)
	$(BIN)/python -m tests.matrix

check: $(READY) ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## write the tables of the documentation anew from the code
	$(BIN)/python -m tests.docs.reference

bench: setup .venv.bench/.ready ## the figures the README quotes, as ratios measured in this run
	$(BIN)/python -m benchmarks

.venv.bench/.ready: benchmarks/requirements.lock | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv.bench
	$(BIN)/uv pip sync --quiet --python .venv.bench/bin/python benchmarks/requirements.lock
	@touch $@

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url
lock: ## renew the lock files from pyproject.toml and benchmarks/requirements.in, the emulator's image included
	$(COMPILE) --all-extras pyproject.toml --output-file requirements.lock
	$(COMPILE) benchmarks/requirements.in --output-file benchmarks/requirements.lock
	$(BIN)/python docker/emulator_requirements.py | $(COMPILE) --constraint requirements.lock - --output-file docker/emulator.lock

clean: ## remove what setup and runs made
	rm -rf $(VENV) .venv.bench .venv.matrix demo/azurite/node_modules .demo .mypy_cache .pytest_cache .ruff_cache
