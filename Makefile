.DEFAULT_GOAL := help
VENV := .venv
PYTHON ?= python3
STAMP := $(VENV)/.hookline-setup
PARTS := libs/common services/ingest services/verifier services/matcher services/workflow-engine services/console libs/cli
MANIFESTS := $(addsuffix /pyproject.toml,$(PARTS)) constraints.txt requirements-dev.txt

.PHONY: help setup run test check demo clean format lint types contracts test-fast bench chaos pictures

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv with everything in it (quick when nothing changed)

$(STAMP): $(MANIFESTS)
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt \
		$(addprefix --editable ,$(PARTS)) --requirement requirements-dev.txt
	@touch $(STAMP)

run: setup ## set up and start Hookline on http://127.0.0.1:8080
	$(VENV)/bin/hookline up

demo: setup ## play the whole story against a running Hookline
	$(VENV)/bin/hookline demo

test: setup ## run every test
	$(VENV)/bin/python -m pytest

test-fast: setup ## run the tests that need no server of their own
	$(VENV)/bin/python -m pytest -m "not real" --ignore=tests/system

check: lint types contracts ## everything static: style, types, architecture

format: setup ## rewrite the code in house style
	$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

lint: setup
	$(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check .

types: setup
	$(VENV)/bin/basedpyright

contracts: setup
	$(VENV)/bin/lint-imports

clean: ## remove what set-up and runs have made
	rm -rf $(VENV) .hookline .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

pictures: setup ## take the pictures of docs/console.md anew (needs Chromium)
	$(VENV)/bin/python -m tests.console.tour docs/img

BACKEND ?= both
FAULTS ?= 80
SEED ?=
chaos: setup ## break real processes on purpose, and account for every event (BACKEND, FAULTS, SEED)
	$(VENV)/bin/python -m tests.chaos --backend $(BACKEND) --faults $(FAULTS) $(addprefix --seed ,$(SEED))

bench: setup ## measure, in small: the gateway alone, the matcher alone, the whole way, the console
	PYTHONPATH=. $(VENV)/bin/python benchmarks/ingest.py --events 10000
	PYTHONPATH=. $(VENV)/bin/python benchmarks/waiters.py --waits 1000 100000
	PYTHONPATH=. $(VENV)/bin/python benchmarks/whole.py
	PYTHONPATH=. $(VENV)/bin/python benchmarks/console.py --many 2000
