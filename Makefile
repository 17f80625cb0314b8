# The one list of commands. `make` alone prints it. Needs Python 3.11+, git, make and the package registries.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check fix docs bench clean

help: ## print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

setup: $(READY) ## make .venv and install what uv.lock says; quick when nothing has changed

$(READY): pyproject.toml uv.lock tools/bootstrap_uv.sh src/cultiva/console/assets/package-lock.json
	@PYTHON="$(PYTHON)" bash tools/bootstrap_uv.sh $(VENV)
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --all-extras --inexact --compile-bytecode
	@$(BIN)/python -m tools.assets
	@$(BIN)/python -m tools.kernels
	@touch $@

demo: setup ## set up, let a simulated bank live eight weeks of the loop, say what it was worth
	@bash tools/demo.sh $(BIN)

serve: setup ## the console on the demonstration bank, with a login for each role; PORT=8000
	@bash tools/serve.sh $(BIN)

test: setup ## set up, then every check that CI runs
	@bash tools/test.sh $(BIN)

check: setup ## the quick checks: format, lint, types, import contracts, architecture, docstrings
	@bash tools/check.sh $(BIN)

fix: setup ## format and mend what ruff can mend
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

docs: setup ## build the documentation into site/
	@$(BIN)/python -m tools.reference && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && $(BIN)/python -m tools.supply --sbom site/sbom.json && echo "open site/index.html"

bench: setup ## NAME=... [SIZE=...] measure; without NAME, list the benchmarks
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --all-extras --inexact --compile-bytecode --group bench
	@$(BIN)/python -m benchmarks $(NAME) $(if $(SIZE),--size $(SIZE))

clean: ## remove the environment and everything generated
	@rm -rf $(VENV) site demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
