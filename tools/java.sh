#!/usr/bin/env bash
# Spark's tests need Java 17 or newer: uses the one there is, else installs Debian's.
set -euo pipefail
if command -v java >/dev/null 2>&1 || [ -x "${JAVA_HOME:-/nonexistent}/bin/java" ]; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "installing Java 17 for the Spark tests (Debian package openjdk-17-jre-headless)"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq openjdk-17-jre-headless >/dev/null
  exit 0
fi
echo "The Spark tests need Java 17 or newer. Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME." >&2
exit 2
