# The table of contents. `make` lists it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ONCE ?=
DROP ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types check bench docs sim mutation chaos

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev  ## a virtual environment with all that development needs

demo: $(VENV)/.demo  ## a first campaign, end to end, offline (ONCE=1 ends and checks, DROP=0.01 loses answers)
	@$(BIN)/python example/demo.py $(if $(ONCE),--once) $(if $(DROP),--drop $(DROP))

test: $(VENV)/.dev  ## the tests, on SQLite (WHATSAPP_TEST_DATABASE=postgres or mariadb for another)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev  ## style and the walls between the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy

check: lint types test  ## all of it, before a commit

bench: $(VENV)/.dev  ## the benchmarks; figures are ratios of one run
	$(BIN)/pip install --quiet --group bench
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev  ## write the generated pages of docs/ anew
	$(BIN)/python -m docs.generate

sim: $(VENV)/.demo  ## the simulator alone, on http://127.0.0.1:8025
	$(BIN)/python -m whatsapp_simulator $(ARGS)

chaos: $(VENV)/.dev  ## a campaign under fire: kills, crashes, lost answers (ARGS="--profile B --seed 2")
	$(BIN)/python -m tests.chaos $(ARGS)

mutation: $(VENV)/.dev  ## mutants of the ladder, the ledger and the phone rules
	$(BIN)/pip install --quiet --group mutation
	$(BIN)/python -m tests.mutation

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[simulator]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable . --group dev
	@touch $@ $(VENV)/.demo
