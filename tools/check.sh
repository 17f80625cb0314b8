#!/usr/bin/env bash
# The quick checks. Usage: check.sh BIN
set -euo pipefail
bin=$1
step() { printf '\n== %s\n' "$1"; }
step "format";           "$bin/ruff" format --check .
step "lint";             "$bin/ruff" check .
step "types";            "$bin/mypy"
step "import contracts"; "$bin/lint-imports"
step "supply chain";     "$bin/python" -m tools.supply
step "architecture";     "$bin/pytest" -q tests/architecture
step "docstring examples"; "$bin/pytest" -q --doctest-modules src/cultiva --ignore=src/cultiva/store/migrations -p no:cacheprovider
