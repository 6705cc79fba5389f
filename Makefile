# Two commands to know: `make campaign` runs one to its end, `make test` runs all that CI runs.
# TORCH_INDEX chooses another build of torch than the package index's own: give it the address that
# pytorch.org names for your platform (CPU or CUDA), as in `make setup TORCH_INDEX=https://…`.
PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: help setup campaign test test-all check bench ui clean
help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: $(STAMP)  ## the environment in .venv, from pinned versions

$(STAMP): pyproject.toml constraints.txt
	@echo "making an environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
ifneq ($(TORCH_INDEX),)
	@echo "installing torch from $(TORCH_INDEX)"
	$(PIP) --no-deps --index-url $(TORCH_INDEX) torch
endif
	@echo "installing some 130 packages, pinned in constraints.txt; torch with CUDA is several GB, so this takes minutes"
	$(PIP) --editable '.[dev]'
	@touch $@
	@echo "the environment is ready; the command is $(BIN)/taskgen"

campaign: setup  ## run the preset maze-quickstart to its end and say where to look
	$(BIN)/taskgen run maze-quickstart

test: setup  ## all that CI runs: checks, then every test that is not slow
	$(MAKE) --no-print-directory check
	$(BIN)/pytest -m 'not slow' -n 2 --dist worksteal

test-all: setup  ## the slow tests as well
	$(MAKE) --no-print-directory check
	$(BIN)/pytest -n 2 --dist worksteal

check: setup  ## lint, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## the benchmarks, one JSON line a value; threads wait as in campaigns
	@export OMP_WAIT_POLICY=PASSIVE; for file in $(filter-out benchmarks/harness.py,$(wildcard benchmarks/[a-z]*.py)); do $(BIN)/python $$file || exit 1; done

ui: setup  ## MLflow on http://127.0.0.1:5000
	$(BIN)/taskgen ui

clean:  ## remove the environment and the caches, never mlruns/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
