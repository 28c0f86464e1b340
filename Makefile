# Counterfoil. `make help` lists what there is to do.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .tools/bin/uv
RUN := .venv/bin
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: help setup check format test test-fast demo lock bench clean browser handbook

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("Counterfoil needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "· fetching uv $(UV_VERSION)"
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.lock

.venv/.ready: $(UV) requirements/dev.lock pyproject.toml
	@echo "· building .venv from the lock (hash-checked)"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(RUN)/python --require-hashes --only-binary :all: requirements/dev.lock
	@$(UV) pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.ready ## build .venv, so that .venv/bin/counterfoil runs

check: setup ## format, lint, types, import contracts, tidy tests
	@$(RUN)/ruff format --check --quiet src tests benchmarks
	@$(RUN)/ruff check --quiet src tests benchmarks
	@$(RUN)/lint-imports --no-logo
	@$(RUN)/mypy
	@$(RUN)/python -m pytest -q -p no:cacheprovider tests/tidy

format: setup ## rewrite the sources in the house format
	@$(RUN)/ruff format --quiet src tests benchmarks
	@$(RUN)/ruff check --fix --quiet src tests benchmarks

test-fast: setup ## core and contract tests only (seconds)
	@$(RUN)/python -m pytest -q tests/core tests/contract

browser:
	@scripts/ensure-chromium

test: setup browser check ## everything: static checks, SQLite and PostgreSQL, processes, browser
	@$(RUN)/python -m pytest -q -n 2 --dist worksteal --ignore tests/browser tests
	@$(RUN)/python -m pytest -q tests/browser

demo: setup ## a week of returns through simulated systems, then the console
	@$(RUN)/counterfoil demo

handbook: setup ## write docs/handbook.md again, from the demonstration's configuration
	@UPDATE_SAMPLES=1 $(RUN)/python -m pytest -q -p no:cacheprovider tests/closing/test_handbook.py

lock: $(UV) ## resolve the dependencies again and write the locks
	@$(UV) pip compile pyproject.toml --upgrade --generate-hashes --universal --no-emit-index-url --no-header --no-annotate --quiet -p 3.11 -o requirements/runtime.lock
	@$(UV) pip compile pyproject.toml --upgrade --extra dev --generate-hashes --universal --no-emit-index-url --no-header --no-annotate --quiet -p 3.11 -o requirements/dev.lock

clean: ## remove what the targets above built
	@rm -rf .venv .tools .mypy_cache .ruff_cache .import_linter_cache .pytest_cache
