#!/usr/bin/env bash
# The console on the demonstration bank, with a login for each role. Usage: serve.sh BIN
set -euo pipefail
bin=$1
bank=demo/loop/workspace
port=${PORT:-8000}
[ -d "$bank" ] || bash tools/demo.sh "$bin"
"$bin/python" -m tools.demo_campaigns "$bank"
CULTIVA_PASSWORD=${CULTIVA_PASSWORD:-green-hill-river-77} "$bin/cultiva" user demo "$bank"
morning=$("$bin/python" -m tools.demo_campaigns --morning "$bank")
echo "Open http://127.0.0.1:$port and log in; for everybody who looks it is ${morning/T/ }. Ctrl-C ends it."
exec "$bin/cultiva" serve "$bank" --port "$port" --at "$morning" \
  --set console.cookie_secure=false --set console.require_second_factor_for=
