#!/usr/bin/env bash
# Makes the virtual environment and brings uv into it. Usage: bootstrap_uv.sh VENV
set -euo pipefail
venv=$1
python=${PYTHON:-python3}
"$python" - <<'PY' || { echo "Cultiva needs Python 3.11 to 3.13; set PYTHON=/path/to/python3.11" >&2; exit 2; }
import sys
raise SystemExit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else 1)
PY
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
[ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv>=0.9"
