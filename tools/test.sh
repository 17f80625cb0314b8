#!/usr/bin/env bash
# Everything that CI checks. Usage: test.sh BIN
set -euo pipefail
bin=$1
bash tools/java.sh
bash tools/servers.sh "$bin"
bash tools/chromium.sh
bash tools/check.sh "$bin"
printf '\n== tests\n'
workers=$(( $(nproc) > 3 ? 4 : $(nproc) + 1 )) # one more than cores: many tests wait for processes that they have started
# One thread for linear algebra in each of them: more would only wait for one another. Programs that tests start are
# compiled once, not each time, whatever this machine says.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=2
unset PYTHONDONTWRITEBYTECODE
"$bin/pytest" -q -n "$workers" --dist loadgroup --no-loadscope-reorder tests
printf '\n== documentation\n'
"$bin/python" -m tools.reference --check
NO_MKDOCS_2_WARNING=1 "$bin/mkdocs" build --strict --quiet
echo "all checks passed"
