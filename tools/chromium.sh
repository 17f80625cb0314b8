#!/usr/bin/env bash
# The console's browser tests need Chromium: uses the one there is, else installs Debian's. Usage: chromium.sh
set -euo pipefail
if [ -n "${CULTIVA_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "installing Chromium for the console's browser tests (Debian package chromium)"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  exit 0
fi
echo "The browser tests need Chromium. Install it (Debian: apt-get install chromium) or set CULTIVA_CHROMIUM." >&2
exit 2
