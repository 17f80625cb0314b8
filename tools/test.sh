#!/usr/bin/env bash
# Everything that CI checks. Usage: test.sh BIN
set -euo pipefail
bin=$1
unset PYTHONDONTWRITEBYTECODE # programs that tests start are compiled once, not each time, whatever this machine says
bash tools/java.sh
bash tools/servers.sh "$bin"
bash tools/chromium.sh

# The quick checks and the documentation need one core for some minutes: the tests begin beside them.
said=$(mktemp -d)
trap '[ -z "${checks:-}" ] || kill "$checks" 2>/dev/null || true; rm -rf "$said"' EXIT
documentation() { "$bin/python" -m tools.reference --check && NO_MKDOCS_2_WARNING=1 "$bin/mkdocs" build --strict --quiet; }
{ bash tools/check.sh "$bin" && printf '\n== documentation\n' && documentation; } >"$said/checks" 2>&1 & checks=$!

workers=$(( $(nproc) > 3 ? 4 : $(nproc) + 1 )) # one more than cores: many tests wait for processes that they have started
# One thread for linear algebra in each of them: more would only wait for one another.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=2
printf '\n== tests\n'
tests=0
"$bin/pytest" -q -n "$workers" --dist loadgroup --no-loadscope-reorder tests || tests=$?
quick=0
wait "$checks" || quick=$?
checks=
cat "$said/checks"
if (( tests != 0 || quick != 0 )); then
  echo "some checks failed: tests exit code $tests, quick checks exit code $quick" >&2
  exit 1
fi
echo "all checks passed"
