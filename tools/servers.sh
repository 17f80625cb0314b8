#!/usr/bin/env bash
# The tests of the live side need nats-server and redis-server: uses those there are, else unpacks Debian's packages
# into VENV/servers, as whatever user; nothing is started and nothing outside that folder is changed. Usage: servers.sh BIN
set -euo pipefail
folder=$(cd "$1/.." && pwd)/servers
found() { PATH="$folder/usr/sbin:$folder/usr/bin:$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1; }
all_there() { { [ -n "${CULTIVA_NATS_URL:-}" ] || found nats-server; } && { [ -n "${CULTIVA_REDIS_URL:-}" ] || found redis-server; }; }
all_there && exit 0
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
  echo "The live tests need nats-server and redis-server. Install them, or set CULTIVA_NATS_URL and CULTIVA_REDIS_URL." >&2
  exit 2
fi
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
exec 9>"$folder/lock"; flock 9
all_there && exit 0
echo "unpacking nats-server and redis-server for the live tests (Debian packages) into $folder"
apt=(apt-get -qq -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=)
"${apt[@]}" update
# What the packages need and this machine does not have comes with them.
names=$("${apt[@]}" -s --no-install-recommends install nats-server redis-server | awk '$1 == "Inst" {print $2}')
(cd "$folder/cache/archives" && "${apt[@]}" download $names && for one in *.deb; do dpkg -x "$one" "$folder"; done)
rm -rf "$folder/lists" "$folder/cache"
all_there || { echo "nats-server and redis-server could not be unpacked from Debian's packages" >&2; exit 2; }
